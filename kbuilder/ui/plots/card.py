"""A card with a title, a legend and a plot: steady axes, the theme's colours, a crosshair, export."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from kbuilder.ui import theme
from kbuilder.ui.elided import Elided
from kbuilder.ui.plots import saving
from kbuilder.ui.plots.legend import Legend

LEFT_AXIS_WIDTH = 52


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis of epochs or values, with few logarithmic ones."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """Whole epochs below, unless less than one is in view."""
        levels: list[tuple[float, float]] = super().tickSpacing(low, high, size)
        if self.orientation != "bottom" or abs(high - low) < 1:
            return levels
        return [level for level in levels if level[0] >= 1] or [(1.0, 0.0)]

    def logTickValues(self, low: float, high: float, size: float, levels: object) -> object:
        """Powers of ten, and what lies between where these are few."""
        whole = range(math.ceil(low), math.floor(high) + 1)
        if len(whole) >= 2:
            every = max(1, -(-len(whole) * 22 // max(int(size), 1)))
            return [(1.0, [float(power) for power in whole if power % every == 0])]
        powers = range(math.floor(low), math.ceil(high) + 1)
        between = [power + math.log10(digit) for power in powers for digit in (1, 2, 3, 5, 7)]
        shown = [value for value in between if low <= value <= high]
        if len(shown) >= 2:
            return [(0.3, shown)]
        return [(0.0, [low + (high - low) * part for part in (0.1, 0.5, 0.9)])]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """The values themselves, short."""
        return [f"{10**value:.3g}" for value in values]


class Canvas(pg.PlotWidget):  # type: ignore[misc]
    """The plot of a card; tells when the mouse leaves it."""

    left = Signal()

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is gone."""
        super().leaveEvent(event)
        self.left.emit()


class Menu(QToolButton):
    """The button of a card that saves it as a picture or its numbers."""

    def __init__(self, card: QWidget, numbers: saving.Numbers) -> None:
        super().__init__()
        self._card, self._numbers = card, numbers
        self.setText("⋯")
        self.setProperty("role", "menu")
        self.setToolTip(self.tr("Save this plot"))
        self.setAccessibleName(self.tr("Save this plot"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for kind, text in (
            ("svg", self.tr("Save as SVG…")),
            ("png", self.tr("Save as PNG…")),
            ("csv", self.tr("Save numbers as CSV…")),
        ):
            menu.addAction(text).triggered.connect(partial(self.save, kind))
        self.setMenu(menu)

    def save(self, kind: str) -> None:
        """Ask for a file and write the card: ``svg``, ``png`` or ``csv``."""
        name = str(getattr(self._card, "name", "plot"))
        saving.ask_and_save(self._card, name, kind, self._numbers)


class PlotCard(QWidget):
    """A plot over epochs. ``name`` is what it is saved as.

    Signals:
        pointed: the place in epochs under the mouse; NaN when it is gone.
    """

    pointed = Signal(float)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        axes = {side: Axis(orientation=side) for side in ("left", "bottom")}
        self._plot = Canvas(background=None, axisItems=axes)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMinimumSize(160, 100)
        self._plot.getPlotItem().setLabel("bottom", self.tr("epoch"))
        self._box = self._plot.getPlotItem().getViewBox()
        self._steady_axes()
        self._crosshair = pg.InfiniteLine(angle=90, movable=False)
        self._crosshair.hide()
        self._plot.addItem(self._crosshair, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._point)
        self._plot.left.connect(self._leave)
        self._legend = Legend()
        self._whole = self._button(self.tr("whole"), self.tr("Show the whole curve again"))
        self._whole.clicked.connect(self.show_whole)
        self._whole.hide()
        self._more = Menu(self, self.numbers)
        self._make_layout(title)
        self.paint_theme()
        theme.notifier.changed.connect(self.paint_theme)

    def numbers(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """Header and rows of what is drawn."""
        return (), ()

    @Slot(float)
    def point_at(self, place: float) -> None:
        """Show the crosshair at a place in epochs and the values there; NaN: the latest."""
        shown = math.isfinite(place)
        self._crosshair.setVisible(shown)
        if shown:
            log_x = self._plot.getPlotItem().getAxis("bottom").logMode
            self._crosshair.setValue(math.log10(max(place, 1e-9)) if log_x else place)
        self.read_at(place)

    def read_at(self, place: float) -> None:
        """Show the values at a place in epochs; NaN: the latest."""

    @Slot()
    def show_whole(self) -> None:
        """Show all of it again."""
        self._whole.hide()
        self.follow()

    def follow(self) -> None:
        """Set the ranges to what is drawn."""

    @Slot()
    def paint_theme(self) -> None:
        """Draw with the colours of the theme in use."""
        colours = theme.current()
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(QColor(colours.border)))
            axis.setTextPen(pg.mkPen(colours.muted))
        self._crosshair.setPen(pg.mkPen(colours.muted, style=Qt.PenStyle.DashLine))
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

    def _set_ranges(self, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self._box.setRange(xRange=x_range, yRange=y_range, padding=0, disableAutoRange=False)
        self._plot.scene().prepareForPaint()

    @Slot(object)
    def _hold_view(self, _: object) -> None:
        """The user has zoomed or dragged: stay there, and offer the way back."""
        self._whole.show()

    @Slot(object)
    def _point(self, at: QPointF) -> None:
        if not self._box.sceneBoundingRect().contains(at):
            self.pointed.emit(math.nan)
            return
        place = float(self._box.mapSceneToView(at).x())
        log_x = self._plot.getPlotItem().getAxis("bottom").logMode
        self.pointed.emit(10**place if log_x else place)

    @Slot()
    def _leave(self) -> None:
        self.pointed.emit(math.nan)

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    def _make_layout(self, title: str) -> None:
        self._head = QHBoxLayout()
        self._head.setSpacing(4)
        self._title = Elided(title.upper(), "heading")
        self._head.addWidget(self._title)
        self._head.addWidget(self._legend, 1)
        self._head.addWidget(self._whole)
        self._head.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 8)
        column.addLayout(self._head)
        column.addWidget(self._plot, 1)


def pen(colour: QColor, width: float = 2.0, *, dashed: bool = False, alpha: int = 255) -> object:
    """A pen for a curve."""
    shade = QColor(colour)
    shade.setAlpha(alpha)
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(shade, width=width, style=style)
