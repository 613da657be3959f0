"""Lining up and spreading out what is drawn: new places for nodes, computed and not yet applied.

A collapsed block is moved as one box, with all that is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from kbuilder.document.graph import Graph
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH, Box, drawn, extents

Place = tuple[float, float]
Side = Literal["left", "centre", "right", "top", "middle", "bottom"]

NUDGE = 8.0
"""How far one press of an arrow key moves, in scene units."""


class _Unit(NamedTuple):
    """What moves as one: a node, or the members of a collapsed block."""

    nodes: tuple[str, ...]
    box: Box


def align(graph: Graph, ids: Collection[str], side: Side) -> dict[str, Place]:
    """Line the boxes up by one of their sides, or by their middles, with the outermost of them."""
    units = _units(graph, ids)
    if not units:
        return {}
    left, right = min(u.box.left for u in units), max(u.box.right for u in units)
    top, bottom = min(u.box.top for u in units), max(u.box.bottom for u in units)
    moved: dict[str, Place] = {}
    for unit in units:
        box = unit.box
        dx, dy = {
            "left": (left - box.left, 0.0),
            "centre": ((left + right - box.left - box.right) / 2, 0.0),
            "right": (right - box.right, 0.0),
            "top": (0.0, top - box.top),
            "middle": (0.0, (top + bottom - box.top - box.bottom) / 2),
            "bottom": (0.0, bottom - box.bottom),
        }[side]
        moved |= _moved(graph, unit.nodes, dx, dy)
    return moved


def distribute(graph: Graph, ids: Collection[str], *, vertically: bool) -> dict[str, Place]:
    """Make the gaps between the boxes equal; the first and the last one stay."""
    units = _units(graph, ids)
    if len(units) < 3:
        return {}
    low, high = (1, 3) if vertically else (0, 2)
    units.sort(key=lambda unit: (unit.box[low], unit.nodes))
    room = units[-1].box[high] - units[0].box[low]
    gap = (room - sum(unit.box[high] - unit.box[low] for unit in units)) / (len(units) - 1)
    moved: dict[str, Place] = {}
    at = units[0].box[low]
    for unit in units:
        shift = at - unit.box[low]
        moved |= _moved(graph, unit.nodes, *((0.0, shift) if vertically else (shift, 0.0)))
        at += unit.box[high] - unit.box[low] + gap
    return moved


def nudge(
    graph: Graph, ids: Collection[str], across: int, down: int, step: float
) -> dict[str, Place]:
    """Move by one step, onto the grid of that step."""
    units = _units(graph, ids)
    if not units:
        return {}
    left, top = min(u.box.left for u in units), min(u.box.top for u in units)
    dx = _next(left, across, step) - left if across else 0.0
    dy = _next(top, down, step) - top if down else 0.0
    moved: dict[str, Place] = {}
    for unit in units:
        moved |= {node: (graph.by_id[node].x + dx, graph.by_id[node].y + dy) for node in unit.nodes}
    return moved


def shifted(places: Mapping[str, Place], dx: float, dy: float) -> dict[str, Place]:
    """All places moved by the same distance."""
    return {part: (x + dx, y + dy) for part, (x, y) in places.items()}


def _units(graph: Graph, ids: Collection[str]) -> list[_Unit]:
    boxes = extents(graph) if graph.groups else {}
    found: dict[str, _Unit] = {}
    for node in graph.nodes:
        if node.id not in ids:
            continue
        block = ""
        for group in graph.ancestors(node.group):
            block = group if graph.group_by_id[group].collapsed else block
        if block:
            found[block] = _Unit(graph.members[block], drawn(graph, block, boxes[block]))
        else:
            box = Box(node.x, node.y, node.x + NODE_WIDTH, node.y + NODE_HEIGHT)
            found[node.id] = _Unit((node.id,), box)
    return list(found.values())


def _moved(graph: Graph, nodes: tuple[str, ...], dx: float, dy: float) -> dict[str, Place]:
    by_id = graph.by_id
    return {node: (round(by_id[node].x + dx), round(by_id[node].y + dy)) for node in nodes}


def _next(value: float, direction: int, step: float) -> float:
    """The next line of the grid on that side of ``value``."""
    lines = value / step
    return (int(lines // 1) + 1 if direction > 0 else -int(-lines // 1) - 1) * step
