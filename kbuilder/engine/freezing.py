"""Frozen layers: kept from training, and proved to have stayed as they were."""

from __future__ import annotations

import hashlib

import keras
import numpy as np

from kbuilder.document.graph import INPUT_CLASS, Graph


def apply_freezing(model: keras.Model, graph: Graph) -> None:
    """Set ``trainable`` of every layer from its node. Keras honours it from the next compile on.

    A frozen BatchNormalization uses its moving statistics and leaves them alone, as Keras 3 defines.
    """
    for node in graph.nodes:
        if node.class_name != INPUT_CLASS:
            layer = model.get_layer(node.name)
            if layer.trainable != node.trainable:
                layer.trainable = node.trainable


def frozen_digests(model: keras.Model, graph: Graph) -> dict[str, str]:
    """SHA-256 over the weights of each frozen node that has any, by node id."""
    return {
        node.id: _digest(model.get_layer(node.name))
        for node in graph.nodes
        if not node.trainable
        and node.class_name != INPUT_CLASS
        and model.get_layer(node.name).weights
    }


def _digest(layer: keras.Layer) -> str:
    digest = hashlib.sha256()
    for weight in layer.weights:
        values = np.ascontiguousarray(weight.numpy())
        digest.update(f"{values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
