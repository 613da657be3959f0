"""Live curves of one metric: batches thin, epochs thick, validation beside training."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from kbuilder.ui import theme
from kbuilder.ui.live_run import Floats, LiveRun
from kbuilder.ui.plots.legend import Legend
from kbuilder.ui.text import label

LEFT_AXIS_WIDTH = 52
ROOM = 0.04
"""Free above and below the curves, as a part of their height."""
MOST_POINTS = 3000
"""Points drawn of a batch curve; more are folded to the smallest and largest of each group."""


class CurvePlot(QWidget):
    """One metric over epochs, in a card with a title and a log switch."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._seen = -1
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._plot = pg.PlotWidget(background=None)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setAccessibleName(self.tr("Curve of {0}").format(name))
        self._plot.getPlotItem().setLabel("bottom", self.tr("epoch"))
        self._box = self._plot.getPlotItem().getViewBox()
        self._steady_axes()
        self._batches = self._plot.plot([], [], antialias=False)
        self._epochs = self._plot.plot([], [], antialias=True)
        self._validation = self._plot.plot([], [], antialias=True)
        self._curves = (self._batches, self._epochs, self._validation)
        self._plot.setMinimumSize(160, 120)
        self._legend = Legend()
        self._log = QToolButton()
        self._log.setText(self.tr("log"))
        self._log.setCheckable(True)
        self._log.setToolTip(self.tr("Logarithmic axis"))
        self._log.toggled.connect(self._set_log)
        self._whole = QToolButton()
        self._whole.setText(self.tr("whole"))
        self._whole.setToolTip(self.tr("Show the whole curve again"))
        self._whole.clicked.connect(self._show_whole)
        self._whole.hide()
        self._make_layout(name)
        self.paint_theme()
        theme.notifier.changed.connect(self.paint_theme)

    def show_run(self, run: LiveRun) -> None:
        """Take in what is new of a run; does nothing when nothing is."""
        if run.version == self._seen:
            return
        self._seen = run.version
        steps = max(run.started.steps_per_epoch, 1)
        first = run.started.first_epoch
        series = run.batches.get(self.name)
        if series is not None and series.length:
            self._batches.setData(*folded(series.values, first, steps))
        self._show_epochs(self._epochs, run.epochs.get(self.name))
        self._show_epochs(self._validation, run.epochs.get(f"val_{self.name}"))
        self._legend.show_curves(self._latest(run))
        self._follow_curves()

    def clear(self) -> None:
        """Show nothing."""
        self._seen = -1
        self._whole.hide()
        for curve in self._curves:
            curve.setData([], [])
        self._legend.show_curves([])

    @Slot()
    def paint_theme(self) -> None:
        """Draw with the colours of the theme in use."""
        colours = theme.current()
        main = colours.series(0)
        thin = QColor(main)
        thin.setAlpha(90)
        self._batches.setPen(pg.mkPen(thin, width=1))
        self._epochs.setPen(pg.mkPen(main, width=2))
        self._validation.setPen(pg.mkPen(colours.series(1), width=2))
        grid = QColor(colours.border)
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(grid))
            axis.setTextPen(pg.mkPen(colours.muted))
        self._plot.showGrid(x=False, y=True, alpha=0.18)

    def _steady_axes(self) -> None:
        """Keep sizes and units of the axes, and find the range ourselves.

        pyqtgraph changes them while it paints, which asks for a second picture of all curves at once.
        """
        left, bottom = (self._plot.getPlotItem().getAxis(side) for side in ("left", "bottom"))
        left.setWidth(LEFT_AXIS_WIDTH)
        bottom.setHeight(bottom.minimumHeight())
        for axis in (left, bottom):
            axis.enableAutoSIPrefix(False)
        self._box.disableAutoRange()
        self._box.sigRangeChangedManually.connect(self._hold_view)

    @Slot(object)
    def _hold_view(self, _: object) -> None:
        """The user has zoomed or dragged: stay there, and offer the way back."""
        self._whole.show()

    @Slot()
    def _show_whole(self) -> None:
        self._whole.hide()
        self._follow_curves()

    def _follow_curves(self) -> None:
        """Show whole epochs, and all values with a little room around."""
        drawn = [curve.getData() for curve in self._curves]
        drawn = [(x, y[np.isfinite(y)]) for x, y in drawn if x is not None]
        drawn = [(x, y) for x, y in drawn if len(y)]
        if not drawn or not self._whole.isHidden():
            return
        left = math.floor(min(x[0] for x, _ in drawn))
        right = math.ceil(max(x[-1] for x, _ in drawn))
        low = min(float(y.min()) for _, y in drawn)
        high = max(float(y.max()) for _, y in drawn)
        room = ROOM * (high - low) or ROOM
        x_range, y_range = (left, max(right, left + 1)), (low - room, high + room)
        self._box.setRange(xRange=x_range, yRange=y_range, padding=0, disableAutoRange=False)
        self._plot.scene().prepareForPaint()

    def _show_epochs(self, curve: pg.PlotDataItem, logged: list[tuple[int, float]] | None) -> None:
        if logged:
            at = np.array([epoch + 1 for epoch, _ in logged], np.float32)
            values = np.array([value for _, value in logged], np.float32)
            symbol = "o" if len(logged) == 1 else None
            curve.setData(at, values, symbol=symbol, symbolSize=6)

    def _latest(self, run: LiveRun) -> list[tuple[int, str, str]]:
        names = (
            (0, self.name, self.tr("training")),
            (1, f"val_{self.name}", self.tr("validation")),
        )
        return [
            (number, text, f"{run.epochs[name][-1][1]:.4f}")
            for number, name, text in names
            if name in run.epochs
        ]

    @Slot(bool)
    def _set_log(self, on: bool) -> None:
        self._plot.setLogMode(y=on)
        self._follow_curves()

    def _make_layout(self, name: str) -> None:
        head = QHBoxLayout()
        title = label(name.replace("_", " ").upper(), "heading")
        title.setMinimumWidth(60)
        head.addWidget(title)
        head.addWidget(self._legend, 1)
        head.addWidget(self._whole)
        head.addWidget(self._log)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 8)
        column.addLayout(head)
        column.addWidget(self._plot, 1)


def folded(values: Floats, first_epoch: int, steps_per_epoch: int) -> tuple[Floats, Floats]:
    """Place in epochs and value of each point; long curves keep the extremes of equal groups."""
    count = len(values)
    if count <= MOST_POINTS:
        at = np.arange(1, count + 1, dtype=np.float32)
        return (first_epoch + at / steps_per_epoch).astype(np.float32), values
    group = -(-count * 2 // MOST_POINTS)
    whole = count // group * group
    groups = values[:whole].reshape(-1, group)
    shown = np.stack([groups.min(1), groups.max(1)], axis=1).ravel()
    at = np.repeat(np.arange(len(groups), dtype=np.float32) * group + group / 2, 2)
    rest = values[whole:]
    at = np.concatenate([at, np.arange(whole, count, dtype=np.float32) + 1])
    return (first_epoch + at / steps_per_epoch).astype(np.float32), np.concatenate([shown, rest])
