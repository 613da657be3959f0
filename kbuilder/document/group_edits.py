"""Edits of blocks and shared layers, as functions from project to project."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from kbuilder.document.edits import without_empty_groups
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph, Group, Node
from kbuilder.document.naming import FreeNames, new_id
from kbuilder.document.places import NODE_HEIGHT, box_at, drawn, extents
from kbuilder.document.project import Project

FRAME_GAP = 8.0
"""Least distance from a frame to the boxes above and below it."""
ROW_GAP = 44.0
"""Between the lower edge of one block and the upper edge of its repetition."""


def group(project: Project, made: Group, nodes: Iterable[str], groups: Iterable[str]) -> Project:
    """Put nodes and whole groups into a new group, which lies where they all lay."""
    graph = project.graph
    inner = set(groups)
    around = {graph.group_by_id[each].parent for each in inner}
    alone = {
        node for node in nodes if not inner.intersection(graph.ancestors(graph.by_id[node].group))
    }
    around |= {graph.by_id[node].group for node in alone}
    made = replace(made, parent=_common(graph, around))
    graph = replace(
        graph,
        nodes=tuple(
            replace(node, group=made.id) if node.id in alone else node for node in graph.nodes
        ),
        groups=(
            *(replace(each, parent=made.id) if each.id in inner else each for each in graph.groups),
            made,
        ),
    )
    graph = without_empty_groups(graph)
    return replace(project, graph=graph if made.collapsed else _with_room(graph, made.id))


def ungroup(project: Project, groups: Iterable[str]) -> Project:
    """Take groups away; what was in them moves to the group around."""
    graph = project.graph
    gone = set(groups)

    def kept(group: str) -> str:
        return next((each for each in graph.ancestors(group) if each not in gone), "")

    return replace(
        project,
        graph=replace(
            graph,
            nodes=tuple(
                replace(node, group=kept(node.group)) if node.group in gone else node
                for node in graph.nodes
            ),
            groups=tuple(
                replace(each, parent=kept(each.parent))
                for each in graph.groups
                if each.id not in gone
            ),
            comments=tuple(
                replace(each, group=kept(each.group)) if each.group in gone else each
                for each in graph.comments
            ),
        ),
    )


def set_group(project: Project, group_id: str, **changes: Any) -> Project:
    """Change name, colour or nesting of a group."""
    graph = project.graph
    groups = tuple(
        replace(each, **changes) if each.id == group_id else each for each in graph.groups
    )
    return replace(project, graph=replace(graph, groups=groups))


def collapse(project: Project, groups: Collection[str], collapsed: bool) -> Project:
    """Draw groups as one box, or open them; what lies below moves up or makes room."""
    for group_id in groups:
        if project.graph.group_by_id[group_id].collapsed != collapsed:
            project = _collapse(project, group_id, collapsed)
    return project


def repeat(project: Project, group_id: str, copies: int) -> Project:
    """Put ``copies`` copies of a group behind it, in a row, with numbered names.

    Each copy reads what the one before gives: its first output feeds all that the group's first input
    feeds, or in a group that nothing feeds yet, the layers it begins with. Other inputs come from
    where they came before. What read the group's first output reads that of the last copy.
    """
    for _ in range(copies):
        project, group_id = _repeat_once(project, group_id)
    return project


def share(project: Project, node_id: str, made: Node) -> Project:
    """Use the layer of a node once more, in the new node ``made``."""
    owner = project.graph.layer_of(node_id)
    used = replace(made, class_name=owner.class_name, params={}, shares=owner.id)
    graph = project.graph
    return replace(project, graph=replace(graph, nodes=(*graph.nodes, used)))


def unshare(project: Project, nodes: Iterable[str]) -> Project:
    """Give nodes that share a layer one of their own, with the same parameters."""
    graph = project.graph
    chosen = set(nodes)

    def own(node: Node) -> Node:
        if node.id not in chosen or not node.shares:
            return node
        owner = graph.by_id[node.shares]
        return replace(node, shares="", params=owner.params, trainable=owner.trainable)

    return replace(project, graph=replace(graph, nodes=tuple(own(node) for node in graph.nodes)))


def _common(graph: Graph, groups: set[str]) -> str:
    """The innermost group that holds all of these groups."""
    chains = [list(graph.ancestors(each)) for each in groups]
    return next((each for each in chains[0] if all(each in chain for chain in chains)), "")


def _collapse(project: Project, group_id: str, collapsed: bool) -> Project:
    graph = project.graph
    extent = extents(graph)[group_id]
    before = drawn(graph, group_id, extent)
    after = set_group(project, group_id, collapsed=collapsed)
    shown = drawn(after.graph, group_id, extent)
    # Only what lies wholly below the block follows; a block drawn beside it stays where it is. What
    # follows keeps its distance to the layers, not to the frame, which may reach beyond the gap.
    edge, end = (
        extent.bottom if box.height > NODE_HEIGHT else extent.top + NODE_HEIGHT
        for box in (before, shown)
    )
    distance = end - edge
    inside = set(graph.members[group_id])

    def shifted(item: Any) -> Any:
        below = item.y >= edge and item.id not in inside
        return replace(item, y=item.y + distance) if below else item

    return replace(
        after,
        graph=replace(
            after.graph,
            nodes=tuple(shifted(node) for node in graph.nodes),
            comments=tuple(
                each if group_id in graph.ancestors(each.group) else shifted(each)
                for each in graph.comments
            ),
        ),
    )


def _with_room(graph: Graph, group_id: str) -> Graph:
    """The graph with room for a frame: the block moves down, and what is below it a little more."""
    inside = set(graph.members[group_id])
    found = extents(graph)
    extent = found[group_id]
    frame = drawn(graph, group_id, extent)
    others = [box_at(node.x, node.y) for node in graph.nodes if node.id not in inside]
    others += [
        drawn(graph, other, found[other])
        for other in found
        if inside.isdisjoint(graph.members[other])
    ]
    beside = [box for box in others if box.left < frame.right and box.right > frame.left]
    above = [box.bottom for box in beside if box.top < extent.top]
    below = [box.top for box in beside if box.top >= extent.bottom]
    down = max(0.0, max(above, default=frame.top) + FRAME_GAP - frame.top)
    farther = max(0.0, frame.bottom + FRAME_GAP - min(below, default=frame.bottom + FRAME_GAP))

    def moved(item: Any) -> Any:
        distance = down if item.id in inside or item.y >= extent.top else 0.0
        if item.y >= extent.bottom and item.id not in inside:
            distance += farther
        return replace(item, y=item.y + distance) if distance else item

    return replace(
        graph,
        nodes=tuple(moved(node) for node in graph.nodes),
        comments=tuple(moved(note) for note in graph.comments),
    )


def _repeat_once(project: Project, group_id: str) -> tuple[Project, str]:
    graph = project.graph
    shown = drawn(graph, group_id, extents(graph)[group_id])
    distance = shown.height + ROW_GAP
    ids = {node: new_id() for node in graph.members[group_id]}
    groups = {each.id: new_id() for each in graph.groups if group_id in graph.ancestors(each.id)}
    copies, moved = _chained(graph, ids)
    nodes = tuple(
        replace(node, y=node.y + distance)
        if node.y >= shown.bottom and node.id not in ids
        else node
        for node in graph.nodes
    )
    made = replace(
        graph,
        nodes=(*nodes, *_copied_nodes(graph, ids, groups, distance)),
        edges=(*moved, *copies),
        groups=(*graph.groups, *_copied_groups(graph, group_id, groups)),
    )
    return replace(project, graph=made), groups[group_id]


def _copied_nodes(
    graph: Graph, ids: dict[str, str], groups: dict[str, str], distance: float
) -> list[Node]:
    names = FreeNames(node.name for node in graph.nodes)
    copies = []
    for node in (graph.by_id[each] for each in ids):
        name = names.take(node.name)
        shares = ids.get(node.shares, node.shares)
        group_id = groups[node.group]
        y = node.y + distance
        copies.append(replace(node, id=ids[node.id], name=name, shares=shares, group=group_id, y=y))
    return copies


def _copied_groups(graph: Graph, group_id: str, ids: dict[str, str]) -> list[Group]:
    names = FreeNames(each.name for each in graph.groups)
    copies = []
    for each in graph.groups:
        if each.id in ids:
            name = names.take(each.name)
            parent = each.parent if each.id == group_id else ids[each.parent]
            copies.append(replace(each, id=ids[each.id], name=name, parent=parent))
    return copies


def _chained(graph: Graph, ids: dict[str, str]) -> tuple[list[Edge], list[Edge]]:
    """The wires of a copy, and the old wires with the readers of the first output moved to the copy."""
    source, port = _exit(graph, ids)
    entering = [edge for edge in graph.edges if edge.target in ids and edge.source not in ids]
    first = (entering[0].source, entering[0].source_port) if entering else None
    copies, moved = [], []
    for edge in graph.edges:
        leaves = edge.target not in ids and (edge.source, edge.source_port) == (source, port)
        moved.append(replace(edge, source=ids[source]) if leaves else edge)
        if edge.target not in ids:
            continue
        copy = replace(edge, source=ids.get(edge.source, edge.source), target=ids[edge.target])
        if (edge.source, edge.source_port) == first:
            copy = replace(copy, source=source, source_port=port)
        copies.append(copy)
    if first is None:
        copies += [
            Edge(source=source, source_port=port, target=ids[node])
            for node in ids
            if not graph.incoming[node] and graph.by_id[node].class_name != INPUT_CLASS
        ]
    return copies, moved


def _exit(graph: Graph, inside: Collection[str]) -> tuple[str, int]:
    """What leaves a group first: the output that others read, or the end of its last chain."""
    for edge in graph.edges:
        if edge.source in inside and edge.target not in inside:
            return edge.source, edge.source_port
    ends = [node.id for node in graph.order if node.id in inside and not graph.outgoing[node.id]]
    return ends[-1], 0
