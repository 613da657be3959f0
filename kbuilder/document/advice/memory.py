"""Weights and activations against the memory of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.evidence import Evidence
from kbuilder.document.facts import NodeFacts
from kbuilder.document.fixes import Fix, SetFit, SetParams
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem, Severity
from kbuilder.document.tracing import width_param

LARGE_BYTES = 10**9
"""Weights of one layer that are worth a word on any machine."""
LARGE_SHARE = 0.25
BYTES_PER_WEIGHT = 4


def weight_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """A layer whose weights take a large part of the memory."""
    facts = evidence.facts.get(node.id)
    size = _weight_bytes(facts) if facts else 0
    limit = evidence.memory_bytes * LARGE_SHARE
    if node.shares or facts is None or size < min(LARGE_BYTES, limit or LARGE_BYTES):
        return
    severity: Severity = "warning" if not limit or size > limit else "info"
    if evidence.memory_bytes and size > evidence.memory_bytes:
        severity = "error"
    of = f" of the {_words(evidence.memory_bytes)} in this machine" if evidence.memory_bytes else ""
    parameter = width_param(node)
    yield Problem(
        severity=severity,
        kind="weights-memory",
        node=node.id,
        parameter=parameter,
        text=f"“{node.name}” has {facts.trainable_params + facts.fixed_params:,} weights and needs "
        f"{_words(size)}{of}; training takes up to four times that. Make it or its input smaller.",
        fixes=_smaller(evidence, node, parameter, size, limit),
    )


def _weight_bytes(facts: NodeFacts) -> int:
    return facts.weight_bytes or (facts.trainable_params + facts.fixed_params) * BYTES_PER_WEIGHT


def _smaller(
    evidence: Evidence, node: Node, parameter: str, size: int, limit: float
) -> tuple[Fix, ...]:
    """The largest power of two of units that stays below what is told of."""
    width = evidence.wiring.value(node.id, parameter) if parameter else None
    bound = min(LARGE_BYTES, limit or LARGE_BYTES)
    if not isinstance(width, int) or width * bound < 2 * size:
        return ()
    fitting = 2 ** (int(width * bound / size).bit_length() - 1)
    step = SetParams(node=node.id, values={parameter: fitting})
    return (Fix(text=f"Set {parameter} to {fitting}", steps=(step,)),)


def activation_problems(evidence: Evidence) -> Iterator[Problem]:
    """Outputs of all layers for one batch that do not fit into the memory."""
    batch = evidence.project.fit.batch_size
    each = {node: facts.activation_bytes for node, facts in evidence.facts.items()}
    per_sample = sum(each.values())
    limit = evidence.memory_bytes
    if not limit or not per_sample or per_sample * batch <= limit * LARGE_SHARE:
        return
    largest = max(each, key=lambda node: each[node])
    if largest not in evidence.graph.by_id:
        return
    fitting = int(limit * LARGE_SHARE // per_sample)
    fixes: tuple[Fix, ...] = ()
    if 1 <= fitting < batch:
        size = 2 ** (fitting.bit_length() - 1)
        step = SetFit(values={"batch_size": size})
        fixes = (Fix(text=f"Set batch_size to {size}", steps=(step,)),)
    yield Problem(
        severity="error" if per_sample * batch > limit else "warning",
        kind="activations-memory",
        node=largest,
        parameter="batch_size",
        text=f"The outputs of all layers for a batch of {batch} take {_words(per_sample * batch)} of the "
        f"{_words(limit)} in this machine, most of it in “{evidence.name(largest)}”. Use smaller batches or "
        "pictures.",
        fixes=fixes,
    )


def _words(size: int) -> str:
    for unit, bytes_each in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= bytes_each:
            return f"{size / bytes_each:.3g} {unit}"
    return f"{size:,} bytes"
