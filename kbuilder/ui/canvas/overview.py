"""The whole graph in small: colour blocks when zoomed far out, and the minimap."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QTransform
from PySide6.QtWidgets import QWidget

from kbuilder.document.graph import EdgeKey
from kbuilder.ui.canvas.style import RADIUS, CanvasStyle

_MARGIN_PX = 8.0
_MOST_SCALE = 0.16


class OverviewShapes:
    """Rectangles by family and lines, kept in lists that are patched, never rebuilt.

    At a thousand nodes one ``drawRects`` per colour and one ``drawLines`` cost a tenth of what the
    items would.
    """

    def __init__(self) -> None:
        self._rects: dict[str, list[QRectF]] = {}
        self._ids: dict[str, list[str]] = {}
        self._places: dict[str, tuple[str, int]] = {}
        self._lines: list[QLineF] = []
        self._keys: list[EdgeKey] = []
        self._line_places: dict[EdgeKey, int] = {}

    def set_node(self, node: str, family: str, rect: QRectF) -> None:
        """Add or move one node's block."""
        place = self._places.get(node)
        if place is not None and place[0] == family:
            self._rects[family][place[1]] = rect
            return
        if place is not None:
            self.remove_node(node)
        rects = self._rects.setdefault(family, [])
        self._places[node] = (family, len(rects))
        rects.append(rect)
        self._ids.setdefault(family, []).append(node)

    def rect(self, node: str) -> QRectF:
        """One node's block."""
        family, index = self._places[node]
        return self._rects[family][index]

    def remove_node(self, node: str) -> None:
        """Take one block out; the last of its colour takes its place in the list."""
        family, index = self._places.pop(node)
        rects, ids = self._rects[family], self._ids[family]
        rects[index], ids[index] = rects[-1], ids[-1]
        rects.pop()
        last = ids.pop()
        if last != node:
            self._places[last] = (family, index)

    def set_edge(self, key: EdgeKey, line: QLineF) -> None:
        """Add or move one wire's line."""
        index = self._line_places.get(key)
        if index is None:
            self._line_places[key] = len(self._lines)
            self._lines.append(line)
            self._keys.append(key)
        else:
            self._lines[index] = line

    def remove_edge(self, key: EdgeKey) -> None:
        """Take one line out."""
        index = self._line_places.pop(key)
        self._lines[index], self._keys[index] = self._lines[-1], self._keys[-1]
        self._lines.pop()
        last = self._keys.pop()
        if last != key:
            self._line_places[last] = index

    def shift(self, nodes: Collection[str], edges: Collection[EdgeKey]) -> Shift:
        """Take hold of blocks, and of the lines that go with them, to show them elsewhere."""
        blocks = [
            (self._rects[family], index, QRectF(self._rects[family][index]))
            for family, index in (self._places[node] for node in nodes)
        ]
        lines = [
            (self._line_places[key], QLineF(self._lines[self._line_places[key]])) for key in edges
        ]
        return Shift(blocks, self._lines, lines)

    def bounds(self) -> QRectF:
        """The rectangle around all blocks, empty without any."""
        rects = [rect for group in self._rects.values() for rect in group]
        if not rects:
            return QRectF()
        left = min(rect.left() for rect in rects)
        top = min(rect.top() for rect in rects)
        right = max(rect.right() for rect in rects)
        bottom = max(rect.bottom() for rect in rects)
        return QRectF(left, top, right - left, bottom - top)

    def paint(self, painter: QPainter, style: CanvasStyle) -> None:
        """Draw everything with the painter's transform."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(style.overview_pen)
        if self._lines:
            painter.drawLines(self._lines)
        painter.setPen(Qt.PenStyle.NoPen)
        for family, rects in self._rects.items():
            painter.setBrush(style.family_brush(family))
            if rects:
                painter.drawRects(rects)


class Shift:
    """Blocks and lines of an overview that are shown elsewhere for a while."""

    def __init__(
        self,
        blocks: list[tuple[list[QRectF], int, QRectF]],
        lines: list[QLineF],
        moved: list[tuple[int, QLineF]],
    ) -> None:
        self._blocks = blocks
        self._lines = lines
        self._moved = moved

    def move(self, offset: QPointF) -> None:
        """Show them so far from where they were."""
        for rects, index, rect in self._blocks:
            rects[index] = rect.translated(offset)
        for number, line in self._moved:
            self._lines[number] = line.translated(offset)

    def put_down(self) -> None:
        """Show them where they were."""
        self.move(QPointF())


class Minimap(QWidget):
    """The graph in small with the part in view framed; a press or drag there moves the view."""

    moved = Signal(QPointF)
    """The scene point that shall become the middle of the view."""

    def __init__(self, shapes: OverviewShapes, style: CanvasStyle, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Minimap"))
        self.setToolTip(self.tr("Drag to move the view"))
        self._shapes = shapes
        self._style = style
        self._visible = QRectF()
        self._to_view = QTransform()
        self._picture = QPixmap()

    def sizeHint(self) -> QSize:
        """150 by 120 pixels."""
        return QSize(150, 120)

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours from now on."""
        self._style = style
        self.redraw()

    def redraw(self) -> None:
        """Draw the blocks anew when next shown; they stay as they are while one only scrolls."""
        self._picture = QPixmap()
        self.update()

    def set_visible_part(self, rect: QRectF) -> None:
        """Frame this part of the scene."""
        self._visible = rect
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw card, blocks and frame."""
        ratio = self.devicePixelRatioF()
        if self._picture.size() != self.size() * ratio:
            self._picture = self._draw_graph(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        card = QRectF(self.rect()).adjusted(2.5, 2.5, -3.5, -3.5)
        frame = self._to_view.mapRect(self._visible)
        if not frame.contains(card):
            painter.setPen(self._style.frame_pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.intersected(card))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the view there."""
        self.moved.emit(self._scene_point(event))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the view along."""
        self.moved.emit(self._scene_point(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the release from the canvas below."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the graph into the new size."""
        self.redraw()

    def _scene_point(self, event: QMouseEvent) -> QPointF:
        return self._to_view.inverted()[0].map(event.position())

    def _draw_graph(self, ratio: float) -> QPixmap:
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._style.card_pen)
        painter.setBrush(self._style.card_brush)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, RADIUS + 1, RADIUS + 1)
        self._to_view = self._fit()
        painter.setTransform(self._to_view)
        self._shapes.paint(painter, self._style)
        painter.end()
        return picture

    def _fit(self) -> QTransform:
        bounds = self._shapes.bounds()
        if bounds.isEmpty():
            bounds = self._visible
        width, height = max(bounds.width(), 1.0), max(bounds.height(), 1.0)
        scale = min(
            (self.width() - 2 * _MARGIN_PX) / width,
            (self.height() - 2 * _MARGIN_PX) / height,
            _MOST_SCALE,
        )
        transform = QTransform()
        transform.translate(self.width() / 2, self.height() / 2)
        transform.scale(scale, scale)
        return transform.translate(-bounds.center().x(), -bounds.center().y())
