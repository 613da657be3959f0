"""Preprocessing layers learn from data what they need, and give it back as parameters of their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.adapting import ADAPTED, learned_params
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.project import Project
from kbuilder.document.rules import Checker
from kbuilder.document.values import Params
from kbuilder.engine.arrays import bare
from kbuilder.engine.assembling import assembled
from kbuilder.engine.layers import make_layer
from kbuilder.engine.objects import KERAS_ERRORS
from kbuilder.engine.wording import plain_text

BATCH = 256
LARGEST_VOCABULARY = 200_000
"""So many words a project file still holds well."""

Tell = Callable[[str, float], None]
"""Hears what is being done and how far it is, from 0 to 1; may raise to end it."""


def adapt(
    project: Project,
    nodes: Iterable[str],
    inputs: Mapping[str, np.ndarray],
    catalogue: Catalogue,
    tell: Tell = lambda text, fraction: None,
) -> dict[str, Params]:
    """Parameters that hold what the layers of these nodes learned from what reaches them, by node id.

    ``inputs`` are the data by input node. A layer behind another one that is adapted sees what that one
    then gives. A parameter that is None takes the place of one that goes with another way of learning.

    Raises:
        KBuilderError: a node is not adapted, or what is in front of it cannot be built or fed.
    """
    wanted = {project.graph.layer_of(node).id for node in nodes}
    order = [node for node in project.graph.order if node.id in wanted]
    found: dict[str, Params] = {}
    for number, node in enumerate(order):
        tell(f"Adapting {node.name}", number / len(order))
        found[node.id] = _learned(project.graph, node, inputs, catalogue)
        project = edits.set_params(project, [node.id], found[node.id])
    return found


def _learned(
    graph: Graph, node: Node, inputs: Mapping[str, np.ndarray], catalogue: Catalogue
) -> Params:
    if node.class_name not in ADAPTED:
        raise KBuilderError(f"“{node.name}” ({node.class_name}) has nothing to adapt to data.")
    if node.class_name in ("StringLookup", "IntegerLookup", "TextVectorization"):
        fresh = _without(node, "vocabulary", "idf_weights")
    elif node.class_name == "Discretization":
        bins = node.params.get("bin_boundaries")
        count = node.params.get("num_bins") or (len(bins) + 1 if bins else None)
        if count is None:
            raise KBuilderError(f"“{node.name}” needs a number of bins. Set num_bins.")
        fresh = replace(_without(node, "bin_boundaries"), params={**node.params, "num_bins": count})
        fresh = _without(fresh, "bin_boundaries")
    else:
        fresh = _without(node, "mean", "variance")
    values = _reaching(graph, node, inputs, catalogue)
    try:
        layer: Any = make_layer(fresh, catalogue, named=False)
        layer.adapt(values)
    except KERAS_ERRORS as error:
        raise KBuilderError(f"“{node.name}” cannot be adapted: {plain_text(error)}") from error
    return learned_params(node.class_name, _state(node, layer))


def _without(node: Node, *names: str) -> Node:
    params = {name: value for name, value in node.params.items() if name not in names}
    return replace(node, params=params)


def _reaching(
    graph: Graph, node: Node, inputs: Mapping[str, np.ndarray], catalogue: Catalogue
) -> Any:
    """What comes to the input of a node, for all samples."""
    wires = graph.incoming[node.id]
    if len(wires) != 1:
        raise KBuilderError(
            f"“{node.name}” is not connected, so no data reaches it. Wire it behind an Input."
        )
    wire = wires[0]
    before = _in_front(graph, wire.source)
    missing = [each.name for each in before.inputs if each.id not in inputs]
    if missing:
        raise KBuilderError(f"The input “{missing[0]}” gets no data. Choose a field under Data.")
    if graph.by_id[wire.source].class_name == INPUT_CLASS:
        return _fed(inputs[wire.source])
    broken = Checker(catalogue).broken(before)
    if broken:
        name = before.by_id[min(broken)].name
        raise KBuilderError(f"“{name}” in front of “{node.name}” has a problem. Mend it first.")
    tensors, _ = assembled(before, catalogue)
    starts = [tensors[each.id][0] for each in before.inputs]
    model = keras.Model(bare(starts), tensors[wire.source][wire.source_port])
    fed = [_fed(inputs[each.id]) for each in before.inputs]
    parts = [
        model(bare([values[start : start + BATCH] for values in fed]))
        for start in range(0, len(fed[0]), BATCH)
    ]
    return tf.concat(parts, axis=0)


def _in_front(graph: Graph, node: str) -> Graph:
    """A node and all that leads to it."""
    found: set[str] = set()
    stack = [node]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            stack += [edge.source for edge in graph.incoming[current]]
            stack += [graph.by_id[current].shares] if graph.by_id[current].shares else []
    return Graph(
        nodes=tuple(replace(each, group="") for each in graph.nodes if each.id in found),
        edges=tuple(edge for edge in graph.edges if edge.target in found),
    )


def _fed(values: np.ndarray) -> Any:
    """Text as a tensor: Keras does not take it as an array."""
    return tf.constant(values) if values.dtype.kind in "UO" else values


def _state(node: Node, layer: Any) -> dict[str, Any]:
    """What a layer has learned, as plain values."""
    if node.class_name == "Normalization":
        return {
            "mean": np.asarray(layer.adapt_mean).tolist(),
            "variance": np.asarray(layer.adapt_variance).tolist(),
        }
    if node.class_name == "Discretization":
        return {"bin_boundaries": [float(bound) for bound in layer.bin_boundaries]}
    words = [_plain(word) for word in layer.get_vocabulary(include_special_tokens=False)]
    if len(words) > LARGEST_VOCABULARY:
        raise KBuilderError(
            f"“{node.name}” found {len(words):,} different words; at most {LARGEST_VOCABULARY:,} are kept. "
            "Set max_tokens."
        )
    state: dict[str, Any] = {"vocabulary": words}
    if node.params.get("output_mode") == "tf_idf":
        weights = _idf_weights(layer)
        state["idf_weights"] = weights[len(weights) - len(words) :]
    return state


def _idf_weights(layer: Any) -> list[float]:
    lookup = getattr(layer, "_lookup_layer", layer)
    return [float(weight) for weight in np.asarray(lookup.idf_weights_const)]


def _plain(word: Any) -> Any:
    return word.item() if isinstance(word, np.generic) else word
