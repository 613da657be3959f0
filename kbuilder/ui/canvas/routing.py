"""Long wires: a lane beside the boxes that they would otherwise run behind."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH

LONG = 2 * NODE_HEIGHT + 30.0
"""A wire that drops less than this has no box between its ends."""
SEARCH_WIDTH = 2 * NODE_WIDTH
"""How far to both sides of a wire's ends a lane may be."""
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


def search_area(start: QPointF, end: QPointF) -> QRectF:
    """Where boxes matter for a wire."""
    return QRectF(start, end).normalized().adjusted(-SEARCH_WIDTH, 0.0, SEARCH_WIDTH, 0.0)


def free_lane(start: QPointF, end: QPointF, boxes: Sequence[QRectF]) -> float | None:
    """The x of the nearest lane without a box in it; None when the direct way is free, or no lane is.

    Longer wires keep farther away, so that a wire around another one does not lie on it.
    """
    drop = end.y() - start.y()
    between = [box for box in boxes if box.top() < end.y() - 1 and box.bottom() > start.y() + 1]
    if drop < LONG or not _blocked(start, end, between):
        return None
    clearance = _CLEARANCE + min(drop / 40.0, _MOST_EXTRA)
    top, bottom = start.y() + _BEND, end.y() - _BEND
    candidates = [start.x(), end.x()]
    for box in between:
        candidates += [box.left() - clearance, box.right() + clearance]
    free = [
        lane
        for lane in candidates
        if not any(
            box.left() - _TOUCH < lane < box.right() + _TOUCH
            and box.top() < bottom
            and box.bottom() > top
            for box in between
        )
    ]
    return min(free, key=lambda x: abs(x - start.x()) + abs(x - end.x()), default=None)


def _blocked(start: QPointF, end: QPointF, boxes: Sequence[QRectF]) -> bool:
    if not boxes:
        return False
    path = wire_path(start, end)
    points = [path.pointAtPercent(step / _SAMPLES) for step in range(1, _SAMPLES)]
    return any(
        box.adjusted(-_TOUCH, -_TOUCH, _TOUCH, _TOUCH).contains(point)
        for box in boxes
        for point in points
    )


def _lane_path(start: QPointF, end: QPointF, lane: float) -> QPainterPath:
    top, bottom = start.y() + _BEND, end.y() - _BEND
    path = QPainterPath(start)
    half = _BEND * 0.6
    path.cubicTo(start.x(), start.y() + half, lane, top - half, lane, top)
    path.lineTo(lane, bottom)
    path.cubicTo(lane, bottom + half, end.x(), end.y() - half, end.x(), end.y())
    return path
