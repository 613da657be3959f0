"""Adding layers on the canvas without dragging: after the selection, into a wire, at a wire's end."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtWidgets import QGraphicsView

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import EdgeKey
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.ranks import feeds, takes
from kbuilder.ui.canvas.editing import Above, CanvasEditing
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.projection import block_ports
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import boxes
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
        wires = [key for key in self._scene.selected_edges() if key in self._scene.edges]
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
            node = self._editing.add_after(class_name, self._above(), place.middle)
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
        name = self._scene.name_of(port.node)
        below = NODE_HEIGHT / 2 if port.output else -NODE_HEIGHT / 2
        if port.output:
            rank = self._scene.rank_of(port)
            specs = tuple(spec for spec in self._layers if takes(spec, rank))
            note = self.tr("fed by {layer}").format(layer=name)
        else:
            specs = tuple(spec for spec in self._layers if self._feeds(spec, port))
            note = self.tr("feeds {layer}").format(layer=name)
        middle = place + QPointF(0.0, below)
        at = QPointF(self._view.mapFromScene(place))
        self.ask(InsertPlace(middle, port=port), at, specs, note)

    def _feeds(self, spec: ClassSpec, port: Port) -> bool:
        graph, catalogue = self._scene.graph, self._scene.catalogue
        readers = (graph.by_id[each.node] for each in self._scene.ports_behind(port))
        return all(feeds(spec, catalogue.layer(node.class_name)) for node in readers)

    def _above(self) -> list[Above]:
        """What the selected boxes give, and where they are drawn."""
        scene, found = self._scene, []
        for box in boxes(scene):
            frame = scene.projection.frames.get(box)
            if frame is None:
                x, y = scene.projection.boxes[box]
                ports = scene.projection.ports.get(box)
                ends = ports.outputs if ports else ((box, 0),)
            else:
                x, y = (frame.left + frame.right - NODE_WIDTH) / 2, frame.bottom - NODE_HEIGHT
                ends = block_ports(scene.graph, scene.catalogue, box).outputs
            found += [Above(node, port, x, y) for node, port in ends]
        return found

    def _insert_chosen(self, class_name: str) -> None:
        place, self._place = self._place, None
        if place is not None:
            self.insert(class_name, place)
