"""Layers that the catalogue does not have: they become nodes that keep what the file says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.values import Params
from kbuilder.engine.import_params import OF_KERAS_2

TENSOR = object()
"""Stands for a tensor among the arguments of an operation."""

_OPERATIONS = re.compile(r"keras(\.src)?\.ops\b")
_APPLICATIONS = "keras.src.applications."
_OF_APPLICATIONS = {"LayerScale", "CustomScaleLayer"}
_KEPT_ELSEWHERE = {"name", "trainable"}


def is_foreign(raw: Mapping[str, Any]) -> bool:
    """Whether a layer is of a program of its own, an operation, or unknown in an application."""
    module = str(raw.get("module") or "keras.layers")
    return (
        not module.startswith(("keras", OF_KERAS_2))
        or _OPERATIONS.match(module) is not None
        or (module.startswith(_APPLICATIONS) and raw.get("class_name") not in _OF_APPLICATIONS)
    )


def inert(
    catalogue: Catalogue, raw: Mapping[str, Any], config: Mapping[str, Any], args: Sequence[Any]
) -> tuple[str, Params]:
    """Class name and parameters of a node that keeps all that the file says and is never built.

    The name is none of the catalogue's, whatever the file calls it.
    """
    name = str(raw.get("registered_name") or raw.get("class_name"))
    module = str(raw.get("module") or "")
    if _OPERATIONS.match(module):
        name = f"keras.ops.{raw.get('class_name')}"
    elif catalogue.layer(name) is not None:
        name = f"{module or 'custom'}.{name}"
    params = {key: value for key, value in config.items() if key not in _KEPT_ELSEWHERE}
    if any(arg is not TENSOR for arg in args):
        params["arguments"] = [None if arg is TENSOR else arg for arg in args]
    return name, params
