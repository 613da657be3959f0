"""Whether a value fits a parameter, and why not, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec
from kbuilder.document.values import Params


def param_faults(
    spec: ClassSpec, params: Params, catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """Name and reason of every parameter that is missing, unknown or does not fit."""
    for param in spec.params:
        if param.name in params:
            reason = fault(param, params[param.name], catalogue)
            if reason:
                yield param.name, reason
        elif param.required:
            yield param.name, f"{spec.class_name} needs a value for {param.name}."
    for name in params:
        if spec.param(name) is None:
            yield name, f"{spec.class_name} has no parameter {name}. It is kept, but not used."


def fault(param: ParamSpec, value: Any, catalogue: Catalogue) -> str:
    """Why ``value`` cannot be given to the parameter; empty when it can."""
    if value is None:
        may_be_none = param.optional or (param.default is None and not param.required)
        return "" if may_be_none else f"{param.name} needs a value."
    reasons = [_FAULTS[kind](param, value, catalogue) for kind in param.kinds]
    return "" if "" in reasons else reasons[0]


def _limits(param: ParamSpec, value: float) -> str:
    if param.minimum is not None and value < param.minimum:
        return f"{param.name} must be at least {param.minimum:g}, not {value}."
    if param.maximum is not None and value > param.maximum:
        return f"{param.name} must be at most {param.maximum:g}, not {value}."
    return ""


def _int(param: ParamSpec, value: Any, _: Catalogue) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"{param.name} must be a whole number, not {value!r}."
    return _limits(param, value)


def _float(param: ParamSpec, value: Any, _: Catalogue) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{param.name} must be a number, not {value!r}."
    return _limits(param, value)


def _text(param: ParamSpec, value: Any, _: Catalogue) -> str:
    return "" if isinstance(value, str) else f"{param.name} must be a text, not {value!r}."


def _bool(param: ParamSpec, value: Any, _: Catalogue) -> str:
    return "" if isinstance(value, bool) else f"{param.name} must be on or off, not {value!r}."


def _choice(param: ParamSpec, value: Any, _: Catalogue) -> str:
    if value in param.choices:
        return ""
    return f"{param.name} must be one of {', '.join(param.choices)}, not {value!r}."


def _shape(param: ParamSpec, value: Any, _: Catalogue) -> str:
    if not isinstance(value, list | tuple):
        return f"{param.name} must be a list of whole numbers, not {value!r}."
    if param.length is not None and len(value) != param.length:
        return f"{param.name} must have {param.length} numbers, not {len(value)}."
    for number in value:
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            return f"{param.name} must hold whole numbers, not {number!r}."
        if number is not None and (reason := _limits(param, number)):
            return reason
    return ""


def _object(param: ParamSpec, value: Any, catalogue: Catalogue) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        return f"{param.name} must be one of the {param.of}, not {value!r}."
    spec = catalogue.find(param.of, value["class_name"]) if param.of else None
    if spec is None or spec.is_operation:
        return f"{param.name}: “{value['class_name']}” is not one of Keras's {param.of}."
    params = value.get("params", {})
    if not isinstance(params, dict):
        return f"{param.name}: the parameters of {spec.class_name} must be named, not {params!r}."
    inner = param_faults(spec, params, catalogue)
    return next((f"{param.name}: {text}" for _, text in inner), "")


def _any(param: ParamSpec, value: Any, _: Catalogue) -> str:
    del param, value
    return ""


_FAULTS = {
    "int": _int,
    "float": _float,
    "text": _text,
    "bool": _bool,
    "choice": _choice,
    "shape": _shape,
    "object": _object,
    "value": _any,
}
