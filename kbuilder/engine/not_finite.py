"""Where a training went wrong: the first layer whose numbers are not finite, for one batch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.document.problems import Problem
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.checkpoint import State
from kbuilder.engine.gradients import gradients_of
from kbuilder.engine.untouched import untouched


def first_not_finite(built: BuiltModel, batch: tuple[Any, Any, Any]) -> tuple[str, str]:
    """The node where NaN or infinity first appears for a batch, and a clause that says how.

    The forward pass is walked first, then the losses, then the gradients from the end backwards. The
    node is empty where nothing can be told.
    """
    with untouched(built.model):
        return (
            _in_data(built, batch)
            or _in_weights(built)
            or _in_outputs(built, batch)
            or _in_gradients(built, batch)
            or ("", "")
        )


def not_finite_problem(
    built: BuiltModel,
    batches: Batches,
    order: Any,
    place: tuple[int, int],
    loss: float,
    kept: State,
) -> Problem:
    """What is told when a training ends for that reason, at this epoch and step (from 0)."""
    samples = batches.numbers(place[1], order)
    node, clause = first_not_finite(built, batches.peek(place[1], order))
    listed = ", ".join(str(int(number)) for number in samples[:8])
    more = f" and {len(samples) - 8} more" if len(samples) > 8 else ""
    became = (
        "gradients became infinite or NaN"
        if node and "gradients" in clause
        else f"loss became {loss}"
    )
    where = f" In this batch (samples {listed}{more}) {clause}." if clause else ""
    done = f"epoch {kept.epoch}" + (f" and {kept.step} steps" if kept.step else "")
    return Problem(
        severity="error",
        kind="not-finite",
        node=node,
        text=f"The {became} in epoch {place[0] + 1} at step {place[1] + 1}, where a finite number was "
        f"expected.{where} The last good weights are kept, after {done}. Lower the learning rate, clip "
        "the gradients, or look for very large values in the data.",
    )


def _in_data(built: BuiltModel, batch: tuple[Any, Any, Any]) -> tuple[str, str] | None:
    x, y, _ = batch
    graph = built.graph
    for nodes, values, what in ((graph.inputs, x, "inputs"), (graph.outputs, y, "targets")):
        for node, array in zip(
            nodes, values if isinstance(values, list) else [values], strict=True
        ):
            if array is not None and not _finite(array):
                return node.id, f"the {what} of “{node.name}” in this batch are not finite"
    return None


def _in_weights(built: BuiltModel) -> tuple[str, str] | None:
    for node, layer in built.layers.items():
        if any(not _finite(weight.value) for weight in layer.weights):
            name = built.graph.by_id[node].name
            return node, f"the weights of “{name}” are not finite after the step before"
    return None


def _in_outputs(built: BuiltModel, batch: tuple[Any, Any, Any]) -> tuple[str, str] | None:
    nodes = [node for node in built.graph.nodes if node.id in built.layers]
    tensors = [built.tensors[node.id][0] for node in nodes]
    looking = keras.Model(built.model.inputs, tensors)
    x = batch[0] if isinstance(batch[0], list) else [batch[0]]
    outputs = looking(x, training=True)
    by_node = dict(zip((node.id for node in nodes), outputs, strict=True))
    for node in _in_order(built):
        if node in by_node and not _finite(by_node[node]):
            name = built.graph.by_id[node].name
            return node, f"“{name}” is the first layer whose output is not finite"
    return None


def _in_gradients(built: BuiltModel, batch: tuple[Any, Any, Any]) -> tuple[str, str] | None:
    loss, _, gradients = gradients_of(built.model, batch)
    if not np.isfinite(loss):
        node = built.graph.outputs[0]
        return node.id, f"the outputs are finite, and the loss of “{node.name}” is not"
    for node_id in reversed(_in_order(built)):
        layer = built.layers.get(node_id)
        for weight in layer.trainable_weights if layer is not None else ():
            if id(weight) in gradients and not np.isfinite(gradients[id(weight)]).all():
                name = built.graph.by_id[node_id].name
                return (
                    node_id,
                    f"the loss is finite; the gradients of “{name}” are the first that are not",
                )
    return None


def _in_order(built: BuiltModel) -> list[str]:
    """Node ids in the order in which the model computes them."""
    layers = list(built.model.operations)
    place = {id(operation): number for number, operation in enumerate(layers)}
    known = [node for node, layer in built.layers.items() if id(layer) in place]
    ordered = sorted(known, key=lambda node: place[id(built.layers[node])])
    return [*ordered, *(node for node in built.layers if node not in set(known))]


def _finite(values: Any) -> bool:
    tensor = tf.convert_to_tensor(values)
    return not tensor.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(tensor)))
