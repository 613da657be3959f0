"""The values of each step, on their way to the window and into the run's table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kbuilder.engine.points import Points
from kbuilder.engine.runs import Run
from kbuilder.engine.steps import GRADIENT_NORM, LOSS, RUNNING_LOSS
from kbuilder.link.events import EpochEnded
from kbuilder.link.messages import Event

Logs = dict[str, float]


class StepRows:
    """Takes rows with a value for each of ``series``, which are those of the step function.

    ``names`` are the series that are told; the running loss is not, for ``History`` has it.
    """

    def __init__(
        self, series: Sequence[str], run: Run, request: int, send: Callable[[Event], None]
    ) -> None:
        self.names = [name for name in series if name != RUNNING_LOSS]
        self._series = list(series)
        self._columns = [self._series.index(name) for name in self.names]
        self._points = Points(send, request, self.names)
        self._run = run
        self._unwritten: list[np.ndarray] = []

    def healthy(self, rows: np.ndarray) -> np.ndarray:
        """Which rows have a finite loss."""
        finite: np.ndarray = np.isfinite(rows[:, self._series.index(LOSS)])
        return finite

    def add(self, epoch: int, done: int, rows: np.ndarray) -> None:
        """Take consecutive steps of an epoch; ``done`` counts the steps before them, over all epochs."""
        kept = rows[:, self._columns]
        self._unwritten.append(kept)
        self._points.add(epoch, done, kept)

    def write(self, epoch: int, done: int) -> None:
        """Write what the table does not have yet; ``done`` counts the steps including them.

        Raises:
            SaveError: it could not be written.
        """
        if self._unwritten:
            table = np.concatenate(self._unwritten)
            self._unwritten = []
            self._run.add_batches(epoch, done - len(table), self.names, table.tolist())

    def as_logs(self, row: np.ndarray) -> Logs:
        """The values of a step as Keras tells them to callbacks."""
        named = dict(zip(self._series, row.tolist(), strict=True))
        del named[LOSS], named[GRADIENT_NORM]
        return {LOSS: named.pop(RUNNING_LOSS), **named}

    def end_epoch(self, event: EpochEnded) -> None:
        """Send the end of an epoch behind its points."""
        self._points.end_epoch(event)

    def send_if_due(self) -> None:
        """Send points that have waited long enough."""
        self._points.send_if_due()

    def flush(self) -> None:
        """Send all points now."""
        self._points.flush()
