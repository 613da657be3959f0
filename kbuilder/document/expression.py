"""Expressions over tensors, read as text and never run as Python.

``parsed`` turns ``ops.concatenate([x[0], x[1] * 2.0], axis=-1)`` into a small tree of values that
``kbuilder.engine.expressions`` interprets. What may stand in one: ``x`` (the input, or all inputs),
``x[0]``, ``x[1]`` when there are several, numbers, texts, ``None``, tuples, lists, slices, arithmetic,
comparisons, ``.shape``, and functions of ``keras.ops``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kbuilder.document.errors import KBuilderError

INPUT = "x"
"""What the input is called in an expression."""
OPS = "ops"
LONGEST = 4000
DEEPEST = 60
LARGEST = 10**15
"""Whole numbers beyond it are no sizes or factors."""


class ExpressionError(KBuilderError):
    """A text that is no expression; ``column`` is where, counted from 1."""

    def __init__(self, text: str, column: int = 1) -> None:
        super().__init__(text)
        self.column = column


@dataclass(frozen=True)
class Constant:
    """A number, text, True, False, None or ``...``."""

    value: Any


@dataclass(frozen=True)
class Inputs:
    """``x``: the input, or the list of all inputs."""


@dataclass(frozen=True)
class Items:
    """A tuple or list."""

    items: tuple[Term, ...]
    is_list: bool = False


@dataclass(frozen=True)
class Signed:
    """An arithmetic sign or comparison between one or two terms."""

    sign: str
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Slice:
    """``start:stop:step`` within brackets."""

    start: Term
    stop: Term
    step: Term


@dataclass(frozen=True)
class Picked:
    """A term with brackets behind it."""

    term: Term
    key: Term | Slice


@dataclass(frozen=True)
class Shape:
    """``.shape`` of a term."""

    term: Term


@dataclass(frozen=True)
class Called:
    """A function of ``keras.ops`` with its arguments; ``function`` is without ``ops.``."""

    function: str
    arguments: tuple[Term, ...]
    named: tuple[tuple[str, Term], ...]
    column: int


Term = Constant | Inputs | Items | Signed | Picked | Shape | Called | Slice

_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Invert: "~",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.USub: "-",
    ast.UAdd: "+",
}
_MODULES = ("nn", "numpy", "linalg", "image")


@lru_cache(maxsize=1000)
def parsed(text: str) -> Term:
    """The expression as a tree.

    Raises:
        ExpressionError: it is none, or holds what an expression may not.
    """
    if not text.strip():
        raise ExpressionError("Write an expression over x, for example ops.abs(x) * 2.")
    if len(text) > LONGEST:
        raise ExpressionError(f"An expression has at most {LONGEST:,} letters, not {len(text):,}.")
    lead = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (getattr(error, "offset", None) or len(text.strip()) + 1) + lead
        reason = getattr(error, "msg", "") or "it cannot be read"
        raise ExpressionError(f"Column {column}: {reason}.", column) from error
    return _term(tree.body, lead, 0)


def functions(term: Term) -> Iterator[Called]:
    """All functions that an expression calls."""
    if isinstance(term, Called):
        yield term
    for part in _parts(term):
        yield from functions(part)


def fault(text: Any, known: Collection[str]) -> str:
    """Why a text is no expression over these functions of ``keras.ops``; empty when it is one."""
    if not isinstance(text, str):
        return f"An expression is a text, not {text!r}."
    try:
        called = functions(parsed(text))
    except ExpressionError as error:
        return str(error)
    for each in called:
        if each.function not in known:
            return (
                f"Column {each.column}: there is no operation “ops.{each.function}” on tensors. "
                "Search the palette for “ops” to see what there is."
            )
    return ""


def result_count(text: Any) -> int:
    """How many tensors an expression gives: the items of a tuple, else one."""
    return max(len(_result_items(text)), 1)


def gives_tuple(text: Any) -> bool:
    """Whether an expression gives a tuple, even of a single tensor."""
    return bool(_result_items(text))


def _result_items(text: Any) -> tuple[Term, ...]:
    try:
        term = parsed(text) if isinstance(text, str) else None
    except ExpressionError:
        return ()
    return term.items if isinstance(term, Items) else ()


def _parts(term: Term) -> tuple[Term, ...]:
    if isinstance(term, Items):
        return term.items
    if isinstance(term, Signed):
        return term.terms
    if isinstance(term, Slice):
        return (term.start, term.stop, term.step)
    if isinstance(term, Picked):
        return (term.term, term.key)
    if isinstance(term, Shape):
        return (term.term,)
    if isinstance(term, Called):
        return (*term.arguments, *(value for _, value in term.named))
    return ()


def _term(node: ast.AST, lead: int, depth: int) -> Term:
    if depth > DEEPEST:
        raise ExpressionError(f"It is nested more than {DEEPEST} deep.", _column(node, lead))
    read = _READERS.get(type(node))
    if read is None:
        raise _refused(node, lead)
    return read(node, lead, depth + 1)


def _constant(node: Any, lead: int, depth: int) -> Term:
    value = node.value
    if not isinstance(value, int | float | str | None.__class__ | type(...)):
        raise _refused(node, lead)
    if isinstance(value, int) and abs(value) > LARGEST:
        column = _column(node, lead)
        raise ExpressionError(f"Column {column}: the number is too large.", column)
    return Constant(value)


def _name(node: Any, lead: int, depth: int) -> Term:
    if node.id == INPUT:
        return Inputs()
    column = _column(node, lead)
    raise ExpressionError(
        f"Column {column}: “{node.id}” is not known. The input is x, functions begin with ops.",
        column,
    )


def _items(node: Any, lead: int, depth: int) -> Term:
    items = tuple(_term(item, lead, depth) for item in node.elts)
    return Items(items, isinstance(node, ast.List))


def _two(node: Any, lead: int, depth: int) -> Term:
    sign = _SIGNS.get(type(node.op))
    if sign is None:
        raise _refused(node, lead)
    return Signed(sign, (_term(node.left, lead, depth), _term(node.right, lead, depth)))


def _one(node: Any, lead: int, depth: int) -> Term:
    sign = _SIGNS.get(type(node.op))
    if sign is None:
        raise _refused(node, lead)
    term = _term(node.operand, lead, depth)
    is_number = isinstance(term, Constant) and type(term.value) in (int, float)
    if sign == "-" and isinstance(term, Constant) and is_number:
        return Constant(-term.value)
    return Signed(sign, (term,))


def _compared(node: Any, lead: int, depth: int) -> Term:
    sign = _SIGNS.get(type(node.ops[0]))
    if sign is None or len(node.ops) > 1:
        raise _refused(node, lead)
    return Signed(sign, (_term(node.left, lead, depth), _term(node.comparators[0], lead, depth)))


def _picked(node: Any, lead: int, depth: int) -> Term:
    return Picked(_term(node.value, lead, depth), _term(node.slice, lead, depth))


def _slice(node: Any, lead: int, depth: int) -> Term:
    ends = (
        Constant(None) if end is None else _term(end, lead, depth)
        for end in (node.lower, node.upper, node.step)
    )
    return Slice(*ends)


def _attribute(node: Any, lead: int, depth: int) -> Term:
    if node.attr == "shape":
        return Shape(_term(node.value, lead, depth))
    raise _refused(node, lead)


def _called(node: Any, lead: int, depth: int) -> Term:
    column = _column(node, lead)
    if any(isinstance(each, ast.Starred) for each in node.args) or any(
        each.arg is None for each in node.keywords
    ):
        raise ExpressionError(f"Column {column}: arguments with * are not taken.", column)
    return Called(
        _function(node.func, lead),
        tuple(_term(each, lead, depth) for each in node.args),
        tuple((each.arg, _term(each.value, lead, depth)) for each in node.keywords),
        column,
    )


def _function(node: Any, lead: int) -> str:
    """The dotted name behind ``ops.``; those that Keras also has in a module below are taken flat."""
    parts: list[str] = []
    at = node
    while isinstance(at, ast.Attribute):
        parts.insert(0, at.attr)
        at = at.value
    if not (isinstance(at, ast.Name) and at.id == OPS and parts):
        column = _column(node, lead)
        raise ExpressionError(
            f"Column {column}: only functions of keras.ops can be called, as in ops.mean(x, axis=-1).",
            column,
        )
    if len(parts) == 2 and parts[0] in _MODULES and parts[0] != "image":
        parts = parts[1:]
    return ".".join(parts)


def _column(node: ast.AST, lead: int) -> int:
    return int(getattr(node, "col_offset", 0)) + 1 + lead


def _refused(node: ast.AST, lead: int) -> ExpressionError:
    column = _column(node, lead)
    word = _WORDS.get(type(node), type(node).__name__)
    return ExpressionError(f"Column {column}: {word} cannot stand in an expression.", column)


_WORDS: dict[type[ast.AST], str] = {
    ast.Lambda: "lambda",
    ast.BoolOp: "“and” and “or” (use & and | for tensors)",
    ast.UnaryOp: "“not” (use ~ for tensors)",
    ast.IfExp: "“if” (use ops.where)",
    ast.Compare: "a chain of comparisons, “in” or “is”",
    ast.Attribute: "an attribute",
    ast.BinOp: "this sign",
    ast.Constant: "this value",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
}

_READERS: dict[type[ast.AST], Callable[[Any, int, int], Term]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _items,
    ast.List: _items,
    ast.BinOp: _two,
    ast.UnaryOp: _one,
    ast.Compare: _compared,
    ast.Subscript: _picked,
    ast.Slice: _slice,
    ast.Attribute: _attribute,
    ast.Call: _called,
}
