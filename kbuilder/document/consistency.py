"""What no graph may hold, whoever made it: an edit or a file."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.graph import Graph, Group, Node


def contradiction(graph: Graph) -> str:
    """The first thing in which a graph contradicts itself, as "it has ..."; empty if there is none."""
    return next(_contradictions(graph), "")


def ties_alike(before: Graph, after: Graph) -> bool:
    """Whether two graphs are the same in all that can contradict itself: ids, wires, shares, groups."""
    return (
        before.edges is after.edges
        and before.groups is after.groups
        and before.comments is after.comments
        and len(before.nodes) == len(after.nodes)
        and all(
            old is new or _ties(old) == _ties(new)
            for old, new in zip(before.nodes, after.nodes, strict=True)
        )
    )


def _ties(node: Node) -> tuple[str, ...]:
    return node.id, node.class_name, node.shares, node.group


def _contradictions(graph: Graph) -> Iterator[str]:
    if len(graph.by_id) != len(graph.nodes):
        yield "it has two nodes with the same id"
    if len(graph.group_by_id) != len(graph.groups):
        yield "it has two groups with the same id"
    if len({comment.id for comment in graph.comments}) != len(graph.comments):
        yield "it has two comments with the same id"
    if graph.by_id.keys() & graph.group_by_id.keys():
        yield "it has a node and a group with the same id"
    yield from _edges(graph)
    yield from _shares(graph)
    yield from _groups(graph)


def _edges(graph: Graph) -> Iterator[str]:
    for number, edge in enumerate(graph.edges):
        if min(edge.source_port, edge.target_port) < 0:
            yield f"wire {number + 1} ends at a port below 0"
        for end in (edge.source, edge.target):
            if end not in graph.by_id:
                yield f"wire {number + 1} ends at the node “{end}”, which is not there"
    if len({edge.key for edge in graph.edges}) != len(graph.edges):
        yield "it has the same wire twice"


def _shares(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        if not node.shares:
            continue
        owner = graph.by_id.get(node.shares)
        if owner is None:
            yield f"the node “{node.name}” shares the layer of “{node.shares}”, which is not there"
        elif owner.shares or owner.class_name != node.class_name:
            yield f"the node “{node.name}” shares the layer of “{owner.name}”, which is none of its own"


def _groups(graph: Graph) -> Iterator[str]:
    for group in graph.groups:
        if group.parent and group.parent not in graph.group_by_id:
            yield f"the group “{group.name}” lies in “{group.parent}”, which is not there"
        elif _in_itself(graph, group):
            yield f"the group “{group.name}” lies in itself"
    places = [(node.name, node.group) for node in graph.nodes]
    for name, around in places + [(note.text[:40], note.group) for note in graph.comments]:
        if around and around not in graph.group_by_id:
            yield f"“{name}” lies in the group “{around}”, which is not there"


def _in_itself(graph: Graph, group: Group) -> bool:
    seen, above = {group.id}, group.parent
    while above in graph.group_by_id:
        if above in seen:
            return True
        seen.add(above)
        above = graph.group_by_id[above].parent
    return False
