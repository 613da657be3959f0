"""Frozen layers: kept from training, and proved to have stayed as they were."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import keras
import numpy as np

from kbuilder.document.graph import Graph
from kbuilder.link.events import FrozenChecked

Layers = Mapping[str, keras.Layer]


def apply_freezing(layers: Layers, graph: Graph) -> None:
    """Set ``trainable`` of every layer from its node. Keras honours it from the next compile on.

    A frozen BatchNormalization uses its moving statistics and leaves them alone, as Keras 3 defines.
    """
    for node, layer in layers.items():
        trainable = graph.layer_of(node).trainable
        if layer.trainable != trainable:
            layer.trainable = trainable


class Proof:
    """The weights before a training: digests of the frozen ones, copies of those that may move.

    ``graph`` is that of the training, which also says what is frozen.
    """

    def __init__(self, layers: Layers, graph: Graph) -> None:
        self._layers = layers
        self._graph = graph
        self._free = {
            node: layer
            for node, layer in layers.items()
            if not graph.by_id[node].shares
            and graph.by_id[node].trainable
            and layer.trainable_weights
        }
        self._before = frozen_digests(layers, graph)
        self._copies = {node: _values(layer) for node, layer in self._free.items()}

    def told(self, request: int) -> FrozenChecked:
        """What happened to both since."""
        return FrozenChecked(
            request=request,
            before=self._before,
            after=frozen_digests(self._layers, self._graph),
            moved={
                node: _relative_change(self._copies[node], _values(layer))
                for node, layer in self._free.items()
            },
        )


def frozen_digests(layers: Layers, graph: Graph) -> dict[str, str]:
    """SHA-256 over the weights of each frozen layer that has any, by the node that holds it."""
    return {
        node: _digest(layer)
        for node, layer in layers.items()
        if not graph.by_id[node].shares and not graph.by_id[node].trainable and layer.weights
    }


def _values(layer: keras.Layer) -> list[np.ndarray]:
    return [np.array(weight.numpy(), np.float32) for weight in layer.trainable_weights]


def _relative_change(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """Norm of the change divided by the norm before, or by 1 if all were zero."""
    change = math.sqrt(sum(float(np.sum((b - a) ** 2)) for a, b in zip(before, after, strict=True)))
    norm = math.sqrt(sum(float(np.sum(a**2)) for a in before))
    return change / (norm or 1.0)


def _digest(layer: keras.Layer) -> str:
    digest = hashlib.sha256()
    for weight in layer.weights:
        values = np.ascontiguousarray(weight.numpy())
        digest.update(f"{values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
