"""Which nodes lead to a node, follow it, or hang together with it."""

from __future__ import annotations

from collections.abc import Iterable

from kbuilder.document.graph import Graph


def upstream(graph: Graph, start: Iterable[str]) -> set[str]:
    """Ids of all nodes that lead to ``start``, which is part of the answer."""
    return _reach(graph, start, back=True, forth=False)


def connected(graph: Graph, start: Iterable[str]) -> set[str]:
    """Ids of all nodes that hang together with ``start`` by wires in any direction."""
    return _reach(graph, start, back=True, forth=True)


def _reach(graph: Graph, start: Iterable[str], *, back: bool, forth: bool) -> set[str]:
    seen: set[str] = set()
    stack = list(start)
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if back:
            stack += [edge.source for edge in graph.incoming.get(current, ())]
        if forth:
            stack += [edge.target for edge in graph.outgoing.get(current, ())]
    return seen
