"""One wire on the canvas, and the pill that tells the shape flowing through it."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen, QStaticText
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QStyleOptionGraphicsItem,
    QWidget,
)

from kbuilder.document.graph import Edge, EdgeKey
from kbuilder.ui.canvas.routing import LONG, wire_path
from kbuilder.ui.canvas.style import FULL_DETAIL, CanvasStyle

_HIT_WIDTH = 12.0
_PILL_HEIGHT = 17.0
_PILL_PADDING = 9.0
_LEAST_GAP = 25.0
_LEAST_SAMPLES = 48
_SAMPLE_PITCH = 6.0
_MASK_OFFSET = 4.5


class EdgeItem(QGraphicsPathItem):
    """A wire between two boxes. Qt paints the path itself; only its pen changes.

    ``key`` is that of the wire in the document, ``edge`` has the boxes and ports that it is drawn
    between; they differ where a wire ends in a collapsed block.
    """

    def __init__(self, key: EdgeKey, edge: Edge, style: CanvasStyle) -> None:
        super().__init__()
        self.key = key
        self.edge = edge
        self.start = QPointF()
        self.end = QPointF()
        self.lane: float | None = None
        self.pill = ShapePill(style)
        self._style = style
        self._accent = False
        self._selected = False
        self._hovered = False
        self._masked = False
        self.setPen(style.wire_pen)

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours from now on."""
        self._style = style
        self.pill.set_style(style)
        self.setPen(self._current_pen())

    def set_ends(self, start: QPointF, end: QPointF, lane: float | None = None) -> None:
        """Run from ``start`` to ``end`` in scene coordinates, along the ``lane`` at that x if given."""
        if (start, end, lane) == (self.start, self.end, self.lane):
            return
        self.start, self.end, self.lane = start, end, lane
        self.setPos(0.0, 0.0)
        self.setPath(wire_path(start, end, lane))
        middle = (start + end) / 2
        if lane is not None:
            middle.setX(lane)
        self.pill.set_place(middle, room=end.y() - start.y())

    @property
    def is_long(self) -> bool:
        """Whether there may be boxes between its ends."""
        return self.end.y() - self.start.y() >= LONG

    def set_look(self, *, accent: bool, selected: bool) -> None:
        """``accent``: it feeds a selected node. ``selected``: the wire itself is selected."""
        self._accent, self._selected = accent, selected
        self._show()

    @property
    def is_masked(self) -> bool:
        """Whether a mask goes along the wire."""
        return self._masked

    def set_masked(self, masked: bool) -> None:
        """Show by dots beside the wire that Keras carries a mask along with it."""
        if masked != self._masked:
            self.prepareGeometryChange()
            self._masked = masked
            self.update()

    def boundingRect(self) -> QRectF:
        """The path, with room for the dots of a mask."""
        rect: QRectF = super().boundingRect()
        return rect.adjusted(-1.0, 0.0, _MASK_OFFSET + 1.0, 0.0) if self._masked else rect

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the wire, and dots beside it where a mask goes along."""
        super().paint(painter, option, widget)
        detail = option.levelOfDetailFromTransform(painter.worldTransform())
        if self._masked and detail >= FULL_DETAIL:
            painter.setPen(self._style.mask_pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.translate(_MASK_OFFSET, 0.0)
            painter.drawPath(self.path())
            painter.translate(-_MASK_OFFSET, 0.0)

    def set_hovered(self, hovered: bool) -> None:
        """Show that the mouse is over the wire, or that a drop would land in it."""
        self._hovered = hovered
        self._show()

    def distance(self, place: QPointF) -> float:
        """How far a point of the scene is from the wire, to within a few units."""
        path = self.path()
        steps = max(_LEAST_SAMPLES, int(path.length() / _SAMPLE_PITCH))
        points = (path.pointAtPercent(step / steps) for step in range(steps + 1))
        return min(_length(point - place) for point in points)

    def shape(self) -> QPainterPath:
        """A band along the path; the default would be the area that it encloses."""
        stroker = QPainterPathStroker()
        stroker.setWidth(_HIT_WIDTH)
        return stroker.createStroke(self.path())

    def _show(self) -> None:
        self.setPen(self._current_pen())
        self.setZValue(1.0 if self._accent or self._selected else 0.0)

    def _current_pen(self) -> QPen:
        style = self._style
        if self._selected:
            return style.wire_selected_pen
        if self._hovered:
            return style.wire_hover_pen
        return style.wire_accent_pen if self._accent else style.wire_pen


class ShapePill(QGraphicsItem):
    """A shape as text in a rounded frame, in the middle of a wire; nothing without a text."""

    def __init__(self, style: CanvasStyle) -> None:
        super().__init__()
        self.setZValue(1.5)
        self._style = style
        self._text = ""
        self._static = QStaticText()
        self._rect = self._bounds = QRectF()
        self._text_place = QPointF()
        self._room = 0.0

    @property
    def text(self) -> str:
        """The shape shown."""
        return self._text

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours and fonts from now on."""
        self._style = style
        self._lay_out()

    def set_text(self, text: str) -> None:
        """Show another shape."""
        if text != self._text:
            self._text = text
            self._lay_out()

    def set_place(self, middle: QPointF, room: float) -> None:
        """Sit around ``middle``; hidden while the nodes leave less ``room`` than it needs."""
        self.setPos(middle)
        self._room = room
        self.setVisible(bool(self._text) and room >= _LEAST_GAP)

    def boundingRect(self) -> QRectF:
        """The frame with its border."""
        return self._bounds

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint frame and text when they can be read."""
        if option.levelOfDetailFromTransform(painter.worldTransform()) < FULL_DETAIL:
            return
        style = self._style
        painter.setPen(style.pill_pen)
        painter.setBrush(style.pill_brush)
        radius = self._rect.height() / 2
        painter.drawRoundedRect(self._rect, radius, radius)
        painter.setPen(style.muted_pen)
        painter.setFont(style.pill_font)
        painter.drawStaticText(self._text_place, self._static)

    def _lay_out(self) -> None:
        self.prepareGeometryChange()
        metrics = self._style.pill_metrics
        width = metrics.horizontalAdvance(self._text) + 2 * _PILL_PADDING
        self._rect = QRectF(-width / 2, -_PILL_HEIGHT / 2, width, _PILL_HEIGHT)
        self._bounds = self._rect.adjusted(-1.0, -1.0, 1.0, 1.0)
        self._static = QStaticText(self._text)
        self._static.setTextFormat(Qt.TextFormat.PlainText)
        self._static.prepare(font=self._style.pill_font)
        self._text_place = QPointF(_PILL_PADDING - width / 2, -metrics.height() / 2)
        self.setVisible(bool(self._text) and self._room >= _LEAST_GAP)
        self.update()


def _length(vector: QPointF) -> float:
    return math.hypot(vector.x(), vector.y())
