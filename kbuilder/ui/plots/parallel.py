"""Parallel coordinates: an axis for each option and one for the objective, a line for each trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from kbuilder.document.run_settings import setting_text
from kbuilder.ui import theme
from kbuilder.ui.plots.parallel_axes import Axis, Line
from kbuilder.ui.text import tooltip

SIDE, TOP, BOTTOM = 64, 44, 20
NEAR = 7
"""Pixels from a line within which the mouse reads it."""
BRUSH_WIDTH = 12
STEPS = 48
"""Pieces of which a curve between two axes is made."""


class ParallelPlot(QWidget):
    """Drag along an axis keeps what crosses it there; a click on an axis takes that back.

    Signals:
        brushed: the numbers of the trials that pass all brushes.
        picked: the number of the trial that was clicked.
    """

    brushed = Signal(object)
    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: tuple[Axis, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self._best = self._marked = self._hovered = -1
        self._small = True
        self.brushes: dict[int, tuple[float, float]] = {}
        self._held: tuple[int, float] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(180)
        theme.notifier.changed.connect(self.update)

    # --- what is shown ---------------------------------------------------------------------------

    def show_trials(
        self, axes: Sequence[Axis], lines: Sequence[Line], best: int, *, smaller_is_better: bool
    ) -> None:
        """Draw these trials; ``best`` is the number of the best one, -1 for none."""
        if [axis.title for axis in axes] != [axis.title for axis in self._axes]:
            self.brushes.clear()
        self._axes, self._lines, self._best = tuple(axes), tuple(lines), best
        self._small = smaller_is_better
        self.setAccessibleName(
            self.tr("Parallel coordinates of {0} trials; the best is trial {1}").format(
                len(lines), best
            )
        )
        self.update()

    def mark(self, number: int) -> None:
        """Draw one trial stronger than the others; -1 for none."""
        if number != self._marked:
            self._marked = number
            self.update()

    def kept(self) -> list[int]:
        """Numbers of the trials that pass all brushes."""
        return [line.number for line in self._lines if self._passes(line)]

    def line_at(self, point: QPointF) -> int:
        """The trial whose line is nearest to a point and near enough, else -1."""
        shown = [line for line in self._lines if self._passes(line)]
        found = [(self._distance(line, point), line.number) for line in shown]
        nearest = min(found, default=(math.inf, -1))
        return nearest[1] if nearest[0] <= NEAR else -1

    def axis_x(self, number: int) -> float:
        """Where an axis stands, in pixels from the left."""
        room = self.width() - 2 * SIDE
        return SIDE + room * number / max(len(self._axes) - 1, 1)

    def y_of(self, place: float) -> float:
        """A place on an axis (0 to 1) in pixels from the top."""
        return self.height() - BOTTOM - place * (self.height() - TOP - BOTTOM)

    def colour_of(self, line: Line) -> QColor:
        """From the accent (best) over grey to orange (worst): told apart without red and green."""
        place = self._axes[-1].place(line.values[-1]) if self._axes else None
        colours = theme.current()
        if place is None or line.state not in ("complete", "pruned"):
            return QColor(colours.muted)
        bad = min(max(place if self._small else 1 - place, 0.0), 1.0)
        good, middle, worst = colours.series(0), colours.muted, colours.series(1)
        return _mixed(good, middle, 2 * bad) if bad < 0.5 else _mixed(middle, worst, 2 * bad - 1)

    # --- hands -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a brush on an axis, or pick a line."""
        axis = self._axis_at(event.position())
        if axis >= 0:
            self._held = (axis, self._place(event.position()))
            self.brushes.pop(axis, None)
        elif (number := self.line_at(event.position())) >= 0:
            self.picked.emit(number)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the brush on, or read the line below the mouse."""
        if self._held is not None:
            axis, begun = self._held
            now = self._place(event.position())
            self.brushes[axis] = (min(begun, now), max(begun, now))
            self.update()
            return
        hovered = self.line_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()
            text = self.reading(hovered)
            QToolTip.showText(event.globalPosition().toPoint(), tooltip(text), self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The brush is done; one without a length is none."""
        if self._held is not None:
            axis, _ = self._held
            self._held = None
            low, high = self.brushes.get(axis, (0.0, 0.0))
            if high - low < 0.01:
                self.brushes.pop(axis, None)
            self.brushed.emit(self.kept())
            self.update()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down walk through the trials, Escape takes the brushes away."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        numbers = self.kept()
        if step is not None and numbers:
            at = numbers.index(self._marked) + step if self._marked in numbers else 0
            self.picked.emit(numbers[at % len(numbers)])
        elif event.key() == Qt.Key.Key_Escape and self.brushes:
            self.brushes.clear()
            self.brushed.emit(self.kept())
            self.update()
        else:
            super().keyPressEvent(event)

    def reading(self, number: int) -> str:
        """A trial in words; empty for none."""
        line = next((line for line in self._lines if line.number == number), None)
        if line is None:
            return ""
        told = [
            f"{axis.title}: {setting_text(value)}"
            for axis, value in zip(self._axes, line.values, strict=True)
        ]
        return "\n".join([self.tr("Trial {0} ({1})").format(number, line.state), *told])

    # --- drawing ---------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Wide rather than high."""
        return QSize(640, 280)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines from the worst to the best, then the axes over them."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(self._axes) < 2:
            return
        strong = {self._best, self._marked, self._hovered}
        for line in sorted(self._lines, key=lambda line: (line.number in strong, line.number)):
            self._draw_line(painter, line)
        for number in range(len(self._axes)):
            self._draw_axis(painter, number)

    def _draw_line(self, painter: QPainter, line: Line) -> None:
        passes = self._passes(line)
        colour = self.colour_of(line)
        strong = passes and line.number in (self._best, self._marked, self._hovered)
        colour.setAlpha(255 if strong else 170 if passes else 28)
        pen = QPen(colour, 3.0 if strong else 1.5)
        if line.state != "complete":
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        points = self._points(line)
        if not points:
            return
        path = QPainterPath(points[0])
        for one, two in pairwise(points):
            middle = (one.x() + two.x()) / 2
            path.cubicTo(QPointF(middle, one.y()), QPointF(middle, two.y()), two)
        painter.drawPath(path)

    def _draw_axis(self, painter: QPainter, number: int) -> None:
        colours, axis, x = theme.current(), self._axes[number], self.axis_x(number)
        painter.setPen(QPen(colours.wire, 1))
        painter.drawLine(QPointF(x, self.y_of(0)), QPointF(x, self.y_of(1)))
        if number in self.brushes:
            low, high = self.brushes[number]
            shade = QColor(colours.accent)
            shade.setAlpha(70)
            painter.fillRect(
                QRectF(
                    QPointF(x - BRUSH_WIDTH / 2, self.y_of(high)),
                    QPointF(x + BRUSH_WIDTH / 2, self.y_of(low)),
                ),
                shade,
            )
        last = number == len(self._axes) - 1
        font = painter.font()
        font.setBold(last)
        painter.setFont(font)
        painter.setPen(colours.text)
        room = (self.width() - 2 * SIDE) / max(len(self._axes) - 1, 1) - 8
        room = max(min(room, 2 * SIDE), 40)
        title = painter.fontMetrics().elidedText(
            axis.title, Qt.TextElideMode.ElideMiddle, int(room)
        )
        painter.drawText(QRectF(x - room / 2, 6, room, 20), Qt.AlignmentFlag.AlignCenter, title)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(colours.muted)
        for place, text in axis.ticks():
            self._draw_tick(painter, QPointF(x, self.y_of(place)), text)

    def _draw_tick(self, painter: QPainter, at: QPointF, text: str) -> None:
        """A figure right of its axis, on a ground of its own."""
        measure = painter.fontMetrics()
        text = measure.elidedText(text, Qt.TextElideMode.ElideRight, SIDE + 20)
        width = measure.horizontalAdvance(text) + 6
        ground = QColor(theme.current().panel)
        ground.setAlpha(190)
        box = QRectF(at.x() + 6, at.y() - 9, width, 18)
        painter.fillRect(box, ground)
        painter.drawLine(QPointF(at.x() - 3, at.y()), QPointF(at.x() + 3, at.y()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    # --- places ----------------------------------------------------------------------------------

    def _points(self, line: Line) -> list[QPointF]:
        """Where a line crosses the axes; it ends at the first axis where it has no value."""
        found = []
        for number, (axis, value) in enumerate(zip(self._axes, line.values, strict=True)):
            place = axis.place(value)
            if place is None:
                break
            found.append(QPointF(self.axis_x(number), self.y_of(place)))
        return found

    def _passes(self, line: Line) -> bool:
        for number, (low, high) in self.brushes.items():
            place = self._axes[number].place(line.values[number])
            if place is None or not low <= place <= high:
                return False
        return True

    def _distance(self, line: Line, point: QPointF) -> float:
        points = self._points(line)
        for one, two in pairwise(points):
            if one.x() <= point.x() <= two.x():
                # The curve that ``cubicTo`` draws, by its parameter.
                along = [n / STEPS for n in range(STEPS + 1)]
                return min(math.dist(_on_curve(one, two, t), (point.x(), point.y())) for t in along)
        return math.inf

    def _axis_at(self, point: QPointF) -> int:
        near = [
            number
            for number in range(len(self._axes))
            if abs(point.x() - self.axis_x(number)) <= BRUSH_WIDTH / 2
        ]
        return near[0] if near and point.y() >= TOP - 10 else -1

    def _place(self, point: QPointF) -> float:
        room = self.height() - TOP - BOTTOM
        return min(max((self.height() - BOTTOM - point.y()) / max(room, 1), 0.0), 1.0)


def _on_curve(one: QPointF, two: QPointF, t: float) -> tuple[float, float]:
    middle = (one.x() + two.x()) / 2
    a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    return (a * one.x() + (b + c) * middle + d * two.x(), (a + b) * one.y() + (c + d) * two.y())


def _mixed(one: QColor, two: QColor, share: float) -> QColor:
    parts = (
        round(a + (b - a) * share)
        for a, b in zip(one.getRgb()[:3], two.getRgb()[:3], strict=True)  # type: ignore[index]
    )
    return QColor(*parts)
