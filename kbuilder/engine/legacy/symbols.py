"""Values that stand on the stack while bytecode is followed: parts of the expression, names, slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kbuilder.engine.legacy.functions import UntranslatableError, translated

_CONSTANTS = {
    "np.pi": math.pi,
    "numpy.pi": math.pi,
    "math.pi": math.pi,
    "np.e": math.e,
    "math.e": math.e,
    "np.newaxis": None,
    "tf.newaxis": None,
    "numpy.newaxis": None,
}
MODULES = {"keras.backend": "K", "tensorflow": "tf", "numpy": "np"}
_DTYPES = {"float16", "float32", "float64", "int32", "int64", "bool", "uint8", "bfloat16"}


@dataclass(frozen=True)
class Text:
    """Part of the expression, computed when the model runs."""

    text: str


@dataclass(frozen=True)
class Named:
    """A module or function by its dotted name; ``owner`` is the tensor whose method it is."""

    path: str
    owner: Text | None = None


@dataclass(frozen=True)
class SliceText:
    """``start:stop:step``, which stands only in brackets."""

    text: str


class _Null:
    """What newer Pythons push where a call has no object of its own."""


NULL = _Null()


def attribute(value: Any, name: str) -> Any:
    """What ``value.name`` is.

    Raises:
        UntranslatableError: the value has no attributes here.
    """
    if isinstance(value, Text):
        return Text(f"{value.text}.shape") if name == "shape" else Named(name, value)
    if isinstance(value, Named):
        path = f"{value.path}.{name}"
        path = MODULES.get(path, path)
        if path in _CONSTANTS:
            return _CONSTANTS[path]
        return name if value.path in ("tf", "np") and name in _DTYPES else Named(path)
    raise UntranslatableError(f"it uses “.{name}” of a value")


def called(function: Any, args: list[Any], named: dict[str, Any]) -> Any:
    """What a call gives.

    Raises:
        UntranslatableError: it is of a function that has no equal.
    """
    if not isinstance(function, Named):
        raise UntranslatableError("it calls what it computes")
    path = function.path
    if function.owner is not None:
        return _method(function, args)
    if path in ("float", "int") and len(args) == 1 and isinstance(args[0], int | float):
        return float(args[0]) if path == "float" else int(args[0])
    if path.rpartition(".")[2] == "int_shape":
        return Text(f"{shown(args[0])}.shape")
    if path == "abs":
        path = "K.abs"
    if path in ("tuple", "list") and len(args) == 1:
        return args[0]
    texts = {key: shown(value) for key, value in named.items()}
    return Text(translated(path, [shown(value) for value in args], texts))


def _method(function: Named, args: list[Any]) -> Any:
    owner = function.owner
    if owner is not None and function.path == "get_shape":
        return Text(f"{owner.text}.shape")
    if owner is not None and function.path == "as_list" and owner.text.endswith(".shape"):
        return owner
    raise UntranslatableError(f"it calls “.{function.path}” of a tensor")


def slice_text(ends: Sequence[Any]) -> SliceText:
    """A slice from its two or three ends."""
    start, stop, *step = ("" if end is None else shown(end) for end in ends)
    return SliceText(f"{start}:{stop}" + (f":{step[0]}" if step and step[0] else ""))


def shown(value: Any) -> str:
    """A value as it stands in the expression.

    Raises:
        UntranslatableError: it cannot stand in one.
    """
    if isinstance(value, Text | SliceText):
        return value.text
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")"
    if value is ...:
        return "..."
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, Named):
        raise UntranslatableError(f"it uses “{value.path}”, whose value is not in the file")
    raise UntranslatableError(f"it uses a value of the kind {type(value).__name__}")


def bare(text: str) -> str:
    """Without brackets around the whole."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0 and at < len(text) - 1:
            return text
    inner = text[1:-1]
    return text if inner.endswith(",") or _has_comma(inner) else inner


def _has_comma(text: str) -> bool:
    """Whether a comma stands outside all brackets, so that the text is a tuple."""
    depth = 0
    for letter in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            return True
    return False
