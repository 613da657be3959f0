"""Two gestures along a line drawn by hand: select what it runs around, cut the wires it crosses."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem

from kbuilder.document.graph import EdgeKey
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.scene import CanvasScene

_ON_TOP = 10.0
_STEP_PX = 3.0
_CUT_REACH_PX = 3.0
_CUT_OPACITY = 0.25


class Lasso:
    """Select the nodes whose middle lies inside the line, in addition to what was kept."""

    def __init__(self, scene: CanvasScene, keep: list[str]) -> None:
        self._scene = scene
        self._before = scene.selected_ids()
        self._keep = keep
        self._outline = QPolygonF()
        self._shown = QGraphicsPathItem()
        self._shown.setPen(scene.canvas_style.marquee_pen)
        self._shown.setBrush(scene.canvas_style.marquee_brush)
        self._shown.setZValue(_ON_TOP)

    def start(self, place: QPointF) -> None:
        """Begin the line."""
        self._outline.append(place)
        self._scene.select(self._keep)
        self._scene.addItem(self._shown)

    def move(self, place: QPointF) -> None:
        """Draw on, and select what is inside so far."""
        self._outline.append(place)
        path = QPainterPath()
        path.addPolygon(self._outline)
        path.closeSubpath()
        self._shown.setPath(path)
        scene = self._scene
        inside = [
            node
            for node in scene.nodes_in(self._outline.boundingRect())
            if self._outline.containsPoint(
                scene.content_rect([node]).center(), Qt.FillRule.WindingFill
            )
        ]
        scene.select([*self._keep, *inside])

    def end(self, place: QPointF) -> None:
        """Keep what is selected now."""
        self._scene.removeItem(self._shown)

    def cancel(self) -> None:
        """Select again what was selected before."""
        self._scene.removeItem(self._shown)
        self._scene.select(self._before)


class CutWires:
    """Remove the wires that a line crosses; they fade while the button is down."""

    def __init__(self, scene: CanvasScene, editing: CanvasEditing) -> None:
        self._scene = scene
        self._editing = editing
        self._last = QPointF()
        self._cut: dict[EdgeKey, None] = {}
        self._path = QPainterPath()
        self._shown = QGraphicsPathItem()
        self._shown.setPen(scene.canvas_style.refused_pen)
        self._shown.setZValue(_ON_TOP)

    def start(self, place: QPointF) -> None:
        """Put the knife down."""
        self._last = place
        self._path.moveTo(place)
        self._scene.addItem(self._shown)

    def move(self, place: QPointF) -> None:
        """Draw on, and mark the wires between the last point and this one."""
        scene = self._scene
        self._path.lineTo(place)
        self._shown.setPath(self._path)
        line = QLineF(self._last, place)
        steps = max(int(line.length() / (_STEP_PX * scene.pixel)), 1)
        for step in range(steps + 1):
            key = scene.edge_at(line.pointAt(step / steps), _CUT_REACH_PX * scene.pixel)
            if key is not None and key not in self._cut:
                self._cut[key] = None
                scene.edges[key].setOpacity(_CUT_OPACITY)
        self._last = place

    def end(self, place: QPointF) -> None:
        """Cut."""
        self.move(place)
        keys = list(self._cut)
        self._clean()
        if keys:
            self._editing.disconnect_nodes(keys)

    def cancel(self) -> None:
        """Leave all wires."""
        self._clean()

    def _clean(self) -> None:
        self._scene.removeItem(self._shown)
        for key in self._cut:
            if key in self._scene.edges:
                self._scene.edges[key].setOpacity(1.0)
