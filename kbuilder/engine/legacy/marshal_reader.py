"""Python's marshal format read as data: code objects become plain values and never code.

Versions 2 to 4 of the format, as CPython 2.7 and 3.4 to 3.13 write it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 50
MOST_VALUES = 20_000

LAYOUTS: dict[str, tuple[str, ...]] = {
    "3.11": (
        *("argcount", "posonly", "kwonly", "stacksize", "flags", "*code"),
        *("*consts", "*names", "*varnames", "*kinds", "*filename", "*name", "*qualname"),
        *("line", "*linetable", "*exceptions"),
    ),
    "3.8": (
        *("argcount", "posonly", "kwonly", "nlocals", "stacksize", "flags", "*code"),
        *("*consts", "*names", "*varnames", "*freevars", "*cellvars", "*filename", "*name"),
        *("line", "*linetable"),
    ),
    "3.4": (
        *("argcount", "kwonly", "nlocals", "stacksize", "flags", "*code"),
        *("*consts", "*names", "*varnames", "*freevars", "*cellvars", "*filename", "*name"),
        *("line", "*linetable"),
    ),
    "2.7": (
        *("argcount", "nlocals", "stacksize", "flags", "*code"),
        *("*consts", "*names", "*varnames", "*freevars", "*cellvars", "*filename", "*name"),
        *("line", "*linetable"),
    ),
}
"""What a code object holds, by the first version that writes it so; starred parts are values of their own."""


@dataclass(frozen=True)
class Code:
    """A code object as data. ``layout`` is the key in ``LAYOUTS``."""

    layout: str
    parts: dict[str, Any] = field(default_factory=dict)


class MarshalError(ValueError):
    """These bytes are not what marshal writes, or not what this reads."""


def read_code(content: bytes) -> Code:
    """The code object in ``content``.

    Raises:
        MarshalError: there is none.
    """
    reason = "it is empty"
    for layout in LAYOUTS:
        try:
            reader = _Reader(content, layout)
            found = reader.value()
            if isinstance(found, Code) and reader.at_end and _is_sound(found):
                return found
            reason = "it is no code"
        except (MarshalError, struct.error, UnicodeDecodeError, OverflowError) as error:
            reason = str(error)
    raise MarshalError(reason)


def _is_sound(code: Code) -> bool:
    parts = code.parts
    return (
        isinstance(parts["code"], bytes)
        and isinstance(parts["consts"], tuple)
        and all(
            isinstance(parts[key], tuple) and all(isinstance(name, str) for name in parts[key])
            for key in ("names", "varnames")
        )
    )


class _Reader:
    def __init__(self, content: bytes, layout: str) -> None:
        self._content = content
        self._layout = layout
        self._at = 0
        self._depth = 0
        self._count = 0
        self._refs: list[Any] = []
        self._interned: list[Any] = []

    @property
    def at_end(self) -> bool:
        return self._at == len(self._content)

    def value(self) -> Any:
        """The next value."""
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_VALUES:
            raise MarshalError("it is nested too deep or too long")
        kind = self._take(1)[0]
        is_ref, letter = bool(kind & 0x80), chr(kind & 0x7F)
        place = len(self._refs)
        if is_ref:
            self._refs.append(None)
        found = self._read(letter)
        if is_ref:
            self._refs[place] = found
        self._depth -= 1
        return found

    def _take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._content):
            raise MarshalError("it is cut off")
        self._at += count
        return self._content[self._at - count : self._at]

    def _int(self) -> int:
        return int(struct.unpack("<i", self._take(4))[0])

    def _read(self, letter: str) -> Any:
        if letter in _CONSTANTS:
            return _CONSTANTS[letter]
        if letter in "([<>":
            return self._sequence(self._int())
        if letter == ")":
            return self._sequence(self._take(1)[0])
        if letter in "zZ":
            return self._text(self._take(self._take(1)[0]), letter == "Z")
        if letter in "aAut":
            return self._text(self._take(self._int()), letter in "At")
        reader = {
            "i": self._int,
            "I": lambda: struct.unpack("<q", self._take(8))[0],
            "g": lambda: struct.unpack("<d", self._take(8))[0],
            "f": lambda: float(self._take(self._take(1)[0])),
            "l": self._long,
            "s": lambda: self._take(self._int()),
            "r": lambda: self._ref(self._refs),
            "R": lambda: self._ref(self._interned),
            "c": self._code,
        }.get(letter)
        if reader is None:
            raise MarshalError(f"it holds a value of the unknown kind {letter!r}")
        return reader()

    def _text(self, content: bytes, interned: bool) -> str:
        text = content.decode("utf-8", "surrogatepass")
        if interned:
            self._interned.append(text)
        return text

    def _sequence(self, count: int) -> tuple[Any, ...]:
        if not 0 <= count <= MOST_VALUES:
            raise MarshalError("it is too long")
        return tuple(self.value() for _ in range(count))

    def _ref(self, known: list[Any]) -> Any:
        number = self._int()
        if not 0 <= number < len(known):
            raise MarshalError("it points to nothing")
        return known[number]

    def _long(self) -> int:
        count = self._int()
        if abs(count) > 20:
            raise MarshalError("it holds a number that is too large")
        digits = [struct.unpack("<H", self._take(2))[0] for _ in range(abs(count))]
        found = sum(int(digit) << (15 * place) for place, digit in enumerate(digits))
        return -found if count < 0 else found

    def _code(self) -> Code:
        parts: dict[str, Any] = {}
        for name in LAYOUTS[self._layout]:
            parts[name.lstrip("*")] = self.value() if name.startswith("*") else self._int()
        if self._layout == "2.7":
            parts = {key: _as_text(key, value) for key, value in parts.items()}
        return Code(self._layout, parts)


def _as_text(key: str, value: Any) -> Any:
    """Names are bytes in Python 2."""
    if isinstance(value, tuple) and key != "consts":
        return tuple(item.decode() if isinstance(item, bytes) else item for item in value)
    return value


_CONSTANTS: dict[str, Any] = {"N": None, "F": False, "T": True, ".": ..., "0": None}
