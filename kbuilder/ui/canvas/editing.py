"""What a user does on the canvas, as edits of the document with a text for undo."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace
from PySide6.QtCore import QObject, QPointF, QRectF, Signal

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.comment_edits import move_comments, remove_comments
from kbuilder.document.document import Edit
from kbuilder.document.fragment import common_group
from kbuilder.document.graph import INPUT_CLASS, Edge, EdgeKey, Graph, Node
from kbuilder.document.membership import join
from kbuilder.document.naming import new_node
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.ports import main_ports
from kbuilder.document.project import Project
from kbuilder.document.replacing import replaced
from kbuilder.document.rules import can_connect, free_port
from kbuilder.ui.canvas.above import Above
from kbuilder.ui.canvas.joining import Joined, block_at
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import COLUMN_PITCH, ROW_PITCH

Place = tuple[float, float]


class CanvasEditing(QObject):
    """Turns gestures, keys and drops into one ``document.apply`` each.

    Every method that adds a layer answers the id of the new node, or an empty text for a class that
    the catalogue does not have.
    """

    hint = Signal(str)
    """A sentence for the status bar: why something was not done, or not wholly."""

    def __init__(self, scene: CanvasScene, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._bridge = scene.bridge
        self._catalogue: Catalogue = scene.catalogue

    def add(self, class_name: str, middle: QPointF) -> str:
        """Add a layer around a point of the scene, to the block whose frame is there."""
        x, y = middle.x() - NODE_WIDTH / 2, middle.y() - NODE_HEIGHT / 2
        node = self._new(class_name, (round(x), round(y)))
        if node is None:
            return ""
        node = replace(node, group=block_at(self._scene, middle))
        return self._add(node, partial(edits.add_node, node=node))

    def insert(self, class_name: str, key: EdgeKey) -> str:
        """Add a layer in the middle of a wire and move what follows down if room is short."""
        graph = self._graph
        source, target = graph.by_id[key[0]], graph.by_id[key[2]]
        gap = max(target.y - source.y, 2 * ROW_PITCH)
        node = self._new(
            class_name, ((source.x + target.x) / 2, source.y + gap / 2), key[0], key[2]
        )
        if node is None:
            return ""
        if not self._takes_input(node):
            return self.add(class_name, QPointF(node.x + NODE_WIDTH * 2, node.y))
        places = _pushed_down(graph, target, source.y + gap - target.y)

        others = [each for each in self._scene.projection.bundles.get(key, ()) if each != key]

        def edit(project: Project) -> Project:
            project = edits.disconnect(edits.insert_on_edge(project, node, key), others)
            for _, _, end, port in others:
                project = edits.connect(project, Edge(source=node.id, target=end, target_port=port))
            return edits.move(project, places)

        text = self.tr("Insert {layer} between {source} and {target}")
        text = text.format(layer=class_name, source=source.name, target=target.name)
        return self._add(node, edit, text)

    def add_wired(self, class_name: str, port: Port, middle: QPointF) -> str:
        """Add a layer around a point and wire it to a port of a box, forwards or backwards."""
        place = (round(middle.x() - NODE_WIDTH / 2), round(middle.y() - NODE_HEIGHT / 2))
        behind = self._scene.ports_behind(port)
        node = self._new(class_name, place, *(each.node for each in behind))
        if node is None:
            return ""
        if port.output:
            wires = [
                Edge(source=each.node, source_port=each.number, target=node.id) for each in behind
            ]
        else:
            wires = [
                Edge(source=node.id, target=each.node, target_port=each.number) for each in behind
            ]
        return self._add_with(node, wires)

    def add_after(self, class_name: str, above: Sequence[Above], middle: QPointF) -> str:
        """Add a layer below some boxes and feed it from them.

        A class with one input is fed from the lowest of them only; without any the layer lands around
        ``middle``.
        """
        if not above:
            return self.add(class_name, middle)
        above = sorted(above, key=lambda each: each.y, reverse=True)
        spec = self._catalogue.layer(class_name)
        if spec is None or not (spec.many_inputs or main_ports(spec) > 1):
            above = above[:1]
        above.sort(key=lambda each: each.x)
        x = sum(each.x for each in above) / len(above)
        y = max(each.y for each in above) + ROW_PITCH
        place = free_place(self._graph, x, y)
        node = self._new(class_name, place, *(each.node for each in above))
        if node is None:
            return ""
        sources = above if spec is None or spec.many_inputs else above[: main_ports(spec)]
        return self._add_with(
            node,
            [
                Edge(
                    source=source.node,
                    source_port=source.port,
                    target=node.id,
                    target_port=port,
                )
                for port, source in enumerate(sources)
            ],
        )

    def why_not(self, wires: Sequence[Edge], instead_of: Collection[EdgeKey] = ()) -> str:
        """Why these wires cannot be drawn, empty if they can; ``instead_of`` would be gone by then."""
        graph = self._graph
        if instead_of:
            graph = edits.disconnect(self._bridge.document.project, instead_of).graph
        for wire in wires:
            reason = can_connect(
                graph,
                self._catalogue,
                wire.source,
                wire.source_port,
                wire.target,
                wire.target_port,
            )
            if reason:
                return reason
        return ""

    def free_port(self, node: str) -> int:
        """The input port of a node that a wire dropped on its box goes to."""
        return free_port(self._graph, self._catalogue, node)

    def connect_nodes(self, wires: Sequence[Edge], instead_of: Collection[EdgeKey] = ()) -> bool:
        """Draw wires, in place of others if given; answers whether the rules allow it."""
        reason = self.why_not(wires, instead_of)
        if reason:
            self.hint.emit(reason)
            return False
        graph = self._graph
        source, target = graph.by_id[wires[0].source].name, graph.by_id[wires[0].target].name
        text = self.tr("Connect {source} to {target}").format(source=source, target=target)
        gone = tuple(instead_of)

        def edit(project: Project) -> Project:
            project = edits.disconnect(project, gone)
            for wire in wires:
                project = edits.connect(project, wire)
            return project

        self._apply(text, edit)
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

    def replace_class(self, node: str, class_name: str) -> bool:
        """Make a layer one of another class; wires and parameters that still fit stay."""
        spec = self._catalogue.layer(class_name)
        if spec is None or node not in self._graph.by_id:
            return False
        text = self.tr("Replace {layer} by {class_name}")
        text = text.format(layer=self._graph.by_id[node].name, class_name=class_name)
        return self._apply(
            text, partial(replaced, node_id=node, spec=spec, catalogue=self._catalogue)
        )

    def insert_existing(self, node: str, key: EdgeKey, place: Place) -> None:
        """Put a node that is there, at a new place, into a wire and into the block of its ends."""
        graph = self._graph
        source, source_port, target, target_port = key
        text = self.tr("Insert {layer} between {source} and {target}").format(
            layer=graph.by_id[node].name,
            source=graph.by_id[source].name,
            target=graph.by_id[target].name,
        )
        first = Edge(source=source, source_port=source_port, target=node)
        second = Edge(source=node, target=target, target_port=target_port)
        block = self.group_of(source, target)

        def edit(project: Project) -> Project:
            project = join(edits.move(project, {node: place}), block, nodes=[node])
            project = edits.disconnect(project, [key])
            return edits.connect(edits.connect(project, first), second)

        self._apply(text, edit)

    def can_insert(self, node: str) -> bool:
        """Whether a node that is there could be put into a wire: it has none, and takes an input."""
        graph = self._graph
        alone = not (graph.incoming[node] or graph.outgoing[node])
        return alone and self._takes_input(graph.by_id[node])

    def move(
        self,
        places: Mapping[str, Place],
        comments: Mapping[str, Place] = MappingProxyType({}),
        text: str = "",
        merge_key: Hashable | None = None,
        joined: Joined | None = None,
    ) -> None:
        """Put nodes and comments at new places, and into another block if ``joined`` says so."""
        if not text:
            text = self._text(
                self.tr("Move {layer}"), self.tr("Move %n layers", "", len(places)), places
            )
        if joined is not None:
            text = self._moved_text(text, joined.block)

        def edit(project: Project) -> Project:
            project = edits.move(project, dict(places))
            if comments:
                project = move_comments(project, comments)
            return join(project, *joined) if joined is not None else project

        self._bridge.document.apply(text, edit, merge_key)

    def toggle_output(self, nodes: Collection[str]) -> None:
        """Make a layer that others read an output of the model too, or no longer."""
        for node in (self._graph.by_id[each] for each in tuple(nodes)[:1]):
            text = (
                self.tr("Make {0} an output") if not node.output else self.tr("Make {0} no output")
            )
            self._apply(
                text.format(node.name),
                partial(edits.mark_output, node_id=node.id, output=not node.output),
            )

    def remove(
        self,
        nodes: Collection[str],
        wires: Collection[EdgeKey],
        comments: Collection[str] = (),
        *,
        heal: bool,
        cut: bool = False,
    ) -> None:
        """Delete nodes, wires and comments; with ``heal``, what fed a node feeds what it fed."""
        ids, keys, notes = tuple(nodes), tuple(wires), tuple(comments)
        if not (ids or notes):
            if keys:
                self.disconnect_nodes(keys)
            return
        if cut:
            one, many = self.tr("Cut {layer}"), self.tr("Cut %n layers", "", len(ids))
        else:
            one, many = self.tr("Delete {layer}"), self.tr("Delete %n layers", "", len(ids))

        def edit(project: Project) -> Project:
            project = remove_comments(edits.disconnect(project, keys), notes)
            return edits.remove(project, ids, heal=heal)

        self._apply(self._text(one, many, ids), edit)

    def _moved_text(self, text: str, block: str) -> str:
        if not block:
            return self.tr("{move} out of its block").format(move=text)
        name = self._graph.group_by_id[block].name
        return self.tr("{move} into {block}").format(move=text, block=name)

    def _text(self, one: str, many: str, nodes: Collection[str]) -> str:
        """``one`` with the name of the only node, "a comment" for none, or ``many``."""
        if len(nodes) > 1:
            return many
        names = [self._graph.by_id[node].name for node in nodes]
        return one.format(layer=names[0] if names else self.tr("a comment"))

    @property
    def _graph(self) -> Graph:
        return self._bridge.document.project.graph

    def _apply(self, text: str, edit: Edit) -> bool:
        return self._bridge.document.apply(text, edit)

    def _new(self, class_name: str, place: Place, *beside: str) -> Node | None:
        """A node of that class, in the block of the nodes ``beside`` it."""
        spec: ClassSpec | None = self._catalogue.layer(class_name)
        if spec is None:
            text = self.tr("There is no layer class {name} in Keras {version}.")
            self.hint.emit(text.format(name=class_name, version=self._catalogue.keras_version))
            return None
        return replace(new_node(self._graph, spec, *place), group=self.group_of(*beside))

    def group_of(self, *nodes: str) -> str:
        """The block that something new beside these nodes belongs to: the innermost that is open."""
        graph, scene = self._graph, self._scene
        around = graph.ancestors(common_group(graph, nodes))
        opened = (each for each in around if each == scene.root or each in scene.frames)
        return next(opened, scene.root)

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
