"""Edits of what lies in which block, as functions from project to project."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from kbuilder.document.edits import without_empty_groups
from kbuilder.document.graph import Graph
from kbuilder.document.places import FRAME_MARGIN, NODE_WIDTH, drawn, extents
from kbuilder.document.project import Project


def join(
    project: Project,
    block: str,
    nodes: Collection[str] = (),
    groups: Collection[str] = (),
    comments: Collection[str] = (),
) -> Project:
    """Put nodes, whole blocks and comments directly into a block; an empty id is the main graph.

    Blocks that lose their last member go.
    """
    graph = project.graph
    graph = replace(
        graph,
        nodes=tuple(replace(n, group=block) if n.id in nodes else n for n in graph.nodes),
        groups=tuple(replace(g, parent=block) if g.id in groups else g for g in graph.groups),
        comments=tuple(replace(c, group=block) if c.id in comments else c for c in graph.comments),
    )
    return replace(project, graph=without_empty_groups(graph))


def take_out(project: Project, nodes: Iterable[str], groups: Iterable[str]) -> Project:
    """Move nodes and blocks to what is around the block they lie in, and beside its frame."""
    graph = project.graph
    moving = set(groups)
    homes = {each: graph.group_by_id[each].parent for each in moving}
    for node in nodes:
        around = graph.by_id[node].group
        if moving.isdisjoint(graph.ancestors(around)):
            homes[node] = around
    for home in dict.fromkeys(homes.values()):
        if home:
            project = _take_out(project, home, [each for each, at in homes.items() if at == home])
    return project


def _take_out(project: Project, home: str, parts: Collection[str]) -> Project:
    around = project.graph.group_by_id[home].parent
    project = join(project, around, nodes=parts, groups=parts)
    graph = project.graph
    inside = set(parts).union(*(graph.members.get(each, ()) for each in parts))
    distance = _way_out(graph, home, inside)
    if not distance:
        return project
    blocks = {each for each in parts if each in graph.group_by_id}
    return replace(
        project,
        graph=replace(
            graph,
            nodes=tuple(
                replace(node, x=node.x + distance) if node.id in inside else node
                for node in graph.nodes
            ),
            comments=tuple(
                note
                if blocks.isdisjoint(graph.ancestors(note.group))
                else replace(note, x=note.x + distance)
                for note in graph.comments
            ),
        ),
    )


def _way_out(graph: Graph, home: str, inside: Collection[str]) -> float:
    """How far to the right what left a block has to go, so that it does not seem to lie in it."""
    extent = extents(graph).get(home)
    if extent is None:
        return 0.0
    frame = drawn(graph, home, extent)
    places = [graph.by_id[node] for node in inside if node in graph.by_id]
    covered = any(
        node.x < frame.right
        and node.x + NODE_WIDTH > frame.left
        and frame.top <= node.y <= frame.bottom
        for node in places
    )
    left = min(node.x for node in places)
    return frame.right + FRAME_MARGIN - left if covered else 0.0
