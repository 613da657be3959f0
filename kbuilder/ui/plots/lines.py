"""A card of a few lines over epochs: norms by layer, the learning rate, the throughput."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QWidget

from kbuilder.ui import theme
from kbuilder.ui.plots.batch_curve import logged
from kbuilder.ui.plots.card import PlotCard, pen

MOST_READ = 4
"""Lines whose values stand in the legend; with more lines it is those that are largest."""
ROOM = 0.05


@dataclass(frozen=True)
class Line:
    """A name, and values at places in epochs."""

    name: str
    at: tuple[float, ...]
    values: tuple[float, ...]


class LinesPlot(PlotCard):
    """Lines in the colours of the theme. ``choices`` are (id, text) of what can be shown instead.

    Signals:
        chosen: the id of the choice.
    """

    chosen = Signal(str)

    def __init__(
        self,
        name: str,
        title: str,
        *,
        log_y: bool = False,
        choices: Sequence[tuple[str, str]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(name, title, parent)
        self.lines: tuple[Line, ...] = ()
        self._log_y = log_y
        self._items: list[pg.PlotDataItem] = []
        self._plot.setAccessibleName(title)
        self._plot.getPlotItem().getAxis("left").setLogMode(log_y)
        self._choice = QComboBox()
        self._choice.setAccessibleName(title)
        self._choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._choice.setVisible(bool(choices))
        self._choice.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for key, text in choices:
            self._choice.addItem(text, key)
        self._choice.currentIndexChanged.connect(self._choose)
        if choices:
            self._head.insertWidget(1, self._choice)
            self._title.hide()
        theme.notifier.changed.connect(self._draw)

    @property
    def choice(self) -> str:
        """The id of what is chosen."""
        return str(self._choice.currentData() or "")

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Draw these lines; does nothing when nothing is new."""
        if tuple(lines) == self.lines:
            return
        self.lines = tuple(lines)
        self._draw()
        self.read_at(math.nan)
        self.follow()

    def set_log(self, on: bool) -> None:
        """Show logarithms, or the values themselves."""
        if on != self._log_y:
            self._log_y = on
            self._plot.getPlotItem().getAxis("left").setLogMode(on)
            self.lines = ()

    def numbers(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """Every value: its line, its place in epochs, and itself."""
        rows = [
            (line.name, at, value)
            for line in self.lines
            for at, value in zip(line.at, line.values, strict=True)
        ]
        return ("line", "epoch", self.choice or self.name), rows

    def read_at(self, place: float) -> None:
        """Values at a place in epochs in the legend; NaN: the latest."""
        found: list[tuple[int | QColor, str, str, float]] = []
        for number, line in enumerate(self.lines):
            if line.at:
                near = _nearest(line.at, place)
                value = line.values[near]
                found.append((number, line.name, f"{value:.3g}", value))
        if len(found) > MOST_READ:
            found = sorted(found, key=lambda item: -item[3])[:MOST_READ]
        self._legend.show_curves([item[:3] for item in found])

    def follow(self) -> None:
        """Show all of the lines."""
        at = [place for line in self.lines for place in line.at]
        values = np.array([value for line in self.lines for value in line.values], np.float64)
        values = logged(values) if self._log_y else values
        values = values[np.isfinite(values)]
        if not at or not len(values) or not self._whole.isHidden():
            return
        low, high = float(values.min()), float(values.max())
        room = ROOM * (high - low) or (abs(high) * ROOM or ROOM)
        right = max(math.ceil(max(at)), math.floor(min(at)) + 1)
        self._set_ranges((math.floor(min(at)), right), (low - room, high + room))

    @Slot()
    def _draw(self) -> None:
        while len(self._items) > len(self.lines):
            self._plot.removeItem(self._items.pop())
        while len(self._items) < len(self.lines):
            item = pg.PlotDataItem(antialias=True)
            self._items.append(item)
            self._plot.addItem(item, ignoreBounds=True)
        colours = theme.current()
        for number, (item, line) in enumerate(zip(self._items, self.lines, strict=True)):
            values = np.array(line.values, np.float64)
            colour = colours.series(number)
            single = "o" if len(values) == 1 else None
            item.setData(np.array(line.at), logged(values) if self._log_y else values)
            item.setPen(pen(colour, 1.5))
            item.setSymbol(single)
            item.setSymbolSize(6)
            item.setSymbolBrush(colour)
            item.setSymbolPen(None)

    @Slot()
    def _choose(self) -> None:
        self._whole.hide()
        self.chosen.emit(self.choice)


def _nearest(places: Sequence[float], place: float) -> int:
    """The number of the place next to ``place``; the last one for NaN."""
    if not math.isfinite(place):
        return -1
    return int(np.abs(np.array(places) - place).argmin())
