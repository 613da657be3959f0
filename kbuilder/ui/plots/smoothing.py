"""The exponential moving average of a curve that grows."""

from __future__ import annotations

import itertools

import numpy as np

from kbuilder.ui.plots.levels import Floats, Growing

BLOCK = 64


class Smoothed:
    """Each value mixed with the average before it, which counts ``weight``, from 0 to below 1."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._result = Growing()
        self._last = 0.0
        powers = weight ** np.arange(BLOCK + 1, dtype=np.float64)
        steps = np.arange(BLOCK)
        distance = steps[np.newaxis, :] - steps[:, np.newaxis]
        self._mix = np.where(distance >= 0, (1 - weight) * powers[np.abs(distance)], 0.0)
        self._fade = powers[1:]

    def sync(self, values: Floats) -> Floats:
        """The averages of an array that begins with what was given before."""
        if len(values) < self._result.length:
            self._result = Growing()
        new = values[self._result.length :].astype(np.float64)
        if not len(new):
            return self._result.values
        if not self._result.length:
            self._last = float(new[0]) if np.isfinite(new[0]) else 0.0
        new[~np.isfinite(new)] = self._last
        blocks = -(-len(new) // BLOCK)
        padded = np.zeros((blocks, BLOCK))
        padded.ravel()[: len(new)] = new
        mixed = padded @ self._mix
        fade = float(self._fade[-1])
        ends = itertools.accumulate(
            mixed[:-1, -1].tolist(), lambda before, own: own + fade * before, initial=self._last
        )
        mixed += np.fromiter(ends, np.float64, blocks)[:, np.newaxis] * self._fade
        averages = mixed.ravel()[: len(new)]
        self._last = float(averages[-1])
        self._result.extend(averages.astype(np.float32))
        return self._result.values
