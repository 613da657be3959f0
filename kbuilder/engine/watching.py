"""What is watched beside a training: its layers, the machine, and what the training suffers from."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kbuilder.engine.batches import Batches
from kbuilder.engine.checkpoint import State
from kbuilder.engine.monitors.looking import Look
from kbuilder.engine.monitors.machine import Machine
from kbuilder.engine.objects import KERAS_ERRORS
from kbuilder.engine.plan import Plan
from kbuilder.engine.symptoms.doubles import doubled_rows
from kbuilder.engine.symptoms.spikes import Spikes
from kbuilder.engine.training_doctor import diagnose
from kbuilder.link.messages import Event
from kbuilder.link.run_events import Diagnosed, MachineMeasured, Monitored

Logs = dict[str, float]
Classes = Mapping[str, tuple[str, ...]]

DIAGNOSE_S = 1.0
"""At least this long between two diagnoses; they read the whole history."""
PROBE_SAMPLES = 256
KEPT_LOOKS = 50
"""Looks that the doctor remembers; the record of the run has them all."""
KEPT_LOSSES = 20_000
"""Losses of batches that the doctor remembers."""


class Watching:
    """Looks, measures and diagnoses for one training, and sends what it finds.

    ``classes`` are the names of the classes of an output, by its id.
    """

    def __init__(self, plan: Plan, classes: Classes, send: Callable[[Event], None]) -> None:
        self._plan = plan
        self._send = send
        self._project = plan.run.project
        self._machine = Machine()
        self._spikes = Spikes(plan.train.steps)
        self._spiked: list[int] = []
        self._losses = np.zeros(0, np.float32)
        self._looks: list[Monitored] = []
        self._samples = 0
        self._seconds = 0.0
        self._told: Diagnosed | None = None
        self._next_diagnosis = 0.0
        rows = (plan.validation or plan.train).head(PROBE_SAMPLES)
        self._look: Look | None = None
        if plan.fit.monitor_every:
            self._look = Look(
                plan.built, rows.x, rows.y, rows.weights or None, classes, rows.numbers
            )
        self._validated, self._doubled = _doubled(plan.train, plan.validation)

    def after_steps(self, losses: np.ndarray, done: int, samples: int, seconds: float) -> None:
        """Take in what some steps gave: their losses, and how long the ``samples`` took."""
        self._samples += samples
        self._seconds += seconds
        self._spiked += self._spikes.add(losses)
        self._losses = np.concatenate([self._losses, losses])[-KEPT_LOSSES:]
        waited = self._plan.train.data_seconds
        measured: MachineMeasured | None = self._machine.measure(
            self._plan.request, done, self._samples, waited, self._seconds - waited
        )
        if measured is not None:
            self._send(measured)

    def end_epoch(self, state: State, rate: float | None, *, last: bool) -> None:
        """Look into the layers if it is time to, and say what the training suffers from."""
        every, epoch = self._plan.fit.monitor_every, state.epoch - 1
        if self._look is not None and epoch % every == 0 and self._look.due(last=last):
            # Losses and metrics of own code may not take the probe; training goes on all the same.
            with contextlib.suppress(*KERAS_ERRORS):
                look = self._look.look(self._plan.request, epoch, state.done)
                self._looks = [*self._looks, look][-KEPT_LOOKS:]
                self._send(look)
        now = time.monotonic()
        if every and (last or now >= self._next_diagnosis):
            self._next_diagnosis = now + DIAGNOSE_S
            self._diagnose(state.history, epoch, state.steps_per_epoch, rate)

    def _diagnose(
        self, history: Sequence[Logs], epoch: int, steps_per_epoch: int, rate: float | None
    ) -> None:
        problems = diagnose(
            self._project,
            history,
            self._looks,
            losses=self._losses,
            steps_per_epoch=steps_per_epoch,
            rate=rate,
            spikes=self._spiked,
            doubled=self._doubled,
            validated=self._validated,
        )
        found = Diagnosed(request=self._plan.request, epoch=epoch, problems=problems)
        if self._told is None or self._told.problems != problems:
            self._told = found
            self._send(found)


def _doubled(train: Batches, validation: Batches | None) -> tuple[int, int]:
    """Validation samples, and how many of them are trained with too."""
    if validation is None:
        return 0, 0
    held_out = validation.head(validation.samples).x
    return validation.samples, doubled_rows(train.head(train.samples).x, held_out)
