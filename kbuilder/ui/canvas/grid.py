"""The dots behind the graph, painted as one tiled picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QGraphicsView

from kbuilder.ui.canvas.style import GRID, CanvasStyle

_LEAST_PX = 14.0
_DOT_PX = 2.0


class DotGrid:
    """Keeps the tile for the last zoom, colour and screen."""

    def __init__(self) -> None:
        self._key: tuple[int, str, float] | None = None
        self._tile = QPixmap()

    def paint(self, painter: QPainter, view: QGraphicsView, style: CanvasStyle) -> None:
        """Fill the exposed part of the viewport, in its own pixels, so that dots stay crisp."""
        step = GRID * view.transform().m11()
        while step < _LEAST_PX:
            step *= 2
        size = round(step)
        tile = self._tile_for(size, style.grid_colour, view.devicePixelRatioF())
        origin = view.mapFromScene(QPointF())
        area = QRectF(view.viewport().rect())
        offset = QPointF(-origin.x() % size, -origin.y() % size)
        painter.save()
        painter.resetTransform()
        painter.drawTiledPixmap(area, tile, offset)
        painter.restore()

    def _tile_for(self, size: int, colour: QColor, ratio: float) -> QPixmap:
        key = (size, colour.name(), ratio)
        if key != self._key:
            self._key = key
            self._tile = QPixmap(round(size * ratio), round(size * ratio))
            self._tile.setDevicePixelRatio(ratio)
            self._tile.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._tile)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QRectF(size / 2 - 1, size / 2 - 1, _DOT_PX, _DOT_PX))
            painter.end()
        return self._tile
