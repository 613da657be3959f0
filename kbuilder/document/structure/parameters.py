"""Parameters of single nodes: missing, unknown, or with a value that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kbuilder.document.adapting import is_adapted
from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec
from kbuilder.document.fixes import Fix, ResetParams, SetParams
from kbuilder.document.graph import Node
from kbuilder.document.param_rules import fault, param_faults
from kbuilder.document.problems import Problem
from kbuilder.document.structure.expressions import expression_problems


def parameter_problems(catalogue: Catalogue, spec: ClassSpec, node: Node) -> Iterator[Problem]:
    """Every parameter of a node that is missing, unknown or does not fit."""
    if spec.class_name == "Expression":
        yield from expression_problems(catalogue, node)
    if not is_adapted(node):
        yield _not_adapted(node)
    for name, text in param_faults(spec, node.params, catalogue):
        param = spec.param(name)
        yield Problem(
            severity="error",
            kind=_kind(param, node),
            node=node.id,
            parameter=name,
            text=text,
            fixes=_fixes(catalogue, spec, param, node, name),
        )


def _not_adapted(node: Node) -> Problem:
    does = (
        "so it passes everything on as it is"
        if node.class_name == "Normalization"
        else "so it cannot work"
    )
    return Problem(
        severity="warning",
        kind="not-adapted",
        node=node.id,
        text=f"“{node.name}” has not learned from the data, {does}. Press “Adapt to the data” in its "
        "form, give it values, or load weights for it.",
    )


def _kind(param: ParamSpec | None, node: Node) -> str:
    if param is None:
        return "parameter-unknown"
    if param.name not in node.params:
        return "parameter-missing"
    return "size" if _below_one(param, node.params[param.name]) else "parameter-value"


def _below_one(param: ParamSpec, value: Any) -> bool:
    if param.minimum is None or param.minimum < 1:
        return False
    numbers = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(number, int | float) and number < 1 for number in numbers)


def _fixes(
    catalogue: Catalogue, spec: ClassSpec, param: ParamSpec | None, node: Node, name: str
) -> tuple[Fix, ...]:
    if param is None:
        return (Fix(text=f"Take {name} out", steps=(ResetParams(node=node.id, names=(name,)),)),)
    values = [_nearest(param, node.params.get(name)), spec.preset.get(name)]
    if param.required and param.choices:
        values.append(param.choices[0])
    fixes = [
        Fix(text=f"Set {name} to {shown(value)}", steps=(_set(node, name, value),))
        for number, value in enumerate(values)
        if value is not None and value not in values[:number] and not fault(param, value, catalogue)
    ]
    if not param.required:
        default = f"Set {name} to its default"
        fixes.append(Fix(text=default, steps=(ResetParams(node=node.id, names=(name,)),)))
    return tuple(fixes[:3])


def _set(node: Node, name: str, value: Any) -> SetParams:
    return SetParams(node=node.id, values={name: value})


def _nearest(param: ParamSpec, value: Any) -> Any:
    """What was most likely meant: the same number without its sign, inside the limits."""
    if isinstance(value, list | tuple):
        return [_nearest(param, number) if number is not None else None for number in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if "int" in param.kinds or "shape" in param.kinds:
        value = round(value)
    if param.minimum is not None and value < param.minimum:
        value = max(-value, type(value)(param.minimum))
    if param.maximum is not None and value > param.maximum:
        value = type(value)(param.maximum)
    return value


def shown(value: Any) -> str:
    """A value on a button: lists as Keras's tuples."""
    if isinstance(value, list | tuple):
        inner = ", ".join(shown(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return value if isinstance(value, str) else f"{value!r}"
