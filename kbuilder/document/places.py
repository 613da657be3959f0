"""Where things are on the canvas: sizes of boxes, and the extent of groups. In scene units."""

from __future__ import annotations

from typing import NamedTuple

from kbuilder.document.graph import Graph

NODE_WIDTH = 184.0
NODE_HEIGHT = 54.0
FRAME_MARGIN = 24.0
"""From the members of an open group to its frame."""
FRAME_TITLE = 28.0
"""Height of the title above the members of an open group."""


class Box(NamedTuple):
    """An upright rectangle by its edges; ``y`` grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def around(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def extents(graph: Graph) -> dict[str, Box]:
    """The box around the members of each group; a collapsed group inside counts as its one box.

    A group without members is left out.
    """
    found: dict[str, Box] = {}
    for node in graph.nodes:
        if node.group:
            _include(found, node.group, box_at(node.x, node.y))
    for group in sorted(graph.groups, key=lambda group: -sum(1 for _ in graph.ancestors(group.id))):
        if group.parent and group.id in found:
            _include(found, group.parent, drawn(graph, group.id, found[group.id]))
    return found


def drawn(graph: Graph, group: str, extent: Box) -> Box:
    """What a group covers on the canvas: one box when collapsed, else the frame around its members."""
    if graph.group_by_id[group].collapsed:
        return box_at((extent.left + extent.right - NODE_WIDTH) / 2, extent.top)
    return Box(
        extent.left - FRAME_MARGIN,
        extent.top - FRAME_MARGIN - FRAME_TITLE,
        extent.right + FRAME_MARGIN,
        extent.bottom + FRAME_MARGIN,
    )


def box_at(x: float, y: float) -> Box:
    """The box of a node or collapsed group with this top left corner."""
    return Box(x, y, x + NODE_WIDTH, y + NODE_HEIGHT)


def _include(found: dict[str, Box], group: str, box: Box) -> None:
    found[group] = found[group].around(box) if group in found else box
