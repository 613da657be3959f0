"""What a user does on the canvas, as edits of the document with a text for undo."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.document import Edit
from kbuilder.document.graph import INPUT_CLASS, Edge, EdgeKey, Graph, Node
from kbuilder.document.naming import new_node
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.project import Project
from kbuilder.document.rules import can_connect, free_port
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.style import COLUMN_PITCH, ROW_PITCH
from kbuilder.ui.document_bridge import DocumentBridge

Place = tuple[float, float]


class CanvasEditing(QObject):
    """Turns gestures, keys and drops into one ``document.apply`` each.

    Every method that adds a layer answers the id of the new node, or an empty text for a class that
    the catalogue does not have.
    """

    hint = Signal(str)
    """A sentence for the status bar: why something was not done, or not wholly."""

    def __init__(self, bridge: DocumentBridge, catalogue: Catalogue, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._catalogue = catalogue

    def add(self, class_name: str, middle: QPointF) -> str:
        """Add a layer around a point of the scene."""
        x, y = middle.x() - NODE_WIDTH / 2, middle.y() - NODE_HEIGHT / 2
        node = self._new(class_name, (round(x), round(y)))
        return self._add(node, lambda project: edits.add_node(project, node)) if node else ""

    def insert(self, class_name: str, key: EdgeKey) -> str:
        """Add a layer in the middle of a wire and move what follows down if room is short."""
        graph = self._graph
        source, target = graph.by_id[key[0]], graph.by_id[key[2]]
        gap = max(target.y - source.y, 2 * ROW_PITCH)
        node = self._new(class_name, ((source.x + target.x) / 2, source.y + gap / 2))
        if node is None:
            return ""
        if not self._takes_input(node):
            return self.add(class_name, QPointF(node.x + NODE_WIDTH * 2, node.y))
        places = _pushed_down(graph, target, source.y + gap - target.y)

        def edit(project: Project) -> Project:
            return edits.move(edits.insert_on_edge(project, node, key), places)

        text = self.tr("Insert {layer} between {source} and {target}")
        text = text.format(layer=class_name, source=source.name, target=target.name)
        return self._add(node, edit, text)

    def add_wired(self, class_name: str, port: Port, middle: QPointF) -> str:
        """Add a layer around a point and wire it to a port, forwards or backwards."""
        node = self._new(class_name, (middle.x() - NODE_WIDTH / 2, middle.y() - NODE_HEIGHT / 2))
        if node is None:
            return ""
        if port.output:
            edge = Edge(source=port.node, source_port=port.number, target=node.id)
        else:
            edge = Edge(source=node.id, target=port.node, target_port=port.number)
        return self._add_with(node, [edge])

    def add_after(self, class_name: str, selected: Collection[str], middle: QPointF) -> str:
        """Add a layer below the selected nodes and feed it from them.

        A class with one input is fed from the lowest of them only; without a selection the layer
        lands around ``middle``.
        """
        graph = self._graph
        above = sorted(
            (graph.by_id[node] for node in selected), key=lambda node: node.y, reverse=True
        )
        if not above:
            return self.add(class_name, middle)
        spec = self._catalogue.layer(class_name)
        if spec is None or not (spec.many_inputs or len(spec.ports) > 1):
            above = above[:1]
        above.sort(key=lambda node: node.x)
        x = sum(node.x for node in above) / len(above)
        y = max(node.y for node in above) + ROW_PITCH
        node = self._new(class_name, free_place(graph, x, y))
        if node is None:
            return ""
        sources = above if spec is None or spec.many_inputs else above[: len(spec.ports)]
        return self._add_with(
            node,
            [
                Edge(source=source.id, target=node.id, target_port=port)
                for port, source in enumerate(sources)
            ],
        )

    def why_not(self, edge: Edge, instead_of: EdgeKey | None = None) -> str:
        """Why this wire cannot be drawn, empty if it can; ``instead_of`` would be gone by then."""
        graph = self._graph
        if instead_of is not None:
            graph = edits.disconnect(self._bridge.document.project, [instead_of]).graph
        return can_connect(
            graph, self._catalogue, edge.source, edge.source_port, edge.target, edge.target_port
        )

    def free_port(self, node: str) -> int:
        """The input port of a node that a wire dropped on its box goes to."""
        return free_port(self._graph, self._catalogue, node)

    def connect_nodes(self, edge: Edge, instead_of: EdgeKey | None = None) -> bool:
        """Draw a wire, in place of another one if given; answers whether the rules allow it."""
        reason = self.why_not(edge, instead_of)
        if reason:
            self.hint.emit(reason)
            return False
        graph = self._graph
        source, target = graph.by_id[edge.source].name, graph.by_id[edge.target].name
        text = self.tr("Connect {source} to {target}").format(source=source, target=target)
        gone = [instead_of] if instead_of else []
        self._apply(text, lambda project: edits.connect(edits.disconnect(project, gone), edge))
        return True

    def disconnect_nodes(self, keys: Collection[EdgeKey]) -> None:
        """Remove wires."""
        if len(keys) == 1:
            source, _, target, _ = next(iter(keys))
            text = self.tr("Disconnect {source} from {target}").format(
                source=self._graph.by_id[source].name, target=self._graph.by_id[target].name
            )
        else:
            text = self.tr("Disconnect %n wires", "", len(keys))
        self._apply(text, partial(edits.disconnect, keys=tuple(keys)))

    def move(self, places: Mapping[str, Place]) -> None:
        """Put nodes at new places."""
        if len(places) == 1:
            name = self._graph.by_id[next(iter(places))].name
            text = self.tr("Move {layer}").format(layer=name)
        else:
            text = self.tr("Move %n layers", "", len(places))
        self._apply(text, partial(edits.move, places=dict(places)))

    def remove(self, nodes: Collection[str], wires: Collection[EdgeKey], *, heal: bool) -> None:
        """Delete nodes and wires; with ``heal``, what fed a deleted node feeds what it fed."""
        if not nodes:
            if wires:
                self.disconnect_nodes(wires)
            return
        if len(nodes) == 1:
            name = self._graph.by_id[next(iter(nodes))].name
            text = self.tr("Delete {layer}").format(layer=name)
        else:
            text = self.tr("Delete %n layers", "", len(nodes))
        ids, keys = tuple(nodes), tuple(wires)
        self._apply(
            text,
            lambda project: edits.remove(edits.disconnect(project, keys), ids, heal=heal),
        )

    @property
    def _graph(self) -> Graph:
        return self._bridge.document.project.graph

    def _apply(self, text: str, edit: Edit) -> None:
        self._bridge.document.apply(text, edit)

    def _new(self, class_name: str, place: Place) -> Node | None:
        spec: ClassSpec | None = self._catalogue.layer(class_name)
        if spec is None:
            text = self.tr("There is no layer class {name} in Keras {version}.")
            self.hint.emit(text.format(name=class_name, version=self._catalogue.keras_version))
            return None
        return new_node(self._graph, spec, *place)

    def _takes_input(self, node: Node) -> bool:
        spec = self._catalogue.layer(node.class_name)
        return node.class_name != INPUT_CLASS and (spec is None or bool(spec.ports))

    def _add(self, node: Node, edit: Edit, text: str = "") -> str:
        self._apply(text or self.tr("Add {layer}").format(layer=node.class_name), edit)
        return node.id

    def _add_with(self, node: Node, wires: list[Edge]) -> str:
        """Add a node with those of the wires that the rules allow."""

        def edit(project: Project) -> Project:
            project = edits.add_node(project, node)
            for wire in wires:
                if not can_connect(
                    project.graph,
                    self._catalogue,
                    wire.source,
                    wire.source_port,
                    wire.target,
                    wire.target_port,
                ):
                    project = edits.connect(project, wire)
            return project

        return self._add(node, edit)


def free_place(graph: Graph, x: float, y: float) -> Place:
    """The first place at or to the right of (x, y) where a new node covers no other."""
    size = QRectF(0.0, 0.0, NODE_WIDTH + 12.0, NODE_HEIGHT + 12.0)
    taken = [QRectF(node.x, node.y, NODE_WIDTH, NODE_HEIGHT) for node in graph.nodes]
    while any(size.translated(x - 6.0, y - 6.0).intersects(rect) for rect in taken):
        x += COLUMN_PITCH
    return (round(x), round(y))


def _pushed_down(graph: Graph, first: Node, distance: float) -> dict[str, Place]:
    if distance <= 0.0:
        return {}
    below = (graph.by_id[node] for node in graph.downstream([first.id]))
    return {node.id: (node.x, node.y + distance) for node in below if node.y >= first.y}
