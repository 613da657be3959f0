"""Frozen layers: kept from training, and proved to have stayed as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import keras
import numpy as np

from kbuilder.document.graph import Graph

Layers = Mapping[str, keras.Layer]


def apply_freezing(layers: Layers, graph: Graph) -> None:
    """Set ``trainable`` of every layer from its node. Keras honours it from the next compile on.

    A frozen BatchNormalization uses its moving statistics and leaves them alone, as Keras 3 defines.
    """
    for node, layer in layers.items():
        trainable = graph.layer_of(node).trainable
        if layer.trainable != trainable:
            layer.trainable = trainable


def frozen_digests(layers: Layers, graph: Graph) -> dict[str, str]:
    """SHA-256 over the weights of each frozen layer that has any, by the node that holds it."""
    return {
        node: _digest(layer)
        for node, layer in layers.items()
        if not graph.by_id[node].shares and not graph.by_id[node].trainable and layer.weights
    }


def _digest(layer: keras.Layer) -> str:
    digest = hashlib.sha256()
    for weight in layer.weights:
        values = np.ascontiguousarray(weight.numpy())
        digest.update(f"{values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
