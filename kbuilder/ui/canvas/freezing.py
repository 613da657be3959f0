"""Freezing layers on the canvas: by selection, by place, by number or name, and with a brush."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from PySide6.QtCore import QLineF, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGraphicsView

from kbuilder.document import edits
from kbuilder.document.document import Document
from kbuilder.document.freezing import up_to
from kbuilder.ui.canvas.scene import CanvasScene

_STEP_PX = 6.0
_PAINTED_OPACITY = 0.45


class CanvasFreezing(QObject):
    """What the canvas does with ``trainable``; each is one edit.

    Signals:
        hint: a sentence for the status line.
    """

    hint = Signal(str)

    def __init__(self, scene: CanvasScene, document: Document, view: QGraphicsView) -> None:
        super().__init__(view)
        self._scene = scene
        self._document = document
        self._view = view
        self.brushing = False

    def toggle(self, nodes: Collection[str]) -> None:
        """Freeze these layers, or unfreeze them if all are frozen."""
        graph = self._scene.graph
        self.freeze(nodes, any(graph.layer_of(node).trainable for node in nodes))

    def up_to_selection(self) -> None:
        """Freeze the selected layers and all that leads to them."""
        self.freeze(up_to(self._scene.graph, self._scene.selected_ids()), True)

    def freeze(self, nodes: Collection[str], frozen: bool) -> None:
        """Freeze or unfreeze layers."""
        if not nodes:
            return
        graph = self._scene.graph
        text = self.tr("Freeze {0}") if frozen else self.tr("Unfreeze {0}")
        one = graph.by_id[next(iter(nodes))].name
        names = one if len(nodes) == 1 else self.tr("%n layers", "", len(nodes))
        self._document.apply(
            text.format(names), partial(edits.freeze, ids=tuple(nodes), frozen=frozen)
        )

    def ask(self) -> None:
        """Let the user say which layers, by number, by name, or by where they are."""
        from kbuilder.ui.freeze_dialog import FreezeDialog

        dialog = FreezeDialog(self._scene.graph, self._scene.selected_ids(), self._view)
        dialog.chosen.connect(self.freeze)
        dialog.open()

    def toggle_brush(self) -> None:
        """Take the brush, or put it down."""
        self.brushing = not self.brushing
        cursor = Qt.CursorShape.CrossCursor if self.brushing else Qt.CursorShape.ArrowCursor
        self._view.viewport().setCursor(cursor)
        self.hint.emit(
            self.tr("Freeze brush: paint over layers, with Shift to unfreeze; P or Esc ends it.")
            if self.brushing
            else ""
        )

    def put_down(self) -> bool:
        """Put the brush down; tells whether it was held."""
        if not self.brushing:
            return False
        self.toggle_brush()
        return True

    def stroke(self) -> FreezeStroke | None:
        """The gesture of the brush, while it is held."""
        return FreezeStroke(self._scene, self) if self.brushing else None


class FreezeStroke:
    """Freeze the layers under the line, or with Shift unfreeze them; one edit at the end."""

    def __init__(self, scene: CanvasScene, freezing: CanvasFreezing) -> None:
        self._scene = scene
        self._freezing = freezing
        self._frozen = True
        self._last = QPointF()
        self._painted: dict[str, None] = {}

    def start(self, place: QPointF) -> None:
        """Put the brush on the canvas."""
        keys = QGuiApplication.keyboardModifiers()
        self._frozen = not keys & Qt.KeyboardModifier.ShiftModifier
        self._last = place
        self.move(place)

    def move(self, place: QPointF) -> None:
        """Paint on."""
        line = QLineF(self._last, place)
        steps = max(int(line.length() / (_STEP_PX * self._scene.pixel)), 1)
        for step in range(steps + 1):
            box = self._scene.node_at(line.pointAt(step / steps))
            if box and box not in self._painted:
                self._painted[box] = None
                self._show([box], _PAINTED_OPACITY)
        self._last = place

    def end(self, place: QPointF) -> None:
        """Do it."""
        self.move(place)
        boxes = list(self._painted)
        self._show(boxes, 1.0)
        self._freezing.freeze(self._inside(boxes), self._frozen)

    def cancel(self) -> None:
        """Leave all as it was."""
        self._show(self._painted, 1.0)

    def _show(self, boxes: Iterable[str], opacity: float) -> None:
        for box in boxes:
            item = self._scene.nodes.get(box)
            if item is not None:
                item.setOpacity(opacity)

    def _inside(self, boxes: Iterable[str]) -> list[str]:
        """The layers of these boxes; a folded block stands for all in it."""
        graph = self._scene.graph
        return [node for box in boxes for node in (graph.members.get(box) or (box,))]
