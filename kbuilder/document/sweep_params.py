"""The options that a sweep can vary: their names, what they take, and projects with other values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.option_specs import COMPILE_PARAMS, FIT_PARAMS, OPTIMIZER
from kbuilder.document.project import Project
from kbuilder.document.sweep import SweepParam
from kbuilder.document.values import KerasObject

OPTIMIZER_NAME = "compile.optimizer"


def sweepable(project: Project, catalogue: Catalogue) -> Iterator[tuple[str, ParamSpec]]:
    """Every option that can be varied, by its full name: optimizer, fit, compile, then each layer."""
    optimizer = catalogue.find("optimizers", project.compile.optimizer.class_name)
    for param in optimizer.params if optimizer else ():
        yield f"optimizer.{param.name}", param
    for param in FIT_PARAMS:
        yield f"fit.{param.name}", param
    yield OPTIMIZER_NAME, OPTIMIZER
    for param in COMPILE_PARAMS:
        yield f"compile.{param.name}", param
    for node in project.graph.nodes:
        spec = catalogue.layer(node.class_name)
        if spec is not None and not node.shares:
            for param in spec.params:
                if param.name != "name":
                    yield f"{node.id}.{param.name}", param


def param_spec(project: Project, catalogue: Catalogue, name: str) -> ParamSpec | None:
    """What the option of that name takes, or None when there is no such option."""
    return dict(sweepable(project, catalogue)).get(name)


def shown_name(project: Project, name: str) -> str:
    """The name of an option with the name of its layer instead of the id."""
    owner, _, option = name.rpartition(".")
    node = project.graph.by_id.get(owner)
    return f"{node.name}.{option}" if node else name


def short_name(project: Project, name: str) -> str:
    """``shown_name`` for narrow places: without what tells the kind of an option."""
    owner, _, option = name.rpartition(".")
    return option if owner in ("fit", "compile", "optimizer") else shown_name(project, name)


def current_value(project: Project, catalogue: Catalogue, name: str) -> Any:
    """The value that an option has in the project, Keras's default where none was chosen."""
    owner, _, option = name.rpartition(".")
    spec = param_spec(project, catalogue, name)
    default = spec.default if spec else None
    if name == OPTIMIZER_NAME:
        return project.compile.optimizer.plain()
    if owner in ("fit", "compile"):
        return getattr(getattr(project, owner), option, default)
    if owner == "optimizer":
        return project.compile.optimizer.params.get(option, default)
    node = project.graph.by_id.get(owner)
    return node.params.get(option, default) if node else default


def trial_project(project: Project, values: Mapping[str, Any]) -> Project:
    """The project with these values by the names of the options; the optimizer's class comes first."""
    for name in sorted(values, key=lambda name: name != OPTIMIZER_NAME):
        project = _with_value(project, name, values[name])
    return project


def _with_value(project: Project, name: str, value: Any) -> Project:
    owner, _, option = name.rpartition(".")
    if name == OPTIMIZER_NAME:
        plain = {"class_name": value} if isinstance(value, str) else value
        return edits.set_optimizer(project, KerasObject.of(plain))
    if owner == "fit":
        return edits.set_fit(project, **{option: value})
    if owner == "compile":
        return edits.set_compile(project, **{option: value})
    if owner == "optimizer":
        kept = project.compile.optimizer
        params = {**kept.params, option: value}
        return edits.set_optimizer(project, KerasObject(class_name=kept.class_name, params=params))
    return edits.set_params(project, [owner], {option: value})


def values_of(param: SweepParam) -> tuple[Any, ...]:
    """What a grid tries of one option: its values, or ``steps`` numbers from low to high, each once."""
    if param.values or param.low is None or param.high is None:
        return param.values
    numbers = [_between(param, place) for place in _places(param.steps)]
    return tuple(dict.fromkeys(numbers))


def grid(params: tuple[SweepParam, ...]) -> Iterator[dict[str, Any]]:
    """All combinations, the last option changing fastest."""
    for values in itertools.product(*(values_of(param) for param in params)):
        yield {param.name: value for param, value in zip(params, values, strict=True)}


def grid_size(params: tuple[SweepParam, ...]) -> int:
    """How many combinations there are."""
    return math.prod(len(values_of(param)) for param in params)


def _places(count: int) -> Iterator[float]:
    for number in range(count):
        yield number / (count - 1) if count > 1 else 0.5


def _between(param: SweepParam, place: float) -> float | int:
    """The number at ``place`` (0 to 1) of a range."""
    assert param.low is not None
    assert param.high is not None
    low, high = float(param.low), float(param.high)
    value = low * (high / low) ** place if param.log else low + (high - low) * place
    value = float(min(max(value, low), high))
    return round(value) if param.whole else value
