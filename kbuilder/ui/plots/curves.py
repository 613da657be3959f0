"""Live curves of one metric: batches thin, epochs thick, validation beside training, other runs behind."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QToolTip, QWidget

from kbuilder.ui import theme
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.plots.batch_curve import BatchCurve, logged
from kbuilder.ui.plots.card import PlotCard, pen
from kbuilder.ui.plots.levels import Floats
from kbuilder.ui.plots.plot_view import PlotView
from kbuilder.ui.plots.smoothing import Smoothed
from kbuilder.ui.text import tooltip

Epochs = list[tuple[int, float]]

ROOM = 0.04
"""Free above and below the curves, as a part of their height."""
OUTLIERS = 2.0
"""Percent at each end that count as outliers."""
SILENT = ("started", "callback")
"""Events that get no tick."""


class CurvePlot(PlotCard):
    """One metric over epochs, with what happened to the run as ticks below."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, name.replace("_", " "), parent)
        self._seen = -1
        self._run: LiveRun | None = None
        self._view = PlotView()
        self._own_log = False
        self._plot.setAccessibleName(self.tr("Curve of {0}").format(name))
        self._batches, self._smooth = BatchCurve(), BatchCurve()
        self._average: Smoothed | None = None
        self._epochs = pg.PlotCurveItem(antialias=True)
        self._validation = pg.PlotCurveItem(antialias=True)
        self._dots = pg.ScatterPlotItem(size=7, pen=None)
        self._best = pg.ScatterPlotItem(size=11)
        self._ticks = pg.PlotCurveItem(connect="pairs")
        self._overlays: dict[str, tuple[QColor, dict[str, Epochs], list[pg.PlotCurveItem]]] = {}
        self._curves = (self._batches, self._smooth, self._epochs, self._validation)
        for item in (*self._curves, self._dots, self._best, self._ticks):
            self._plot.addItem(item, ignoreBounds=True)
        self._log = self._button(self.tr("log"), self.tr("Logarithmic axis"))
        self._log.setCheckable(True)
        self._log.toggled.connect(self._set_log)
        self._head.insertWidget(3, self._log)
        self._box.sigXRangeChanged.connect(self._draw_batches)
        self._box.sigResized.connect(self._draw_batches)
        self._plot.scene().sigMouseMoved.connect(self._tell_event)
        self.paint_curves()
        theme.notifier.changed.connect(self.paint_curves)

    # --- what is shown ---------------------------------------------------------------------------

    def show_run(self, run: LiveRun) -> None:
        """Take in what is new of a run; does nothing when nothing is."""
        if run.version == self._seen and run is self._run:
            return
        self._seen, self._run = run.version, run
        self._take_batches(run)
        self._draw_epochs()
        self.read_at(math.nan if not self._crosshair.isVisible() else self._place())
        self.follow()

    def overlay(self, name: str, colour: QColor, epochs: dict[str, Epochs]) -> None:
        """Draw the epochs of another run behind: by name of the log, (epoch from 0, value)."""
        self.take_overlay(name)
        items = [pg.PlotCurveItem(antialias=True) for _ in range(2)]
        for item in items:
            item.setZValue(-5)
            self._plot.addItem(item, ignoreBounds=True)
        self._overlays[name] = (QColor(colour), epochs, items)
        self._draw_overlays()
        self.follow()

    def take_overlay(self, name: str) -> None:
        """Take a run away that was drawn behind."""
        _, _, items = self._overlays.pop(name, (None, None, []))
        for item in items:
            self._plot.removeItem(item)
        if items:
            self.follow()

    def set_view(self, view: PlotView) -> None:
        """Look at it in another way."""
        if view == self._view:
            return
        self._view = view
        self._log.setChecked(view.log_y)
        self._plot.getPlotItem().getAxis("bottom").setLogMode(view.log_x)
        if self._run is not None:
            self._take_batches(self._run)
        self._redraw()

    def clear(self) -> None:
        """Show nothing."""
        self._seen, self._run, self._average = -1, None, None
        self._whole.hide()
        for curve in (self._batches, self._smooth):
            curve.forget()
        for item in (self._epochs, self._validation, self._ticks, self._dots, self._best):
            item.setData([], [])
        self._legend.show_curves([])

    def numbers(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """Every value: its curve, its place in epochs, and itself."""
        rows: list[tuple[object, ...]] = []
        run = self._run
        if run is not None:
            per, first = max(run.started.steps_per_epoch, 1), run.started.curve_from
            series = run.batches.get(self.name)
            values = series.values.tolist() if series is not None else []
            rows += [("batch", first + (n + 1) / per, value) for n, value in enumerate(values)]
            for name in (self.name, f"val_{self.name}"):
                rows += [(name, epoch + 1, value) for epoch, value in run.epochs.get(name, ())]
        for other, (_, epochs, _) in self._overlays.items():
            for name in (self.name, f"val_{self.name}"):
                rows += [(f"{other}: {name}", e + 1, value) for e, value in epochs.get(name, ())]
        return ("curve", "epoch", self.name), rows

    def read_at(self, place: float) -> None:
        """Values at a place in epochs in the legend; NaN: the latest."""
        run = self._run
        if run is None:
            return
        shown: list[tuple[int | QColor, str, str]] = []
        for number, name, text in (
            (0, self.name, self.tr("training")),
            (1, f"val_{self.name}", self.tr("validation")),
        ):
            value = _at(run.epochs.get(name, []), place)
            if value is not None:
                shown.append((number, text, f"{value:.4f}"))
        if math.isfinite(place):
            batch = self._batches.value_at(place)
            if batch is not None:
                shown.insert(0, (0, self.tr("batch"), f"{batch:.4f}"))
            for other, (colour, epochs, _) in self._overlays.items():
                value = _at(epochs.get(self.name, []), place)
                if value is not None:
                    shown.append((colour, other, f"{value:.4f}"))
        self._legend.show_curves(shown)

    # --- drawing ---------------------------------------------------------------------------------

    @Slot()
    def paint_curves(self) -> None:
        """Colour the curves by the theme in use."""
        colours = theme.current()
        main, other = colours.series(0), colours.series(1)
        smooth = self._view.smooth > 0
        self._batches.setPen(pen(main, 1, alpha=45 if smooth else 90))
        self._smooth.setPen(pen(main, 1, alpha=190))
        self._epochs.setPen(pen(main))
        self._validation.setPen(pen(other))
        self._best.setBrush(colours.ok)
        self._best.setPen(pg.mkPen(colours.panel, width=1.5))
        self._ticks.setPen(pen(colours.warning, 1.5))
        self._draw_overlays()

    def _redraw(self) -> None:
        self.paint_curves()
        self._draw_epochs()
        self._draw_overlays()
        self.follow()

    def _take_batches(self, run: LiveRun) -> None:
        series = run.batches.get(self.name)
        if series is None or not series.length:
            return
        per, first = run.started.steps_per_epoch, run.started.curve_from
        self._batches.take(series.values, first, per)
        weight = self._view.smooth
        if not weight:
            self._average = None
            self._smooth.forget()
            return
        if self._average is None or self._average.weight != weight:
            self._average = Smoothed(weight)
        self._smooth.take(self._average.sync(series.values), first, per)

    @Slot()
    def _draw_batches(self, *_: object) -> None:
        left, right = self._box.viewRange()[0]
        if self._view.log_x:
            left, right = 10**left, 10 ** min(right, 9)
        pixels = max(int(self._box.width()), 1)
        for curve in (self._batches, self._smooth):
            if curve.extent:
                curve.show_range(left, right, pixels, log_x=self._view.log_x, log_y=self._log_y)

    def _draw_epochs(self) -> None:
        run = self._run
        if run is None:
            return
        found = {name: run.epochs.get(name, []) for name in (self.name, f"val_{self.name}")}
        self._set_epochs(self._epochs, found[self.name])
        self._set_epochs(self._validation, found[f"val_{self.name}"])
        single = [
            {"pos": self._points(logs)[:, 0], "brush": theme.current().series(number)}
            for number, logs in enumerate(found.values())
            if len(logs) == 1
        ]
        self._dots.setData(single)
        best = run.best(f"val_{self.name}") or run.best(self.name)
        points = self._points([best] if best and len(found[self.name]) > 1 else [])
        self._best.setData(*points)

    def _draw_overlays(self) -> None:
        for colour, epochs, items in self._overlays.values():
            names = (self.name, f"val_{self.name}")
            for item, name, dashed in zip(items, names, (False, True), strict=True):
                item.setPen(pen(colour, 1.5, dashed=dashed, alpha=200))
                self._set_epochs(item, epochs.get(name, []))

    def _set_epochs(self, item: pg.PlotCurveItem, logs: Epochs) -> None:
        item.setData(*self._points(logs), connect="finite")

    def _points(self, logs: Epochs) -> np.ndarray:
        at = np.array([epoch + 1 for epoch, _ in logs], np.float64)
        values = np.array([value for _, value in logs], np.float64)
        return np.array(
            [logged(at) if self._view.log_x else at, logged(values) if self._log_y else values]
        )

    def _draw_ticks(self) -> None:
        run = self._run
        places = [] if run is None else [place for place, _ in self._events(run)]
        low, high = self._box.viewRange()[1]
        at = np.repeat(np.array(places, np.float64), 2)
        heights = np.tile([low, low + 0.05 * (high - low)], len(places))
        self._ticks.setData(logged(at) if self._view.log_x else at, heights)

    # --- ranges ----------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show whole epochs, and all values with a little room around, unless the view is held."""
        if not self._whole.isHidden() or (self._view.locked and self._seen > 1):
            self._draw_batches()
            return
        extent = self._extent()
        if extent is None:
            return
        left, right = math.floor(extent[0]), math.ceil(extent[1])
        right = max(right, left + 1)
        if self._view.recent:
            left = max(left, right - self._view.recent)
        x_range = (float(left), float(right))
        if self._view.log_x:
            x_range = (math.log10(max(extent[0], 1e-3)), math.log10(right))
        self._box.setRange(xRange=x_range, padding=0, disableAutoRange=False)
        self._draw_batches()
        self._set_ranges(x_range, self._heights(x_range))
        self._draw_ticks()

    def _extent(self) -> tuple[float, float] | None:
        ends = [self._batches.extent] if self._batches.extent else []
        logs = [] if self._run is None else list(self._run.epochs.get(self.name, ()))
        for _, epochs, _ in self._overlays.values():
            logs += epochs.get(self.name, [])
        if logs:
            places = [epoch + 1.0 for epoch, _ in logs]
            ends.append((min(places), max(places)))
        if not ends:
            return None
        return min(start for start, _ in ends), max(end for _, end in ends)

    def _heights(self, x_range: tuple[float, float]) -> tuple[float, float]:
        items = [*self._curves, *(item for _, _, both in self._overlays.values() for item in both)]
        parts: list[Floats] = []
        for item in items:
            at, values = item.getData()
            if at is not None and len(at):
                inside = (at >= x_range[0]) & (at <= x_range[1]) & np.isfinite(values)
                parts.append(values[inside])
        shown = np.concatenate(parts) if parts else np.zeros(0)
        if not len(shown):
            return 0.0, 1.0
        ends = [OUTLIERS, 100 - OUTLIERS] if self._view.clip else [0, 100]
        low, high = (float(value) for value in np.percentile(shown, ends))
        room = ROOM * (high - low) or ROOM
        return low - room, high + room

    @property
    def _log_y(self) -> bool:
        return self._log.isChecked()

    @Slot(bool)
    def _set_log(self, on: bool) -> None:
        self._plot.getPlotItem().getAxis("left").setLogMode(on)
        self._redraw()

    def _place(self) -> float:
        place = float(self._crosshair.value())
        return 10**place if self._view.log_x else place

    def _events(self, run: LiveRun) -> list[tuple[float, str]]:
        per = max(run.started.steps_per_epoch, 1)
        return [(note.step / per, note.text) for note in run.notes if note.kind not in SILENT]

    @Slot(object)
    def _tell_event(self, at: QPointF) -> None:
        """What happened where the mouse is, if anything did."""
        if self._run is None or not self._box.sceneBoundingRect().contains(at):
            return
        place = float(self._box.mapSceneToView(at).x())
        place = 10**place if self._view.log_x else place
        near = 6 * float(self._box.viewPixelSize()[0])
        found = [text for event, text in self._events(self._run) if abs(event - place) <= near]
        self._plot.setToolTip(tooltip("\n".join(found[-5:])))
        if not found:
            QToolTip.hideText()


def _at(logs: Epochs, place: float) -> float | None:
    """The value of the epoch that ends nearest to a place; the last one for NaN."""
    if not logs:
        return None
    if not math.isfinite(place):
        return logs[-1][1]
    return min(logs, key=lambda item: abs(item[0] + 1 - place))[1]
