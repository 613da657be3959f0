"""Gradients of one batch, outside of the training's own graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.build import BuiltModel


def gradient_norms(built: BuiltModel, gradients: Mapping[int, Any]) -> dict[str, float]:
    """L2 norm of the gradients of each node's weights; ``gradients`` goes by ``id`` of the variable."""
    norms = {}
    for node, layer in built.layers.items():
        if built.graph.by_id[node].shares:
            continue
        found = [
            gradients[id(weight)] for weight in layer.trainable_weights if id(weight) in gradients
        ]
        if found:
            norms[node] = float(np.sqrt(sum(float(np.sum(np.square(g))) for g in found)))
    return norms


def gradients_of(
    model: keras.Model, batch: tuple[Any, Any, Any]
) -> tuple[float, Any, dict[int, Any]]:
    """Loss and outputs of a batch in training mode, and its gradients by ``id`` of the variable."""
    x, y, weights = batch
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)
    learning = model.trainable_weights
    found = tape.gradient(loss, learning) if learning else []
    arrays = {
        id(weight): tf.convert_to_tensor(gradient).numpy().astype(np.float32)
        for weight, gradient in zip(learning, found, strict=True)
        if gradient is not None
    }
    return float(loss), outputs, arrays
