"""Real drag-and-drop events with real mime data, sent to a widget as Qt would send them."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from kbuilder.ui.layer_search import MIME_LAYER

_LEFT = Qt.MouseButton.LeftButton
_COPY = Qt.DropAction.CopyAction
_NO_KEYS = Qt.KeyboardModifier.NoModifier


def layer_mime(class_name: str) -> QMimeData:
    """What the palette puts into a drag."""
    data = QMimeData()
    data.setData(MIME_LAYER, class_name.encode())
    return data


def drag_over(target: QWidget, data: QMimeData, at: QPoint) -> bool:
    """Enter ``target`` and move to ``at`` with the button held; answers whether it would take it."""
    enter = QDragEnterEvent(at, _COPY, data, _LEFT, _NO_KEYS)
    QApplication.sendEvent(target, enter)
    if not enter.isAccepted():
        return False
    move = QDragMoveEvent(at, _COPY, data, _LEFT, _NO_KEYS)
    QApplication.sendEvent(target, move)
    return move.isAccepted()


def drag_out(target: QWidget) -> None:
    """Leave ``target`` without a drop."""
    QApplication.sendEvent(target, QDragLeaveEvent())


def drop(
    target: QWidget, data: QMimeData, at: QPoint, keys: Qt.KeyboardModifier = _NO_KEYS
) -> bool:
    """Drag to ``at`` and let go there; answers whether ``target`` took it."""
    if not drag_over(target, data, at):
        return False
    event = QDropEvent(QPointF(at), _COPY, data, _LEFT, keys)
    QApplication.sendEvent(target, event)
    return event.isAccepted()
