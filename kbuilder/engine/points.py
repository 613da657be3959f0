"""Values of training steps on their way to the plots: every step, in few messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from kbuilder.engine.arrays import to_array
from kbuilder.link.events import EpochEnded, PointsLogged
from kbuilder.link.messages import Event

INTERVAL_S = 1 / 30
"""At least this long between two messages."""


class Points:
    """Gathers rows of values, one for each step, and sends them at most 30 times a second.

    The end of an epoch waits until the points of that epoch have been sent.
    """

    def __init__(self, send: Callable[[Event], None], request: int, names: Sequence[str]) -> None:
        self._send = send
        self._request = request
        self._names = tuple(names)
        self._rows: list[np.ndarray] = []
        self._ended: list[EpochEnded] = []
        self._epoch = 0
        self._first_step = 0
        self._sent = 0.0

    def add(self, epoch: int, first_step: int, rows: np.ndarray) -> None:
        """Take the values of consecutive steps of one epoch, shape (steps, names).

        ``first_step`` counts over all epochs.
        """
        if not self._rows:
            self._first_step = first_step
        self._epoch = epoch
        self._rows.append(rows)
        self.send_if_due()

    def end_epoch(self, event: EpochEnded) -> None:
        """Send the event, behind the points of its epoch."""
        self._ended.append(event)
        self.send_if_due()

    def send_if_due(self) -> None:
        """Send what has been gathered, if the last message is long enough ago."""
        if not self._rows or time.monotonic() - self._sent >= INTERVAL_S:
            self.flush()

    def flush(self) -> None:
        """Send what has been gathered now."""
        if self._rows:
            rows = np.concatenate(self._rows)
            self._rows.clear()
            self._sent = time.monotonic()
            self._send(
                PointsLogged(
                    request=self._request,
                    epoch=self._epoch,
                    first_step=self._first_step,
                    series={name: to_array(rows[:, i]) for i, name in enumerate(self._names)},
                )
            )
        for event in self._ended:
            self._send(event)
        self._ended.clear()
