"""Frozen layers, and batch statistics that move or stand still against their neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.evidence import Evidence
from kbuilder.document.fixes import Fix, Freeze
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem


def freezing_problems(evidence: Evidence) -> Iterator[Problem]:
    """Nothing left to learn, or BatchNormalization that does not go with what is around it."""
    weighted = [node for node in evidence.graph.order if _has_weights(evidence, node.id)]
    if not weighted:
        return
    if not any(_learns(evidence, node.id) for node in weighted):
        yield _all_frozen(weighted)
        return
    norms = [node for node in weighted if node.class_name == "BatchNormalization"]
    if not norms or all(_learns(evidence, node.id) for node in weighted):
        return
    above = _frozen_around(evidence, down=True)
    below = _frozen_around(evidence, down=False)
    for node in norms:
        if _learns(evidence, node.id):
            if above[node.id] == {True} and below[node.id] == {True}:
                yield _moving(node)
        elif False in above[node.id]:
            yield _standing(node)


def _has_weights(evidence: Evidence, node: str) -> bool:
    facts = evidence.facts.get(node)
    return facts is not None and facts.trainable_params + facts.fixed_params > 0


def _learns(evidence: Evidence, node: str) -> bool:
    return evidence.graph.layer_of(node).trainable


def _frozen_around(evidence: Evidence, *, down: bool) -> dict[str, set[bool]]:
    """For each node, whether the next layers with weights above it (or below) are frozen.

    BatchNormalization does not count: it is what is asked about.
    """
    graph = evidence.graph
    found: dict[str, set[bool]] = {}
    for node in graph.order if down else reversed(graph.order):
        wires = graph.incoming[node.id] if down else graph.outgoing[node.id]
        around: set[bool] = set()
        for wire in wires:
            other = wire.source if down else wire.target
            plain = graph.by_id[other].class_name != "BatchNormalization"
            if plain and _has_weights(evidence, other):
                around.add(not _learns(evidence, other))
            else:
                around |= found.get(other, set())
        found[node.id] = around
    return found


def _all_frozen(weighted: list[Node]) -> Problem:
    last = weighted[-1]
    every = tuple(node.id for node in weighted)
    fixes = [Fix(text=f"Unfreeze {last.name}", steps=(Freeze(nodes=(last.id,), frozen=False),))]
    if len(weighted) > 1:
        fixes.append(Fix(text="Unfreeze all", steps=(Freeze(nodes=every, frozen=False),)))
    return Problem(
        severity="warning",
        kind="all-frozen",
        parameter="trainable",
        node=last.id,
        text="Every layer with weights is frozen, so training changes nothing. Unfreeze at least the last "
        "one.",
        fixes=tuple(fixes),
    )


def _moving(node: Node) -> Problem:
    step = Freeze(nodes=(node.id,), frozen=True)
    return Problem(
        severity="warning",
        kind="norm-learning",
        node=node.id,
        parameter="trainable",
        text=f"“{node.name}” lies between frozen layers but is not frozen: its averages move with each batch "
        "and change what the frozen layers give. Freeze it too.",
        fixes=(Fix(text=f"Freeze {node.name}", steps=(step,)),),
    )


def _standing(node: Node) -> Problem:
    step = Freeze(nodes=(node.id,), frozen=False)
    return Problem(
        severity="warning",
        kind="norm-frozen",
        node=node.id,
        parameter="trainable",
        text=f"“{node.name}” is frozen, so it uses its old averages also in training, while the layers in "
        "front of it learn. Unfreeze it, or freeze those too.",
        fixes=(Fix(text=f"Unfreeze {node.name}", steps=(step,)),),
    )
