"""Classes in the project's own Python code, found by reading it. Nothing in it is run.

A class that derives from one of Keras's (``keras.layers.Layer``, ``keras.losses.Loss``,
``keras.metrics.Metric`` ...) becomes a class of that section. A function of ``y_true`` and ``y_pred``
can be chosen as loss and as metric; what else it takes are its parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from kbuilder.document.approvals import is_approved
from kbuilder.document.catalogue import (
    Catalogue,
    ClassSpec,
    Kind,
    ParamSpec,
    Section,
    load_catalogue,
)
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project

_BASES: dict[str, Section] = {
    "Layer": "layers",
    "Wrapper": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Callback": "callbacks",
    "Initializer": "initializers",
    "Regularizer": "regularizers",
    "Constraint": "constraints",
    "LearningRateSchedule": "schedules",
    "Optimizer": "optimizers",
}
_KINDS: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "text"}
_KINDS_BY_NAME: dict[str, Kind] = {kind.__name__: name for kind, name in _KINDS.items()}
_SWITCHES = ("training", "mask")
_FAMILY = "Own code"


def teach(catalogue: Catalogue, code: str) -> bool:
    """Let the catalogue know the classes of this code; tells whether that is new to it."""
    if catalogue.code == code:
        return False
    catalogue.learn(code, own_specs(code, catalogue))
    return True


def catalogue_for(project: Project) -> Catalogue:
    """The committed catalogue with the classes of a project's own code."""
    catalogue = load_catalogue()
    teach(catalogue, project.custom_code)
    return catalogue


def syntax_problem(code: str) -> Problem | None:
    """Why the code is not Python, with the line, or None."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        said = getattr(error, "msg", None) or str(error)
        text = f"Own code, line {line}: this is not Python: {said}."
        return Problem(severity="error", kind="own-code", text=text, line=line)
    return None


def code_problems(code: str, catalogue: Catalogue) -> tuple[bool, tuple[Problem, ...]]:
    """Whether this user lets the code run, and what can be said of it by reading it alone."""
    approved = is_approved(code)
    fault = syntax_problem(code)
    problems = (fault,) if fault is not None else name_problems(code, catalogue)
    return approved, problems if approved else (_held_back(code, catalogue), *problems)


def _held_back(code: str, catalogue: Catalogue) -> Problem:
    names = ", ".join(dict.fromkeys(spec.class_name for spec in own_specs(code, catalogue)))
    text = (
        f"This project brings Python code of its own ({names or 'no classes'}), which is held back. Read "
        "it under Design, tab CODE, and trust it if you trust where it comes from."
    )
    return Problem(severity="warning", kind="own-code-held", text=text)


def name_problems(code: str, catalogue: Catalogue) -> tuple[Problem, ...]:
    """Classes and functions that Keras has under the same name, so that they would never be used."""
    return tuple(
        Problem(
            severity="warning",
            kind="own-code-name",
            line=line,
            text=f"Own code, line {line}: Keras has {spec.section} called “{spec.class_name}” of its own, "
            "which are taken instead. Choose another name.",
        )
        for spec, line in _found(code, catalogue)
        if any(known.class_name == spec.class_name for known in getattr(catalogue, spec.section))
    )


def own_specs(code: str, catalogue: Catalogue) -> tuple[ClassSpec, ...]:
    """The classes and functions of the code; none while it is not Python."""
    return tuple(spec for spec, _ in _found(code, catalogue))


def batch_makers(code: str) -> tuple[str, ...]:
    """Names of what can make data: generator functions without arguments, and ``PyDataset`` classes."""
    if not code.strip() or syntax_problem(code) is not None:
        return ()
    found = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.ClassDef):
            makes = "PyDataset" in _base_names(statement)
        else:
            makes = isinstance(statement, ast.FunctionDef) and _is_generator(statement)
        if makes:
            found.append(statement.name)  # type: ignore[attr-defined]
    return tuple(found)


def _is_generator(statement: ast.FunctionDef) -> bool:
    required = len(statement.args.args) - len(statement.args.defaults)
    yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(statement))
    return yields and not required


def _found(code: str, catalogue: Catalogue) -> tuple[tuple[ClassSpec, int], ...]:
    if not code.strip() or syntax_problem(code) is not None:
        return ()
    bases = {name: ClassSpec(class_name=name, section=section) for name, section in _BASES.items()}
    for section in get_args(Section):
        bases |= {spec.class_name: spec for spec in getattr(catalogue, section)}
    found: list[tuple[ClassSpec, int]] = []
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.ClassDef):
            base = next((bases[name] for name in _base_names(statement) if name in bases), None)
            if base is not None:
                spec = bases[statement.name] = _class_spec(statement, base)
                found.append((spec, statement.lineno))
        elif isinstance(statement, ast.FunctionDef):
            found += [(spec, statement.lineno) for spec in _function_specs(statement)]
    return tuple(found)


def _base_names(statement: ast.ClassDef) -> Iterator[str]:
    """Names of the classes it derives from, without the modules they are in."""
    for base in statement.bases:
        if isinstance(base, ast.Attribute):
            yield base.attr
        elif isinstance(base, ast.Name):
            yield base.id


def _class_spec(statement: ast.ClassDef, base: ClassSpec) -> ClassSpec:
    """What the class has of its own, and for the rest what the class has that it derives from."""
    methods = {item.name: item for item in statement.body if isinstance(item, ast.FunctionDef)}
    maker, call = methods.get("__init__"), methods.get("call")
    layer = base.section == "layers"
    spec = msgspec.structs.replace(
        base,
        class_name=statement.name,
        own=True,
        hidden=False,
        aliases=(),
        family=_FAMILY if layer else "",
        help=_first_sentence(statement),
    )
    if maker:
        params = tuple(p for p in _params(maker, skip=1) if p.name != "name" or not layer)
        spec = msgspec.structs.replace(spec, params=params, preset={})
    if call and layer:
        ports, optional, many = _ports(call)
        spec = msgspec.structs.replace(
            spec, ports=ports, optional_ports=optional, many_inputs=many, call_params=()
        )
    return spec


def _function_specs(statement: ast.FunctionDef) -> Iterator[ClassSpec]:
    names = [argument.arg for argument in statement.args.args]
    if names[:2] != ["y_true", "y_pred"]:
        return
    for section in ("losses", "metrics"):
        yield ClassSpec(
            class_name=statement.name,
            section=section,
            params=_params(statement, skip=2),
            own=True,
            help=_first_sentence(statement),
        )


def _ports(call: ast.FunctionDef) -> tuple[tuple[str, ...], int, bool]:
    """Names of the input ports, how many at the end may stay open, and whether it takes a list."""
    arguments = call.args.args[1:]
    required = len(arguments) - len(call.args.defaults)
    named = [
        (argument.arg, number >= required)
        for number, argument in enumerate(arguments)
        if argument.arg not in _SWITCHES
    ] or [("input", False)]
    first = arguments[0].annotation if arguments else None
    many = (
        len(named) == 1 and first is not None and ast.unparse(first).startswith(("list", "tuple"))
    )
    return tuple(name for name, _ in named), sum(open_ for _, open_ in named), many


def _params(function: ast.FunctionDef, skip: int) -> tuple[ParamSpec, ...]:
    arguments = function.args.args[skip:]
    defaults = [None] * (len(arguments) - len(function.args.defaults)) + function.args.defaults[
        -len(arguments) or None :
    ]
    pairs = [*zip(arguments, defaults, strict=False)]
    pairs += zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return tuple(_param(argument, default) for argument, default in pairs)


def _param(argument: ast.arg, default: ast.expr | None) -> ParamSpec:
    value = _literal(default)
    hint = ast.unparse(argument.annotation) if argument.annotation else ""
    kind = _KINDS_BY_NAME.get(hint.split("|")[0].strip()) or _KINDS.get(type(value), "value")
    return ParamSpec(
        name=argument.arg,
        kinds=(kind,),
        default=value,
        required=default is None,
        optional=value is None and default is not None,
    )


def _literal(expression: ast.expr | None) -> Any:
    """The value of a default that is written out; None for what would have to be computed."""
    if expression is None:
        return None
    try:
        value = ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int | float | str | list | dict | None) else None


def _first_sentence(statement: ast.ClassDef | ast.FunctionDef) -> str:
    return (ast.get_docstring(statement) or "").split("\n\n")[0].replace("\n", " ")
