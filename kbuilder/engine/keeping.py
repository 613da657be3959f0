"""What a training leaves in its run folder at the end of each epoch: tables, checkpoints, the best one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from kbuilder.document.errors import SaveError
from kbuilder.engine.checkpoint import State
from kbuilder.engine.runs import BEST, CHECKPOINT, Run

Logs = dict[str, float]


AT_END = ("best", "saved", "checkpoint", "callback")
"""What is noted at the end of an epoch, when the next one is already to come."""


class Note(Protocol):
    """Tells that something happened to the run."""

    def __call__(self, kind: str, text: str, **values: object) -> None:
        """``kind`` and ``values`` as in the event ``Noted``."""


class Keeper:
    """Writes what can be gone on from. A full disk is told once and does not end hours of work.

    The best epoch is that of the smallest loss on validation samples, or else on training samples.
    """

    def __init__(
        self,
        run: Run,
        every: int,
        history: Sequence[Logs],
        tell: Callable[[str], None],
        note: Note,
    ) -> None:
        self._run = run
        self._every = every
        self._tell = tell
        self._note = note
        self._warned = False
        self._name = "val_loss" if any("val_loss" in logs for logs in history) else "loss"
        self._value = min((logs.get(self._name, math.inf) for logs in history), default=math.inf)
        self._best: State | None = None
        """The best state, until it has been written."""

    def record(self, write: Callable[[], object]) -> None:
        """Write something to the run folder."""
        try:
            write()
        except SaveError as error:
            if not self._warned:
                self._tell(f"{error} Training goes on.")
            self._warned = True

    def end_epoch(self, state: State, logs: Logs, seconds: float) -> None:
        """The tables, and the checkpoints that are due: the newest, the best, one to keep."""
        self.record(partial(self._run.end_epoch, state.epoch - 1, logs, seconds))
        self._compare(state, logs)
        self._write_best()
        if self._every and state.epoch % self._every == 0:
            self.record(partial(self._keep, state))
        if self._run.is_due():
            self.record(partial(self.save, state))

    def save(self, state: State) -> None:
        """Write the newest checkpoint, and say so when it is safe on the disk.

        Raises:
            SaveError: it could not be written.
        """
        self._run.save(state)
        self._note("saved", f"Saved after {state.done} steps", file=CHECKPOINT)

    def offer(self, captured: Callable[[], State]) -> None:
        """Save within a long epoch, if the last checkpoint is old enough."""
        if self._run.is_due(within_epoch=True):
            self.record(lambda: self.save(captured()))

    def end(self) -> None:
        """Write the best state if it still waits."""
        self._write_best(now=True)

    def _compare(self, state: State, logs: Logs) -> None:
        if self._name == "loss" and "val_loss" in logs:
            self._name, self._value = "val_loss", math.inf
        value = logs.get(self._name, math.inf)
        if value < self._value:
            self._value, self._best = value, state

    def _write_best(self, *, now: bool = False) -> None:
        best = self._best
        if best is None:
            return

        def write() -> None:
            if self._run.offer_best(best, now=now):
                self._best = None
                text = f"Best {self._name} {self._value:.4g}, saved"
                self._note("best", text, name=self._name, value=self._value, file=BEST)

        self.record(write)

    def _keep(self, state: State) -> None:
        self._note("checkpoint", f"Kept epoch {state.epoch}", file=self._run.keep(state))
