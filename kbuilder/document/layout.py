"""Automatic layout: layers from top to bottom, few crossings, groups as blocks of their own.

What is drawn as one box (a node, a collapsed group) is laid out as one; an open group is laid out for
itself and then is a large box in the layout around it. Comments stay where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from kbuilder.document.graph import Graph
from kbuilder.document.layered import COLUMN_GAP, ROW_GAP, Link, Point, Size, layered
from kbuilder.document.places import (
    FRAME_MARGIN,
    FRAME_TITLE,
    NODE_HEIGHT,
    NODE_WIDTH,
    Box,
    drawn,
    extents,
)

try:
    import graphlay
except ImportError:  # no wheel for this machine
    graphlay = None  # type: ignore[assignment,unused-ignore]

Places = dict[str, Point]
_Boxes = dict[str, Box]

_OPTIONS = {
    "direction": "topbottom",
    "spacing": {
        "layer_gap": ROW_GAP,
        "node_gap": COLUMN_GAP,
        "isolated_gap": COLUMN_GAP,
        # The canvas draws its own wires: rows keep their distance however many pass between them.
        "bundle_lane_gap": 2.0,
        "stub": 4.0,
        "port_gap": 2.0,
    },
    "routing": {"lane_gap": 2.0},
}


def layout(graph: Graph, only: Collection[str] = ()) -> Places:
    """New top left corners of the nodes, or of those in ``only`` and nothing else.

    The same graph always gives the same places. The top middle of what is laid out stays where it is,
    and what no wire decides keeps its order from left to right. Nodes of a collapsed group move
    together with its box.
    """
    return _Arrangement(graph, frozenset(only) or frozenset(graph.by_id)).places()


class _Arrangement:
    """One layout of one graph. A *part* is a node or a group, by its id; a *room* the inside of a group."""

    def __init__(self, graph: Graph, chosen: frozenset[str]) -> None:
        self._graph = graph
        self._chosen = chosen
        self._extents = extents(graph)
        self._rooms: dict[str, list[str]] = {}
        for node in graph.nodes:
            self._rooms.setdefault(node.group, []).append(node.id)
        for group in graph.groups:
            if group.id in self._extents:
                self._rooms.setdefault(group.parent, []).append(group.id)
        self._moving = {
            part for parts in self._rooms.values() for part in parts if self._moves(part)
        }

    def places(self) -> Places:
        """The new places."""
        found: Places = {}
        for room, parts in self._rooms.items():
            if not self._within_a_part(room) and any(part in self._moving for part in parts):
                found |= self._of_nodes(self._anchored(room, self._block(room)[0]))
        return found

    def _moves(self, part: str) -> bool:
        """A node that was chosen, a box with a chosen node in it, a frame with nothing but chosen ones."""
        if part in self._graph.by_id:
            return part in self._chosen
        inside = [node in self._chosen for node in self._graph.members[part]]
        return any(inside) if self._graph.group_by_id[part].collapsed else all(inside)

    def _within_a_part(self, room: str) -> bool:
        """Whether a group around it moves as a whole, or hides it."""
        return any(
            group in self._moving or self._graph.group_by_id[group].collapsed
            for group in self._graph.ancestors(room)
        )

    def _old(self, part: str) -> Box:
        if part in self._graph.by_id:
            node = self._graph.by_id[part]
            return Box(node.x, node.y, node.x + NODE_WIDTH, node.y + NODE_HEIGHT)
        return drawn(self._graph, part, self._extents[part])

    def _is_frame(self, part: str) -> bool:
        return part not in self._graph.by_id and not self._graph.group_by_id[part].collapsed

    def _block(self, room: str) -> tuple[_Boxes, Size]:
        """The parts of a room that move, and with frames all inside them; and how large it all is."""
        parts = [part for part in self._rooms[room] if part in self._moving]
        inside: dict[str, _Boxes] = {}
        sizes: list[Size] = []
        for part in parts:
            size = (NODE_WIDTH, NODE_HEIGHT)
            if self._is_frame(part):
                inside[part], (width, height) = self._block(part)
                size = (width + 2 * FRAME_MARGIN, height + 2 * FRAME_MARGIN + FRAME_TITLE)
            sizes.append(size)
        boxes: _Boxes = {}
        now = [(self._old(part).left + self._old(part).right) / 2 for part in parts]
        corners = _corners(sizes, self._links(parts), now)
        for part, (x, y), (width, height) in zip(parts, corners, sizes, strict=True):
            boxes[part] = Box(x, y, x + width, y + height)
            for inner, box in inside.get(part, {}).items():
                boxes[inner] = _shifted(box, x + FRAME_MARGIN, y + FRAME_MARGIN + FRAME_TITLE)
        around = _around(boxes.values())
        return (
            {part: _shifted(box, -around.left, -around.top) for part, box in boxes.items()},
            (around.right - around.left, around.height),
        )

    def _links(self, parts: list[str]) -> list[Link]:
        """Wires between the parts by their numbers, in the order of their ports."""
        number = {part: at for at, part in enumerate(parts)}
        part_of: dict[str, int] = {}
        for node in self._graph.nodes:
            holders = (node.id, *self._graph.ancestors(node.group))
            part = next((holder for holder in holders if holder in number), None)
            if part is not None:
                part_of[node.id] = number[part]
        wires = sorted(self._graph.edges, key=lambda edge: (edge.source_port, edge.target_port))
        links = (
            (part_of[wire.source], part_of[wire.target])
            for wire in wires
            if wire.source in part_of and wire.target in part_of
        )
        return list(dict.fromkeys(link for link in links if link[0] != link[1]))

    def _anchored(self, room: str, boxes: _Boxes) -> _Boxes:
        """The block with its top middle where it was, pushed to the right until it covers nothing."""
        moving = [part for part in self._rooms[room] if part in self._moving]
        old = _around(self._old(part) for part in moving)
        new = _around(boxes[part] for part in moving)
        x = float(round((old.left + old.right - new.left - new.right) / 2))
        y = old.top - new.top
        standing = [self._old(part) for part in self._rooms[room] if part not in self._moving]
        while pushes := [
            other.right + COLUMN_GAP - boxes[part].left - x
            for other in standing
            for part in moving
            if _overlap(_shifted(boxes[part], x, y), other)
        ]:
            x += max(pushes)
        return {part: _shifted(box, x, y) for part, box in boxes.items()}

    def _of_nodes(self, boxes: _Boxes) -> Places:
        """The places of the nodes; those in a collapsed group go with its box."""
        found: Places = {}
        for part, box in boxes.items():
            if part in self._graph.by_id:
                found[part] = (box.left, box.top)
            elif not self._is_frame(part):
                old = self._old(part)
                dx, dy = box.left - old.left, box.top - old.top
                for node in (self._graph.by_id[member] for member in self._graph.members[part]):
                    found[node.id] = (node.x + dx, node.y + dy)
        return found


def _corners(sizes: Sequence[Size], links: Sequence[Link], now: Sequence[float]) -> list[Point]:
    """Top left corners of boxes whose middles are at ``now``, and keep their order where they can.

    A layout done twice changes nothing: either it follows from the links alone, or it has settled.
    """
    plain = _unmirrored(_made(sizes, links), sizes, now)
    if not _disorder(plain, sizes, now):
        return plain
    like_now = _like(sizes, links, now)
    if _disorder(like_now, sizes, now) < _disorder(plain, sizes, now):
        then = _middles(like_now, sizes)
        if _disorder(plain, sizes, then) and _like(sizes, links, then) == like_now:
            return like_now
    return plain


def _like(sizes: Sequence[Size], links: Sequence[Link], now: Sequence[float]) -> list[Point]:
    """Corners where the targets of each box are taken in the order in which they stand now."""
    ordered = sorted(links, key=lambda link: (link[0], now[link[1]]))
    return _unmirrored(_made(sizes, ordered), sizes, now)


def _made(sizes: Sequence[Size], links: Sequence[Link]) -> list[Point]:
    corners = _by_graphlay(sizes, links) or layered(sizes, links)
    return [(float(round(x)), float(round(y))) for x, y in corners]


def _unmirrored(corners: list[Point], sizes: Sequence[Size], now: Sequence[float]) -> list[Point]:
    """The corners, or their mirror image where that is more like ``now``."""
    then = _middles(corners, sizes)
    mean_now, mean_then = sum(now) / len(now), sum(then) / len(then)
    if sum((a - mean_now) * (b - mean_then) for a, b in zip(now, then, strict=True)) >= 0:
        return corners
    return [(-x - width, y) for (x, y), (width, _) in zip(corners, sizes, strict=True)]


def _disorder(corners: Sequence[Point], sizes: Sequence[Size], now: Sequence[float]) -> int:
    """Number of pairs that come to stand side by side and stand the other way round now."""
    rows: dict[float, list[tuple[float, float]]] = {}
    for (_, y), then, middle in zip(corners, _middles(corners, sizes), now, strict=True):
        rows.setdefault(y, []).append((then, middle))
    before = ([middle for _, middle in sorted(row)] for row in rows.values())
    return sum(one > two for row in before for one, two in combinations(row, 2))


def _middles(corners: Sequence[Point], sizes: Sequence[Size]) -> list[float]:
    return [x + width / 2 for (x, _), (width, _) in zip(corners, sizes, strict=True)]


def _by_graphlay(sizes: Sequence[Size], links: Sequence[Link]) -> list[Point]:
    """The layout that graphlay makes; nothing when it cannot."""
    if graphlay is None:
        return []
    nodes = [{"size": {"width": width, "height": height}} for width, height in sizes]
    edges = [{"source": source, "target": target} for source, target in links]
    try:
        made = graphlay.layout({"nodes": nodes, "edges": edges}, options=_OPTIONS)
    except graphlay.GraphlayError:
        return []
    except BaseException as error:
        # A bug in the Rust part comes as this, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return []
    return [
        (node["center"]["x"] - width / 2, node["center"]["y"] - height / 2)
        for node, (width, height) in zip(made.nodes, sizes, strict=True)
    ]


def _around(boxes: Iterable[Box]) -> Box:
    first, *others = boxes
    for box in others:
        first = first.around(box)
    return first


def _shifted(box: Box, x: float, y: float) -> Box:
    return Box(box.left + x, box.top + y, box.right + x, box.bottom + y)


def _overlap(one: Box, two: Box) -> bool:
    return (
        one.left < two.right
        and two.left < one.right
        and one.top < two.bottom
        and two.top < one.bottom
    )
