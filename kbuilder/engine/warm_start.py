"""Weights of an earlier run for a network that may have changed since: what still fits is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph, Node
from kbuilder.engine.build import BuiltModel, build
from kbuilder.engine.checkpoint import State, restore
from kbuilder.engine.runs import Run

Shape = tuple[int | None, ...]

KEPT, SLICED, NEW = "kept", "sliced", "new"
"""All weights of a layer as they were; only the part that both have; none."""


@dataclass(frozen=True)
class StoredLayer:
    """A layer of the earlier run with its weights, in Keras's order."""

    node: Node
    weights: Sequence[np.ndarray]


def stored_layers(run: Run, catalogue: Catalogue) -> dict[str, StoredLayer]:
    """The layers with weights of a run, by the id of their node.

    Raises:
        FileRefusedError: the run has no state that can be read.
        BuildError: it has blocks as models, and its project cannot be built any more.
    """
    graph = run.project.graph
    state = run.state
    if any(group.nested for group in graph.groups):
        return _by_building(run, state, catalogue)
    by_name: dict[str, list[tuple[int, np.ndarray]]] = {}
    for key, values in state.weights.items():
        layer, _, number = key.rpartition("/")
        by_name.setdefault(layer, []).append((int(number), values))
    return {
        node.id: StoredLayer(node, _without_seeds(by_name[node.name]))
        for node in graph.nodes
        if not node.shares and node.name in by_name
    }


def start_with(built: BuiltModel, stored: Mapping[str, StoredLayer]) -> dict[str, str]:
    """Give the layers of a model what fits of the stored weights; says for each node how it starts."""
    found = {}
    for node in _owners(built.graph):
        layer = built.layers.get(node.id)
        if layer is None or not layer.weights:
            continue
        source = counterpart(node, stored)
        old = source.weights if source is not None else []
        found[node.id] = how_it_fits([tuple(w.shape) for w in layer.weights], old)
        if found[node.id] != NEW:
            for weight, values in zip(layer.weights, old, strict=True):
                _assign(weight, values)
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()
    return found


def compare(
    graph: Graph, shapes: Mapping[str, Sequence[Shape]], stored: Mapping[str, StoredLayer]
) -> dict[str, str]:
    """What ``start_with`` would do, from the shapes of each node's weights alone."""
    found = {}
    for node in _owners(graph):
        if shapes.get(node.id):
            source = counterpart(node, stored)
            found[node.id] = how_it_fits(shapes[node.id], source.weights if source else [])
    return found


def counterpart(node: Node, stored: Mapping[str, StoredLayer]) -> StoredLayer | None:
    """The layer that was this one: the same node, or one of the same name, of the same class."""
    same = stored.get(node.id)
    if same is None:
        same = next((each for each in stored.values() if each.node.name == node.name), None)
    return same if same is not None and same.node.class_name == node.class_name else None


def how_it_fits(shapes: Sequence[Shape], old: Sequence[np.ndarray]) -> str:
    """Kept, sliced or new, by the shapes of the new and the old weights."""
    if len(shapes) != len(old):
        return NEW
    before = [values.shape for values in old]
    if all(tuple(new) == shape for new, shape in zip(shapes, before, strict=True)):
        return KEPT
    ranks = all(len(new) == len(shape) for new, shape in zip(shapes, before, strict=True))
    return SLICED if ranks else NEW


def _owners(graph: Graph) -> Iterator[Node]:
    return (node for node in graph.nodes if not node.shares)


def _assign(weight: Any, values: np.ndarray) -> None:
    """The whole of it, or the part from the first entries that both have."""
    if tuple(weight.shape) == values.shape:
        weight.assign(values)
        return
    part = tuple(slice(0, min(a, b)) for a, b in zip(weight.shape, values.shape, strict=True))
    mixed = np.array(weight.numpy())
    mixed[part] = values[part]
    weight.assign(mixed)


def _without_seeds(numbered: list[tuple[int, np.ndarray]]) -> list[np.ndarray]:
    """In order, without the states of random generators, which are whole numbers of 32 bits."""
    return [
        values for _, values in sorted(numbered, key=lambda pair: pair[0]) if _is_weight(values)
    ]


def _is_weight(values: np.ndarray) -> bool:
    return values.dtype != np.uint32


def _by_building(run: Run, state: State, catalogue: Catalogue) -> dict[str, StoredLayer]:
    """The weights inside of blocks have no names of their own in a state."""
    built = build(run.project, catalogue)
    restore(built.model, state)
    found = {}
    for node in _owners(built.graph):
        layer: keras.Layer | None = built.layers.get(node.id)
        if layer is not None and layer.weights:
            found[node.id] = StoredLayer(node, [np.array(w.numpy()) for w in layer.weights])
    return found
