"""Blocks that become Keras models of their own: what is called as one, and in which order."""

from __future__ import annotations

from typing import NamedTuple

from kbuilder.document.graph import INPUT_CLASS, Graph

End = tuple[str, int]
"""A node and one of its output ports."""


class Border(NamedTuple):
    """The wires that cross the edge of a block: ``entries`` start outside, ``exits`` inside."""

    entries: tuple[End, ...]
    exits: tuple[End, ...]


def unit_of(graph: Graph, node: str, scope: str = "") -> str:
    """The outermost nested block inside ``scope`` that holds a node, or the node itself.

    Inputs of the model are never part of a nested model: data reaches them from outside.
    """
    value = graph.by_id[node]
    unit = node
    if value.class_name != INPUT_CLASS:
        for group in graph.ancestors(value.group):
            if group == scope:
                break
            if graph.group_by_id[group].nested:
                unit = group
    return unit


def ordered_units(graph: Graph, scope: str = "") -> tuple[list[str], list[str]]:
    """What is called inside ``scope`` (empty: the whole model), sources first; and what cannot be.

    The second list holds the units on a circle. Where the graph has none, it is a wire that leaves
    a nested block and comes back into it.
    """
    inside = graph.members[scope] if scope else tuple(graph.by_id)
    if scope:
        inside = tuple(n for n in inside if graph.by_id[n].class_name != INPUT_CLASS)
    units = {node: unit_of(graph, node, scope) for node in inside}
    # Dictionaries, not sets: the order of calls decides which weights a seed gives.
    sources: dict[str, dict[str, None]] = {unit: {} for unit in units.values()}
    targets: dict[str, dict[str, None]] = {unit: {} for unit in units.values()}
    for edge in graph.edges:
        start, end = units.get(edge.source), units.get(edge.target)
        if start is not None and end is not None and start != end:
            sources[end][start] = targets[start][end] = None
    ready = [unit for unit in sources if not sources[unit]]
    waiting = {unit: len(found) for unit, found in sources.items()}
    for unit in ready:  # grows while it is walked
        for target in targets[unit]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    done = set(ready)
    return ready, [unit for unit in sources if unit not in done]


def border(graph: Graph, group: str) -> Border:
    """What a nested block takes and gives, each tensor once, in the order of the graph."""
    inside = {n for n in graph.members[group] if graph.by_id[n].class_name != INPUT_CLASS}
    outputs = {node.id for node in graph.outputs}
    entries: dict[End, None] = {}
    exits: dict[End, None] = {}
    for node in graph.nodes:
        if node.id not in inside:
            continue
        for edge in graph.incoming[node.id]:
            if edge.source not in inside:
                entries[(edge.source, edge.source_port)] = None
        for edge in graph.outgoing[node.id]:
            if edge.target not in inside:
                exits[(node.id, edge.source_port)] = None
        if node.id in outputs:
            exits[(node.id, 0)] = None
    return Border(tuple(entries), tuple(exits))
