"""Python source as small trees, written out in the way that ruff and black format it."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 88
INDENT = "    "


@dataclass(frozen=True)
class Raw:
    """Source that stands as it is."""

    text: str


@dataclass(frozen=True)
class Listed:
    """A list, tuple or dictionary; the parts of a dictionary have a key each."""

    brackets: str
    parts: tuple[Expression, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A call. ``names`` has one entry for each part, empty for those given by position."""

    called: Expression
    parts: tuple[Expression, ...]
    names: tuple[str, ...]


Expression = Raw | Listed | Call


def call(called: str | Expression, *parts: Expression, **named: Expression) -> Call:
    """A call with arguments by position and by name."""
    head = Raw(called) if isinstance(called, str) else called
    return Call(head, (*parts, *named.values()), (*("" for _ in parts), *named))


def sequence(parts: Iterable[Expression], brackets: str = "[]") -> Listed:
    """A list, or a tuple with round brackets."""
    return Listed(brackets, tuple(parts))


def value(found: Any) -> Expression:
    """A plain value as source: numbers, texts, lists, dictionaries."""
    if isinstance(found, str):
        return Raw(quoted(found))
    if isinstance(found, float) and not math.isfinite(found):
        return Raw(f'float("{found}")')
    if isinstance(found, list | tuple):
        brackets = "[]" if isinstance(found, list) else "()"
        return Listed(brackets, tuple(value(item) for item in found))
    if isinstance(found, dict):
        keys = tuple(quoted(key) if isinstance(key, str) else repr(key) for key in found)
        return Listed("{}", tuple(value(item) for item in found.values()), keys)
    return Raw(repr(found))


def quoted(text: str) -> str:
    """A text in quotation marks: double ones, unless single ones save escapes."""
    escaped = repr(text + "'")[1:-1] if '"' not in text else repr(text)[1:-1]
    plain = escaped[: -len("'")] if '"' not in text else escaped.replace("\\'", "'")
    if text.count('"') > text.count("'"):
        return "'" + plain.replace("'", "\\'") + "'"
    return '"' + plain.replace('"', '\\"') + '"'


def statement(expression: Expression, start: str = "", depth: int = 1) -> list[str]:
    """A statement in lines: in one where it fits, else with one part on each line.

    ``start`` stands in front of the expression, such as ``x = `` or ``return ``.
    """
    return [f"{INDENT * depth}{line}" for line in _lines(expression, start, depth)]


def written(expression: Expression) -> str:
    """An expression in one line, however long."""
    return _flat(expression)


def _lines(expression: Expression, start: str, depth: int, end: str = "") -> list[str]:
    flat = f"{start}{_flat(expression)}{end}"
    if isinstance(expression, Raw) or len(flat) + len(INDENT) * depth <= WIDTH:
        return [flat]
    if isinstance(expression, Call) and isinstance(expression.called, Call):
        return _layer_on_tensors(expression, start, depth, end)
    head, tail, parts = _opened(expression)
    if not parts:
        return [flat]
    return [f"{start}{head}", *_inner(parts, depth), f"{tail}{end}"]


def _layer_on_tensors(expression: Call, start: str, depth: int, end: str) -> list[str]:
    """``Layer(...)(tensors)``: the arguments of the layer are spread out, then those of its call."""
    assert isinstance(expression.called, Call)
    arguments = _flat(Call(Raw(""), expression.parts, expression.names))
    head, tail, parts = _opened(expression.called)
    first = f"{start}{_flat(expression.called)}("
    if not parts or (len(first) + len(INDENT) * depth <= WIDTH and len(arguments) > WIDTH // 2):
        _, tail, parts = _opened(expression)
        return [first, *_inner(parts, depth), f"{tail}{end}"]
    last = f"{tail}{arguments}{end}"
    lines = [f"{start}{head}", *_inner(parts, depth)]
    if len(last) + len(INDENT) * depth <= WIDTH:
        return [*lines, last]
    _, behind, tensors = _opened(expression)
    return [*lines, f"{tail}(", *_inner(tensors, depth), f"{behind}{end}"]


def _inner(parts: Sequence[tuple[str, Expression]], depth: int) -> list[str]:
    return [
        f"{INDENT}{line}"
        for start, part in parts
        for line in _lines(part, start, depth + 1, end=",")
    ]


def _opened(expression: Listed | Call) -> tuple[str, str, list[tuple[str, Expression]]]:
    """What stands before the parts, what behind them, and each part with its name or key."""
    if isinstance(expression, Call):
        starts = (f"{name}=" if name else "" for name in expression.names)
        return f"{_flat(expression.called)}(", ")", [*zip(starts, expression.parts, strict=True)]
    starts = (f"{key}: " for key in expression.keys or ())
    opening, closing = expression.brackets[0], expression.brackets[1]
    named = [*starts] or [""] * len(expression.parts)
    return opening, closing, [*zip(named, expression.parts, strict=True)]


def _flat(expression: Expression) -> str:
    if isinstance(expression, Raw):
        return expression.text
    head, tail, parts = _opened(expression)
    inner = ", ".join(f"{start}{_flat(part)}" for start, part in parts)
    alone = isinstance(expression, Listed) and expression.brackets == "()" and len(parts) == 1
    return f"{head}{inner}{',' if alone else ''}{tail}"


class Names:
    """Names of variables: each once, none that Python or the script has already."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*keyword.kwlist, *keyword.softkwlist, *dir(__builtins__), *taken}

    def take(self, wanted: str) -> str:
        """A name like ``wanted`` that is still free."""
        plain = re.sub(r"\W", "_", wanted, flags=re.ASCII).strip("_").lower() or "x"
        if plain[0].isdigit():
            plain = f"x_{plain}"
        name, number = plain, 1
        while name in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name)
        return name
