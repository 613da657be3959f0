"""Alt-drag: a copy of the selected layers follows the mouse, the originals stay."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from kbuilder.document.fragment import Fragment, cut_out
from kbuilder.document.places import NODE_WIDTH
from kbuilder.ui.canvas.clipboard import CanvasClipboard, extent
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import NODE_PATH, CanvasStyle

_ON_TOP = 10.0
_OPACITY = 0.75
_THRESHOLD_PX = 4.0


class Ghost(QGraphicsItem):
    """The outline of a piece of a graph: its boxes with their names."""

    def __init__(self, fragment: Fragment, style: CanvasStyle) -> None:
        super().__init__()
        self._fragment = fragment
        self._style = style
        self.setZValue(_ON_TOP)
        self.setOpacity(_OPACITY)

    def boundingRect(self) -> QRectF:
        """All boxes with their borders."""
        return extent(self._fragment).adjusted(-2.0, -2.0, 2.0, 2.0)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the boxes where the originals are, relative to the item's place."""
        style = self._style
        painter.setFont(style.name_font)
        for node in self._fragment.nodes:
            painter.translate(node.x, node.y)
            painter.setPen(style.preview_pen)
            painter.setBrush(style.node_brush)
            painter.drawPath(NODE_PATH)
            painter.setPen(style.text_pen)
            name = style.name_metrics.elidedText(
                node.name, Qt.TextElideMode.ElideRight, NODE_WIDTH - 28.0
            )
            painter.drawText(QPointF(14.0, 22.0), name)
            painter.translate(-node.x, -node.y)
        painter.setPen(style.preview_pen)
        painter.setBrush(style.marquee_brush)
        for note in self._fragment.comments:
            painter.drawRect(QRectF(note.x, note.y, note.width, note.height))


class DragCopies:
    """Put copies of the selection where the button is let go; one edit at the end."""

    def __init__(self, scene: CanvasScene, clipboard: CanvasClipboard) -> None:
        self._scene = scene
        self._clipboard = clipboard
        self._fragment = cut_out(scene.graph, scene.selected_ids(), scene.selected_comments())
        self._ghost = Ghost(self._fragment, scene.canvas_style)
        self._start = QPointF()
        self._moving = False

    def start(self, place: QPointF) -> None:
        """Take hold of the copies."""
        self._start = place

    def move(self, place: QPointF) -> None:
        """Show them under the mouse, once it has left the spot."""
        offset = place - self._start
        if not self._moving and offset.manhattanLength() >= _THRESHOLD_PX * self._scene.pixel:
            self._moving = True
            self._scene.addItem(self._ghost)
        self._ghost.setPos(offset)

    def end(self, place: QPointF) -> None:
        """Leave the copies there."""
        self.move(place)
        moving = self._moving
        self.cancel()
        if moving:
            self._clipboard.copy_by(self._fragment, place - self._start)

    def cancel(self) -> None:
        """Let the ghost vanish."""
        if self._moving:
            self._scene.removeItem(self._ghost)
        self._moving = False
