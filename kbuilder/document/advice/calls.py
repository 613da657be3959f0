"""How layers are called: a training mode that is fixed, and masks that get lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.evidence import Evidence
from kbuilder.document.fixes import Fix, SetCall
from kbuilder.document.graph import Node
from kbuilder.document.ports import states
from kbuilder.document.problems import Problem

_ELSEWHERE = "Keras 3.15 overrules it in fit and predict where the exported model is loaded without kbuilder."


def training_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """A layer that does not follow the model in training; worst where that is hardly ever meant."""
    fixed = node.call.get("training")
    if fixed is None:
        return
    spec = evidence.catalogue.layer(node.class_name)
    unusual = ""
    if fixed and node.class_name == "BatchNormalization":
        unusual = "so it also predicts by the statistics of whatever is in the batch"
    elif not fixed and spec is not None and spec.family == "Regularization":
        unusual = "so it never does anything"
    yield Problem(
        severity="warning" if unusual else "info",
        kind="training-fixed",
        node=node.id,
        text=f"“{node.name}” is always called with training={fixed}"
        + (f", {unusual}. " if unusual else ". ")
        + _ELSEWHERE,
        fixes=(Fix(text="Follow the model", steps=(SetCall(node=node.id, name="training"),)),),
    )


def mask_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """A recurrent layer that reads padded steps, because their mask does not reach it."""
    facts = evidence.facts.get(node.id)
    if facts is None or not facts.inputs or not evidence.wiring.is_recurrent(node.id):
        return
    wired = {edge.target_port for edge in evidence.graph.incoming[node.id]}
    if 1 in wired:
        return  # a mask of its own
    if facts.inputs[0].masked:
        if len(wired) > 1:
            yield _lost(node, f"with initial states wired, Keras hands “{node.name}” no mask")
        return
    loser = _loser(evidence, evidence.wiring.source(node.id))
    if loser:
        name = evidence.graph.by_id[loser].name
        yield _lost(node, f"“{name}” does not pass the mask on")


def _lost(node: Node, reason: str) -> Problem:
    return Problem(
        severity="warning",
        kind="mask-lost",
        node=node.id,
        text=f"“{node.name}” reads padded steps like all others: {reason}. Put Masking in front of it, or "
        "wire a mask into its port “mask”.",
    )


def _loser(evidence: Evidence, node: str) -> str:
    """The first node up the wires that gets a mask and gives none; empty when there is no mask."""
    seen: set[str] = set()
    while node and node not in seen:
        seen.add(node)
        facts = evidence.facts.get(node)
        if facts is None or not facts.inputs:
            return ""
        if facts.inputs[0].masked:
            return "" if _ends_steps(evidence, node) else node
        node = evidence.wiring.source(node)
    return ""


def _ends_steps(evidence: Evidence, node: str) -> bool:
    """Whether a node sums up all steps, after which there is nothing left to mask."""
    layer = evidence.graph.layer_of(node)
    spec = evidence.catalogue.layer(layer.class_name)
    if spec is None or states(spec, layer.params):
        return evidence.wiring.reads_last_step(node)
    return layer.class_name.startswith("Global") or layer.class_name == "Flatten"
