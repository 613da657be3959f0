"""A Python function as an expression over its input, worked out from its bytecode without running it.

Each operation is followed on a stack of texts. Branches, loops and calls of what is not in
``functions`` end the reading with the reason.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbuilder.document.expression import LONGEST
from kbuilder.engine.legacy.functions import UntranslatableError, translated
from kbuilder.engine.legacy.marshal_reader import Code, MarshalError, read_code
from kbuilder.engine.legacy.opcodes import OPERATIONS

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
_MODULES = {"keras.backend": "K", "tensorflow": "tf", "numpy": "np"}
_CELLS = ("COPY_FREE_VARS", "MAKE_CELL")
_WORDS = {"True": True, "False": False, "None": None}
_DTYPES = {"float16", "float32", "float64", "int32", "int64", "bool", "uint8", "bfloat16"}


@dataclass(frozen=True)
class _Text:
    """Part of the expression, computed when the model runs."""

    text: str


@dataclass(frozen=True)
class _Named:
    """A module or function by its dotted name; ``owner`` is the tensor whose method it is."""

    path: str
    owner: _Text | None = None


@dataclass(frozen=True)
class _Slice:
    text: str


class _Null:
    """What newer Pythons push where a call has no object of its own."""


_NULL = _Null()
_Local = Any


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
            text = _Interpreter(code, version, table, dict(known)).text()
        except UntranslatableError as error:
            reasons.append(str(error))
        except (IndexError, TypeError, KeyError, AttributeError):
            reasons.append("its code does not fit this reader")
        else:
            return _bare(text)
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
) -> dict[str, _Local]:
    names = code.parts["varnames"][: code.parts["argcount"] + code.parts.get("kwonly", 0)]
    if not names:
        raise UntranslatableError("it takes no input")
    known: dict[str, _Local] = {}
    positional = code.parts["varnames"][: code.parts["argcount"]]
    for name, value in zip(reversed(positional), reversed(list(defaults)), strict=False):
        known[name] = value
    known |= {"training": None, "mask": None}
    known |= {name: value for name, value in arguments.items() if name in names}
    known[names[0]] = _Text("x") if inputs == 1 else [_Text(f"x[{n}]") for n in range(inputs)]
    free = code.parts.get("freevars")
    if free is None:
        kinds = code.parts.get("kinds", b"")
        free = [n for n, kind in zip(code.parts["varnames"], kinds, strict=False) if kind & 0x80]
    known |= dict(zip(free, closure, strict=False))
    return known


class _Interpreter:
    """Follows one function. ``version`` is the Python whose numbers ``table`` has."""

    def __init__(
        self, code: Code, version: str, table: Mapping[int, str], known: dict[str, _Local]
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
                return _shown(self._stack.pop())
            if name == "RETURN_CONST":
                return _shown(self._constant(arg))
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
        found = _WORDS[name] if name in _WORDS else _Named(name)  # words are names in Python 2
        if not is_called:
            self._push(found)
        else:
            self._stack += [found, _NULL] if self._version >= (3, 13) else [_NULL, found]

    def _do_load_name(self, arg: int) -> None:
        self._push(_Named(self._parts["names"][arg]))

    def _do_import_name(self, arg: int) -> None:
        self._pop(2)
        path = self._parts["names"][arg]
        self._push(_Named(_MODULES.get(path, path)))

    def _do_import_from(self, arg: int) -> None:
        self._push(_attribute(self._stack[-1], self._parts["names"][arg]))

    def _do_load_attr(self, arg: int) -> None:
        if self._version >= (3, 12):
            if arg & 1:
                return self._do_load_method(arg >> 1)
            arg >>= 1
        self._push(_attribute(self._stack.pop(), self._parts["names"][arg]))
        return None

    def _do_load_method(self, arg: int) -> None:
        found = _attribute(self._stack.pop(), self._parts["names"][arg])
        pair = [found, _NULL] if self._version >= (3, 13) else [_NULL, found]
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
        self._push(_NULL)

    # --- values ---------------------------------------------------------------------------------

    def _two(self, sign: str) -> None:
        one, two = self._pop(2)
        if isinstance(one, list | tuple) and isinstance(two, list | tuple) and sign == "+":
            self._push([*one, *two])
            return
        self._push(_Text(f"({_shown(one)} {sign} {_shown(two)})"))
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
        self._push(_Text(f"(-{_shown(self._stack.pop())})"))

    def _do_unary_positive(self, arg: int) -> None:
        """The same value."""

    def _do_unary_invert(self, arg: int) -> None:
        self._push(_Text(f"(~{_shown(self._stack.pop())})"))

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
            if isinstance(key, _Text | _Slice):
                raise UntranslatableError("it picks among its inputs by what it computes")
            self._push(value[key])
            return
        text = _shown(key)
        if isinstance(key, tuple) and key:
            text = text[1:-1].rstrip(",") if len(key) > 1 else text[1:-1]
        self._push(_Text(f"{_shown(value)}[{text}]"))

    def _do_build_slice(self, arg: int) -> None:
        self._push(_slice(self._pop(arg)))

    def _do_binary_slice(self, arg: int) -> None:
        value, *ends = self._pop(3)
        self._stack += [value, _slice(ends)]
        self._do_binary_subscr(0)

    def _old_slice(self, kind: int) -> None:
        ends = self._pop((kind & 1) + (kind >> 1))
        start = ends[0] if kind & 1 else None
        stop = ends[-1] if kind & 2 else None
        self._push(_slice([start, stop]))
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
        if isinstance(value, _Text):
            value = [_Text(f"{value.text}[{number}]") for number in range(arg)]
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
            self._push(_called(self._stack.pop(), args, named))
        else:
            args = self._pop(arg)
            self._push(_called(self._stack.pop(), args, {}))

    def _do_call_function_kw(self, arg: int) -> None:
        names = self._stack.pop()
        args = self._pop(arg)
        self._push(_called(self._stack.pop(), *_split(args, names)))

    def _do_call_method(self, arg: int) -> None:
        args = self._pop(arg)
        self._push(_called(_function(self._pop(2)), args, {}))

    def _do_call(self, arg: int) -> None:
        args, self._keywords, names = self._pop(arg), (), self._keywords
        self._push(_called(_function(self._pop(2)), *_split(args, names)))

    def _do_call_kw(self, arg: int) -> None:
        self._keywords = self._stack.pop()
        self._do_call(arg)


def _split(args: list[Any], names: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    plain = len(args) - len(names)
    return args[:plain], dict(zip(names, args[plain:], strict=True))


def _function(pair: list[Any]) -> Any:
    found = [item for item in pair if item is not _NULL]
    if len(found) != 1:
        raise IndexError
    return found[0]


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, _Text):
        return _Text(f"{value.text}.shape") if name == "shape" else _Named(name, value)
    if isinstance(value, _Named):
        path = f"{value.path}.{name}"
        path = _MODULES.get(path, path)
        if path in _CONSTANTS:
            return _CONSTANTS[path]
        return name if value.path in ("tf", "np") and name in _DTYPES else _Named(path)
    raise UntranslatableError(f"it uses “.{name}” of a value")


def _called(function: Any, args: list[Any], named: dict[str, Any]) -> Any:
    if not isinstance(function, _Named):
        raise UntranslatableError("it calls what it computes")
    path = function.path
    if function.owner is not None:
        return _method(function, args)
    if path in ("float", "int") and len(args) == 1 and isinstance(args[0], int | float):
        return float(args[0]) if path == "float" else int(args[0])
    if path.rpartition(".")[2] == "int_shape":
        return _Text(f"{_shown(args[0])}.shape")
    if path == "abs":
        path = "K.abs"
    if path in ("tuple", "list") and len(args) == 1:
        return args[0]
    shown = {key: _shown(value) for key, value in named.items()}
    return _Text(translated(path, [_shown(value) for value in args], shown))


def _method(function: _Named, args: list[Any]) -> Any:
    owner = function.owner
    if owner is not None and function.path == "get_shape":
        return _Text(f"{owner.text}.shape")
    if owner is not None and function.path == "as_list" and owner.text.endswith(".shape"):
        return owner
    raise UntranslatableError(f"it calls “.{function.path}” of a tensor")


def _slice(ends: Sequence[Any]) -> _Slice:
    start, stop, *step = ("" if end is None else _shown(end) for end in ends)
    return _Slice(f"{start}:{stop}" + (f":{step[0]}" if step and step[0] else ""))


def _shown(value: Any) -> str:
    if isinstance(value, _Text | _Slice):
        return value.text
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ("," if len(value) == 1 else "") + ")"
    if value is ...:
        return "..."
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, _Named):
        raise UntranslatableError(f"it uses “{value.path}”, whose value is not in the file")
    raise UntranslatableError(f"it uses a value of the kind {type(value).__name__}")


def _bare(text: str) -> str:
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
