"""The frame around an open block: its colour, its name, and a title to take hold of."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from kbuilder.document.graph import Group
from kbuilder.document.places import FRAME_TITLE, Box
from kbuilder.ui.canvas.comment_item import comment_colour
from kbuilder.ui.canvas.style import FULL_DETAIL, OVERVIEW_DETAIL, RADIUS, CanvasStyle

_BELOW_COMMENTS = -5.0
_FILL_ALPHA = 26
_LINE_ALPHA = 150
_PADDING = 12.0


class FrameItem(QGraphicsItem):
    """Paints one open block below everything else; ``level`` is 0 for a block in no other."""

    def __init__(self, group: Group, box: Box, level: int, style: CanvasStyle) -> None:
        super().__init__()
        self.block = group
        self._style = style
        self._selected = False
        self._rect = QRectF()
        self.set_group(group, box, level)

    def set_group(self, group: Group, box: Box, level: int) -> None:
        """Show another value of the same block, around this box of the scene."""
        self.block = group
        rect = QRectF(box.left, box.top, box.right - box.left, box.bottom - box.top)
        self.setZValue(_BELOW_COMMENTS + 0.1 * level)
        self.setPos(rect.topLeft())
        if rect.size() != self._rect.size():
            self.prepareGeometryChange()
            self._rect = QRectF(QPointF(), rect.size())
        self.update()

    def set_selected(self, selected: bool) -> None:
        """Show the block as selected or not."""
        if selected != self._selected:
            self._selected = selected
            self.update()

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours and fonts from now on."""
        self._style = style
        self.update()

    @property
    def title_rect(self) -> QRectF:
        """The strip with the name, in the scene: what the mouse takes hold of."""
        return QRectF(self.pos(), self._rect.size()).adjusted(
            0.0, 0.0, 0.0, FRAME_TITLE - self._rect.height()
        )

    def boundingRect(self) -> QRectF:
        """The frame with its line."""
        return self._rect.adjusted(-2.0, -2.0, 2.0, 2.0)

    def shape(self) -> QPainterPath:
        """The title strip alone, so that a click inside goes to what lies there."""
        path = QPainterPath()
        path.addRect(QRectF(0.0, 0.0, self._rect.width(), FRAME_TITLE))
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the tinted area, its line, and the name when it can be read."""
        style = self._style
        colour = comment_colour(self.block.colour)
        line, fill = QPen(colour), QBrush(colour)
        tint = fill.color()
        tint.setAlpha(_FILL_ALPHA)
        fill.setColor(tint)
        tint.setAlpha(_LINE_ALPHA)
        line.setColor(tint)
        line.setStyle(Qt.PenStyle.SolidLine if self.block.nested else Qt.PenStyle.DashLine)
        painter.setPen(style.selected_pen if self._selected else line)
        painter.setBrush(fill)
        painter.drawRoundedRect(self._rect, RADIUS + 3.0, RADIUS + 3.0)
        detail = option.levelOfDetailFromTransform(painter.worldTransform())
        if detail >= OVERVIEW_DETAIL:
            near = detail >= FULL_DETAIL
            font, metrics = (
                (style.name_font, style.name_metrics)
                if near
                else (style.title_font, style.title_metrics)
            )
            painter.setPen(style.text_pen)
            painter.setFont(font)
            room = QRectF(_PADDING, 0.0, self._rect.width() - 2 * _PADDING, FRAME_TITLE)
            name = metrics.elidedText(self.block.name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)
