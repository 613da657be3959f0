"""Spikes of the batches' loss, by the median and the median deviation of the batches before."""

from __future__ import annotations

import numpy as np

WINDOW = 200
"""Batches that a loss is compared with."""
FEWEST = 50
"""Before so many there is nothing to compare with."""
BLOCK = 20
"""Batches that are compared with the same window."""
DEVIATIONS = 8.0
"""Median deviations, scaled to a normal distribution's, from which on a loss is a spike."""
SMALLEST = 0.04
"""The least deviation that counts, as a part of the loss."""
REST = 50
"""Batches after a spike that belong to it."""
MAD_SCALE = 1.4826


class Spikes:
    """Finds spikes in losses that come in pieces.

    ``period`` is the number of steps in an epoch whose last batch is smaller than the others, and so
    noisier: these are passed over. 0 where all are equal.
    """

    def __init__(self, period: int = 0) -> None:
        self.found: list[int] = []
        self.count = 0
        self._period = period
        self._recent = np.zeros(0)

    def add(self, losses: np.ndarray) -> list[int]:
        """Take in what has come; numbers of the batches, from 0, at which new spikes begin."""
        losses = np.asarray(losses, np.float64)
        new: list[int] = []
        for start in range(0, len(losses), BLOCK):
            block = losses[start : start + BLOCK]
            if len(self._recent) >= FEWEST:
                new += self._spikes(block)
            self.count += len(block)
            self._recent = np.concatenate([self._recent, block[np.isfinite(block)]])[-WINDOW:]
        return new

    def _spikes(self, block: np.ndarray) -> list[int]:
        # Losses are spread evenly on a logarithmic scale: far above is many times as much.
        positive = self._recent.min() > 0
        recent = np.log(self._recent) if positive else self._recent
        middle = float(np.median(recent))
        spread = MAD_SCALE * float(np.median(np.abs(recent - middle)))
        least = SMALLEST if positive else SMALLEST * max(abs(middle), 1e-9)
        limit = middle + DEVIATIONS * max(spread, least)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.log(block) if positive else block
        new = []
        for place in np.flatnonzero(np.isfinite(values) & (values > limit)):
            step = self.count + int(place)
            last_of_epoch = self._period and step % self._period == self._period - 1
            if not last_of_epoch and (not self.found or step - self.found[-1] > REST):
                self.found.append(step)
                new.append(step)
        return new
