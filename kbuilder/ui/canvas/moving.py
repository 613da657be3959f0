"""Moving what is selected without the mouse: aligning, distributing, nudging."""

from __future__ import annotations

from PySide6.QtCore import QObject

from kbuilder.document.arrange import NUDGE, Side, align, distribute, nudge
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import moving_comments


class Moving(QObject):
    """One edit for each command; nudges in a row are one step for undo."""

    def __init__(self, scene: CanvasScene, editing: CanvasEditing, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._editing = editing

    def align(self, side: Side) -> None:
        """Line the selected boxes up."""
        ids = self._scene.selected_ids()
        text = self.tr("Align %n layers", "", len(ids))
        self._editing.move(align(self._scene.graph, ids, side), text=text)

    def distribute(self, *, vertically: bool) -> None:
        """Make the gaps between the selected boxes equal."""
        ids = self._scene.selected_ids()
        text = self.tr("Distribute %n layers", "", len(ids))
        self._editing.move(distribute(self._scene.graph, ids, vertically=vertically), text=text)

    def nudge(self, across: int, down: int, *, fine: bool) -> None:
        """Move the selection by one step of the grid, or by one unit."""
        step = 1.0 if fine else NUDGE
        ids, comments = self._scene.selected_ids(), moving_comments(self._scene)
        notes = {
            note.id: (note.x + across * step, note.y + down * step)
            for note in self._scene.graph.comments
            if note.id in comments
        }
        places = nudge(self._scene.graph, ids, across, down, step)
        if places or notes:
            self._editing.move(places, notes, merge_key=("nudge", *ids, *comments))
