"""Layers whose ``training`` is fixed keep it in fit and predict, as they did in tf.keras 2.

Keras 3.15 writes ``training=True`` of a call into the model's configuration, and then hands its own value
to every layer that takes one: ``keras.src.models.functional.operation_fn`` asks ``_call_context_args``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbuilder.document.graph import Graph


def fix_training(layers: Mapping[str, Any], graph: Graph) -> None:
    """Let the layers of nodes with a fixed ``training`` not follow the model.

    A layer that is called several times must be called with the same value; else it follows the model.
    """
    wanted: dict[int, set[object]] = {}
    for node, layer in layers.items():
        wanted.setdefault(id(layer), set()).add(graph.by_id[node].call.get("training"))
    for layer in layers.values():
        if len(wanted[id(layer)]) == 1 and None not in wanted[id(layer)]:
            layer._call_context_args = layer._call_context_args - {"training"}
