"""One batch looked at closely: its loss, gradients and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kbuilder.document.graph import Node
from kbuilder.engine.arrays import to_array
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.gradients import gradient_norms, gradients_of
from kbuilder.engine.untouched import untouched
from kbuilder.link.run_events import Stepped
from kbuilder.link.values import Array

SHOWN = 16
"""Samples of the batch whose values are sent."""


def look_at_batch(
    request: int, built: BuiltModel, batches: Batches, order: Any, place: tuple[int, int, int]
) -> Stepped:
    """What the step that comes next will see and do. Changes nothing.

    ``place`` is its epoch, its number in it, and the steps done before it over all epochs.
    """
    epoch, step, done = place
    batch = batches.peek(step, order)
    with untouched(built.model):
        loss, outputs, gradients = gradients_of(built.model, batch)
    x, y, _ = batch
    graph = built.graph
    return Stepped(
        request=request,
        epoch=epoch,
        step=done + 1,
        loss=loss,
        gradients=gradient_norms(built, gradients),
        samples=tuple(int(number) for number in batches.numbers(step, order)),
        inputs=_by_node(graph.inputs, x),
        outputs=_by_node(graph.outputs, outputs),
        truth=_by_node(graph.outputs, y),
    )


def _by_node(nodes: tuple[Node, ...], values: Any) -> dict[str, Array]:
    listed = values if isinstance(values, list | tuple) else [values]
    shown = {}
    for node, value in zip(nodes, listed, strict=True):
        if value is not None and not _is_text(value):
            shown[node.id] = to_array(np.asarray(value)[:SHOWN])
    return shown


def _is_text(value: Any) -> bool:
    return bool(tf.convert_to_tensor(value).dtype == tf.string)
