"""What is wrong with a sweep before its first trial: unknown options, empty ranges, no goal."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.param_rules import fault
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.sweep import SweepOptions, SweepParam
from kbuilder.document.sweep_params import grid_size, shown_name, sweepable, values_of

METHODS = ("grid", "random", "bayesian")
DIRECTIONS = ("min", "max")
LARGEST_GRID = 10_000


def sweep_problems(project: Project, catalogue: Catalogue) -> tuple[Problem, ...]:
    """All that is wrong with ``project.sweep``; ``parameter`` is the full name of the option."""
    options = project.sweep
    if not options.params:
        return (_problem("sweep-option", "", "The sweep varies nothing. Add an option to vary."),)
    specs = dict(sweepable(project, catalogue))
    found: list[Problem] = []
    names: set[str] = set()
    for param in options.params:
        shown = shown_name(project, param.name)
        if param.name in names:
            text = f"{shown} is there twice. Remove one of them."
            found.append(_problem("sweep-option", param.name, text))
        names.add(param.name)
        found += _param_problems(param, specs.get(param.name), shown, catalogue)
    return (*found, *_goal_problems(options, faulty=bool(found)))


def _param_problems(
    param: SweepParam, spec: ParamSpec | None, shown: str, catalogue: Catalogue
) -> Iterator[Problem]:
    if spec is None:
        text = f"There is no option “{shown}” in this project. Remove it from the sweep."
        yield _problem("sweep-option", param.name, text)
        return
    reason = _range_fault(param)
    if reason:
        yield _problem("sweep-range", param.name, f"{shown}: {reason}")
        return
    for value in values_of(param):
        given = {"class_name": value} if spec.of and isinstance(value, str) else value
        text = fault(spec, given, catalogue) and fault(spec, value, catalogue)
        if text:
            yield _problem("sweep-range", param.name, f"{shown}: {text}")
            return


def _range_fault(param: SweepParam) -> str:
    """Why there is nothing between low and high; empty when there is."""
    if param.values:
        return ""
    if param.low is None or param.high is None:
        return "there is nothing to try. Give values, or the lowest and the highest number."
    if param.low > param.high:
        return f"the range from {param.low:g} to {param.high:g} is empty. Swap the two."
    if param.log and param.low <= 0:
        return f"the range begins at {param.low:g}, which has no logarithm. Begin above 0."
    if param.whole and (param.low % 1 or param.high % 1):
        return f"{param.low:g} to {param.high:g} are not whole numbers, which were asked for."
    if not 1 <= param.steps <= LARGEST_GRID:
        return f"a grid of {param.steps} steps is not possible. Take 1 to {LARGEST_GRID:,}."
    return ""


def _goal_problems(options: SweepOptions, *, faulty: bool) -> Iterator[Problem]:
    for name, value, known in (
        ("method", options.method, METHODS),
        ("direction", options.direction, DIRECTIONS),
    ):
        if value not in known:
            text = f"The {name} must be one of {', '.join(known)}, not “{value}”."
            yield _problem("sweep-goal", name, text)
    if not options.objective:
        yield _problem(
            "sweep-goal", "objective", "Say which value is to be best, such as val_loss."
        )
    if options.trials < 1:
        text = f"At least 1 trial is needed, not {options.trials}."
        yield _problem("sweep-goal", "trials", text)
    if options.method == "grid" and not faulty and grid_size(options.params) > LARGEST_GRID:
        text = (
            f"The grid has {grid_size(options.params):,} combinations; at most {LARGEST_GRID:,} are "
            "tried. Take fewer values, or the method random or bayesian."
        )
        yield _problem("sweep-goal", "method", text)


def _problem(kind: str, parameter: str, text: str) -> Problem:
    return Problem(severity="error", kind=kind, parameter=parameter, text=text)
