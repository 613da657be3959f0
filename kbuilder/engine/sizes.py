"""Memory added up before any of it is taken."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from kbuilder.document.facts import NodeFacts
from kbuilder.document.fixes import Fix, SetFit
from kbuilder.document.graph import Graph
from kbuilder.document.problems import Problem
from kbuilder.engine.build_error import BuildError

BYTES_PER_WEIGHT = 4
COPIES_IN_TRAINING = 4
"""The weight itself, its gradient, and the two moments of Adam and its kind."""


ACTIVATIONS_IN_TRAINING = 2
"""Outputs of a layer are kept for the way back, where their gradients take the same again."""


def batch_bytes(facts: Mapping[str, NodeFacts]) -> int:
    """Bytes that one sample of a batch takes in training, as far as shapes tell."""
    return ACTIVATIONS_IN_TRAINING * sum(found.activation_bytes for found in facts.values())


def largest_batch(free: float, per_sample: float, samples: int) -> int:
    """The largest power of two that fits, at most all samples, at least 1."""
    fitting = int(free // per_sample) if per_sample > 0 else samples
    if fitting >= samples:
        return max(samples, 1)
    return 1 << max(fitting.bit_length() - 1, 0)


def heaviest(facts: Mapping[str, NodeFacts]) -> str:
    """The node whose outputs take most memory; empty where nothing is known."""
    return max(facts, key=lambda node: facts[node].activation_bytes, default="")


def refuse_batch(
    graph: Graph, facts: Mapping[str, NodeFacts], batch_size: int, samples: int
) -> None:
    """Refuse a batch whose activations do not fit into the free memory.

    Raises:
        BuildError: naming the layer that takes most, and a batch size that fits.
    """
    size = min(batch_size, samples)
    needed, free = batch_bytes(facts) * size, psutil.virtual_memory().available
    if needed > free:
        raise BuildError((memory_problem(graph, facts, size, samples, float(free)),))


def memory_problem(
    graph: Graph, facts: Mapping[str, NodeFacts], batch_size: int, samples: int, free: float
) -> Problem:
    """What did not fit, and the batch size that would."""
    per_sample = batch_bytes(facts)
    largest = graph.by_id.get(heaviest(facts))
    fitting = min(largest_batch(free / 2, per_sample, samples), max(batch_size // 2, 1))
    layer = f" Most of it goes to {largest.class_name} “{largest.name}”." if largest else ""
    return Problem(
        severity="error",
        kind="memory",
        node=largest.id if largest else "",
        parameter="batch_size",
        text=f"A batch of {batch_size} samples takes about {per_sample * batch_size / 2**30:.2g} GiB in "
        f"training, and {free / 2**30:.2g} GiB of memory are free.{layer} A batch size of {fitting} would "
        "fit; smaller layers or samples help too.",
        fixes=(
            Fix(
                text=f"Set batch_size to {fitting}",
                steps=(SetFit(values={"batch_size": fitting}),),
            ),
        ),
    )


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
