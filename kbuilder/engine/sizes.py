"""Memory added up before any of it is taken."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Graph
from kbuilder.document.problems import Problem
from kbuilder.engine.build_error import BuildError

BYTES_PER_WEIGHT = 4
COPIES_IN_TRAINING = 4
"""The weight itself, its gradient, and the two moments of Adam and its kind."""


def refuse_too_large(graph: Graph, facts: Mapping[str, NodeFacts]) -> None:
    """Refuse a model whose weights alone do not fit into the free memory while training.

    Raises:
        BuildError: naming the largest layer.
    """
    needed = {
        node: (found.trainable_params * COPIES_IN_TRAINING + found.fixed_params) * BYTES_PER_WEIGHT
        for node, found in facts.items()
    }
    total = sum(needed.values())
    free = psutil.virtual_memory().available
    if total <= free:
        return
    largest = graph.by_id[max(needed, key=lambda node: needed[node])]
    raise BuildError(
        (
            Problem(
                severity="error",
                node=largest.id,
                text=f"Training this model takes {total / 2**30:.1f} GiB for its weights, and "
                f"{free / 2**30:.1f} GiB of memory are free. The largest layer is "
                f"{largest.class_name} “{largest.name}”: make it smaller.",
            ),
        )
    )
