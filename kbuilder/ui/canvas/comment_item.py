"""One comment on the canvas: a coloured card with wrapped plain text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QPainter,
    QPainterPath,
    QPen,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from kbuilder.document.graph import Comment
from kbuilder.ui import theme
from kbuilder.ui.canvas.style import CanvasStyle

PADDING = 10.0
HANDLE = 14.0
"""Side of the square in the lower right corner that resizes the comment."""
_BELOW_NODES = -1.0
_BELOW_NODES_SELECTED = -0.5
_RADIUS = 6.0
_FAMILIES = {
    "blue": "Core",
    "green": "Normalization",
    "amber": "Merging",
    "red": "Activation",
    "violet": "Convolution",
}


def comment_colour(name: str) -> QColor:
    """The colour of that name in the present theme; muted for the plain one and unknown names."""
    colours = theme.current()
    return colours.family(_FAMILIES[name]) if name in _FAMILIES else colours.muted


class CommentItem(QGraphicsItem):
    """Paints one comment below the nodes; holds no truth and moves only when it is told to."""

    def __init__(self, comment: Comment, style: CanvasStyle) -> None:
        super().__init__()
        self.setZValue(_BELOW_NODES)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.comment = comment
        self._style = style
        self._selected = False
        self._size = (comment.width, comment.height)
        self._lines: list[tuple[QPointF, str]] | None = None
        self.setPos(comment.x, comment.y)

    def set_comment(self, comment: Comment) -> None:
        """Show another value of the same comment, at its place."""
        self.comment = comment
        self.set_size(comment.width, comment.height)
        self.setPos(comment.x, comment.y)
        self._lines = None
        self.update()

    def set_size(self, width: float, height: float) -> None:
        """Show it in another size, as while it is being resized."""
        self.prepareGeometryChange()
        self._size = (width, height)
        self._lines = None

    def set_selected(self, selected: bool) -> None:
        """Show the comment as selected or not."""
        self._selected = selected
        self.setZValue(_BELOW_NODES_SELECTED if selected else _BELOW_NODES)
        self.update()

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours and fonts from now on."""
        self._style = style
        self._lines = None
        self.update()

    @property
    def rect(self) -> QRectF:
        """The card, in the item's coordinates."""
        return QRectF(0.0, 0.0, *self._size)

    def on_handle(self, place: QPointF) -> bool:
        """Whether a point of the scene is on the corner that resizes."""
        corner = self.pos() + self.rect.bottomRight()
        return QRectF(corner.x() - HANDLE, corner.y() - HANDLE, HANDLE, HANDLE).contains(place)

    def boundingRect(self) -> QRectF:
        """The card with its border."""
        return self.rect.adjusted(-2.0, -2.0, 2.0, 2.0)

    def shape(self) -> QPainterPath:
        """The whole card."""
        path = QPainterPath()
        path.addRect(self.rect)
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint card, text and handle."""
        if self._lines is None:
            self._lines = self._wrapped()
        colour = comment_colour(self.comment.colour)
        fill, line = QColor(colour), QColor(colour)
        fill.setAlpha(46)
        line.setAlpha(150)
        painter.setBrush(QBrush(fill))
        painter.setPen(self._style.selected_pen if self._selected else QPen(line, 1.0))
        painter.drawRoundedRect(self.rect, _RADIUS, _RADIUS)
        painter.setPen(self._style.text_pen)
        painter.setFont(self._style.detail_font)
        for place, text in self._lines:
            painter.drawText(place, text)
        painter.setPen(QPen(line, 1.2))
        corner = self.rect.bottomRight()
        for step in (4.0, 8.0):
            painter.drawLine(corner - QPointF(step + 2.0, 3.0), corner - QPointF(3.0, step + 2.0))

    def _wrapped(self) -> list[tuple[QPointF, str]]:
        """The lines that fit into the card, each at its baseline; the last one elided."""
        metrics = self._style.detail_metrics
        width, height = (size - 2 * PADDING for size in self._size)
        room = max(int(height / metrics.lineSpacing()), 1)
        lines = list(islice(self._broken(width), room + 1))
        if len(lines) > room:
            last = lines[room - 1].rstrip() + "…"
            lines = lines[: room - 1]
            lines.append(metrics.elidedText(last, Qt.TextElideMode.ElideRight, width))
        return [
            (QPointF(PADDING, PADDING + metrics.ascent() + row * metrics.lineSpacing()), line)
            for row, line in enumerate(lines)
        ]

    def _broken(self, width: float) -> Iterator[str]:
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        for text in self.comment.text.splitlines():
            layout = QTextLayout(text, self._style.detail_font)
            layout.setTextOption(option)
            layout.beginLayout()
            if not text:
                yield ""
            while text and (line := layout.createLine()).isValid():
                line.setLineWidth(width)
                yield text[line.textStart() : line.textStart() + line.textLength()]
            layout.endLayout()
