"""The plots of a training in two columns: a curve for each metric, and what else is monitored."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from kbuilder.link.run_events import LayerHealth
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.plot_bar import PlotBar
from kbuilder.ui.plots.confusion import ConfusionCard
from kbuilder.ui.plots.curves import CurvePlot, Epochs
from kbuilder.ui.plots.lines import Line, LinesPlot

LOWEST = 190
"""Pixels that a plot is high at least; below that they are scrolled."""
HIDDEN_FIRST = ("gradient norm",)
"""Metrics that are not shown unless they are asked for."""
LAYERS, CONFUSION, RATE, SPEED = "layers", "confusion", "learning rate", "throughput"


class PlotGrid(QWidget):
    """All plots of a run, and the strip that looks after them.

    Signals:
        samples_chosen: output id, class, class it was taken for, row numbers.
    """

    samples_chosen = Signal(str, str, str, tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves: dict[str, CurvePlot] = {}
        self.bar = PlotBar()
        self.bar.view_changed.connect(self._look)
        self.bar.shown.connect(self._show)
        self.layers = LinesPlot(
            LAYERS,
            self.tr("By layer"),
            log_y=True,
            choices=(
                ("gradient", self.tr("gradient norm by layer")),
                ("weight", self.tr("weight norm by layer")),
                ("update", self.tr("update norm by layer")),
                ("ratio", self.tr("update / weight by layer")),
                ("dead", self.tr("dead units by layer, %")),
            ),
        )
        self.layers.chosen.connect(self._show_layers)
        self.confusion = ConfusionCard()
        self.confusion.samples_chosen.connect(self.samples_chosen)
        self.rate = LinesPlot(RATE, self.tr("Learning rate"), log_y=True)
        self.speed = LinesPlot(
            SPEED,
            self.tr("Speed"),
            choices=(("samples", self.tr("samples/s")), ("split", self.tr("time split, %"))),
        )
        self.speed.chosen.connect(self._show_speed)
        for card in (self.layers, self.rate, self.speed):
            card.pointed.connect(self._point)
        self._wanted: dict[str, bool] = {}
        self._overlays: dict[str, tuple[QColor, dict[str, Epochs]]] = {}
        self._names: dict[str, str] = {}
        self._run: LiveRun | None = None
        self._placed: tuple[str, ...] = ()
        self._body = QWidget()
        self._body.setProperty("role", "workspace")
        self._grid = QGridLayout(self._body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(12)
        self._grid.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._body)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self._scroll, 1)
        for other in self._others().values():
            other.hide()
            other.setParent(self._body)

    def parts(self) -> list[str]:
        """Ids of what is to be drawn, one after the other."""
        return list(self._placed)

    def show_run(self, run: LiveRun, names: dict[str, str], part: str = "") -> None:
        """Take in what is new; ``names`` are those of the nodes. With ``part``, of one plot alone."""
        self.sync(run, names, one=bool(part))
        for name in [part] if part in self._cards() else self._placed:
            if name in self.curves:
                self.curves[name].show_run(run)
            elif name == LAYERS:
                self._show_layers()
            elif name == CONFUSION:
                self.confusion.show_looks(run.looks, names)
            elif name == RATE:
                self.rate.set_lines([_line(self.tr("learning rate"), run.rates)])
            elif name == SPEED:
                self._show_speed()

    def sync(self, run: LiveRun, names: dict[str, str], *, one: bool = False) -> bool:
        """Have a plot for all that a run tells of; ``names`` are those of the nodes.

        With ``one``, make one new plot at most: each takes the time of some pictures. Tells whether
        any was made.
        """
        before = len(self.curves) if run is self._run else 0
        if run is not self._run:
            self.clear()
        self._run, self._names = run, names
        self._sync(run, one=one)
        return len(self.curves) > before

    def clear(self) -> None:
        """Show nothing."""
        self._run = None
        for plot in self.curves.values():
            self._grid.removeWidget(plot)
            plot.setParent(None)
            plot.deleteLater()
        self.curves = {}
        for card in (self.layers, self.rate, self.speed):
            card.set_lines([])
        self.confusion.show_looks([], {})
        self._place(())

    def overlay(self, name: str, colour: QColor, epochs: dict[str, Epochs]) -> None:
        """Draw another run behind all curves."""
        self._overlays[name] = (colour, epochs)
        for plot in self.curves.values():
            plot.overlay(name, colour, epochs)

    def take_overlay(self, name: str) -> None:
        """Take another run away again."""
        self._overlays.pop(name, None)
        for plot in self.curves.values():
            plot.take_overlay(name)

    def _others(self) -> dict[str, QWidget]:
        return {
            LAYERS: self.layers,
            CONFUSION: self.confusion,
            RATE: self.rate,
            SPEED: self.speed,
        }

    def _cards(self) -> dict[str, QWidget]:
        return {**self.curves, **self._others()}

    def _sync(self, run: LiveRun, *, one: bool) -> None:
        new = [name for name in run.metrics if name not in self.curves]
        for name in new[:1] if one else new:
            plot = self.curves[name] = CurvePlot(name, self._body)
            plot.setMinimumHeight(LOWEST)
            plot.set_view(self.bar.view)
            plot.pointed.connect(self._point)
            for other, (colour, epochs) in self._overlays.items():
                plot.overlay(other, colour, epochs)
        held = {
            LAYERS: bool(run.looks),
            CONFUSION: any(look.confusion for look in run.looks[-1:]),
            RATE: False,
            SPEED: False,
        }
        usual = {name: name not in HIDDEN_FIRST for name in self.curves} | held
        shown = [name for name in self._cards() if self._wanted.get(name, usual[name])]
        if tuple(shown) != self._placed:
            self._place(tuple(shown))
            titles = {name: name.replace("_", " ") for name in self.curves} | {
                LAYERS: self.tr("By layer"),
                CONFUSION: self.tr("Confusion matrix"),
                RATE: self.tr("Learning rate"),
                SPEED: self.tr("Speed"),
            }
            self.bar.offer((name, titles[name], name in shown) for name in self._cards())

    def _place(self, shown: tuple[str, ...]) -> None:
        self._placed = shown
        cards = self._cards()
        for name, card in cards.items():
            self._grid.removeWidget(card)
            card.setVisible(name in shown)
            card.setMinimumHeight(LOWEST)
            # Both columns are equally wide, whatever the titles say.
            card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        columns = 1 if len(shown) == 1 else 2
        for number, name in enumerate(shown):
            row, column = divmod(number, columns)
            alone = columns == 2 and number == len(shown) - 1 and column == 0
            self._grid.addWidget(cards[name], row, column, 1, 2 if alone else 1)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, columns - 1)
        rows = -(-len(shown) // columns)
        self._body.setMinimumHeight(rows * (LOWEST + self._grid.spacing()))

    @Slot(object)
    def _look(self, view: object) -> None:
        for plot in self.curves.values():
            plot.set_view(self.bar.view)

    @Slot(str, bool)
    def _show(self, name: str, shown: bool) -> None:
        self._wanted[name] = shown
        if self._run is not None:
            self.show_run(self._run, self._names)

    @Slot(float)
    def _point(self, place: float) -> None:
        for card in (*self.curves.values(), self.layers, self.rate, self.speed):
            card.point_at(place)

    @Slot()
    def _show_layers(self) -> None:
        run = self._run
        if run is None or not run.looks:
            return
        what = self.layers.choice
        lines = []
        for node in run.looks[-1].layers:
            found = [
                (look.epoch, value)
                for look in run.looks
                if node in look.layers and (value := _health(look.layers[node], what)) is not None
            ]
            if found:
                lines.append(_line(self._names.get(node, node), found))
        self.layers.set_log(what != "dead")
        self.layers.set_lines(lines)

    @Slot()
    def _show_speed(self) -> None:
        run = self._run
        if run is None:
            return
        per = max(run.started.steps_per_epoch, 1)
        at = tuple(measure.step / per for measure in run.machine)
        if self.speed.choice == "samples":
            values = tuple(measure.samples_per_second for measure in run.machine)
            self.speed.set_lines([Line(self.tr("samples/s"), at, values)])
            return
        split = [(m.data_seconds, m.compute_seconds) for m in run.machine]
        shares = [(100 * data / ((data + compute) or 1), compute) for data, compute in split]
        data = tuple(share for share, _ in shares)
        rest = tuple(100 - share if compute else 0.0 for share, compute in shares)
        self.speed.set_lines([Line(self.tr("data"), at, data), Line(self.tr("compute"), at, rest)])


def _line(name: str, values: list[tuple[int, float]]) -> Line:
    return Line(name, tuple(at + 1.0 for at, _ in values), tuple(value for _, value in values))


def _health(health: LayerHealth, what: str) -> float | None:
    if what == "dead":
        return None if health.dead is None else 100 * health.dead
    if what == "ratio":
        known = health.update is not None and health.weight > 0
        return (health.update or 0.0) / health.weight if known else None
    value: float | None = getattr(health, what)
    return (
        value
        if value is not None and math.isfinite(value) and (value or what != "weight")
        else None
    )
