"""What the mouse does on the canvas, one object per gesture with start, move, end and cancel.

A gesture shows what would happen while it runs and changes the document once, at its end. Places are
in scene coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem

from kbuilder.document.graph import Edge, EdgeKey
from kbuilder.ui.canvas.edge_item import wire_path
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import REACH_PX

_THRESHOLD_PX = 4.0
_ON_TOP = 10.0


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
    """Move the selected nodes; one edit at the end. A press without a move changes nothing."""

    def __init__(self, scene: CanvasScene, editing: CanvasEditing) -> None:
        self._scene = scene
        self._editing = editing
        self._ids = scene.selected_ids()
        self._start = QPointF()
        self._moving = False

    def start(self, place: QPointF) -> None:
        """Take hold of the nodes."""
        self._start = place

    def move(self, place: QPointF) -> None:
        """Show them under the mouse, once it has left the spot."""
        offset = place - self._start
        threshold = _THRESHOLD_PX * self._scene.pixel
        self._moving = self._moving or offset.manhattanLength() >= threshold
        if self._moving:
            self._scene.preview_move(self._present(), offset)

    def end(self, place: QPointF) -> None:
        """Let them stay there."""
        self.move(place)
        if not self._moving:
            return
        offset = place - self._start
        by_id = self._scene.graph.by_id
        self._editing.move(
            {
                node: (round(by_id[node].x + offset.x()), round(by_id[node].y + offset.y()))
                for node in self._present()
            }
        )
        self._scene.preview_move(self._present(), QPointF())

    def cancel(self) -> None:
        """Put them back."""
        self._scene.preview_move(self._present(), QPointF())

    def _present(self) -> list[str]:
        return [node for node in self._ids if node in self._scene.nodes]


class Marquee:
    """Select what a rectangle touches, in addition to what was kept."""

    def __init__(self, scene: CanvasScene, keep: list[str]) -> None:
        self._scene = scene
        self._before = scene.selected_ids()
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
            edge = self._edge(target)
            if edge.key != self._moved:
                self._editing.connect_nodes(edge, self._moved)
        elif self._scene.node_at(place) != self._fixed.node:
            if self._moved is None:
                self._dropped(self._fixed, place)
            else:
                self._editing.disconnect_nodes([self._moved])

    def cancel(self) -> None:
        """Leave the wires as they are."""
        self._clean()

    def _target(self, place: QPointF) -> Port | None:
        """The port that the wire would go to: one within reach, or a free one of the node there."""
        reach = REACH_PX * self._scene.pixel
        port = self._scene.port_at(place, reach, output=not self._fixed.output)
        if port is not None and port.node != self._fixed.node:
            return port
        node = self._scene.node_at(place)
        if not node or node == self._fixed.node:
            return None
        if self._moved is not None and node == self._free_end(self._moved).node:
            return self._free_end(self._moved)
        if self._fixed.output:
            return Port(node, self._editing.free_port(node), False)
        return Port(node, 0, True)

    def _free_end(self, key: EdgeKey) -> Port:
        source, source_port, target, target_port = key
        if self._fixed.output:
            return Port(target, target_port, False)
        return Port(source, source_port, True)

    def _edge(self, target: Port) -> Edge:
        source, end = (self._fixed, target) if self._fixed.output else (target, self._fixed)
        return Edge(
            source=source.node, source_port=source.number, target=end.node, target_port=end.number
        )

    def _why_not(self, target: Port) -> str:
        return self._editing.why_not(self._edge(target), self._moved)

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
    graph = scene.graph
    if not port.output:
        for edge in graph.incoming[port.node]:
            if edge.target_port == port.number:
                return Port(edge.source, edge.source_port, True), edge.key
        return port, None
    for key in scene.selected_edges():
        if (key[0], key[1]) == (port.node, port.number):
            return Port(key[2], key[3], False), key
    return port, None


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
