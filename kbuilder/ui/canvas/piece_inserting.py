"""Templates and blocks put onto the canvas: into a wire, behind the selection, or in the middle."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF

from kbuilder.document import edits
from kbuilder.document.fragment import Fragment, Placed, attach, insert, place
from kbuilder.document.graph import Edge, EdgeKey, Graph
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH, drawn, extents
from kbuilder.document.project import Project
from kbuilder.ui.canvas.above import selected_above
from kbuilder.ui.canvas.clipboard import CanvasClipboard, extent
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.joining import block_at
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import COLUMN_PITCH, ROW_PITCH

_ROW_GAP = ROW_PITCH - NODE_HEIGHT


class PieceInserter(QObject):
    """Finds the place for a piece of a graph and puts it there, as one edit."""

    def __init__(
        self,
        scene: CanvasScene,
        editing: CanvasEditing,
        clipboard: CanvasClipboard,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._scene = scene
        self._editing = editing
        self._clipboard = clipboard

    def insert(self, fragment: Fragment, title: str, middle: QPointF) -> None:
        """Put it into the one selected wire, behind the selected boxes, or around ``middle``."""
        scene = self._scene
        wires = [key for key in scene.selected_edges() if key in scene.edges]
        above = selected_above(scene)
        if len(wires) == 1 and not above and fragment.inputs:
            self.into(fragment, title, wires[0])
        elif above and fragment.inputs:
            lowest = max(above, key=lambda each: each.y)
            top = QPointF(lowest.x + NODE_WIDTH / 2, lowest.y + ROW_PITCH)
            self._attach(fragment, title, (lowest.node, lowest.port), top)
        else:
            area = _room(fragment)
            corner = QPointF(middle.x() - area.width() / 2, middle.y() - area.height() / 2)
            x, y = self._free(fragment, corner)
            block = block_at(scene, middle)
            self._show(place(self._project, fragment, (x, y), group=block), title)

    def into(self, fragment: Fragment, title: str, key: EdgeKey) -> None:
        """Put it into a drawn wire; what follows the wire moves down to make room."""
        graph = self._scene.graph
        source, target = graph.by_id[key[0]], graph.by_id[key[2]]
        area = _room(fragment)
        top = source.y + ROW_PITCH
        left = source.x + (NODE_WIDTH - area.width()) / 2
        corner = _corner(fragment, QPointF(left, top))
        group = self._editing.group_of(source.id, target.id)
        distance = top + area.height() + _ROW_GAP - target.y
        project = self._project
        if distance > 0.0:
            below = [graph.by_id[node] for node in graph.downstream([target.id])]
            project = edits.move(
                project,
                {node.id: (node.x, node.y + distance) for node in below if node.y >= target.y},
            )
        made = insert(project, fragment, key, corner, group=group)
        self._show(self._with_bundle(made, key), title)

    def at_port(self, fragment: Fragment, title: str, port: Port, top: QPointF) -> None:
        """Feed it from an output port of a box; the middle of its upper edge goes to ``top``."""
        source = self._scene.ports_behind(port)[0]
        self._attach(fragment, title, (source.node, source.number), top)

    def _attach(
        self, fragment: Fragment, title: str, outlet: tuple[str, int], top: QPointF
    ) -> None:
        left = top.x() - _room(fragment).width() / 2
        x, y = self._free(fragment, QPointF(left, top.y()))
        group = self._editing.group_of(outlet[0])
        self._show(attach(self._project, fragment, outlet, (x, y), group=group), title)

    def _with_bundle(self, made: Placed, key: EdgeKey) -> Placed:
        """Let the other wires that the drawn one stands for start at the piece as well."""
        others = [each for each in self._scene.projection.bundles.get(key, ()) if each != key]
        last = next(edge for edge in made.project.graph.edges if edge.key[2:] == key[2:])
        if last.source == key[0]:
            return made
        project = edits.disconnect(made.project, others)
        for _, _, target, port in others:
            wire = Edge(
                source=last.source,
                source_port=last.source_port,
                target=target,
                target_port=port,
            )
            project = edits.connect(project, wire)
        return made._replace(project=project)

    def _free(self, fragment: Fragment, corner: QPointF) -> tuple[float, float]:
        """The first place at or to the right of ``corner`` where nothing would be covered."""
        taken = _boxes(self._scene.graph)
        wanted = QRectF(corner, _room(fragment).size()).adjusted(-12.0, -12.0, 12.0, 12.0)
        while any(wanted.intersects(box) for box in taken):
            wanted.translate(COLUMN_PITCH, 0.0)
        return _corner(fragment, wanted.topLeft() + QPointF(12.0, 12.0))

    def _show(self, made: Placed, title: str) -> None:
        """Show it, with its blocks selected rather than what is in them."""
        self._clipboard.show(made, self.tr("Insert {piece}").format(piece=title))
        graph, new = made.project.graph, set(made.groups)
        outer = [group for group in made.groups if graph.group_by_id[group].parent not in new]
        alone = [node for node in made.nodes if graph.by_id[node].group not in new]
        self._scene.select([*outer, *alone], comments=made.comments)

    @property
    def _project(self) -> Project:
        return self._scene.bridge.document.project


def _room(fragment: Fragment) -> QRectF:
    """What a piece covers where it was made, with the frames around its blocks."""
    area = extent(fragment)
    graph = Graph(nodes=fragment.nodes, groups=fragment.groups)
    for group, inside in extents(graph).items():
        frame = drawn(graph, group, inside)
        size = QSizeF(frame.right - frame.left, frame.height)
        area = area.united(QRectF(QPointF(frame.left, frame.top), size))
    return area


def _corner(fragment: Fragment, corner: QPointF) -> tuple[float, float]:
    """Where the layers begin, when all that the piece covers begins at ``corner``."""
    x, y = fragment.corner
    area = _room(fragment)
    return (round(corner.x() + x - area.left()), round(corner.y() + y - area.top()))


def _boxes(graph: Graph) -> list[QRectF]:
    return [QRectF(node.x, node.y, NODE_WIDTH, NODE_HEIGHT) for node in graph.nodes]
