"""Preprocessing layers that learn from data: which they are, and whether they have."""

from __future__ import annotations

from typing import Any

from kbuilder.document.graph import Graph, Node
from kbuilder.document.values import Params

ADAPTED: dict[str, tuple[str, ...]] = {
    "Normalization": ("mean", "variance"),
    "TextVectorization": ("vocabulary", "idf_weights"),
    "StringLookup": ("vocabulary", "idf_weights"),
    "IntegerLookup": ("vocabulary", "idf_weights"),
    "Discretization": ("bin_boundaries",),
}
"""The parameters that hold what such a layer has learned."""


def is_adapted(node: Node) -> bool:
    """Whether a layer that learns from data has what it needs; True for all others."""
    names = ADAPTED.get(node.class_name)
    return names is None or node.params.get(names[0]) is not None


def to_adapt(graph: Graph) -> tuple[str, ...]:
    """Ids of the nodes that have not learned yet, in their order."""
    return tuple(node.id for node in graph.order if not node.shares and not is_adapted(node))


def learned_params(class_name: str, state: dict[str, Any]) -> Params:
    """Parameters to set for what a layer has learned.

    Keras takes the boundaries of bins or their number, not both.
    """
    return {**state, "num_bins": None} if class_name == "Discretization" else dict(state)
