"""Layers that the catalogue does not have: the same by layers of Keras, or kept as they are.

Operations on tensors and the two layers that ``keras.applications`` has for itself are rewritten where a
layer of Keras gives the same numbers. Everything else becomes a node that is never built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.naming import snake_case
from kbuilder.document.values import Params

TENSOR = object()
"""Stands for a tensor among the arguments of an operation."""

_OPERATIONS = re.compile(r"keras(\.src)?\.ops\b")
_APPLICATIONS = "keras.src.applications."
_MERGES = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"}
_KEPT_ELSEWHERE = {"name", "trainable"}


@dataclass(frozen=True)
class Rewritten:
    """A class of the catalogue with its parameters.

    ``scaled`` is the parameters of a Rescaling to put in front of the second input; None: there is none.
    """

    class_name: str
    params: Params
    scaled: Params | None = None


def is_foreign(raw: Mapping[str, Any]) -> bool:
    """Whether a layer is of a program of its own, an operation, or private to an application."""
    module = str(raw.get("module") or "keras.layers")
    return (
        not module.startswith("keras")
        or _OPERATIONS.match(module) is not None
        or module.startswith(_APPLICATIONS)
    )


def rewritten(
    catalogue: Catalogue, raw: Mapping[str, Any], config: Mapping[str, Any], args: Sequence[Any]
) -> Rewritten | None:
    """The same by a layer of Keras, or None. ``args`` are constants and ``TENSOR`` in their order."""
    module, name = str(raw.get("module") or ""), str(raw.get("class_name"))
    if module.startswith(_APPLICATIONS):
        return _of_application(name, config)
    if not _OPERATIONS.match(module) or set(config) - _KEPT_ELSEWHERE:
        return None
    if name in _MERGES and list(args) == [TENSOR, TENSOR]:
        return Rewritten(name, {})
    if snake_case(name) in catalogue.activations and list(args) == [TENSOR]:
        return Rewritten("Activation", {"activation": snake_case(name)})
    return _scaling(name, args)


def _of_application(name: str, config: Mapping[str, Any]) -> Rewritten | None:
    """A trained factor for each channel (ConvNeXt); a sum with a weighted branch (InceptionResNet)."""
    width, start, scale = (config.get(key) for key in ("projection_dim", "init_values", "scale"))
    if name == "LayerScale" and isinstance(width, int) and isinstance(start, int | float):
        constant = {"class_name": "Constant", "params": {"value": start}}
        return Rewritten(
            "EinsumDense",
            {
                "equation": "...c,c->...c",
                "output_shape": [width],
                "kernel_initializer": constant,
            },
        )
    if name == "CustomScaleLayer" and isinstance(scale, int | float):
        return Rewritten("Add", {}, scaled={"scale": scale})
    return None


def _scaling(name: str, args: Sequence[Any]) -> Rewritten | None:
    """A tensor with a number: ``x * scale + offset``."""
    numbers = [arg for arg in args if isinstance(arg, int | float) and not isinstance(arg, bool)]
    if len(args) != 2 or len(numbers) != 1 or sum(arg is TENSOR for arg in args) != 1:
        return None
    number, first = numbers[0], args[0] is TENSOR
    if name == "Add":
        return Rewritten("Rescaling", {"scale": 1.0, "offset": number})
    if name == "Multiply":
        return Rewritten("Rescaling", {"scale": number})
    if name == "Subtract":
        scale, offset = (1.0, -number) if first else (-1.0, number)
        return Rewritten("Rescaling", {"scale": scale, "offset": offset})
    if name in ("TrueDivide", "Divide") and first and number:
        return Rewritten("Rescaling", {"scale": 1 / number})
    return None


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
