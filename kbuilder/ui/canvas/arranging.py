"""Automatic layout: the engine works out places, the document gets them as one edit, boxes glide."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEasingCurve, QObject, QPointF, QVariantAnimation, Signal, Slot
from PySide6.QtWidgets import QApplication, QStyle

from kbuilder.document import edits
from kbuilder.document.changes import Changes
from kbuilder.document.graph import Graph
from kbuilder.link.events import Arranged, Failed
from kbuilder.link.requests import Arrange
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import boxes
from kbuilder.ui.engine_thread import EngineThread

GLIDE_MS = 140
MOST_GLIDING = 400
"""With more boxes than this they jump: each step would take longer than a picture may."""


class Arranging(QObject):
    """Asks for a layout of the selected layers, or of all, and shows the answer.

    The document has the new places before the boxes glide there, so nothing waits for the motion.
    """

    told = Signal(str)
    """A sentence for the status line."""

    def __init__(self, scene: CanvasScene, engine: EngineThread, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._engine = engine
        self._request = 0
        self._asked: Graph | None = None
        self._ways: dict[str, tuple[QPointF, QPointF]] = {}
        self._glide = QVariantAnimation(self)
        self._glide.setDuration(GLIDE_MS)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._glide.setStartValue(0.0)
        self._glide.setEndValue(1.0)
        self._glide.valueChanged.connect(self._show)
        engine.received.connect(self._take)
        scene.bridge.changed.connect(self._follow)

    @Slot()
    def arrange(self) -> None:
        """Ask for places: of the selected boxes if there are two or more, else of all."""
        scene = self._scene
        only = scene.selected_ids() if len(boxes(scene)) > 1 else []
        self._asked = scene.graph
        self._request = self._engine.next_request()
        self.told.emit(self.tr("Arranging the layers…"))
        self._engine.send(Arrange(request=self._request, graph=self._asked, only=tuple(only)))

    @property
    def gliding(self) -> bool:
        """Whether boxes are on their way."""
        return bool(self._ways)

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, Arranged) and event.request == self._request:
            self._request = 0
            self._apply(event)
        elif isinstance(event, Failed) and event.request == self._request:
            self._request = 0
            self.told.emit(event.text)

    def _apply(self, event: Arranged) -> None:
        """Give the layers their places, unless the graph has become another one meanwhile."""
        scene = self._scene
        if scene.graph is not self._asked:
            self.told.emit(self.tr("The graph has changed; its layers were not arranged."))
            return
        places = {node: at for node, at in event.places.items() if node in scene.graph.by_id}
        before = {box: QPointF(item.pos()) for box, item in scene.nodes.items()}
        text = self.tr("Arrange the layers")
        if not scene.bridge.document.apply(text, partial(edits.move, places=places)):
            self.told.emit(self.tr("The layers are arranged already."))
            return
        self.told.emit(self.tr("The layers are arranged."))
        if len(scene.nodes) <= MOST_GLIDING and motion_wanted():
            self._start(before)

    def _start(self, before: dict[str, QPointF]) -> None:
        nodes = self._scene.nodes
        self._ways = {
            box: (place, QPointF(nodes[box].pos()))
            for box, place in before.items()
            if box in nodes and nodes[box].pos() != place
        }
        self._show(0.0)
        self._glide.start()

    @Slot(object)
    def _show(self, part: float) -> None:
        if self._ways:
            self._scene.preview_places(
                {box: start + (end - start) * part for box, (start, end) in self._ways.items()}
            )
        if part >= 1.0:
            self._ways = {}

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        """Another edit came: what it did not touch goes to its place at once."""
        if self._ways and (changes.graph or changes.replaced):
            self._ways = {}
            self._glide.stop()
            drawn = self._scene.projection.boxes
            self._scene.preview_places({box: QPointF(*place) for box, place in drawn.items()})


def motion_wanted() -> bool:
    """Whether the desktop lets things move."""
    style = QApplication.style()
    return style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0
