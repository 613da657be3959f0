"""The numbers of the run that is on: every batch's point, every epoch's logs, and how long still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kbuilder.document.problems import Problem
from kbuilder.document.scores import smaller_is_better
from kbuilder.link.events import EpochEnded, PointsLogged, TrainingStarted
from kbuilder.link.run_events import Diagnosed, MachineMeasured, Monitored, Noted
from kbuilder.ui.plots.levels import Growing

MOST_KEPT = 2000
"""Looks, measures and events that are kept; of the older ones every other one goes."""


@dataclass
class LiveRun:
    """What has come in of one run. Views pull from it; ``version`` grows with each arrival."""

    started: TrainingStarted
    batches: dict[str, Growing] = field(default_factory=dict)
    epochs: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    epoch_seconds: list[float] = field(default_factory=list)
    epoch: int = 0
    step: int = 0
    version: int = 0
    rates: list[tuple[int, float]] = field(default_factory=list)
    notes: list[Noted] = field(default_factory=list)
    looks: list[Monitored] = field(default_factory=list)
    machine: list[MachineMeasured] = field(default_factory=list)
    findings: tuple[Problem, ...] = ()

    def add(self, event: object) -> None:
        """Take in any event that shows how the run goes; others are passed over."""
        added = _ADDED.get(type(event))
        if added is not None:
            added(self, event)

    def add_points(self, event: PointsLogged) -> None:
        """Take in the values of some steps."""
        count = 0
        for name, array in event.series.items():
            values = np.frombuffer(array.data, dtype=array.dtype).astype(np.float32, copy=False)
            self.batches.setdefault(name, Growing()).extend(values)
            count = len(values)
        self.epoch = event.epoch
        self.step = event.first_step + count
        self.version += 1

    def add_epoch(self, event: EpochEnded) -> None:
        """Take in the logs of an epoch."""
        for name, value in event.logs.items():
            self.epochs.setdefault(name, []).append((event.epoch, value))
        self.epoch_seconds.append(event.seconds)
        self.epoch = event.epoch + 1
        if event.learning_rate is not None:
            self.rates.append((event.epoch, event.learning_rate))
        self.version += 1

    def add_noted(self, event: Noted) -> None:
        """Take in that something happened at a place of the curves; that it was saved is no news."""
        if event.kind == "saved":
            return
        self.notes.append(event)
        del self.notes[:-MOST_KEPT]
        self.version += 1

    def add_monitored(self, event: Monitored) -> None:
        """Take in a look into the layers."""
        self.looks.append(event)
        _thin(self.looks)
        self.version += 1

    def add_machine(self, event: MachineMeasured) -> None:
        """Take in what training takes of the machine."""
        self.machine.append(event)
        _thin(self.machine)
        self.version += 1

    def add_diagnosed(self, event: Diagnosed) -> None:
        """Take in what the training doctor finds now; it replaces what was found before."""
        self.findings = event.problems
        self.version += 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what is logged, training names only, loss first."""
        names = [*self.batches, *(name for name in self.epochs if not name.startswith("val_"))]
        return tuple(dict.fromkeys(sorted(names, key=lambda name: name != "loss")))

    @property
    def steps_in_all(self) -> int:
        """Steps from the first epoch of this run to the last."""
        return self.started.epochs * self.started.steps_per_epoch

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        first = self.started.first_epoch * self.started.steps_per_epoch
        whole = max(self.steps_in_all - first, 1)
        return min(max((self.step - first) / whole, 0.0), 1.0)

    def seconds_left(self, elapsed: float) -> float | None:
        """Time left in seconds by the epochs so far; None before anything is known."""
        if self.epoch_seconds:
            recent = self.epoch_seconds[-5:]
            per_epoch = sum(recent) / len(recent)
            done = self.step / max(self.started.steps_per_epoch, 1)
            return max(self.started.epochs - done, 0.0) * per_epoch
        return elapsed * (1 / self.fraction - 1) if self.fraction > 0 else None

    def best(self, name: str) -> tuple[int, float] | None:
        """Epoch (from 0) and value of the best logged value of a loss-like or score-like name."""
        logged = self.epochs.get(name)
        if not logged:
            return None
        pick = min if smaller_is_better(name) else max
        return pick(logged, key=lambda item: item[1])


_ADDED: dict[type, Callable[[LiveRun, Any], None]] = {
    PointsLogged: LiveRun.add_points,
    EpochEnded: LiveRun.add_epoch,
    Noted: LiveRun.add_noted,
    Monitored: LiveRun.add_monitored,
    MachineMeasured: LiveRun.add_machine,
    Diagnosed: LiveRun.add_diagnosed,
}


def _thin(kept: list[Any]) -> None:
    """Drop every other one of the older half when there are too many, so that days fit."""
    if len(kept) > MOST_KEPT:
        del kept[1 : len(kept) // 2 : 2]
