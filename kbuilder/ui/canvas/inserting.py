"""Adding layers on the canvas without dragging: after the selection, into a wire, at a wire's end."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtWidgets import QGraphicsView

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import EdgeKey
from kbuilder.document.places import NODE_HEIGHT
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.layer_search import offered_layers
from kbuilder.ui.quick_insert import QuickInsert


class InsertPlace(NamedTuple):
    """Where a layer goes: into ``edge``, onto ``port``, or after the selection, else ``middle``."""

    middle: QPointF
    port: Port | None = None
    edge: EdgeKey | None = None


class LayerInserter(QObject):
    """Finds the place for a layer, asks for the class if need be, and adds it."""

    inserted = Signal(str)
    """Id of the new node; it is selected."""

    def __init__(self, scene: CanvasScene, editing: CanvasEditing, view: QGraphicsView) -> None:
        super().__init__(view)
        self._scene = scene
        self._editing = editing
        self._view = view
        self._layers = offered_layers(scene.catalogue)
        self._place: InsertPlace | None = None
        self.quick = QuickInsert(view)
        self.quick.chosen.connect(self._insert_chosen)

    def place_by_selection(self) -> InsertPlace:
        """Into the one selected wire, else after the selected nodes or in the middle of the view."""
        wires = self._scene.selected_edges()
        middle = self._view.mapToScene(self._view.viewport().rect().center())
        alone = len(wires) == 1 and not self._scene.selected_ids()
        return InsertPlace(middle, edge=wires[0] if alone else None)

    def insert(self, class_name: str, place: InsertPlace) -> None:
        """Add a layer of that class and select it."""
        if place.edge is not None and place.edge in self._scene.edges:
            node = self._editing.insert(class_name, place.edge)
        elif place.port is not None and place.port.node in self._scene.nodes:
            node = self._editing.add_wired(class_name, place.port, place.middle)
        else:
            node = self._editing.add_after(class_name, self._scene.selected_ids(), place.middle)
        if node:
            self._scene.select([node])
            self.inserted.emit(node)

    def ask(
        self, place: InsertPlace, at: QPointF, specs: tuple[ClassSpec, ...] = (), note: str = ""
    ) -> None:
        """Open quick insert at a point of the view, with all layers or only ``specs``."""
        self._place = place
        self.quick.open_at(at.toPoint(), specs or self._layers, note)

    def ask_for_wire(self, port: Port, place: QPointF) -> None:
        """A wire from ``port`` ended in nothing: ask for a layer that could take it there."""
        name = self._scene.graph.by_id[port.node].name
        below = NODE_HEIGHT / 2 if port.output else -NODE_HEIGHT / 2
        if port.output:
            rank = self._scene.rank_of(port)
            specs = tuple(spec for spec in self._layers if _takes(spec, rank))
            note = self.tr("fed by {layer}").format(layer=name)
        else:
            specs = self._layers
            note = self.tr("feeds {layer}").format(layer=name)
        middle = place + QPointF(0.0, below)
        at = QPointF(self._view.mapFromScene(place))
        self.ask(InsertPlace(middle, port=port), at, specs, note)

    def _insert_chosen(self, class_name: str) -> None:
        place, self._place = self._place, None
        if place is not None:
            self.insert(class_name, place)


def _takes(spec: ClassSpec, rank: int | None) -> bool:
    """Whether a layer takes an input of that rank; all with an input do when it is unknown."""
    if not spec.ports or rank is None:
        return bool(spec.ports)
    return (spec.min_rank or 0) <= rank <= (spec.max_rank or rank)
