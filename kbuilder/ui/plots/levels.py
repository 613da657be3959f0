"""A long curve in several resolutions, so that any stretch of it is drawn with as many points as pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FACTOR = 4
"""Values of one level that become one pair of the next."""


class Growing:
    """An array that grows at its end: amortised appending, and a view without copying."""

    def __init__(self) -> None:
        self._room: Floats = np.empty(1024, np.float32)
        self.length = 0

    def extend(self, values: Floats) -> None:
        """Add values at the end."""
        needed = self.length + len(values)
        if needed > len(self._room):
            room = np.empty(max(needed, 2 * len(self._room)), np.float32)
            room[: self.length] = self._room[: self.length]
            self._room = room
        self._room[self.length : needed] = values
        self.length = needed

    @property
    def values(self) -> Floats:
        """All values so far."""
        return self._room[: self.length]


class Levels:
    """The smallest and largest of 4, 16, 64, ... values each, kept up to date as a curve grows.

    Appending costs the same for each value however long the curve is. NaN is passed over.
    """

    def __init__(self) -> None:
        self._values: Floats = np.empty(0, np.float32)
        self._lows: list[Growing] = []
        self._highs: list[Growing] = []

    def __len__(self) -> int:
        return len(self._values)

    def sync(self, values: Floats) -> None:
        """Take in an array that begins with what was taken in before, or is another one and shorter."""
        if len(values) < len(self._values):
            self._lows, self._highs = [], []
        self._values = low = high = values
        level = 0
        while len(low) >= FACTOR:
            if level == len(self._lows):
                self._lows.append(Growing())
                self._highs.append(Growing())
            lows, highs = self._lows[level], self._highs[level]
            start, end = lows.length * FACTOR, len(low) // FACTOR * FACTOR
            if end > start:
                lows.extend(_pairwise(np.fmin, low[start:end]))
                highs.extend(_pairwise(np.fmax, high[start:end]))
            low, high = lows.values, highs.values
            level += 1

    def between(self, first: int, last: int, most: int) -> tuple[NDArray[np.float64], Floats]:
        """Places and values of numbers ``first`` to ``last - 1``, at most about 2 x ``most`` points.

        Where there are more, each group gives its smallest and its largest at its middle.
        """
        first, last = max(first, 0), min(last, len(self._values))
        level = 0
        while last - first > most * FACTOR**level and level < len(self._lows):
            level += 1
        if not level or last <= first:
            return np.arange(first, max(last, first), dtype=np.float64), self._values[first:last]
        size = FACTOR**level
        start, end = first // size, last // size
        shown = np.empty((end - start, 2), np.float32)
        shown[:, 0] = self._lows[level - 1].values[start:end]
        shown[:, 1] = self._highs[level - 1].values[start:end]
        at = np.repeat(np.arange(start, end, dtype=np.float64) * size + (size - 1) / 2, 2)
        rest = self._values[end * size : last]
        if not len(rest):
            return at, shown.ravel()
        extremes = np.array([np.fmin.reduce(rest), np.fmax.reduce(rest)], np.float32)
        place = end * size + (len(rest) - 1) / 2
        return np.append(at, [place, place]), np.append(shown.ravel(), extremes)


def _pairwise(pick: np.ufunc, values: Floats) -> Floats:
    """The pick of each four neighbours; faster than a reduction along a short axis."""
    parts = values.reshape(-1, FACTOR)
    picked: Floats = pick(pick(parts[:, 0], parts[:, 1]), pick(parts[:, 2], parts[:, 3]))
    return picked
