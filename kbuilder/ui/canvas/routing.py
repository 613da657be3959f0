"""Long wires: a lane beside the boxes that they would otherwise run behind."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH

LONG = 2 * NODE_HEIGHT + 30.0
"""A wire that drops less than this has no box between its ends."""
SEARCH_WIDTH = 2 * NODE_WIDTH
"""How far to both sides of a wire's ends a lane may be."""
Corner = tuple[float, float]
_BEND = 44.0
_CLEARANCE = 14.0
_MOST_EXTRA = 30.0
_TOUCH = 4.0
_SAMPLES = 24


def wire_path(start: QPointF, end: QPointF, lane: float | None = None) -> QPainterPath:
    """From an output port down to an input port, along ``lane`` if given; both ends are vertical."""
    if lane is not None:
        return _lane_path(start, end, lane)
    drop = end.y() - start.y()
    pull = max(abs(drop) * 0.5, 20.0) if drop >= 0 else min(60.0 - drop * 0.4, 260.0)
    path = QPainterPath(start)
    path.cubicTo(start.x(), start.y() + pull, end.x(), end.y() - pull, end.x(), end.y())
    return path


class Obstacles:
    """Where boxes are, ordered from top to bottom, so that those beside a wire are found at once."""

    def __init__(self, corners: Iterable[Corner]) -> None:
        self._corners = sorted((y, x) for x, y in corners)

    def between(self, start: QPointF, end: QPointF) -> list[Corner]:
        """The top left corners (y, x) of the boxes between the ends of a wire, in the area of its lanes."""
        first = bisect_left(self._corners, (start.y() + 1.0 - NODE_HEIGHT, 0.0))
        last = bisect_left(self._corners, (end.y() - 1.0, 0.0))
        left = min(start.x(), end.x()) - SEARCH_WIDTH - NODE_WIDTH
        right = max(start.x(), end.x()) + SEARCH_WIDTH
        return [corner for corner in self._corners[first:last] if left < corner[1] < right]


def free_lane(start: QPointF, end: QPointF, obstacles: Obstacles) -> float | None:
    """The x of the nearest lane without a box in it; None when the direct way is free, or no lane is.

    Longer wires keep farther away, so that a wire around another one does not lie on it.
    """
    drop = end.y() - start.y()
    if drop < LONG:
        return None
    boxes = obstacles.between(start, end)
    if not _blocked(start, end, boxes):
        return None
    clearance = _CLEARANCE + min(drop / 40.0, _MOST_EXTRA)
    top, bottom = start.y() + _BEND - NODE_HEIGHT, end.y() - _BEND
    walls = _walls(x for y, x in boxes if top < y < bottom)
    edges = (x for wall in walls for x in (wall[0] - clearance, wall[1] + clearance))
    free = (
        lane
        for lane in (start.x(), end.x(), *edges)
        if not any(left < lane < right for left, right in walls)
    )
    return min(free, key=lambda x: abs(x - start.x()) + abs(x - end.x()), default=None)


def _walls(lefts: Iterable[float]) -> list[tuple[float, float]]:
    """From where to where boxes with these left edges bar the way, overlapping ones as one."""
    walls: list[tuple[float, float]] = []
    for left in sorted(lefts):
        if walls and left - _TOUCH <= walls[-1][1]:
            walls[-1] = (walls[-1][0], left + NODE_WIDTH + _TOUCH)
        else:
            walls.append((left - _TOUCH, left + NODE_WIDTH + _TOUCH))
    return walls


def _blocked(start: QPointF, end: QPointF, boxes: Sequence[Corner]) -> bool:
    """Whether the direct way leads behind a box."""
    tops = [top for top, _ in boxes]
    for step in range(1, _SAMPLES):
        x, y = _on_direct_way(start, end, step / _SAMPLES)
        first = bisect_left(tops, y - NODE_HEIGHT - _TOUCH)
        last = bisect_left(tops, y + _TOUCH)
        if any(left - _TOUCH < x < left + NODE_WIDTH + _TOUCH for _, left in boxes[first:last]):
            return True
    return False


def _on_direct_way(start: QPointF, end: QPointF, at: float) -> Corner:
    """A point of the cubic that ``wire_path`` draws downwards, ``at`` from 0 to 1."""
    rest, pull = 1.0 - at, 0.5
    height = end.y() - start.y()
    along = 3 * rest * rest * at * pull + 3 * rest * at * at * (1 - pull) + at**3
    across = 3 * rest * at * at + at**3
    return (start.x() + across * (end.x() - start.x()), start.y() + along * height)


def _lane_path(start: QPointF, end: QPointF, lane: float) -> QPainterPath:
    top, bottom = start.y() + _BEND, end.y() - _BEND
    path = QPainterPath(start)
    half = _BEND * 0.6
    path.cubicTo(start.x(), start.y() + half, lane, top - half, lane, top)
    path.lineTo(lane, bottom)
    path.cubicTo(lane, bottom + half, end.x(), end.y() - half, end.x(), end.y())
    return path
