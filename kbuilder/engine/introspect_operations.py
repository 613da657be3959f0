"""Functions of ``keras.ops`` as entries of the catalogue: tensors are ports, the rest parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from keras import ops

from kbuilder.document.catalogue import OPERATIONS, ClassSpec, Kind, ParamSpec
from kbuilder.engine import introspect_operation_facts as facts
from kbuilder.engine.introspect_params import plain
from kbuilder.engine.introspect_texts import argument_texts, first_paragraph

_MADE = re.compile(r"(\w+)\((?:[^()]|\([^()]*\))*\)\.symbolic_call\(")
_SAME_AS = re.compile(r"return (\w+)\(")
_OF_IMAGES = "image."


def operation_specs() -> list[ClassSpec]:
    """All operations on tensors, by name."""
    others: dict[str, list[str]] = {}
    made: dict[str, tuple[Callable[..., Any], type]] = {}
    names: dict[type, str] = {}
    for name, function in _functions():
        same = _same_as(name, function)
        cls = _operation_class(name, function)
        if same or (cls in names and not name.startswith(_OF_IMAGES)):
            others.setdefault(same or names[cls], []).append(name)  # type: ignore[index]
        elif cls is not None:
            made[name] = (function, cls)
            names.setdefault(cls, name)
    specs = [_spec(name, *made[name], others.get(name, [])) for name in made]
    return sorted(specs, key=lambda spec: spec.class_name)


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for prefix, module in (("", ops), (_OF_IMAGES, ops.image)):
        for name, found in sorted(vars(module).items()):
            if inspect.isfunction(found) and prefix + name not in facts.LEFT_OUT:
                yield prefix + name, found


def _same_as(name: str, function: Callable[..., Any]) -> str:
    """The function that this one is another name of, as ``abs`` is of ``absolute``."""
    source = inspect.getsource(function)
    found = _SAME_AS.findall(source)
    single = len(found) == 1 and hasattr(ops, found[0]) and found[0] != name
    return found[0] if single and not _MADE.search(source) and name not in facts.CLASSES else ""


def _operation_class(name: str, function: Callable[..., Any]) -> type | None:
    found = _MADE.search(inspect.getsource(function))
    wanted = facts.CLASSES.get(name) or (found.group(1) if found else "")
    cls = getattr(inspect.getmodule(function), wanted, None) if wanted else None
    return cls if inspect.isclass(cls) else None


def _spec(name: str, function: Callable[..., Any], cls: type, others: list[str]) -> ClassSpec:
    texts = argument_texts(function)
    arguments = inspect.signature(function).parameters
    many = name in facts.LISTS
    tensors = [] if many else _tensors(name, cls, arguments)
    needed = [each for each in tensors if arguments[each].default is inspect.Parameter.empty]
    params = [
        _tensor_param(each, texts.get(each, ""))
        if each in tensors
        else _param(name, arguments[each], texts.get(each, ""))
        for each in arguments
        if (len(tensors) > 1 or each not in tensors) and _is_named(name, arguments[each])
    ]
    return ClassSpec(
        class_name=f"ops.{name}",
        section="layers",
        family=OPERATIONS,
        params=tuple(params),
        preset=facts.PRESETS.get(name, {}),
        ports=("input",) if many else tuple(tensors),
        optional_ports=len(tensors) - len(needed),
        many_inputs=many,
        fewest_inputs=1 if many else 2,
        outputs=facts.OUTPUTS.get(name, 1),
        aliases=(*(f"ops.{other}" for other in others), f"{cls.__module__}.{cls.__name__}"),
        help=first_paragraph(function),
    )


def _tensors(function: str, cls: Any, arguments: Any) -> list[str]:
    """Names of the arguments that are results of other layers, the required ones first."""
    called = [*inspect.signature(cls.call).parameters.values()][1:]
    return [
        param.name
        for param in called
        if param.name in arguments
        and facts.PARAMETERS_IN_CALL.isdisjoint((param.name, f"{function}.{param.name}"))
        and param.kind is not param.VAR_KEYWORD
        and not isinstance(param.default, int | float)
    ]


def _is_named(name: str, param: inspect.Parameter) -> bool:
    kinds = (param.POSITIONAL_OR_KEYWORD, param.KEYWORD_ONLY)
    return param.kind in kinds and facts.LISTS.get(name) != param.name


def _tensor_param(name: str, text: str) -> ParamSpec:
    return ParamSpec(name=name, kinds=("value",), optional=True, help=text)


def _param(function: str, param: inspect.Parameter, text: str) -> ParamSpec:
    required = param.default is param.empty
    default = None if required else plain(param.default)
    known: dict[str, Any] = {
        "kinds": (_kind(default),),
        "optional": not required and default is None,
    }
    known |= facts.FACTS.get(param.name, {})
    known |= facts.FACTS.get(f"{function}.{param.name}", {})
    if isinstance(default, list) and known["kinds"] == ("value",):
        known["kinds"] = (
            ("shape",) if all(isinstance(each, int) for each in default) else ("value",)
        )
    return ParamSpec(name=param.name, default=default, required=required, help=text, **known)


def _kind(default: Any) -> Kind:
    kinds: tuple[tuple[type, Kind], ...] = (
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (str, "text"),
    )
    return next((kind for cls, kind in kinds if isinstance(default, cls)), "value")
