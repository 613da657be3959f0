"""The items of the scene, kept equal to the document: nodes, blocks, wires, frames, comments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Edge, EdgeKey, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.ui import theme
from kbuilder.ui.canvas.comment_item import CommentItem
from kbuilder.ui.canvas.edge_item import EdgeItem
from kbuilder.ui.canvas.frame_item import FrameItem
from kbuilder.ui.canvas.looks import Looks, block_node
from kbuilder.ui.canvas.node_item import NodeItem, NodeLook
from kbuilder.ui.canvas.overview import OverviewShapes
from kbuilder.ui.canvas.ports import PortPlaces, place_block_ports, place_ports
from kbuilder.ui.canvas.projection import Projection, drawn_alike, project
from kbuilder.ui.canvas.routing import Obstacles, free_lane
from kbuilder.ui.canvas.share_lines import ShareLines
from kbuilder.ui.canvas.style import (
    NODE_BOUNDS,
    NODE_RECT,
    OVERVIEW_DETAIL,
    CanvasStyle,
)
from kbuilder.ui.document_bridge import DocumentBridge

_STEP = 4096.0
"""The scene's rectangle grows in steps of this, so that the index of items is seldom rebuilt."""


class MirrorScene(QGraphicsScene):
    """Items by id. Nodes, wires and blocks hold no truth of their own.

    ``nodes`` has one item for each shown node and each collapsed block. ``root`` is the block that is
    entered, empty for the whole graph.
    """

    shapes_changed = Signal()
    """Something moved, came or went: overview and minimap are to be drawn anew."""
    known_changed = Signal(object)
    """Facts or problems of some nodes are new; carries their ids."""
    root_changed = Signal()
    """Another block was entered or left."""

    def __init__(
        self, bridge: DocumentBridge, catalogue: Catalogue, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.bridge = bridge
        self.catalogue = catalogue
        self.canvas_style = CanvasStyle(theme.current())
        self.looks = Looks(catalogue)
        self.shapes = OverviewShapes()
        self.projection = Projection()
        self.nodes: dict[str, NodeItem] = {}
        self.edges: dict[EdgeKey, EdgeItem] = {}
        self.frames: dict[str, FrameItem] = {}
        self.comments: dict[str, CommentItem] = {}
        self.share_lines = ShareLines(self)
        self.root = ""
        self.pixel = 1.0
        self._detail = 1.0
        self._selected: set[str] = set()
        self._selected_edges: set[EdgeKey] = set()
        self._outputs: set[str] = set()
        self._lenders: frozenset[str] = frozenset()
        self._mirrored = (Graph(), "")
        self.setSceneRect(-_STEP, -_STEP, 2 * _STEP, 2 * _STEP)
        theme.notifier.changed.connect(self._restyle)

    @property
    def graph(self) -> Graph:
        """The graph as the document has it now."""
        return self.bridge.document.project.graph

    def set_facts(self, nodes: Mapping[str, NodeFacts], problems: Iterable[Problem]) -> None:
        """Show shapes on wires, numbers of weights, and badges for problems."""
        news = self.looks.set_facts(nodes, problems)
        if not news:
            return
        members = self.graph.members
        blocks = {box for box in self.projection.ports if not news.isdisjoint(members[box])}
        for box in (news | blocks) & self.nodes.keys():
            item, look = self.nodes[box], self._look_of(box)
            if look != item.look:
                item.update_look(item.node, look, item.ports)
        for wire in self.edges.values():
            if wire.key[0] in news:
                self._tell_wire(wire)
        self.known_changed.emit(news)
        if self.in_overview:
            self.update()

    def content_rect(self, ids: Collection[str] = ()) -> QRectF:
        """The rectangle around these nodes and blocks, or around all that is shown."""
        rect = QRectF()
        for box in ids or self.nodes:
            if box in self.nodes:
                rect = rect.united(NODE_BOUNDS.translated(self.nodes[box].pos()))
        for frame in () if ids else self.frames.values():
            rect = rect.united(frame.sceneBoundingRect())
        for comment in () if ids else self.comments.values():
            rect = rect.united(comment.sceneBoundingRect())
        return rect

    # --- zoom -----------------------------------------------------------------------------------

    @property
    def in_overview(self) -> bool:
        """Whether the graph is drawn as colour blocks in the background, items showing nothing."""
        return self._detail < OVERVIEW_DETAIL

    def set_zoom(self, zoom: float) -> None:
        """Show as much detail as the zoom (screen pixels for a scene unit) lets one read."""
        before, self._detail = self._detail, zoom
        self.pixel = 1.0 / zoom
        if (before < OVERVIEW_DETAIL) != (zoom < OVERVIEW_DETAIL):
            for node in self.nodes.values():
                self._set_detail(node)
            for wire in self.edges.values():
                self._set_detail(wire)

    def paint_overview(self, painter: QPainter) -> None:
        """Draw all nodes as blocks, with frames around selected and wrong ones."""
        style = self.canvas_style
        self.shapes.paint(painter, style)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        wrong = [box for box, item in self.nodes.items() if item.look.errors]
        for pen, ids in (
            (style.overview_error_pen, wrong),
            (style.overview_selected_pen, self._selected),
        ):
            rects = [self.shapes.rect(box) for box in ids if box in self.nodes]
            if rects:
                painter.setPen(pen)
                painter.drawRects(rects)

    # --- following the document -----------------------------------------------------------------

    def _mirror(self, changed: Collection[str]) -> bool:
        """Make the items equal to the document; ``changed`` are nodes of which the value differs.

        Returns:
            Whether more is new than what boxes say.
        """
        (graph, root), self._mirrored = self._mirrored, (self.graph, self.root)
        if root == self.root and drawn_alike(graph, self.graph, changed):
            for box in {*changed, *self.projection.ports} & self.nodes.keys():
                self._show_box(box)
            return False
        before = self.projection
        self.projection = after = project(self.graph, self.catalogue, self.root)
        self._outputs = {node.id for node in self.graph.outputs}
        lent, self._lenders = self._lenders, self.graph.lenders
        gone = [key for key, edge in before.wires.items() if after.wires.get(key) != edge]
        new = [key for key, edge in after.wires.items() if before.wires.get(key) != edge]
        for key in gone:
            self._remove_edge(key)
        for box in before.boxes.keys() - after.boxes.keys():
            self._remove_box(box)
        touched = {box for box in changed if box in after.boxes} | after.ports.keys()
        touched |= {box for box, place in after.boxes.items() if before.boxes.get(box) != place}
        for edge in (*(before.wires[key] for key in gone), *(after.wires[key] for key in new)):
            touched.update(box for box in (edge.source, edge.target) if box in after.boxes)
        touched |= ((before.ghosts ^ after.ghosts) | (lent ^ self._lenders)) & after.boxes.keys()
        for box in touched:
            self._show_box(box)
        obstacles = self._obstacles()
        for key in new:
            self._add_edge(key, obstacles)
        self._place_edges_of(touched, obstacles)
        if before.boxes != after.boxes:
            self._reroute(touched, obstacles)
        self._mirror_frames()
        self._mirror_comments()
        return True

    def _show_box(self, box: str) -> None:
        node, look, ports = self._node_of(box), self._look_of(box), self._ports_of(box)
        item = self.nodes.get(box)
        if item is None:
            item = self.nodes[box] = NodeItem(node, look, ports, self.canvas_style)
            self._set_detail(item)
            item.set_selected(box in self._selected)
            self.addItem(item)
        else:
            moved = item.ports.points != ports.points
            item.update_look(node, look, ports)
            if moved:
                self._place_edges_of({box}, None)
        item.setPos(*self.projection.boxes[box])
        self._show_block(item)

    def _remove_box(self, box: str) -> None:
        self.removeItem(self.nodes.pop(box))
        self.shapes.remove_node(box)

    def _add_edge(self, key: EdgeKey, obstacles: Obstacles) -> None:
        item = EdgeItem(key, self.projection.wires[key], self.canvas_style)
        self._tell_wire(item)
        self.edges[key] = item
        self._set_detail(item)
        self.addItem(item)
        self.addItem(item.pill)
        self._place_edge(item, obstacles)
        self._show_edge(key)

    def _remove_edge(self, key: EdgeKey) -> None:
        item = self.edges.pop(key)
        self.removeItem(item.pill)
        self.removeItem(item)
        self.shapes.remove_edge(key)

    def _place_edges_of(self, boxes: set[str], obstacles: Obstacles | None) -> None:
        for wire in self.edges.values():
            if wire.edge.source in boxes or wire.edge.target in boxes:
                self._place_edge(wire, obstacles)

    def _reroute(self, placed: set[str], obstacles: Obstacles) -> None:
        """Let the other long wires find their lanes again: boxes came, went or moved."""
        for wire in self.edges.values():
            if wire.is_long and not placed & {wire.edge.source, wire.edge.target}:
                self._place_edge(wire, obstacles)

    def _obstacles(self) -> Obstacles:
        return Obstacles((item.x(), item.y()) for item in self.nodes.values())

    def _place_edge(self, item: EdgeItem, obstacles: Obstacles | None) -> None:
        """Draw a wire between its boxes; with ``obstacles`` a long one finds its lane beside them."""
        start, end = self._ends(item.edge)
        item.set_ends(start, end, free_lane(start, end, obstacles) if obstacles else None)
        self.shapes.set_edge(item.key, QLineF(start, end))

    def _ends(self, edge: Edge) -> tuple[QPointF, QPointF]:
        source, target = self.nodes[edge.source], self.nodes[edge.target]
        start = source.pos() + source.ports.output(edge.source_port)
        return start, target.pos() + target.ports.input(edge.target_port)

    def _show_edge(self, key: EdgeKey) -> None:
        item = self.edges[key]
        item.set_look(
            accent=item.edge.target in self._selected, selected=key in self._selected_edges
        )

    def _show_block(self, item: NodeItem) -> None:
        self.shapes.set_node(item.node.id, item.family, NODE_RECT.translated(item.pos()))

    def _mirror_frames(self) -> None:
        frames, graph = self.projection.frames, self.graph
        for group in self.frames.keys() - frames.keys():
            self.removeItem(self.frames.pop(group))
        for group, box in frames.items():
            level = sum(1 for _ in graph.ancestors(group))
            if group in self.frames:
                self.frames[group].set_group(graph.group_by_id[group], box, level)
            else:
                item = FrameItem(graph.group_by_id[group], box, level, self.canvas_style)
                item.set_selected(group in self._selected)
                self.frames[group] = item
                self.addItem(item)

    def _mirror_comments(self) -> None:
        shown = {note.id: note for note in self.graph.comments if self._shows(note.group)}
        for comment in self.comments.keys() - shown.keys():
            self.removeItem(self.comments.pop(comment))
        for note in shown.values():
            item = self.comments.get(note.id)
            if item is None:
                item = self.comments[note.id] = CommentItem(note, self.canvas_style)
                self.addItem(item)
            elif item.comment != note:
                item.set_comment(note)

    def _shows(self, group: str) -> bool:
        """Whether what lies directly in ``group`` is on the canvas."""
        return group == self.root or group in self.projection.frames

    # --- what items show ------------------------------------------------------------------------

    def _node_of(self, box: str) -> Node:
        if box in self.projection.ports:
            return block_node(self.graph, box)
        return self.graph.by_id[box]

    def _look_of(self, box: str) -> NodeLook:
        ghost = box in self.projection.ghosts
        if box in self.projection.ports:
            return self.looks.block(self.graph, box, self.projection.ports[box], ghost=ghost)
        node = self.graph.by_id[box]
        return self.looks.node(self.graph, node, is_output=box in self._outputs, ghost=ghost)

    def _ports_of(self, box: str) -> PortPlaces:
        ports = self.projection.ports.get(box)
        if ports is not None:
            return place_block_ports(len(ports.inputs), len(ports.outputs))
        node = self.graph.by_id[box]
        layer = self.graph.layer_of(box)
        return place_ports(
            self.catalogue.layer(layer.class_name),
            layer,
            node.call,
            [edge.target_port for edge in self.graph.incoming[box]],
            [edge.source_port for edge in self.graph.outgoing[box]],
        )

    def _tell_wire(self, wire: EdgeItem) -> None:
        source, port = wire.key[:2]
        wire.pill.set_text(self.looks.shape(source, port))
        wire.set_masked(self.looks.is_masked(source, port))

    def _set_detail(self, item: NodeItem | EdgeItem) -> None:
        empty = QGraphicsItem.GraphicsItemFlag.ItemHasNoContents
        item.setFlag(empty, self.in_overview)
        if isinstance(item, EdgeItem):
            item.pill.setFlag(empty, self.in_overview)

    def _grow(self) -> None:
        rect = self.content_rect()
        if not self.sceneRect().contains(rect):
            margin = _STEP / 2
            wanted = rect.adjusted(-margin, -margin, margin, margin)
            self.setSceneRect(self.sceneRect().united(wanted))

    def _tell_shapes(self) -> None:
        if self._lenders or self.share_lines.items:
            self.share_lines.follow(self.graph, self.nodes, self.canvas_style)
        if self.in_overview:
            self.update()
        self.shapes_changed.emit()

    def _restyle(self) -> None:
        self.canvas_style = CanvasStyle(theme.current())
        for items in (self.nodes, self.edges, self.frames, self.comments):
            for item in items.values():
                item.set_style(self.canvas_style)
        self.update()
        self._tell_shapes()
