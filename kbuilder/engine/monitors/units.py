"""Units that are never active: which layers have them, and how many are dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from kbuilder.engine.build import BuiltModel

Tensor = Any

ZEROING = (keras.activations.relu, keras.activations.relu6, keras.activations.sparse_plus)
"""Activations that give exactly 0, with a gradient of 0, on one side."""


@dataclass(frozen=True)
class Units:
    """The outputs of all calls of a layer, and the axis along which its units lie."""

    axis: int
    tensors: list[Any] = field(default_factory=list)


def units_of(built: BuiltModel) -> dict[str, Units]:
    """The layers whose units may die, by the id of the node that holds the layer."""
    found: dict[str, Units] = {}
    for node, layer in built.layers.items():
        if can_die(layer):
            axis = 1 if getattr(layer, "data_format", "") == "channels_first" else -1
            owner = built.graph.layer_of(node).id
            found.setdefault(owner, Units(axis)).tensors.append(built.tensors[node][0])
    return found


def can_die(layer: keras.Layer) -> bool:
    """Whether a unit of the layer that is always 0 learns nothing any more."""
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    activation = getattr(layer, "activation", None)
    if isinstance(activation, keras.layers.ReLU):
        return not activation.negative_slope
    return activation in ZEROING


def dead_share(outputs: Sequence[Tensor], axis: int) -> Tensor:
    """The share of units, from 0 to 1, that are exactly 0 in all outputs (samples first)."""
    dead = []
    for output in outputs:
        others = [each for each in range(output.shape.rank) if each != axis % output.shape.rank]
        dead.append(tf.reduce_all(tf.equal(output, 0), axis=others))
    return tf.reduce_mean(tf.cast(tf.reduce_all(tf.stack(dead), axis=0), tf.float32))
