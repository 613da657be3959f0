"""Where the arrow keys lead on the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt

from kbuilder.ui.canvas.projection import Projection

ARROWS = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}


def neighbour(drawn: Projection, start: str, key: Qt.Key) -> str:
    """The box that an arrow key leads to, or ``start``.

    Up and down walk along wires; left and right go to the nearest box on that side.
    """
    places = {box: place for box, place in drawn.boxes.items() if box not in drawn.ghosts}
    if start not in places:
        return next(iter(places), start)
    here = places[start]
    across, down = ARROWS[key]
    if down:
        ends = [
            (edge.source, edge.target) if down > 0 else (edge.target, edge.source)
            for edge in drawn.wires.values()
        ]
        found = [other for box, other in ends if box == start and other in places]
        return min(found, key=lambda box: abs(places[box][0] - here[0]), default=start)
    found = [box for box, (x, _) in places.items() if (x - here[0]) * across > 0]
    return min(
        found,
        key=lambda box: abs(places[box][0] - here[0]) + 3 * abs(places[box][1] - here[1]),
        default=start,
    )
