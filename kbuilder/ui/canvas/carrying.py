"""Many items moved at once: they get one parent, and only that is moved."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsScene, QGraphicsView

_ON_TOP = 4.0
_UPDATES = QGraphicsView.ViewportUpdateMode


class Carrier:
    """Holds items while they are dragged, so that a thousand follow the mouse.

    ``hidden`` are items that are not shown meanwhile: there is nothing to read on what moves.
    """

    def __init__(
        self,
        scene: QGraphicsScene,
        items: Sequence[QGraphicsItem],
        hidden: Sequence[QGraphicsItem],
    ) -> None:
        self._scene = scene
        self._items = items
        self._hidden = hidden
        self._parent = QGraphicsPathItem()
        self._parent.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents)
        self._parent.setZValue(_ON_TOP)
        scene.addItem(self._parent)
        for item in items:
            item.setParentItem(self._parent)
        for item in hidden:
            item.hide()
        # Everything is drawn anew at each step; to find out what changed would only cost time.
        self._set_updates(_UPDATES.FullViewportUpdate)

    def move(self, offset: QPointF) -> None:
        """Show all items so far from where they were."""
        self._parent.setPos(offset)

    def put_down(self) -> None:
        """Let go of the items, where they were at first."""
        for item in self._items:
            if item.parentItem() is not None:
                item.setParentItem(None)  # type: ignore[arg-type]
        for item in self._hidden:
            item.show()
        self._scene.removeItem(self._parent)
        self._set_updates(_UPDATES.SmartViewportUpdate)

    def _set_updates(self, mode: QGraphicsView.ViewportUpdateMode) -> None:
        for view in self._scene.views():
            view.setViewportUpdateMode(mode)
