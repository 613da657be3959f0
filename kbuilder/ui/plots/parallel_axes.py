"""Axes and lines of parallel coordinates, made from the trials of a sweep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from kbuilder.document.project import Project
from kbuilder.document.run_settings import setting_text
from kbuilder.document.sweep_params import short_name
from kbuilder.link.trials import Trial

TICKS = 5


@dataclass(frozen=True)
class Axis:
    """One axis: ``values`` lists what a choice has, from the bottom; else it goes from low to high."""

    title: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    values: tuple[Any, ...] = ()
    whole: bool = False

    def place(self, value: Any) -> float | None:
        """Where a value lies, from 0 (bottom) to 1; None where it has no place."""
        if self.values:
            if value not in self.values:
                return None
            return (self.values.index(value) + 0.5) / len(self.values)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return None
        low, high, at = self.low, self.high, float(value)
        if self.log:
            low, high, at = (math.log(max(each, 1e-300)) for each in (low, high, at))
        return (at - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        """Places with their texts."""
        if self.values:
            return [(self.place(v) or 0.0, setting_text(v)) for v in self.values]
        numbers = [
            self.low * (self.high / self.low) ** (n / (TICKS - 1))
            if self.log and self.low > 0
            else self.low + (self.high - self.low) * n / (TICKS - 1)
            for n in range(TICKS)
        ]
        if self.whole:
            numbers = [round(number) for number in numbers]
        texts = {f"{number:.3g}": number for number in numbers}
        return [(self.place(number) or 0.0, text) for text, number in texts.items()]


@dataclass(frozen=True)
class Line:
    """One trial: its number, a value for each axis (the last is the objective), and its state.

    ``text`` says why it failed.
    """

    number: int
    values: tuple[Any, ...]
    state: str = "complete"
    text: str = ""


def coordinates(
    project: Project, names: list[str], trials: tuple[Trial, ...]
) -> tuple[list[Axis], list[Line]]:
    """Axes and lines of the trials; a range has the axis that the sweep says, else that of its values."""
    params = {param.name: param for param in project.sweep.params}
    axes = []
    for name in names:
        values = [trial.values.get(name) for trial in trials]
        param = params.get(name)
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        title = short_name(project, name)
        if len(numbers) < len(values) or (param is not None and param.values):
            known = list(param.values) if param is not None else []
            known += [value for value in values if value not in known]
            axes.append(Axis(title, values=tuple(known)))
        else:
            log = param is not None and param.log
            whole = all(isinstance(number, int) for number in numbers)
            axes.append(Axis(title, min(numbers), max(numbers), log, whole=whole))
    goals = [trial.objective for trial in trials if trial.objective is not None]
    low, high = (min(goals), max(goals)) if goals else (0.0, 1.0)
    axes.append(Axis(project.sweep.objective, low, high))
    lines = [
        Line(t.number, (*(t.values.get(name) for name in names), t.objective), t.state, t.text)
        for t in trials
    ]
    return axes, lines
