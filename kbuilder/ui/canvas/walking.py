"""Where the arrow keys lead on the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt

from kbuilder.document.graph import Graph

ARROWS = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}


def neighbour(graph: Graph, start: str, key: Qt.Key) -> str:
    """The node that an arrow key leads to, or ``start``.

    Up and down walk along wires; left and right go to the nearest node on that side.
    """
    here = graph.by_id[start]
    across, down = ARROWS[key]
    if down:
        wires = graph.outgoing[start] if down > 0 else graph.incoming[start]
        ids = [wire.target if down > 0 else wire.source for wire in wires]
        found = [graph.by_id[node] for node in ids]
        return min(found, key=lambda node: abs(node.x - here.x), default=here).id
    found = [node for node in graph.nodes if (node.x - here.x) * across > 0]
    return min(
        found, key=lambda node: abs(node.x - here.x) + 3 * abs(node.y - here.y), default=here
    ).id
