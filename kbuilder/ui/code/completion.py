"""What can stand at a place in own code: names of Keras from the catalogue, of Python, and of the text."""

from __future__ import annotations

import builtins
import keyword
import re
from functools import cache
from typing import get_args

from kbuilder.document.catalogue import Catalogue, Section

_WORD = re.compile(r"[A-Za-z_]\w*")
_PATH = re.compile(r"((?:[A-Za-z_]\w*\.)*)([A-Za-z_]\w*)?$")
_BASES = {
    "layers": ("Layer",),
    "losses": ("Loss",),
    "metrics": ("Metric",),
    "initializers": ("Initializer",),
    "regularizers": ("Regularizer",),
    "constraints": ("Constraint",),
    "callbacks": ("Callback",),
}
_SELF = (
    *("add_weight", "add_loss", "built", "dtype", "compute_dtype", "name", "trainable"),
    *("get_config", "compute_output_shape", "supports_masking"),
)


def completions(catalogue: Catalogue, before: str, text: str) -> tuple[str, list[str]]:
    """The beginning of the word that stands in front of the cursor, and the words that go on with it.

    ``before`` is the line up to the cursor, ``text`` the whole code.
    """
    found = _PATH.search(before)
    path, start = (found[1].rstrip("."), found[2] or "") if found else ("", "")
    words = _members(catalogue, path) if path else _free(text, start)
    low = start.lower()
    return start, sorted({word for word in words if word.lower().startswith(low) and word != start})


def _members(catalogue: Catalogue, path: str) -> tuple[str, ...]:
    if path == "self":
        return _SELF
    if path == "keras":
        return (*get_args(Section), "ops", "activations", "config", "Model", "Sequential", "Input")
    last = path.split(".")[-1]
    if last == "ops":
        return _operations(catalogue)
    if last == "activations":
        return catalogue.activations
    if last in get_args(Section):
        return (*_classes(catalogue, last), *_BASES.get(last, ()))
    return ()


def _classes(catalogue: Catalogue, section: str) -> tuple[str, ...]:
    specs = getattr(catalogue, section)
    return tuple(spec.class_name for spec in specs if "." not in spec.class_name)


def _operations(catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(
        spec.class_name.removeprefix("ops.")
        for spec in catalogue.layers
        if spec.class_name.startswith("ops.")
    )


def _free(text: str, start: str) -> set[str]:
    words = set(_WORD.findall(text)) | _python_words() | {"keras", "ops"}
    return words if start else set()


@cache
def _python_words() -> frozenset[str]:
    names = (name for name in dir(builtins) if not name.startswith("_"))
    return frozenset([*keyword.kwlist, *names])
