"""Working on comments: adding, writing in place, resizing, colours."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGraphicsView, QPlainTextEdit

from kbuilder.document.comment_edits import LEAST_HEIGHT, LEAST_WIDTH, add_comment, set_comment
from kbuilder.document.graph import Comment
from kbuilder.document.naming import new_id
from kbuilder.ui.canvas.joining import block_at
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import NODE_RECT

_LEAST_EDITOR = QSize(140, 60)
_GAP = 24.0


class Commenting(QObject):
    """Turns what people do with comments into edits; owns the field for writing in place."""

    def __init__(self, scene: CanvasScene, view: QGraphicsView) -> None:
        super().__init__(view)
        self._scene = scene
        self._view = view
        self._comment = ""
        self._fresh = False
        self.editor = QPlainTextEdit(view)
        self.editor.setAccessibleName(self.tr("Text of the comment"))
        self.editor.setPlaceholderText(self.tr("Write a comment. Ctrl+Enter keeps it."))
        self.editor.setTabChangesFocus(True)
        self.editor.hide()
        self.editor.installEventFilter(self)
        for bar in (view.horizontalScrollBar(), view.verticalScrollBar()):
            bar.valueChanged.connect(self._place_editor)

    def add(self, place: QPointF) -> None:
        """Put a comment at a point of the scene, into the block there, and write in it.

        Where it would cover layers, or they would cover it, it goes beside them.
        """
        made = Comment(id=new_id(), text="", x=round(place.x()), y=round(place.y()))
        x = self._free_x(made)
        made = replace(made, x=x, group=block_at(self._scene, QPointF(x, made.y)))
        self._scene.bridge.document.apply(
            self.tr("Add a comment"), partial(add_comment, comment=made), ("comment", made.id)
        )
        self._scene.select((), comments=[made.id])
        self.edit(made.id)
        self._fresh = True

    def _free_x(self, made: Comment) -> float:
        """The first place at or to the right of a comment's own where no box is in its way."""
        area = QRectF(made.x, made.y, made.width, made.height)
        boxes = sorted(self._scene.nodes.values(), key=lambda item: item.x())
        for item in boxes:
            box = NODE_RECT.translated(item.pos())
            if box.intersects(area):
                area.moveLeft(box.right() + _GAP)
        return round(area.left())

    def edit(self, comment: str) -> None:
        """Write in a comment, over it."""
        item = self._scene.comments[comment]
        self._comment, self._fresh = comment, False
        self._place_editor()
        self.editor.setPlainText(item.comment.text)
        self.editor.selectAll()
        self.editor.show()
        self.editor.raise_()
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _place_editor(self) -> None:
        """Lie over the comment, also when the canvas is scrolled or zoomed below it."""
        item = self._scene.comments.get(self._comment)
        if item is not None:
            corners = QRectF(item.pos(), item.rect.size())
            area = self._view.mapFromScene(corners).boundingRect()
            area.setSize(area.size().expandedTo(_LEAST_EDITOR))
            self.editor.setGeometry(area)

    def commit(self) -> None:
        """Keep what was written: an edit of its own, or a part of adding the comment."""
        comment, text = self._comment, self.editor.toPlainText()
        if not text.strip() and self._fresh:
            self.cancel()
            return
        self._comment = ""
        self._leave()
        if comment in self._scene.comments:
            self._scene.bridge.document.apply(
                self.tr("Edit a comment"),
                partial(set_comment, comment_id=comment, text=text),
                ("comment", comment),
            )
        self._scene.bridge.document.end_merging()

    def cancel(self) -> None:
        """Forget what was written; a comment that was only just added goes again."""
        comment, self._comment = self._comment, ""
        self._leave()
        if self._fresh and comment in self._scene.comments:
            self._scene.bridge.document.undo()
        self._scene.bridge.document.end_merging()

    def set_colour(self, comment: str, colour: str) -> None:
        """Give a comment another colour."""
        self._scene.bridge.document.apply(
            self.tr("Colour a comment"), partial(set_comment, comment_id=comment, colour=colour)
        )

    def resize(self, comment: str, width: float, height: float) -> None:
        """Give a comment another size."""
        self._scene.bridge.document.apply(
            self.tr("Resize a comment"),
            partial(set_comment, comment_id=comment, width=round(width), height=round(height)),
        )

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Ctrl+Enter and leaving the field keep the text, Esc forgets it."""
        if watched is not self.editor or not self._comment:
            return False
        if event.type() == QEvent.Type.FocusOut:
            self.commit()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if event.key() == Qt.Key.Key_Escape:
                self.cancel()
                return True
            if control and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.commit()
                return True
        return False

    def _leave(self) -> None:
        focused = self.editor.hasFocus()
        self.editor.hide()
        if focused:
            self._view.setFocus(Qt.FocusReason.OtherFocusReason)


class ResizeComment:
    """Drag the lower right corner of a comment; one edit at the end."""

    def __init__(self, scene: CanvasScene, commenting: Commenting, comment: str) -> None:
        self._scene = scene
        self._commenting = commenting
        self._comment = comment
        self._start = QPointF()
        value = scene.comments[comment].comment
        self._size = QPointF(value.width, value.height)

    def start(self, place: QPointF) -> None:
        """Take hold of the corner."""
        self._start = place

    def move(self, place: QPointF) -> None:
        """Show the comment in its new size."""
        if self._comment in self._scene.comments:
            self._scene.comments[self._comment].set_size(*self._new_size(place))

    def end(self, place: QPointF) -> None:
        """Keep that size."""
        self.cancel()
        if self._comment in self._scene.comments:
            self._commenting.resize(self._comment, *self._new_size(place))

    def cancel(self) -> None:
        """Show the comment as it is."""
        if self._comment in self._scene.comments:
            self._scene.comments[self._comment].set_size(self._size.x(), self._size.y())

    def _new_size(self, place: QPointF) -> tuple[float, float]:
        size = self._size + place - self._start
        return max(size.x(), LEAST_WIDTH), max(size.y(), LEAST_HEIGHT)
