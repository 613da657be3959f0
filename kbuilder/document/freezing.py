"""Which layers to freeze: by place in the network or by name."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from kbuilder.document.graph import INPUT_CLASS, Graph


def up_to(graph: Graph, nodes: Iterable[str]) -> tuple[str, ...]:
    """These nodes and all that leads to them, in the order of the network."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [edge.source for edge in graph.incoming[node]]
    return _in_order(graph, found)


def first(graph: Graph, count: int) -> tuple[str, ...]:
    """The first layers in the order of the network; Inputs do not count."""
    return _in_order(graph, graph.by_id)[: max(count, 0)]


def named(graph: Graph, pattern: str) -> tuple[str, ...]:
    """Layers whose name matches a pattern such as ``block5_*``; without a sign, names with these letters."""
    shown = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    found = {node.id for node in graph.nodes if fnmatchcase(node.name.lower(), shown.lower())}
    return _in_order(graph, found) if pattern else ()


def _in_order(graph: Graph, wanted: Iterable[str]) -> tuple[str, ...]:
    chosen = set(wanted)
    layers = (node for node in graph.order if node.class_name != INPUT_CLASS)
    return tuple(node.id for node in layers if node.id in chosen)
