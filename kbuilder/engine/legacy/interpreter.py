"""Follows the operations of one function on a stack of texts, up to what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kbuilder.document.expression import LONGEST
from kbuilder.engine.legacy.functions import UntranslatableError
from kbuilder.engine.legacy.marshal_reader import Code
from kbuilder.engine.legacy.symbols import (
    MODULES,
    NULL,
    Named,
    SliceText,
    Text,
    attribute,
    called,
    shown,
    slice_text,
)

MOST_OPERATIONS = 2000
_TAKES_ARGUMENT = 90
_SIGNS = {
    "ADD": "+",
    "SUBTRACT": "-",
    "MULTIPLY": "*",
    "TRUE_DIVIDE": "/",
    "DIVIDE": "/",
    "FLOOR_DIVIDE": "//",
    "MODULO": "%",
    "POWER": "**",
    "MATRIX_MULTIPLY": "@",
    "AND": "&",
    "OR": "|",
    "XOR": "^",
}
_BY_NUMBER = ("+", "&", "//", "<<", "@", "*", "%", "|", "**", ">>", "-", "/", "^")
_COMPARED = ("<", "<=", "==", "!=", ">", ">=")
_WORDS = {"True": True, "False": False, "None": None}


class Interpreter:
    """Follows one function. ``version`` is the Python whose numbers ``table`` has."""

    def __init__(
        self, code: Code, version: str, table: Mapping[int, str], known: dict[str, Any]
    ) -> None:
        self._parts = code.parts
        self._version = tuple(int(part) for part in version.split("."))
        self._table = table
        self._known = known
        self._stack: list[Any] = []
        self._keywords: tuple[str, ...] = ()

    def text(self) -> str:
        """What the function returns."""
        for number, (name, arg) in enumerate(self._operations()):
            if number > MOST_OPERATIONS:
                break
            if name == "RETURN_VALUE":
                return shown(self._stack.pop())
            if name == "RETURN_CONST":
                return shown(self._constant(arg))
            self._do(name, arg)
        raise UntranslatableError("it is too long")

    def _operations(self) -> Iterator[tuple[str, int]]:
        content, at, extended = self._parts["code"], 0, 0
        wide = self._version >= (3, 6)
        while at < len(content):
            number = content[at]
            if wide:
                arg, at = content[at + 1] | extended, at + 2
            elif number >= _TAKES_ARGUMENT:
                arg, at = content[at + 1] | content[at + 2] << 8 | extended, at + 3
            else:
                arg, at = 0, at + 1
            extended = 0
            name = self._table.get(number)
            if name is None and not (number == 0 and self._version >= (3, 11)):
                raise UntranslatableError(
                    "it has a branch, a loop or another operation beyond arithmetic"
                )
            if name == "EXTENDED_ARG":
                extended = arg << (8 if wide else 16)
            elif name not in (
                None,
                "CACHE",
                "NOP",
                "RESUME",
                "PRECALL",
                "MAKE_CELL",
                "COPY_FREE_VARS",
            ):
                yield name, arg

    def _do(self, name: str, arg: int) -> None:
        if name.startswith("SLICE+"):
            self._old_slice(int(name[-1]))
        elif name.startswith(("BINARY_", "INPLACE_")) and name.partition("_")[2] in _SIGNS:
            self._two(_SIGNS[name.partition("_")[2]])
        else:
            method = getattr(self, f"_do_{name.lower()}", None)
            if method is None:
                raise UntranslatableError(
                    "it has a branch, a loop or another operation beyond arithmetic"
                )
            method(arg)

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise IndexError
        found = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return found

    def _constant(self, arg: int) -> Any:
        return self._parts["consts"][arg]

    # --- loading and storing --------------------------------------------------------------------

    def _do_load_const(self, arg: int) -> None:
        self._push(self._constant(arg))

    def _local(self, name: str) -> Any:
        if name not in self._known:
            raise UntranslatableError(f"it uses “{name}”, whose value is not in the file")
        return self._known[name]

    def _do_load_fast(self, arg: int) -> None:
        self._push(self._local(self._parts["varnames"][arg]))

    _do_load_fast_check = _do_load_fast

    def _do_store_fast(self, arg: int) -> None:
        self._known[self._parts["varnames"][arg]] = self._stack.pop()

    def _do_load_fast_load_fast(self, arg: int) -> None:
        self._do_load_fast(arg >> 4)
        self._do_load_fast(arg & 15)

    def _do_store_fast_store_fast(self, arg: int) -> None:
        self._do_store_fast(arg >> 4)
        self._do_store_fast(arg & 15)

    def _do_store_fast_load_fast(self, arg: int) -> None:
        self._do_store_fast(arg >> 4)
        self._do_load_fast(arg & 15)

    def _do_load_deref(self, arg: int) -> None:
        if self._version >= (3, 11):
            self._do_load_fast(arg)
        else:
            self._push(self._local([*self._parts["cellvars"], *self._parts["freevars"]][arg]))

    def _do_load_global(self, arg: int) -> None:
        is_called = self._version >= (3, 11) and bool(arg & 1)
        name = self._parts["names"][arg >> 1 if self._version >= (3, 11) else arg]
        found = _WORDS[name] if name in _WORDS else Named(name)  # words are names in Python 2
        if not is_called:
            self._push(found)
        else:
            self._stack += [found, NULL] if self._version >= (3, 13) else [NULL, found]

    def _do_load_name(self, arg: int) -> None:
        self._push(Named(self._parts["names"][arg]))

    def _do_import_name(self, arg: int) -> None:
        self._pop(2)
        path = self._parts["names"][arg]
        self._push(Named(MODULES.get(path, path)))

    def _do_import_from(self, arg: int) -> None:
        self._push(attribute(self._stack[-1], self._parts["names"][arg]))

    def _do_load_attr(self, arg: int) -> None:
        if self._version >= (3, 12):
            if arg & 1:
                return self._do_load_method(arg >> 1)
            arg >>= 1
        self._push(attribute(self._stack.pop(), self._parts["names"][arg]))
        return None

    def _do_load_method(self, arg: int) -> None:
        found = attribute(self._stack.pop(), self._parts["names"][arg])
        pair = [found, NULL] if self._version >= (3, 13) else [NULL, found]
        self._stack += pair

    # --- the stack ------------------------------------------------------------------------------

    def _do_pop_top(self, arg: int) -> None:
        self._stack.pop()

    def _do_dup_top(self, arg: int) -> None:
        self._push(self._stack[-1])

    def _do_rot_two(self, arg: int) -> None:
        self._stack[-2:] = [self._stack[-1], self._stack[-2]]

    def _do_rot_three(self, arg: int) -> None:
        self._stack[-3:] = [self._stack[-1], *self._stack[-3:-1]]

    def _do_swap(self, arg: int) -> None:
        self._stack[-1], self._stack[-arg] = self._stack[-arg], self._stack[-1]

    def _do_copy(self, arg: int) -> None:
        self._push(self._stack[-arg])

    def _do_push_null(self, arg: int) -> None:
        self._push(NULL)

    # --- values ---------------------------------------------------------------------------------

    def _two(self, sign: str) -> None:
        one, two = self._pop(2)
        if isinstance(one, list | tuple) and isinstance(two, list | tuple) and sign == "+":
            self._push([*one, *two])
            return
        self._push(Text(f"({shown(one)} {sign} {shown(two)})"))
        self._refuse_long()

    def _refuse_long(self) -> None:
        if len(self._stack[-1].text) > LONGEST:
            raise UntranslatableError("it is too long for one expression")

    def _do_binary_op(self, arg: int) -> None:
        sign = _BY_NUMBER[arg % 13] if arg < 26 else ""
        if not sign:
            return self._do_binary_subscr(0)
        return self._two(sign)

    def _do_unary_negative(self, arg: int) -> None:
        self._push(Text(f"(-{shown(self._stack.pop())})"))

    def _do_unary_positive(self, arg: int) -> None:
        """The same value."""

    def _do_unary_invert(self, arg: int) -> None:
        self._push(Text(f"(~{shown(self._stack.pop())})"))

    def _do_compare_op(self, arg: int) -> None:
        if self._version >= (3, 13):
            arg >>= 5
        elif self._version >= (3, 12):
            arg >>= 4
        if arg >= len(_COMPARED):
            raise UntranslatableError("it asks for “in” or “is”")
        self._two(_COMPARED[arg])

    def _do_binary_subscr(self, arg: int) -> None:
        value, key = self._pop(2)
        if isinstance(value, list | tuple):
            if isinstance(key, Text | SliceText):
                raise UntranslatableError("it picks among its inputs by what it computes")
            self._push(value[key])
            return
        text = shown(key)
        if isinstance(key, tuple) and key:
            text = text[1:-1].rstrip(",") if len(key) > 1 else text[1:-1]
        self._push(Text(f"{shown(value)}[{text}]"))

    def _do_build_slice(self, arg: int) -> None:
        self._push(slice_text(self._pop(arg)))

    def _do_binary_slice(self, arg: int) -> None:
        value, *ends = self._pop(3)
        self._stack += [value, slice_text(ends)]
        self._do_binary_subscr(0)

    def _old_slice(self, kind: int) -> None:
        ends = self._pop((kind & 1) + (kind >> 1))
        start = ends[0] if kind & 1 else None
        stop = ends[-1] if kind & 2 else None
        self._push(slice_text([start, stop]))
        self._do_binary_subscr(0)

    def _do_build_tuple(self, arg: int) -> None:
        self._push(tuple(self._pop(arg)))

    def _do_build_list(self, arg: int) -> None:
        self._push(self._pop(arg))

    def _do_list_extend(self, arg: int) -> None:
        more = self._stack.pop()
        self._stack[-arg] = [*self._stack[-arg], *more]

    def _do_unpack_sequence(self, arg: int) -> None:
        value = self._stack.pop()
        if isinstance(value, Text):
            value = [Text(f"{value.text}[{number}]") for number in range(arg)]
        if len(value) != arg:
            raise UntranslatableError(f"it expects {arg} inputs and gets {len(value)}")
        self._stack += reversed(value)

    # --- calls ----------------------------------------------------------------------------------

    def _do_kw_names(self, arg: int) -> None:
        self._keywords = self._constant(arg)

    def _do_call_function(self, arg: int) -> None:
        if self._version < (3, 6):  # counts in both halves, keywords as pairs
            pairs = self._pop(2 * (arg >> 8))
            args = self._pop(arg & 0xFF)
            named = dict(zip(pairs[::2], pairs[1::2], strict=True))
            named = {k.decode() if isinstance(k, bytes) else k: v for k, v in named.items()}
            self._push(called(self._stack.pop(), args, named))
        else:
            args = self._pop(arg)
            self._push(called(self._stack.pop(), args, {}))

    def _do_call_function_kw(self, arg: int) -> None:
        names = self._stack.pop()
        args = self._pop(arg)
        self._push(called(self._stack.pop(), *_split(args, names)))

    def _do_call_method(self, arg: int) -> None:
        args = self._pop(arg)
        self._push(called(_function(self._pop(2)), args, {}))

    def _do_call(self, arg: int) -> None:
        args, self._keywords, names = self._pop(arg), (), self._keywords
        self._push(called(_function(self._pop(2)), *_split(args, names)))

    def _do_call_kw(self, arg: int) -> None:
        self._keywords = self._stack.pop()
        self._do_call(arg)


def _split(args: list[Any], names: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    plain = len(args) - len(names)
    return args[:plain], dict(zip(names, args[plain:], strict=True))


def _function(pair: list[Any]) -> Any:
    found = [item for item in pair if item is not NULL]
    if len(found) != 1:
        raise IndexError
    return found[0]
