"""A Python function as an expression over its input, worked out from its bytecode without running it.

Each operation is followed on a stack of texts. Branches, loops and calls of what is not in
``functions`` end the reading with the reason.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from kbuilder.engine.legacy.functions import UntranslatableError
from kbuilder.engine.legacy.interpreter import Interpreter
from kbuilder.engine.legacy.marshal_reader import Code, MarshalError, read_code
from kbuilder.engine.legacy.opcodes import OPERATIONS
from kbuilder.engine.legacy.symbols import Text, bare

_CELLS = ("COPY_FREE_VARS", "MAKE_CELL")


def expression_of(function: Sequence[Any], arguments: Mapping[str, Any], inputs: int) -> str:
    """The body of a function that Keras saved as ``[code, defaults, closure]``.

    ``arguments`` are those that the layer adds; ``inputs`` is how many tensors it is called on.

    Raises:
        UntranslatableError: it does what no expression does; the text says what.
    """
    code = _code(function[0])
    defaults = list(function[1] or ()) if len(function) > 1 else []
    closure = list(function[2] or ()) if len(function) > 2 else []
    return function_text(code, defaults, closure, arguments, inputs)


def function_text(
    code: Code,
    defaults: Sequence[Any],
    closure: Sequence[Any],
    arguments: Mapping[str, Any],
    inputs: int,
) -> str:
    """As ``expression_of``, for code that is read already."""
    known = _known(code, defaults, closure, arguments, inputs)
    reasons = []
    for version, table in _versions(code):
        try:
            text = Interpreter(code, version, table, dict(known)).text()
        except UntranslatableError as error:
            reasons.append(str(error))
        except (IndexError, TypeError, KeyError, AttributeError):
            reasons.append("its code does not fit this reader")
        else:
            return bare(text)
    reasons.sort(key=lambda reason: "does not fit" in reason)
    raise UntranslatableError(reasons[0] if reasons else "its Python is not known")


def _versions(code: Code) -> list[tuple[str, Mapping[int, str]]]:
    """Pythons that may have made the code; from 3.11 on it begins with RESUME, perhaps behind its cells."""
    found = OPERATIONS[code.layout]
    if code.layout != "3.11":
        return list(found)
    begin = code.parts["code"][0:12:2]
    return [
        (version, table)
        for version, table in found
        if next((name for op in begin if (name := table.get(op)) not in _CELLS), "") == "RESUME"
    ]


def _code(text: Any) -> Code:
    if not isinstance(text, str):
        raise UntranslatableError("it has no code")
    reason = ""
    for decode in (_from_base64, _from_escapes):
        try:
            return read_code(decode(text))
        except (MarshalError, ValueError, binascii.Error) as error:
            reason = str(error)
    raise UntranslatableError(f"its code cannot be read ({reason})")


def _from_base64(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def _from_escapes(text: str) -> bytes:
    return text.encode("raw_unicode_escape")


def _known(
    code: Code,
    defaults: Sequence[Any],
    closure: Sequence[Any],
    arguments: Mapping[str, Any],
    inputs: int,
) -> dict[str, Any]:
    names = code.parts["varnames"][: code.parts["argcount"] + code.parts.get("kwonly", 0)]
    if not names:
        raise UntranslatableError("it takes no input")
    known: dict[str, Any] = {}
    positional = code.parts["varnames"][: code.parts["argcount"]]
    for name, value in zip(reversed(positional), reversed(list(defaults)), strict=False):
        known[name] = value
    known |= {"training": None, "mask": None}
    known |= {name: value for name, value in arguments.items() if name in names}
    known[names[0]] = Text("x") if inputs == 1 else [Text(f"x[{n}]") for n in range(inputs)]
    free = code.parts.get("freevars")
    if free is None:
        kinds = code.parts.get("kinds", b"")
        free = [n for n, kind in zip(code.parts["varnames"], kinds, strict=False) if kind & 0x80]
    known |= dict(zip(free, closure, strict=False))
    return known
