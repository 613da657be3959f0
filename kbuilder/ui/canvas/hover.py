"""What the mouse is over, and how the canvas shows it."""

from __future__ import annotations

from PySide6.QtCore import QPointF

from kbuilder.document.graph import EdgeKey
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import REACH_PX

EDGE_REACH_PX = 7.0


class Hover:
    """Lights up one node with its port, or one wire, and puts out the last one."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene
        self._node = ""
        self._edge: EdgeKey | None = None

    def follow(self, place: QPointF) -> bool:
        """Light up what is under a point of the scene; answers whether that is a port."""
        scene = self._scene
        port = None if scene.in_overview else scene.port_at(place, REACH_PX * scene.pixel)
        node = port.node if port else scene.node_at(place)
        self.show(node, None if node else scene.edge_at(place, EDGE_REACH_PX * scene.pixel), port)
        return port is not None

    def show(self, node: str = "", edge: EdgeKey | None = None, port: Port | None = None) -> None:
        """Light up these, or nothing."""
        nodes, edges = self._scene.nodes, self._scene.edges
        if self._node != node and self._node in nodes:
            nodes[self._node].set_hovered(False)
        if node in nodes:
            item = nodes[node]
            item.set_hovered(True, self._scene.port_place(port) - item.pos() if port else None)
        if self._edge != edge and self._edge in edges:
            edges[self._edge].set_hovered(False)
        if edge is not None and edge in edges:
            edges[edge].set_hovered(True)
        self._node, self._edge = node, edge
