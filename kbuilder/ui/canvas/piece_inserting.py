"""Templates and blocks put onto the canvas: into a wire, behind the selection, or in the middle."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QObject, QPointF, QRectF

from kbuilder.document import edits
from kbuilder.document.fragment import Fragment, Placed, attach, insert, place
from kbuilder.document.graph import EdgeKey, Graph
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.project import Project
from kbuilder.ui.canvas.clipboard import CanvasClipboard, extent
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import COLUMN_PITCH, ROW_PITCH

_ROW_GAP = ROW_PITCH - NODE_HEIGHT


class PieceInserter(QObject):
    """Finds the place for a piece of a graph and puts it there, as one edit."""

    def __init__(self, scene: CanvasScene, clipboard: CanvasClipboard, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._clipboard = clipboard

    def insert(self, fragment: Fragment, title: str, middle: QPointF) -> None:
        """Put it into the one selected wire, behind the selected nodes, or around ``middle``."""
        wires, nodes = self._scene.selected_edges(), self._scene.selected_ids()
        if len(wires) == 1 and not nodes and fragment.inputs:
            self.into(fragment, title, wires[0])
        elif nodes and fragment.inputs:
            self._behind(fragment, title, nodes)
        else:
            area = extent(fragment)
            corner = QPointF(middle.x() - area.width() / 2, middle.y() - area.height() / 2)
            x, y = self._free(area, corner)
            self._show(place(self._project, fragment, (x, y), group=self._scene.root), title)

    def into(self, fragment: Fragment, title: str, key: EdgeKey) -> None:
        """Put it into a wire; what follows the wire moves down to make room."""
        graph = self._scene.graph
        source, target = graph.by_id[key[0]], graph.by_id[key[2]]
        area = extent(fragment)
        top = source.y + ROW_PITCH
        corner = (round(source.x + (NODE_WIDTH - area.width()) / 2), round(top))
        group = source.group if source.group == target.group else ""
        distance = top + area.height() + _ROW_GAP - target.y
        project = self._project
        if distance > 0.0:
            below = [graph.by_id[node] for node in graph.downstream([target.id])]
            project = edits.move(
                project,
                {node.id: (node.x, node.y + distance) for node in below if node.y >= target.y},
            )
        self._show(insert(project, fragment, key, corner, group=group), title)

    def _behind(self, fragment: Fragment, title: str, nodes: Collection[str]) -> None:
        graph = self._scene.graph
        source = max((graph.by_id[node] for node in nodes), key=lambda node: node.y)
        area = extent(fragment)
        corner = QPointF(source.x + (NODE_WIDTH - area.width()) / 2, source.y + ROW_PITCH)
        x, y = self._free(area, corner)
        made = attach(self._project, fragment, (source.id, 0), (x, y), group=source.group)
        self._show(made, title)

    def _free(self, area: QRectF, corner: QPointF) -> tuple[float, float]:
        """The first place at or to the right of ``corner`` where nothing would be covered."""
        taken = _boxes(self._scene.graph)
        wanted = QRectF(corner, area.size()).adjusted(-12.0, -12.0, 12.0, 12.0)
        while any(wanted.intersects(box) for box in taken):
            wanted.translate(COLUMN_PITCH, 0.0)
        return (round(wanted.left() + 12.0), round(wanted.top() + 12.0))

    def _show(self, made: Placed, title: str) -> None:
        self._clipboard.show(made, self.tr("Insert {piece}").format(piece=title))

    @property
    def _project(self) -> Project:
        return self._scene.bridge.document.project


def _boxes(graph: Graph) -> list[QRectF]:
    return [QRectF(node.x, node.y, NODE_WIDTH, NODE_HEIGHT) for node in graph.nodes]
