"""What the mouse does on the canvas, one object per gesture with start, move, end and cancel.

A gesture shows what would happen while it runs and changes the document once, at its end. Places are
in scene coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem

from kbuilder.document.graph import Comment, Edge, EdgeKey, Node
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.joining import Joined, Joining, JoinMark
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.routing import wire_path
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import boxes, moving_comments
from kbuilder.ui.canvas.style import REACH_PX

INSERT_REACH_PX = 20.0
"""How far from a wire, in screen pixels, something dropped still goes into it."""
_THRESHOLD_PX = 4.0
_ON_TOP = 10.0
_NOWHERE = Edge(source="", target="")


class Gesture(Protocol):
    """From a press of the mouse to its release, or to Esc."""

    def start(self, place: QPointF) -> None:
        """The button went down."""

    def move(self, place: QPointF) -> None:
        """The mouse moved with the button down."""

    def end(self, place: QPointF) -> None:
        """The button went up: do it."""

    def cancel(self) -> None:
        """Leave everything as it was."""


class DragNodes:
    """Move what is selected; one edit at the end. A press without a move changes nothing.

    A single node without wires goes into the wire that it is dropped on. What is dropped inside the
    frame of an open block joins the block, as ``Joining`` says. ``tip`` shows a sentence beside the
    mouse (empty: none).
    """

    def __init__(
        self, scene: CanvasScene, editing: CanvasEditing, tip: Callable[[str], None]
    ) -> None:
        self._scene = scene
        self._editing = editing
        self._tip = tip
        self._ids = scene.selected_ids()
        self._comments = moving_comments(scene)
        self._start = QPointF()
        self._moving = False
        self._wire: EdgeKey | None = None
        self._joining = Joining(scene, self._ids, self._comments)
        self._joined: Joined | None = None
        self._frame = JoinMark(scene)

    def start(self, place: QPointF) -> None:
        """Take hold of the nodes."""
        self._start = place

    def move(self, place: QPointF) -> None:
        """Show them under the mouse, once it has left the spot."""
        offset = place - self._start
        threshold = _THRESHOLD_PX * self._scene.pixel
        self._moving = self._moving or offset.manhattanLength() >= threshold
        if self._moving:
            self._preview(offset)
            self._mark(self._wire_at(place))
            self._show_joined(place)

    def end(self, place: QPointF) -> None:
        """Let them stay there."""
        self.move(place)
        if not self._moving:
            return
        offset, wire, joined = place - self._start, self._wire, self._joined
        self._clean()
        graph = self._scene.graph
        nodes = {node: _moved(graph.by_id[node], offset) for node in self._present()}
        if wire is not None:
            ((node, at),) = nodes.items()
            self._editing.insert_existing(node, wire, at)
        else:
            notes = [note for note in graph.comments if note.id in self._comments]
            places = {note.id: _moved(note, offset) for note in notes}
            self._editing.move(nodes, places, joined=joined)
        self._preview(QPointF())

    def cancel(self) -> None:
        """Put them back."""
        self._clean()
        self._preview(QPointF())

    def _clean(self) -> None:
        self._mark(None)
        self._frame.show("")
        self._tip("")

    def _preview(self, offset: QPointF) -> None:
        self._scene.preview_move(self._present(), offset)
        for comment in self._comments:
            item = self._scene.comments.get(comment)
            if item is not None:
                item.setPos(QPointF(item.comment.x, item.comment.y) + offset)

    def _show_joined(self, place: QPointF) -> None:
        """Find out what would join or leave a block, mark the block and say so."""
        free = bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
        joined = None if self._wire is not None else self._joining.at(place, free=free)
        if joined is None or joined != self._joined:
            self._frame.show(joined.block if joined is not None else "")
        self._joined = joined
        self._tip("" if self._wire is not None else self._joining.sentence(place, joined))

    def _wire_at(self, place: QPointF) -> EdgeKey | None:
        """The wire that the node would be put into."""
        present = self._present()
        if len(present) != 1 or self._comments or not self._editing.can_insert(present[0]):
            return None
        return self._scene.edge_at(place, INSERT_REACH_PX * self._scene.pixel)

    def _mark(self, wire: EdgeKey | None) -> None:
        for key, hovered in ((self._wire, False), (wire, True)):
            if key is not None and key in self._scene.edges and self._wire != wire:
                self._scene.edges[key].set_hovered(hovered)
        self._wire = wire

    def _present(self) -> list[str]:
        by_id = self._scene.graph.by_id
        return [node for node in self._ids if node in by_id]


class Marquee:
    """Select what a rectangle touches, in addition to what was kept."""

    def __init__(self, scene: CanvasScene, keep: list[str]) -> None:
        self._scene = scene
        self._before = boxes(scene)
        self._keep = keep
        self._start = QPointF()
        self._frame = QGraphicsRectItem()
        self._frame.setPen(scene.canvas_style.marquee_pen)
        self._frame.setBrush(scene.canvas_style.marquee_brush)
        self._frame.setZValue(_ON_TOP)

    def start(self, place: QPointF) -> None:
        """Fix one corner."""
        self._start = place
        self._scene.select(self._keep)
        self._scene.addItem(self._frame)

    def move(self, place: QPointF) -> None:
        """Stretch the rectangle to the mouse."""
        rect = QRectF(self._start, place).normalized()
        self._frame.setRect(rect)
        self._scene.select([*self._keep, *self._scene.nodes_in(rect)])

    def end(self, place: QPointF) -> None:
        """Keep what is selected now."""
        self._scene.removeItem(self._frame)

    def cancel(self) -> None:
        """Select again what was selected before."""
        self._scene.removeItem(self._frame)
        self._scene.select(self._before)


class DrawWire:
    """Draw a wire from a port to another one, or move the free end of a wire that is there.

    ``fixed`` is the port that stays; ``moved`` the wire that is being moved. ``tell`` shows a sentence
    beside the mouse (empty: none). A new wire dropped into nothing calls ``dropped`` with the fixed
    port and the place; a moved one is removed there.
    """

    def __init__(
        self,
        scene: CanvasScene,
        editing: CanvasEditing,
        fixed: Port,
        *,
        moved: EdgeKey | None = None,
        tell: Callable[[str], None],
        dropped: Callable[[Port, QPointF], None],
    ) -> None:
        self._scene = scene
        self._editing = editing
        self._fixed = fixed
        self._moved = moved
        self._tell = tell
        self._dropped = dropped
        self._start = QPointF()
        self._left = False
        self._hovered = ""
        self._line = QGraphicsPathItem()
        self._line.setZValue(_ON_TOP)
        self._line.setPen(scene.canvas_style.preview_pen)

    def start(self, place: QPointF) -> None:
        """Show the line from the fixed port."""
        self._start = place
        self._scene.addItem(self._line)

    def move(self, place: QPointF) -> None:
        """Let the free end follow the mouse, or snap to the port that it would go to."""
        threshold = _THRESHOLD_PX * self._scene.pixel
        self._left = self._left or (place - self._start).manhattanLength() >= threshold
        if not self._left:
            return
        self._show_moved(False)
        target = self._target(place)
        reason = self._why_not(target) if target else ""
        style = self._scene.canvas_style
        self._line.setPen(style.refused_pen if reason else style.preview_pen)
        free = self._scene.port_place(target) if target and not reason else place
        ends = (self._scene.port_place(self._fixed), free)
        self._line.setPath(wire_path(*(ends if self._fixed.output else reversed(ends))))
        self._hover(target if not reason else None)
        self._tell(reason)

    def end(self, place: QPointF) -> None:
        """Connect, disconnect or ask for a layer, by what is under the mouse."""
        self.move(place)
        self._clean()
        if not self._left:
            return
        target = self._target(place)
        if target is not None:
            if self._moved is None or target != self._free_end(self._moved):
                self._editing.connect_nodes(self._wires(target), self._gone)
        elif self._scene.node_at(place) != self._fixed.node:
            if self._moved is None:
                self._dropped(self._fixed, place)
            else:
                self._editing.disconnect_nodes(self._gone)

    def cancel(self) -> None:
        """Leave the wires as they are."""
        self._clean()

    @property
    def _gone(self) -> tuple[EdgeKey, ...]:
        """The wires of the document that the moved one stands for."""
        if self._moved is None:
            return ()
        return self._scene.projection.bundles.get(self._moved, (self._moved,))

    def _target(self, place: QPointF) -> Port | None:
        """The port that the wire would go to: one within reach, or a free one of the box there."""
        reach = REACH_PX * self._scene.pixel
        port = self._scene.port_at(place, reach, output=not self._fixed.output)
        if port is not None and port.node != self._fixed.node:
            return port
        box = self._scene.node_at(place)
        if not box or box == self._fixed.node:
            return None
        if self._moved is not None and box == self._free_end(self._moved).node:
            return self._free_end(self._moved)
        if not self._fixed.output:
            port = Port(box, 0, True)
        elif box in self._scene.projection.ports:
            port = Port(box, self._free_input(box), False)
        else:
            port = Port(box, self._editing.free_port(box), False)
        return port if self._scene.ports_behind(port) else None

    def _free_input(self, block: str) -> int:
        """The first input port of a block without a wire; its first if all are taken, or none is."""
        shown = self._scene.projection
        taken = {edge.target_port for edge in shown.wires.values() if edge.target == block}
        free = (n for n in range(len(shown.ports[block].inputs)) if n not in taken)
        return next(free, 0)

    def _free_end(self, key: EdgeKey) -> Port:
        edge = self._scene.projection.wires[key]
        if self._fixed.output:
            return Port(edge.target, edge.target_port, False)
        return Port(edge.source, edge.source_port, True)

    def _wires(self, target: Port) -> list[Edge]:
        """What the document gets: more than one wire into a block that hands the tensor on."""
        source, end = (self._fixed, target) if self._fixed.output else (target, self._fixed)
        behind = self._scene.ports_behind
        return [
            Edge(source=a.node, source_port=a.number, target=b.node, target_port=b.number)
            for a in behind(source)
            for b in behind(end)
        ]

    def _why_not(self, target: Port) -> str:
        return self._editing.why_not(self._wires(target), self._gone)

    def _hover(self, port: Port | None) -> None:
        nodes = self._scene.nodes
        if self._hovered in nodes:
            nodes[self._hovered].set_hovered(False)
        self._hovered = port.node if port else ""
        if port is not None and port.node in nodes:
            ports = nodes[port.node].ports
            place = ports.output(port.number) if port.output else ports.input(port.number)
            nodes[port.node].set_hovered(True, place)

    def _show_moved(self, visible: bool) -> None:
        if self._moved in self._scene.edges:
            item = self._scene.edges[self._moved]
            item.setVisible(visible)

    def _clean(self) -> None:
        self._scene.removeItem(self._line)
        self._show_moved(True)
        self._hover(None)
        self._tell("")


def wire_from(scene: CanvasScene, port: Port) -> tuple[Port, EdgeKey | None]:
    """What a press on ``port`` takes hold of: the port that stays fixed, and the wire that is moved.

    A press on an input that has a wire picks up that wire's end; a press on an output picks up the
    end of a selected wire, and otherwise begins a new one.
    """
    wires = scene.projection.wires
    if not port.output:
        for key, edge in wires.items():
            if (edge.target, edge.target_port) == (port.node, port.number):
                return Port(edge.source, edge.source_port, True), key
        return port, None
    for key in scene.selected_edges():
        edge = wires.get(key, _NOWHERE)
        if (edge.source, edge.source_port) == (port.node, port.number):
            return Port(edge.target, edge.target_port, False), key
    return port, None


def _moved(part: Node | Comment, offset: QPointF) -> tuple[float, float]:
    return (round(part.x + offset.x()), round(part.y + offset.y()))


class Pan:
    """Move the view with the hand. Places are ignored; the view tells by how many pixels."""

    def __init__(self, scroll: Callable[[QPointF], None], mouse: Callable[[], QPointF]) -> None:
        self._scroll = scroll
        self._mouse = mouse
        self._last = QPointF()

    def start(self, place: QPointF) -> None:
        """Take hold of the canvas."""
        self._last = self._mouse()

    def move(self, place: QPointF) -> None:
        """Let the canvas follow."""
        here = self._mouse()
        self._scroll(here - self._last)
        self._last = here

    def end(self, place: QPointF) -> None:
        """Let go."""
        self.move(place)

    def cancel(self) -> None:
        """The view stays where it is; it is no part of the document."""
