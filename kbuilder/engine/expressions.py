"""Expressions of ``kbuilder.document.expression`` on symbolic tensors, by an interpreter of our own."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any

import keras

from kbuilder.document.expression import (
    Called,
    Constant,
    ExpressionError,
    Inputs,
    Items,
    Picked,
    Shape,
    Signed,
    Slice,
    Term,
    parsed,
)

LARGEST_POWER = 64

_ONE: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": keras.ops.logical_not,
}
_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": keras.ops.matmul,
    "&": keras.ops.logical_and,
    "|": keras.ops.logical_or,
    "^": keras.ops.logical_xor,
    "==": keras.ops.equal,
    "!=": keras.ops.not_equal,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluated(text: str, tensors: Sequence[Any], known: Collection[str]) -> tuple[Any, ...]:
    """The tensors that an expression gives; ``known`` are the functions that it may call.

    Raises:
        ExpressionError: it is none, or does not give tensors.
        KERAS_ERRORS: Keras does not take the tensors.
    """
    value = _Reader(tensors, known).value(parsed(text))
    results = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not results or not all(_is_tensor(result) for result in results):
        raise ExpressionError(f"“{text}” gives no tensor: use the input x in it.")
    return results


def key_of(picked: Picked) -> Any:
    """What stands in the brackets: numbers, slices and ``...`` alone.

    Raises:
        ExpressionError: something else does.
    """
    return _Reader((), ()).value(picked.key)


class _Reader:
    """Works out terms on the inputs of one node."""

    def __init__(self, tensors: Sequence[Any], known: Collection[str]) -> None:
        self._tensors = list(tensors)
        self._known = known

    def value(self, term: Term) -> Any:
        """What a term stands for: a tensor or a plain value."""
        if isinstance(term, Constant):
            return term.value
        if isinstance(term, Inputs):
            return self._tensors[0] if len(self._tensors) == 1 else self._tensors
        if isinstance(term, Items):
            items = [self.value(item) for item in term.items]
            return items if term.is_list else tuple(items)
        if isinstance(term, Signed):
            return self._signed(term.sign, [self.value(each) for each in term.terms])
        if isinstance(term, Slice):
            return slice(*(self.value(end) for end in (term.start, term.stop, term.step)))
        if isinstance(term, Picked):
            return self._picked(term)
        if isinstance(term, Shape):
            return tuple(self._tensor(self.value(term.term), ".shape").shape)
        return self._called(term)

    def _picked(self, term: Picked) -> Any:
        of, key = self.value(term.term), self.value(term.key)
        if isinstance(term.term, Inputs) and len(self._tensors) == 1 and key == 0:
            return of  # the first row of a batch is nobody's wish
        return of[key]

    def _signed(self, sign: str, values: list[Any]) -> Any:
        if not any(_is_tensor(value) for value in values):
            return _plain(sign, values)
        if not all(_is_tensor(value) or isinstance(value, int | float) for value in values):
            raise ExpressionError(f"“{sign}” takes tensors and numbers only.")
        return _ONE[sign](values[0]) if len(values) == 1 else _TWO[sign](*values)

    def _called(self, term: Called) -> Any:
        if term.function not in self._known:
            raise ExpressionError(
                f"There is no operation “ops.{term.function}” on tensors.", term.column
            )
        arguments = [self.value(each) for each in term.arguments]
        named = {name: self.value(value) for name, value in term.named}
        if not any(_is_tensor(each) for each in keras.tree.flatten([arguments, named])):
            # Numbers alone would be computed at once, whatever size they ask for.
            raise ExpressionError(f"“ops.{term.function}” needs a tensor: use the input x in it.")
        return function(term.function)(*arguments, **named)

    def _tensor(self, value: Any, what: str) -> Any:
        if not _is_tensor(value):
            raise ExpressionError(f"“{what}” stands behind what is no tensor.")
        return value


def function(name: str) -> Callable[..., Any]:
    """The function of ``keras.ops`` of that dotted name."""
    found: Any = keras.ops
    for part in name.split("."):
        found = getattr(found, part)
    called: Callable[..., Any] = found
    return called


def _plain(sign: str, values: list[Any]) -> Any:
    """Arithmetic on numbers, and the sum of two tuples, as for shapes."""
    if sign == "+" and len(values) == 2 and all(isinstance(each, tuple | list) for each in values):
        return (*values[0], *values[1])
    if not all(isinstance(each, int | float) for each in values):
        raise ExpressionError(f"“{sign}” takes tensors and numbers only.")
    if sign == "**" and abs(values[1]) > LARGEST_POWER:
        raise ExpressionError(f"The power {values[1]} is too large.")
    plain = {**_ONE, "~": operator.not_} if len(values) == 1 else _PLAIN_TWO
    try:
        return plain[sign](*values)
    except (ArithmeticError, TypeError, KeyError) as error:
        raise ExpressionError(f"“{sign}” cannot be worked out: {error}.") from error


_PLAIN_TWO: dict[str, Callable[[Any, Any], Any]] = {
    **_TWO,
    "==": operator.eq,
    "!=": operator.ne,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_PLAIN_TWO.pop("@")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)
