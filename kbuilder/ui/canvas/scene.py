"""The scene mirrors the document's graph: items for nodes and wires, synced from ``Changes``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Edge, EdgeKey, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.ui import theme
from kbuilder.ui.canvas.edge_item import EdgeItem
from kbuilder.ui.canvas.node_item import NodeItem, NodeLook
from kbuilder.ui.canvas.overview import OverviewShapes
from kbuilder.ui.canvas.ports import Port, PortPlaces, place_ports
from kbuilder.ui.canvas.style import (
    FULL_DETAIL,
    NODE_BOUNDS,
    NODE_RECT,
    OVERVIEW_DETAIL,
    CanvasStyle,
)
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import shape_text

_STEP = 4096.0
"""The scene's rectangle grows in steps of this, so that the index of items is seldom rebuilt."""


class CanvasScene(QGraphicsScene):
    """Items by id, and which of them are selected. Nodes and wires hold no truth of their own."""

    selection_changed = Signal()
    shapes_changed = Signal()
    """Something moved, came or went: overview and minimap are to be drawn anew."""
    replaced = Signal()
    """Another project is shown."""

    def __init__(
        self, bridge: DocumentBridge, catalogue: Catalogue, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.bridge = bridge
        self.catalogue = catalogue
        self.canvas_style = CanvasStyle(theme.current())
        self.shapes = OverviewShapes()
        self.nodes: dict[str, NodeItem] = {}
        self.edges: dict[EdgeKey, EdgeItem] = {}
        self.pixel = 1.0
        self._detail = 1.0
        self._selected: set[str] = set()
        self._selected_edges: set[EdgeKey] = set()
        self._outputs: set[str] = set()
        self._facts: Mapping[str, NodeFacts] = {}
        self._problems: tuple[Problem, ...] = ()
        self._errors: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self.setSceneRect(-_STEP, -_STEP, 2 * _STEP, 2 * _STEP)
        self._sync(_everything(self.graph))
        bridge.changed.connect(self._sync)
        theme.notifier.changed.connect(self._restyle)

    @property
    def graph(self) -> Graph:
        """The graph as the document has it now."""
        return self.bridge.document.project.graph

    # --- facts ----------------------------------------------------------------------------------

    def set_facts(self, nodes: Mapping[str, NodeFacts], problems: Iterable[Problem]) -> None:
        """Show shapes on wires, numbers of weights, and badges for problems."""
        self._facts = nodes
        self._problems = found = tuple(problems)
        self._errors = Counter(each.node for each in found if each.severity == "error")
        self._warnings = Counter(each.node for each in found if each.severity == "warning")
        for node in self.nodes.values():
            look = self._look_of(node.node)
            if look != node.look:
                node.update_look(node.node, look, node.ports)
        for item in self.edges.values():
            item.pill.set_text(self._shape_of(item.edge))
        if self.in_overview:
            self.update()

    # --- selection ------------------------------------------------------------------------------

    def selected_ids(self) -> list[str]:
        """Ids of the selected nodes, in the order of the graph."""
        return [node.id for node in self.graph.nodes if node.id in self._selected]

    def selected_edges(self) -> list[EdgeKey]:
        """Keys of the selected wires, in the order of the graph."""
        return [edge.key for edge in self.graph.edges if edge.key in self._selected_edges]

    def select(self, ids: Iterable[str], edges: Iterable[EdgeKey] = ()) -> None:
        """Select exactly these nodes and wires; those that are not there are left out."""
        chosen, wires = set(ids) & set(self.nodes), set(edges) & set(self.edges)
        if (chosen, wires) == (self._selected, self._selected_edges):
            return
        differing = chosen ^ self._selected
        touched = wires ^ self._selected_edges
        self._selected, self._selected_edges = chosen, wires
        for node in differing & set(self.nodes):
            self.nodes[node].set_selected(node in chosen)
            touched.update(edge.key for edge in self.graph.incoming.get(node, ()))
        for key in touched & set(self.edges):
            self._show_edge(key)
        if self.in_overview:
            self.update()
        self.selection_changed.emit()

    # --- hit tests ------------------------------------------------------------------------------

    def node_at(self, place: QPointF) -> str:
        """Id of the node under a point, or empty."""
        for item in self._items_near(place, 0.5):
            if isinstance(item, NodeItem) and NODE_RECT.contains(place - item.pos()):
                return item.node.id
        return ""

    def port_at(self, place: QPointF, reach: float, output: bool | None = None) -> Port | None:
        """The port nearest to a point, no farther than ``reach``; only outputs or inputs if given."""
        nearest, best = None, reach
        for item in self._items_near(place, reach):
            if isinstance(item, NodeItem):
                for port, point in item.ports.of(item.node.id, output):
                    distance = QLineF(place, item.pos() + point).length()
                    if distance <= best:
                        nearest, best = port, distance
        return nearest

    def port_place(self, port: Port) -> QPointF:
        """Where a port is in the scene."""
        item = self.nodes[port.node]
        ports = item.ports
        return item.pos() + (ports.output(port.number) if port.output else ports.input(port.number))

    def edge_at(self, place: QPointF, reach: float) -> EdgeKey | None:
        """The wire that passes nearest to a point, no farther than ``reach``."""
        nearest, best = None, reach
        for item in self._items_near(place, reach):
            if isinstance(item, EdgeItem):
                distance = item.distance(place)
                if distance <= best:
                    nearest, best = item.edge.key, distance
        return nearest

    def nodes_in(self, rect: QRectF) -> list[str]:
        """Ids of the nodes whose box touches a rectangle."""
        return [
            item.node.id
            for item in self.items(rect, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
            if isinstance(item, NodeItem) and NODE_RECT.translated(item.pos()).intersects(rect)
        ]

    def rank_of(self, port: Port) -> int | None:
        """Rank of what an output port gives, with the batch dimension; None when unknown."""
        facts = self._facts.get(port.node)
        if facts is None or port.number >= len(facts.outputs):
            return None
        return len(facts.outputs[port.number].shape)

    def tip_of(self, node: str) -> str:
        """What is wrong with a node, one problem a line, or what its class is for."""
        texts = [problem.text for problem in self._problems if problem.node == node]
        spec = self.nodes[node].look.spec
        return "\n".join(texts) or (spec.help if spec else "")

    def spoken(self, node: str) -> str:
        """A node in words: name, class, output shape, frozen or not, what is wrong with it."""
        item = self.nodes[node]
        facts = item.look.facts
        parts = [item.node.name, item.node.class_name]
        if facts is not None and facts.outputs:
            parts.append(shape_text(facts.outputs[0].shape))
        if not item.node.trainable:
            parts.append(self.tr("frozen"))
        parts += [problem.text for problem in self._problems if problem.node == node]
        return ", ".join(parts)

    # --- what gestures show ---------------------------------------------------------------------

    def preview_move(self, ids: Collection[str], offset: QPointF) -> None:
        """Show nodes moved by ``offset`` from where the document has them."""
        wires: dict[EdgeKey, EdgeItem] = {}
        graph = self.graph
        for node in ids:
            value, item = graph.by_id[node], self.nodes[node]
            item.setPos(value.x + offset.x(), value.y + offset.y())
            self._show_block(item)
            for edge in (*graph.incoming[node], *graph.outgoing[node]):
                wires[edge.key] = self.edges[edge.key]
        for wire in wires.values():
            self._place_edge(wire)
        self._tell_shapes()

    def content_rect(self, ids: Collection[str] = ()) -> QRectF:
        """The rectangle around these nodes, or around all."""
        rect = QRectF()
        for node in ids or self.nodes:
            rect = rect.united(NODE_BOUNDS.translated(self.nodes[node].pos()))
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
        if (before < OVERVIEW_DETAIL, before < FULL_DETAIL) != (
            zoom < OVERVIEW_DETAIL,
            zoom < FULL_DETAIL,
        ):
            for item in self._all_items():
                self._set_detail(item)

    def paint_overview(self, painter: QPainter) -> None:
        """Draw all nodes as blocks, with frames around selected and wrong ones."""
        style = self.canvas_style
        self.shapes.paint(painter, style)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen, ids in (
            (style.overview_error_pen, self._errors),
            (style.overview_selected_pen, self._selected),
        ):
            painter.setPen(pen)
            for node in ids:
                if node in self.nodes:
                    painter.drawRect(NODE_RECT.translated(self.nodes[node].pos()))

    # --- mirroring the document -----------------------------------------------------------------

    def _sync(self, changes: Changes) -> None:
        for edge in changes.edges_removed:
            self._remove_edge(edge.key)
        for node in changes.removed:
            self._remove_node(node)
        self._outputs = {node.id for node in self.graph.outputs}
        touched = self._touched(changes)
        self._refresh_nodes(touched)
        for node in changes.added:
            self._add_node(self.graph.by_id[node])
        for edge in changes.edges_added:
            self._add_edge(edge)
        self._place_edges_of(touched)
        self.select(self._selected, self._selected_edges)
        if changes.graph:
            self._grow()
            self._tell_shapes()
        if changes.replaced:
            self.select(())
            self.replaced.emit()

    def _touched(self, changes: Changes) -> set[str]:
        """Items that look different, by value or by their wires."""
        touched = set(changes.changed)
        for edge in (*changes.edges_added, *changes.edges_removed):
            touched.update((edge.source, edge.target))
        return touched & set(self.nodes)

    def _add_node(self, node: Node) -> None:
        item = NodeItem(node, self._look_of(node), self._ports_of(node), self.canvas_style)
        self.nodes[node.id] = item
        self._set_detail(item)
        self.addItem(item)
        self._show_block(item)

    def _remove_node(self, node: str) -> None:
        self.removeItem(self.nodes.pop(node))
        self.shapes.remove_node(node)

    def _add_edge(self, edge: Edge) -> None:
        item = EdgeItem(edge, self.canvas_style)
        item.pill.set_text(self._shape_of(edge))
        self.edges[edge.key] = item
        self._set_detail(item)
        self.addItem(item)
        self.addItem(item.pill)
        self._place_edge(item)
        self._show_edge(edge.key)

    def _remove_edge(self, key: EdgeKey) -> None:
        item = self.edges.pop(key)
        self.removeItem(item.pill)
        self.removeItem(item)
        self.shapes.remove_edge(key)

    def _refresh_nodes(self, ids: Iterable[str]) -> None:
        for node in ids:
            value, item = self.graph.by_id[node], self.nodes[node]
            item.setPos(value.x, value.y)
            item.update_look(value, self._look_of(value), self._ports_of(value))
            self._show_block(item)

    def _place_edges_of(self, ids: Iterable[str]) -> None:
        for node in ids:
            for edge in (*self.graph.incoming[node], *self.graph.outgoing[node]):
                self._place_edge(self.edges[edge.key])

    def _place_edge(self, item: EdgeItem) -> None:
        edge = item.edge
        source, target = self.nodes[edge.source], self.nodes[edge.target]
        start = source.pos() + source.ports.output(edge.source_port)
        end = target.pos() + target.ports.input(edge.target_port)
        if (start, end) != (item.start, item.end):
            item.set_ends(start, end)
        self.shapes.set_edge(edge.key, QLineF(start, end))

    def _show_edge(self, key: EdgeKey) -> None:
        self.edges[key].set_look(
            accent=key[2] in self._selected, selected=key in self._selected_edges
        )

    def _show_block(self, item: NodeItem) -> None:
        self.shapes.set_node(item.node.id, item.family, NODE_RECT.translated(item.pos()))

    def _look_of(self, node: Node) -> NodeLook:
        return NodeLook(
            spec=self.catalogue.layer(node.class_name),
            facts=self._facts.get(node.id),
            inputs=len(self.graph.incoming[node.id]),
            output=self.tr("output") if node.id in self._outputs else "",
            errors=self._errors[node.id],
            warnings=self._warnings[node.id],
        )

    def _ports_of(self, node: Node) -> PortPlaces:
        return place_ports(
            self.catalogue.layer(node.class_name),
            node.class_name,
            [edge.target_port for edge in self.graph.incoming[node.id]],
            [edge.source_port for edge in self.graph.outgoing[node.id]],
        )

    def _shape_of(self, edge: Edge) -> str:
        facts = self._facts.get(edge.source)
        if facts is None or edge.source_port >= len(facts.outputs):
            return ""
        return shape_text(facts.outputs[edge.source_port].shape)

    def _set_detail(self, item: NodeItem | EdgeItem) -> None:
        empty = QGraphicsItem.GraphicsItemFlag.ItemHasNoContents
        item.setFlag(empty, self.in_overview)
        if isinstance(item, EdgeItem):
            item.pill.setFlag(empty, self._detail < FULL_DETAIL)

    def _all_items(self) -> list[NodeItem | EdgeItem]:
        return [*self.nodes.values(), *self.edges.values()]

    def _items_near(self, place: QPointF, reach: float) -> list[QGraphicsItem]:
        area = QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach)
        return self.items(area, Qt.ItemSelectionMode.IntersectsItemBoundingRect)

    def _grow(self) -> None:
        rect = self.content_rect()
        if not self.sceneRect().contains(rect):
            margin = _STEP / 2
            wanted = rect.adjusted(-margin, -margin, margin, margin)
            self.setSceneRect(self.sceneRect().united(wanted))

    def _tell_shapes(self) -> None:
        if self.in_overview:
            self.update()
        self.shapes_changed.emit()

    def _restyle(self) -> None:
        self.canvas_style = CanvasStyle(theme.current())
        for item in self._all_items():
            item.set_style(self.canvas_style)
        self.update()
        self.shapes_changed.emit()


def _everything(graph: Graph) -> Changes:
    return Changes(added=tuple(graph.by_id), edges_added=graph.edges)
