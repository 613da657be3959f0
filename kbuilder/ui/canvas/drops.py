"""Layers and pieces of a graph dragged onto the canvas: what a drop would do, shown and done."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QGraphicsPathItem

from kbuilder.document.fragment import Fragment, attach
from kbuilder.document.fragment import place as place_copy
from kbuilder.document.graph import EdgeKey
from kbuilder.document.places import NODE_HEIGHT
from kbuilder.document.ranks import feeds, takes
from kbuilder.ui.canvas.clipboard import MIME_FRAGMENT, CanvasClipboard, extent, fragment_content
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.gestures import INSERT_REACH_PX
from kbuilder.ui.canvas.hover import Hover
from kbuilder.ui.canvas.joining import JoinMark, block_at, joins_text
from kbuilder.ui.canvas.overlays import Overlays
from kbuilder.ui.canvas.piece_inserting import PieceInserter
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.routing import wire_path
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.layer_search import MIME_LAYER

_PORT_REACH_PX = 40.0
_ON_TOP = 10.0


class DropTarget(NamedTuple):
    """What lies under a drag: a node to replace, a wire to go into, a port to be wired to, a block."""

    node: str = ""
    edge: EdgeKey | None = None
    port: Port | None = None
    block: str = ""


class LayerDrops(QObject):
    """Follows a drag over the canvas with a sentence, a lit target and a dashed wire."""

    def __init__(
        self,
        scene: CanvasScene,
        editing: CanvasEditing,
        clipboard: CanvasClipboard,
        pieces: PieceInserter,
        hover: Hover,
        overlays: Overlays,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._scene = scene
        self._editing = editing
        self._clipboard = clipboard
        self._pieces = pieces
        self._hover = hover
        self._overlays = overlays
        self._line: QGraphicsPathItem | None = None
        self._frame = JoinMark(scene)

    def takes(self, event: QDropEvent) -> bool:
        """Answer a drag: layers and pieces of a graph are copied here, the rest is the window's."""
        data = event.mimeData()
        ours = data.hasFormat(MIME_LAYER) or data.hasFormat(MIME_FRAGMENT)
        if ours:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()
        return ours

    def show(self, event: QDropEvent, place: QPointF) -> None:
        """Show what a drop at a place of the scene would do."""
        target = self._target(event, place)
        self.clear()
        self._hover.show(target.node, target.edge)
        if target.port is not None:
            self._draw_line(target.port, place)
        self._frame.show(target.block)
        self._overlays.show_tip(self._sentence(target), event.position().toPoint())

    def clear(self) -> None:
        """Show nothing any more."""
        self._hover.show()
        self._frame.show("")
        self._overlays.show_tip("", QPointF().toPoint())
        if self._line is not None:
            self._scene.removeItem(self._line)
            self._line = None

    def drop(self, event: QDropEvent, place: QPointF) -> None:
        """Do it, and select what came."""
        target = self._target(event, place)
        self.clear()
        if event.mimeData().hasFormat(MIME_FRAGMENT):
            fragment = self._clipboard.read(fragment_content(event.mimeData()))
            if fragment is not None:
                self._drop_fragment(fragment, target, place)
            return
        class_name = _class_name(event)
        if target.node:
            self._editing.replace_class(target.node, class_name)
            node = target.node
        elif target.edge is not None:
            node = self._editing.insert(class_name, target.edge)
        elif target.port is not None:
            node = self._editing.add_wired(class_name, target.port, place)
        else:
            node = self._editing.add(class_name, place)
        if node:
            self._scene.select([node])

    def _drop_fragment(self, fragment: Fragment, target: DropTarget, place: QPointF) -> None:
        x, y = fragment.corner
        middle = extent(fragment).center()
        corner = (round(place.x() - middle.x() + x), round(place.y() - middle.y() + y))
        project = self._scene.bridge.document.project
        if target.edge is not None and fragment.inputs:
            names = [group.name for group in fragment.groups if not group.parent]
            title = names[0] if len(names) == 1 else self.tr("layers")
            self._pieces.into(fragment, title, target.edge)
            return
        if target.port is not None:
            source = self._scene.ports_behind(target.port)[0]
            outlet = (source.node, source.number)
            group = self._editing.group_of(source.node)
            made = attach(project, fragment, outlet, corner, group=group)
        else:
            group = block_at(self._scene, place)
            made = place_copy(project, fragment, corner, group=group)
        text = self.tr("Insert %n layers", "", len(fragment.nodes))
        self._clipboard.show(made, text)

    def _target(self, event: QDropEvent, place: QPointF) -> DropTarget:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return self._open_block(place)
        scene = self._scene
        whole = event.mimeData().hasFormat(MIME_FRAGMENT)
        box = scene.node_at(place)
        if box:
            known = scene.catalogue.layer(_class_name(event)) is not None
            shown = box in scene.graph.by_id and box not in scene.projection.ghosts
            replaceable = not whole and known and shown
            return DropTarget(node=box) if replaceable else self._open_block(place)
        edge = scene.edge_at(place, INSERT_REACH_PX * scene.pixel)
        if edge is not None:
            return DropTarget(edge=edge)
        port = self._free_port(event, place)
        return DropTarget(port=port) if port is not None else self._open_block(place)

    def _open_block(self, place: QPointF) -> DropTarget:
        """The block whose frame is there, if it is not the one that is entered."""
        block = block_at(self._scene, place)
        return DropTarget(block=block) if block in self._scene.frames else DropTarget()

    def _free_port(self, event: QDropEvent, place: QPointF) -> Port | None:
        """The nearest port that nothing is wired to and that what is dropped fits."""
        scene = self._scene
        port = scene.port_at(place, _PORT_REACH_PX * scene.pixel)
        if port is None or not scene.ports_behind(port):
            return None
        for edge in scene.projection.wires.values():
            ends = ((edge.source, edge.source_port, True), (edge.target, edge.target_port, False))
            if port in ends:
                return None
        if event.mimeData().hasFormat(MIME_FRAGMENT):
            return port if port.output else None
        spec = scene.catalogue.layer(_class_name(event))
        if spec is None:
            return None
        if port.output:
            return port if takes(spec, scene.rank_of(port)) else None
        readers = [scene.graph.by_id[each.node] for each in scene.ports_behind(port)]
        fits = all(feeds(spec, scene.catalogue.layer(node.class_name)) for node in readers)
        return port if fits else None

    def _draw_line(self, port: Port, place: QPointF) -> None:
        half = QPointF(0.0, NODE_HEIGHT / 2)
        there = self._scene.port_place(port)
        path = wire_path(there, place - half) if port.output else wire_path(place + half, there)
        self._line = QGraphicsPathItem(path)
        self._line.setPen(self._scene.canvas_style.preview_pen)
        self._line.setZValue(_ON_TOP)
        self._scene.addItem(self._line)

    def _sentence(self, target: DropTarget) -> str:
        name = self._scene.name_of
        if target.node:
            return self.tr("Replace {layer}").format(layer=name(target.node))
        if target.edge is not None:
            wire = self._scene.projection.wires[target.edge]
            text = self.tr("Insert between {source} and {target}")
            return text.format(source=name(wire.source), target=name(wire.target))
        if target.port is not None:
            text = self.tr("Feed from {layer}") if target.port.output else self.tr("Feed {layer}")
            return text.format(layer=name(target.port.node))
        return joins_text(name(target.block)) if target.block else ""


def _class_name(event: QDropEvent) -> str:
    return bytes(event.mimeData().data(MIME_LAYER).data()).decode("utf-8", "replace")
