"""Keys of the canvas that are no commands: walking, nudging, Space, Enter, Esc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from kbuilder.ui.canvas.selecting import boxes
from kbuilder.ui.canvas.walking import ARROWS, neighbour

if TYPE_CHECKING:
    from kbuilder.ui.canvas.view import CanvasView

_CONTROL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier


class ViewKeys:
    """Does what a key asks for, and remembers whether Space is held."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self.space_held = False

    def press(self, event: QKeyEvent) -> bool:
        """A key went down; answers whether it was taken."""
        key, keys = event.key(), event.modifiers()
        if key == Qt.Key.Key_Escape:
            self._escape()
        elif key in ARROWS and not keys & _CONTROL:
            self._arrow(Qt.Key(key), keys)
        elif key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.space_held = True
                self._view.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not keys & _CONTROL:
            self._view.activate()
        else:
            return False
        return True

    def release(self, event: QKeyEvent) -> bool:
        """A key went up; answers whether it was taken."""
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            return False
        if self.take_space():
            self._view.viewport().unsetCursor()
            self._view.open_quick_insert()
        return True

    def take_space(self) -> bool:
        """Whether Space was held; from now on it is not."""
        held, self.space_held = self.space_held, False
        return held

    def _escape(self) -> None:
        """Give up the gesture, else the selection, else leave the block that is entered."""
        scene = self._view.canvas
        if self._view.cancel_gesture() or self._view.freezing.put_down():
            return
        if scene.selected_ids() or scene.selected_edges() or scene.selected_comments():
            scene.select(())
        else:
            scene.leave()

    def _arrow(self, key: Qt.Key, keys: Qt.KeyboardModifier) -> None:
        if keys & _ALT:
            self._view.moving.nudge(*ARROWS[key], fine=bool(keys & _SHIFT))
            return
        scene = self._view.canvas
        chosen = [box for box in boxes(scene) if box in scene.nodes]
        reached = neighbour(scene.projection, chosen[-1] if chosen else "", key)
        if reached in scene.nodes:
            scene.select([*chosen, reached] if keys & _SHIFT else [reached])
            self._view.reveal(reached)
