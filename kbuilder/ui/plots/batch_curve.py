"""A curve of any length, drawn with no more points than there are pixels."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg

from kbuilder.ui.plots.levels import Floats, Levels

POINTS_PER_PIXEL = 1
"""Groups of values for each pixel at most; each gives its smallest and its largest."""


class BatchCurve(pg.PlotCurveItem):  # type: ignore[misc]
    """Values of consecutive steps over epochs. All are kept; what is in view is drawn."""

    def __init__(self) -> None:
        super().__init__(antialias=False, skipFiniteCheck=False)
        self._levels = Levels()
        self._first = 0.0
        self._per_epoch = 1
        self._drawn: tuple[object, ...] = ()

    def take(self, values: Floats, first_epoch: int, per_epoch: int) -> None:
        """Take in all values so far, of a run that began with ``first_epoch``."""
        self._levels.sync(values)
        self._first, self._per_epoch = float(first_epoch), max(per_epoch, 1)
        self._drawn = ()

    def forget(self) -> None:
        """Hold nothing."""
        self._levels, self._drawn = Levels(), ()
        self.setData([], [])

    @property
    def extent(self) -> tuple[float, float] | None:
        """First and last place in epochs, if there is any value."""
        count = len(self._levels)
        if not count:
            return None
        return self._first + 1 / self._per_epoch, self._first + count / self._per_epoch

    def show_range(
        self, left: float, right: float, pixels: int, *, log_x: bool, log_y: bool
    ) -> None:
        """Draw what lies between two places in epochs, for a plot that is so many pixels wide."""
        state = (left, right, pixels, log_x, log_y)
        if state == self._drawn:
            return
        self._drawn = state
        per = self._per_epoch
        first = math.floor((left - self._first) * per) - 2
        last = math.ceil((right - self._first) * per) + 1
        at, values = self._levels.between(first, last, max(pixels, 50) * POINTS_PER_PIXEL)
        at = self._first + (at + 1) / per
        self.setData(logged(at) if log_x else at, logged(values) if log_y else values)

    def value_at(self, place: float) -> float | None:
        """The value of the step at a place in epochs."""
        number = round((place - self._first) * self._per_epoch) - 1
        if not 0 <= number < len(self._levels):
            return None
        _, values = self._levels.between(number, number + 1, 1)
        return float(values[0])


def logged(values: np.ndarray) -> np.ndarray:
    """Logarithms to the base 10; NaN for what has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: np.ndarray = np.where(values > 0, np.log10(values), np.nan)
    return result
