"""Dotted lines between nodes that share one layer."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsScene

from kbuilder.document.graph import Graph
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.ui.canvas.node_item import NodeItem
from kbuilder.ui.canvas.style import CanvasStyle

_BELOW_WIRES = -0.2
_LEFT, _RIGHT = QPointF(0.0, NODE_HEIGHT / 2), QPointF(NODE_WIDTH, NODE_HEIGHT / 2)
_PULL = 60.0


class ShareLines:
    """One line for each shown node that uses the layer of another shown one; clicks pass through."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self.items: dict[tuple[str, str], QGraphicsPathItem] = {}

    def follow(self, graph: Graph, nodes: Mapping[str, NodeItem], style: CanvasStyle) -> None:
        """Make the lines equal to the graph, and put them where the nodes are."""
        wanted = {
            (node.shares, node.id)
            for node in graph.nodes
            if node.shares in nodes and node.id in nodes
        }
        for gone in self.items.keys() - wanted:
            self._scene.removeItem(self.items.pop(gone))
        for new in wanted - self.items.keys():
            item = self.items[new] = QGraphicsPathItem()
            item.setZValue(_BELOW_WIRES)
            self._scene.addItem(item)
        for (owner, user), item in self.items.items():
            item.setPen(style.share_pen)
            item.setPath(_path(nodes[owner].scenePos(), nodes[user].scenePos()))


def _path(owner: QPointF, user: QPointF) -> QPainterPath:
    """From the side of one box to the facing side of the other."""
    to_right = user.x() >= owner.x()
    start, end = (owner + _RIGHT, user + _LEFT) if to_right else (owner + _LEFT, user + _RIGHT)
    pull = QPointF(_PULL if to_right else -_PULL, 0.0)
    path = QPainterPath(start)
    path.cubicTo(start + pull, end - pull, end)
    return path
