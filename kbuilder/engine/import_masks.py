"""Masks that Keras works out by itself: a file holds their operations and wires, a graph does not.

Keras adds them again when the layers are called. What a program passed as a mask of its own stays.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.ports import input_ports

_MASKING = {
    *("ops.not_equal", "ops.any", "ops.logical_and", "ops.logical_or", "ops.expand_dims"),
    *("ops.squeeze", "ops.all", "ops.concatenate", "ops.broadcast_to"),
}
"""Operations that layers work out masks by."""
_FILLING = {"ops.ones_like", "ops.zeros_like"}
"""Operations that give a mask the shape of a tensor, whatever the values of that are."""


def without_automatic_masks(graph: Graph, catalogue: Catalogue, kept: Iterable[str]) -> Graph:
    """The graph without the masks that follow from an Embedding or a Masking.

    ``kept`` are ids of nodes that stay in any case, since they give out what the model does.
    """
    starts = _masked_starts(graph)
    if not starts:
        return graph
    gone = {edge.key for edge in graph.edges if _is_automatic(graph, catalogue, edge, starts)}
    edges = tuple(edge for edge in graph.edges if edge.key not in gone)
    return _without_unread(msgspec.structs.replace(graph, edges=edges), catalogue, set(kept))


def is_automatic_mask(graph: Graph, node: str) -> bool:
    """Whether what a node gives out is a mask that follows from an Embedding or a Masking."""
    return _only_masking(graph, node, _masked_starts(graph))


def _masked_starts(graph: Graph) -> set[str]:
    """The nodes that feed those where masks begin."""
    begin = [node for node in graph.nodes if _begins_mask(graph.layer_of(node.id))]
    return {edge.source for node in begin for edge in graph.incoming[node.id]}


def _begins_mask(layer: Node) -> bool:
    is_embedding = layer.class_name == "Embedding" and bool(layer.params.get("mask_zero"))
    return is_embedding or layer.class_name == "Masking"


def _is_automatic(graph: Graph, catalogue: Catalogue, edge: Edge, starts: set[str]) -> bool:
    layer = graph.layer_of(edge.target)
    spec = catalogue.layer(layer.class_name)
    if spec is None or spec.is_operation or spec.many_inputs:
        return False
    names = input_ports(spec, layer.params)
    name = names[edge.target_port] if edge.target_port < len(names) else ""
    if not name.endswith("mask") or name == "attention_mask":
        return False
    # Beside a single tensor Keras fills in its mask; beside several only the masks named after them.
    wired = {each.target_port for each in graph.incoming[edge.target]}
    if name == "mask" and len(wired) > 2:
        return False
    return _only_masking(graph, edge.source, starts)


def _only_masking(graph: Graph, node: str, starts: set[str]) -> bool:
    """Whether a tensor comes from where masks begin, by operations that masks are worked out by."""
    if node in starts:
        return True
    sources = [
        edge.source
        for edge in graph.incoming[node]
        if graph.by_id[edge.source].class_name not in _FILLING
    ]
    return (
        graph.by_id[node].class_name in _MASKING
        and bool(sources)
        and all(_only_masking(graph, source, starts) for source in sources)
    )


def _without_unread(graph: Graph, catalogue: Catalogue, kept: set[str]) -> Graph:
    """Without operations that nobody reads any more."""
    while True:
        unread = {
            node.id
            for node in graph.nodes
            if not graph.outgoing[node.id]
            and node.id not in kept
            and (spec := catalogue.layer(node.class_name)) is not None
            and spec.is_operation
        }
        if not unread:
            return graph
        graph = msgspec.structs.replace(
            graph,
            nodes=tuple(node for node in graph.nodes if node.id not in unread),
            edges=tuple(edge for edge in graph.edges if edge.target not in unread),
        )
