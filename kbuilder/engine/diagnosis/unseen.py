"""What Keras takes without a word while a model is drawn, and trips over when it trains."""

from __future__ import annotations

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import words
from kbuilder.document.values import Params
from kbuilder.engine.diagnosis.case import Input
from kbuilder.engine.diagnosis.dtypes import numbers_refused, text_refused
from kbuilder.engine.diagnosis.joining import widths_differ
from kbuilder.engine.diagnosis.ranks import judged_inputs, takes_rank, wanted_rank


def unseen(spec: ClassSpec, node: Node, inputs: tuple[Input, ...]) -> Problem | None:
    """Why a layer must not be called on these inputs; None when nothing speaks against it."""
    kind, reason = _reason(spec, node, inputs)
    if not kind:
        return None
    text = f"{spec.class_name} “{node.name}” {reason}"
    return Problem(severity="error", kind=kind, node=node.id, text=text)


def _reason(spec: ClassSpec, node: Node, inputs: tuple[Input, ...]) -> tuple[str, str]:
    for given in judged_inputs(spec, inputs):
        rank = len(given.shape)
        if not takes_rank(spec, rank):
            return "rank", (
                f"takes tensors with {wanted_rank(spec)} and gets {words(given.shape)}, which has "
                f"{rank}. Put a Reshape or Flatten in front of it, or change the shape of the Input."
            )
    mixed = len({given.dtype for given in inputs}) > 1
    inverted = bool(node.params.get("invert"))
    for given in inputs:
        if text_refused(spec, given.dtype, mixed=mixed):
            return (
                "text-numbers",
                "computes with numbers and gets text. Turn it into numbers first.",
            )
        if numbers_refused(spec, given.dtype, inverted=inverted):
            return "numbers-text", f"reads text and gets {given.dtype}. Feed it with text."
    if inputs and inputs[0].shape[:1] == (None,) and _keeps_states(node.params):
        return "open-batch", (
            "is stateful, so each batch goes on where the one before ended and all must be of one size. "
            "Set batch_size in the Input, or reset stateful."
        )
    if widths_differ(spec, inputs):
        return "attention-shapes", (
            "compares query with key, so both need the same last dimension. Bring them to one size."
        )
    return "", ""


def _keeps_states(params: Params) -> bool:
    """Whether a layer, or one inside of it, is stateful."""
    inner = (value.get("params") for value in params.values() if isinstance(value, dict))
    return bool(params.get("stateful")) or any(
        _keeps_states(each) for each in inner if isinstance(each, dict)
    )
