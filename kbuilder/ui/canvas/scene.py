"""The scene: what is selected, what lies where, and what gestures show while they run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtWidgets import QGraphicsItem

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.graph import EdgeKey
from kbuilder.ui.canvas.carrying import Carrier
from kbuilder.ui.canvas.comment_item import CommentItem
from kbuilder.ui.canvas.edge_item import EdgeItem
from kbuilder.ui.canvas.frame_item import FrameItem
from kbuilder.ui.canvas.mirror import MirrorScene
from kbuilder.ui.canvas.node_item import NodeItem
from kbuilder.ui.canvas.overview import Shift
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.style import NODE_RECT, REACH_PX
from kbuilder.ui.document_bridge import DocumentBridge

MOST_ROUTED = 20
"""So many boxes are moved one by one, their long wires finding new lanes at each move."""


class CanvasScene(MirrorScene):
    """Items by id, and which of them are selected.

    A *box* is what is drawn for a node or a collapsed block. Blocks can be selected as a box or by
    the title of their frame; their nodes are then selected with them.
    """

    selection_changed = Signal()
    replaced = Signal()
    """Another project is shown."""

    def __init__(
        self, bridge: DocumentBridge, catalogue: Catalogue, parent: QObject | None = None
    ) -> None:
        super().__init__(bridge, catalogue, parent)
        self._selected_comments: set[str] = set()
        self._carrier: Carrier | Shift | None = None
        self._carried: tuple[set[str], bool] | None = None
        self._mirror(self.graph.by_id)
        self._grow()
        self._tell_shapes()
        bridge.changed.connect(self._sync)

    # --- blocks ---------------------------------------------------------------------------------

    def enter(self, group: str) -> None:
        """Show only what is in a block; an empty id shows the whole graph."""
        if group == self.root or (group and group not in self.graph.group_by_id):
            return
        self.root = group
        self._mirror(())
        self._grow()
        self.select(())
        self._tell_shapes()
        self.root_changed.emit()

    def leave(self) -> bool:
        """Show what is around the block that is entered, which is selected; False if none is."""
        left = self.root
        if not left:
            return False
        self.enter(self.graph.group_by_id[left].parent)
        self.select([left])
        return True

    def reveal(self, node: str) -> None:
        """Enter the block that hides a node, or leave the one that it is not in."""
        if node in self.nodes and node not in self.projection.ghosts:
            return
        around = list(self.graph.ancestors(self.graph.by_id[node].group))
        folded = [group for group in around if self.graph.group_by_id[group].collapsed]
        self.enter(folded[0] if folded else "")

    # --- selection ------------------------------------------------------------------------------

    def selected_ids(self) -> list[str]:
        """Ids of the selected nodes and of those in selected blocks, in the order of the graph."""
        chosen = set(self._selected)
        for group in self.selected_groups():
            chosen.update(self.graph.members[group])
        return [node.id for node in self.graph.nodes if node.id in chosen]

    def selected_groups(self) -> list[str]:
        """Ids of the selected blocks, in the order of the graph."""
        return [group.id for group in self.graph.groups if group.id in self._selected]

    def selected_edges(self) -> list[EdgeKey]:
        """Keys of the selected wires, in the order of the graph; all that a drawn wire stands for."""
        chosen = set(self._selected_edges)
        for key in self._selected_edges:
            chosen.update(self.projection.bundles.get(key, ()))
        return [edge.key for edge in self.graph.edges if edge.key in chosen]

    def selected_comments(self) -> list[str]:
        """Ids of the selected comments, in the order of the graph."""
        return [note.id for note in self.graph.comments if note.id in self._selected_comments]

    def select(
        self,
        ids: Iterable[str],
        edges: Iterable[EdgeKey] = (),
        comments: Iterable[str] = (),
    ) -> None:
        """Select exactly these nodes, blocks, wires and comments; those that are not there are not."""
        there = (self.nodes.keys() | self.frames.keys()) - self.projection.ghosts
        chosen, wires = set(ids) & there, set(edges) & set(self.edges)
        notes = set(comments) & set(self.comments)
        before = (self._selected, self._selected_edges, self._selected_comments)
        if (chosen, wires, notes) == before:
            return
        self._selected, self._selected_edges, self._selected_comments = chosen, wires, notes
        self._show_selection(chosen ^ before[0], wires ^ before[1], notes ^ before[2])
        self.selection_changed.emit()

    def _show_selection(self, boxes: set[str], wires: set[EdgeKey], comments: set[str]) -> None:
        for box in boxes:
            for items in (self.nodes, self.frames):
                if box in items:
                    items[box].set_selected(box in self._selected)
        for comment in comments & self.comments.keys():
            self.comments[comment].set_selected(comment in self._selected_comments)
        for key, wire in self.edges.items():
            if key in wires or wire.edge.target in boxes:
                self._show_edge(key)
        if self.in_overview:
            self.update()

    # --- hit tests ------------------------------------------------------------------------------

    def node_at(self, place: QPointF) -> str:
        """Id of the node or collapsed block under a point, or empty."""
        for item in self._items_near(place, 0.5):
            if isinstance(item, NodeItem) and NODE_RECT.contains(place - item.pos()):
                return item.node.id
        return ""

    def frame_at(self, place: QPointF) -> str:
        """Id of the open block whose title is under a point, or empty."""
        for item in self._items_near(place, 0.5):
            if isinstance(item, FrameItem) and item.title_rect.contains(place):
                return item.block.id
        return ""

    def comment_at(self, place: QPointF) -> str:
        """Id of the comment under a point, or empty."""
        for item in self._items_near(place, 0.5):
            if isinstance(item, CommentItem) and item.sceneBoundingRect().contains(place):
                return item.comment.id
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

    def ports_behind(self, port: Port) -> list[Port]:
        """The ports of nodes that a port stands for: itself, or what a block hands it on to."""
        ends = self.projection.ends(port.node, port.number, port.output)
        return [Port(node, number, port.output) for node, number in ends]

    def edge_at(self, place: QPointF, reach: float) -> EdgeKey | None:
        """The wire that passes nearest to a point, no farther than ``reach``."""
        nearest, best = None, reach
        for item in self._items_near(place, reach):
            if isinstance(item, EdgeItem):
                distance = item.distance(place)
                if distance <= best:
                    nearest, best = item.key, distance
        return nearest

    def nodes_in(self, rect: QRectF) -> list[str]:
        """Ids of the nodes and collapsed blocks whose box touches a rectangle."""
        return [
            item.node.id
            for item in self.items(rect, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
            if isinstance(item, NodeItem) and NODE_RECT.translated(item.pos()).intersects(rect)
        ]

    def rank_of(self, port: Port) -> int | None:
        """Rank of what an output port gives, with the batch dimension; None when unknown."""
        for each in self.ports_behind(port):
            return self.looks.rank(each.node, each.number)
        return None

    def name_of(self, box: str) -> str:
        """The name of a node or block."""
        graph = self.graph
        return (graph.by_id[box] if box in graph.by_id else graph.group_by_id[box]).name

    def tip_of(self, box: str) -> str:
        """What is wrong with a node or block, one problem a line, or what its class is for."""
        nodes = self.graph.members.get(box, (box,))
        spec = self.nodes[box].look.spec
        return "\n".join(self.looks.wrong_with(nodes)) or (spec.help if spec else "")

    def tip_at(self, place: QPointF) -> str:
        """What there is to say of the port, node or wire at a point; empty for nothing."""
        port = None if self.in_overview else self.port_at(place, REACH_PX * self.pixel)
        name = self.nodes[port.node].ports.name(port.number, output=port.output) if port else ""
        if name:
            return name
        box = self.node_at(place)
        if box:
            return self.tip_of(box)
        wire = self.edge_at(place, REACH_PX * self.pixel)
        return self.spoken_wire(wire) if wire else ""

    def spoken_wire(self, key: EdgeKey) -> str:
        """A wire in words: its ends, the shape that flows through it, and whether a mask goes along."""
        item = self.edges[key]
        ends = f"{self.name_of(item.edge.source)} → {self.name_of(item.edge.target)}"
        mask = self.tr("mask") if item.is_masked else ""
        return " · ".join(part for part in (ends, item.pill.text, mask) if part)

    def spoken(self, node: str) -> str:
        """A node in words: name, class, output shape, frozen or not, what is wrong with it."""
        return self.looks.spoken(self.graph.by_id[node])

    # --- what gestures show ---------------------------------------------------------------------

    def preview_move(self, ids: Collection[str], offset: QPointF) -> None:
        """Show nodes, and the blocks whose nodes they all are, moved from where the document has them."""
        chosen = set(ids)
        whole = {group for group, nodes in self.graph.members.items() if chosen.issuperset(nodes)}
        boxes = {box for box in chosen | whole if box in self.nodes} - self.projection.ghosts
        frames = whole & self.frames.keys()
        if offset.isNull() or len(boxes) <= MOST_ROUTED:
            self._put_down()
            self._move_each(boxes, frames, offset)
        else:
            self._carry(boxes, frames, offset)
            self.update()
            return
        self._tell_shapes()

    def preview_places(self, places: Mapping[str, QPointF]) -> None:
        """Show boxes elsewhere than the document has them."""
        there = {box for box in places if box in self.nodes} - self.projection.ghosts
        drawn = self.projection.boxes
        settled = all(places[box] == QPointF(*drawn[box]) for box in there)
        for box in there:
            self.nodes[box].setPos(places[box])
            self._show_block(self.nodes[box])
        self._place_edges_of(there, self._obstacles() if settled else None)
        self._tell_shapes()

    def _move_each(self, boxes: set[str], frames: set[str], offset: QPointF) -> None:
        for box in boxes:
            x, y = self.projection.boxes[box]
            self.nodes[box].setPos(x + offset.x(), y + offset.y())
            self._show_block(self.nodes[box])
        for group in frames:
            frame = self.projection.frames[group]
            self.frames[group].setPos(frame.left + offset.x(), frame.top + offset.y())
        self._place_edges_of(boxes, self._obstacles())

    def _carry(self, boxes: set[str], frames: set[str], offset: QPointF) -> None:
        """Move many boxes as one; wires that lead out are drawn anew, without lanes."""
        if self._carried != (boxes, self.in_overview):
            self._put_down()
            self._carried = (boxes, self.in_overview)
            self._carrier = self._pick_up(boxes, frames)
        if self._carrier is not None:
            self._carrier.move(offset)
        for wire in self.edges.values():
            source, target = wire.edge.source in boxes, wire.edge.target in boxes
            if source != target:
                start, end = self._ends(wire.edge)
                start, end = (start + offset, end) if source else (start, end + offset)
                wire.set_ends(start, end)
                self.shapes.set_edge(wire.key, QLineF(start, end))

    def _pick_up(self, boxes: set[str], frames: set[str]) -> Carrier | Shift:
        """Far out the shapes of the overview are moved; the items, which show nothing, follow later."""
        inside = [
            wire
            for wire in self.edges.values()
            if wire.edge.source in boxes and wire.edge.target in boxes
        ]
        if self.in_overview:
            return self.shapes.shift(boxes, [wire.key for wire in inside])
        items = [*(self.nodes[box] for box in boxes), *(self.frames[group] for group in frames)]
        pills = [wire.pill for wire in self.edges.values() if wire.pill.isVisible()]
        return Carrier(self, [*items, *inside], pills)

    def _put_down(self) -> None:
        if self._carrier is not None:
            self._carrier.put_down()
        self._carrier, self._carried = None, None

    # --- following the document -----------------------------------------------------------------

    def _sync(self, changes: Changes) -> None:
        if changes.replaced or (self.root and self.root not in self.graph.group_by_id):
            self.root = ""
            self.root_changed.emit()
        if not (changes.graph or changes.comments or changes.replaced):
            return
        self._put_down()
        # A shared layer is changed at one node and shown at all.
        touched = {*changes.changed, *changes.added}
        touched |= {node.id for node in self.graph.nodes if node.shares in touched}
        if self._mirror(touched):
            self.select(self._selected, self._selected_edges, self._selected_comments)
            self._grow()
            self._tell_shapes()
        if changes.replaced:
            self.select(())
            self.replaced.emit()

    def _items_near(self, place: QPointF, reach: float) -> list[QGraphicsItem]:
        area = QRectF(place.x() - reach, place.y() - reach, 2 * reach, 2 * reach)
        return self.items(area, Qt.ItemSelectionMode.IntersectsItemBoundingRect)
