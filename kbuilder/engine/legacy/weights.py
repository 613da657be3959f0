"""Weights as Keras 2 stored them, put into the layers that a graph was built to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import h5py
import keras
import numpy as np

from kbuilder.engine.legacy.upgrade import Leaf
from kbuilder.engine.weight_files import read_names

Named = list[tuple[str, np.ndarray]]
Layers = Mapping[str, keras.Layer]

_OLD_CONTAINER = "_layer_checkpoint_dependencies"
_PARTS_IN_ORDER = ("forward_layer", "backward_layer", "_query", "_key", "_value", "_output")
STATE_OF_CHANCE = ("StateVar", "seed_generator", "rng_state")
"""Parts of names of weights that are random generators."""


def load(
    file: h5py.File, leaves: Sequence[Leaf], layers: Layers
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the weights into the layers. ``layers`` gives those of a node by its name.

    Returns:
        Names of the nodes that got weights, and of those with weights that did not.
    """
    find = _from_groups(file, leaves, layers) if _has_names(file) else _from_places(file)
    loaded, left, seen = [], [], set()
    for leaf in leaves:
        layer = layers.get(leaf.node)
        if layer is None or not layer.weights or id(layer) in seen:
            continue
        seen.add(id(layer))
        values = _converted(leaf.was, find(leaf), layer)
        if values is not None and _fits(layer.weights, values):
            for variable, value in zip(layer.weights, values, strict=True):
                variable.assign(value)
            loaded.append(leaf.node)
        else:
            left.append(leaf.node)
    for name in loaded:
        if hasattr(layers[name], "finalize_state"):
            layers[name].finalize_state()
    return tuple(loaded), tuple(left)


def stored_shapes(file: h5py.File, group: str) -> list[tuple[int, ...]]:
    """Shapes of the weights of a layer of the outermost model."""
    root = file.get("model_weights", file)
    if group not in root:
        return []
    member = root[group]
    return [tuple(member[name].shape) for name in read_names(member, "weight_names")]


def _has_names(file: h5py.File) -> bool:
    return bool(read_names(file.get("model_weights", file), "layer_names"))


def _from_groups(
    file: h5py.File, leaves: Sequence[Leaf], layers: Layers
) -> Callable[[Leaf], list[np.ndarray]]:
    """The older layout: one group for each layer of the outermost model, with its weights by name."""
    root = file.get("model_weights", file)
    parts: dict[str, list[np.ndarray]] = {}
    for group, name in _groups(read_names(root, "layer_names"), leaves).items():
        inside = [leaf for leaf in leaves if leaf.names[0] == name]
        stored = [
            (name, np.asarray(root[group][name]))
            for name in read_names(root[group], "weight_names")
            if not any(word in name for word in STATE_OF_CHANCE)
        ]
        parts |= _shared_out(stored, inside, layers)
    return lambda leaf: parts.get(leaf.node, [])


def _groups(stored: Sequence[str], leaves: Sequence[Leaf]) -> dict[str, str]:
    """For each group the layer of the outermost model: by name, or by order where names were not saved."""
    wanted = list(dict.fromkeys(leaf.names[0] for leaf in leaves))
    layers = list(dict.fromkeys(leaf.names[0] for leaf in leaves if leaf.was != "InputLayer"))
    if set(layers) <= set(stored):
        return {name: name for name in stored}
    for names in (layers, wanted):
        if len(names) == len(stored):
            return dict(zip(stored, names, strict=True))
    return {name: name for name in stored}


def _shared_out(stored: Named, leaves: list[Leaf], layers: Layers) -> dict[str, list[np.ndarray]]:
    """The weights of one group for each layer in it: by their names, else by order.

    Within a model in the model, all that learn came first and all that do not after them; the same
    holds for a layer, so that the order among its own is right.
    """
    if len(leaves) == 1:
        return {leaves[0].node: [value for _, value in stored]}
    wanted = [leaf for leaf in leaves if leaf.node in layers and layers[leaf.node].weights]
    named: dict[str, list[np.ndarray]] = {
        leaf.node: [value for name, value in stored if _belongs(name, leaf)] for leaf in wanted
    }
    if all(len(named[leaf.node]) == len(layers[leaf.node].weights) for leaf in wanted):
        return named
    return _by_order(stored, wanted, layers)


def _belongs(name: str, leaf: Leaf) -> bool:
    parts = name.split("/")[:-1]
    own = leaf.names[-1].split("/")
    places = range(len(parts) - len(own) + 1)
    return any(parts[at : at + len(own)] == own for at in places)


def _by_order(stored: Named, leaves: list[Leaf], layers: Layers) -> dict[str, list[np.ndarray]]:
    learning = {leaf.node: _learning(layers[leaf.node]) for leaf in leaves}
    first = sum(learning.values())
    at, late = 0, first
    found: dict[str, list[np.ndarray]] = {}
    for leaf in leaves:
        count, rest = learning[leaf.node], len(layers[leaf.node].weights) - learning[leaf.node]
        taken = [*stored[at : at + count], *stored[late : late + rest]]
        at, late = at + count, late + rest
        found[leaf.node] = [value for _, value in taken]
    return found


def _learning(layer: keras.Layer) -> int:
    """How many weights of a layer learn when it is not frozen."""
    was = layer.trainable
    layer.trainable = True
    count = len(layer.trainable_weights)
    layer.trainable = was
    return count


def _from_places(file: h5py.File) -> Callable[[Leaf], list[np.ndarray]]:
    """The layout of ``.weights.h5``: groups that mirror the objects."""

    def find(leaf: Leaf) -> list[np.ndarray]:
        for place in (leaf.place, leaf.place.replace("layers/", f"{_OLD_CONTAINER}/")):
            if place in file:
                return arrays_below(file[place])
        return []

    return find


def arrays_below(group: h5py.Group) -> list[np.ndarray]:
    """All weights of one object in the layout of ``.weights.h5``, in the order of its layer."""
    found: list[np.ndarray] = []
    if "vars" in group:
        keys = sorted((key for key in group["vars"] if key.isdecimal()), key=int)
        found += [np.asarray(group["vars"][key]) for key in keys]
    for key in sorted(group, key=_part_order):
        if key != "vars" and isinstance(group[key], h5py.Group) and key not in STATE_OF_CHANCE:
            found += arrays_below(group[key])
    return found


def _part_order(key: str) -> tuple[int, str]:
    known = (at for at, part in enumerate(_PARTS_IN_ORDER) if key.startswith(part))
    return next(known, len(_PARTS_IN_ORDER)), key


def _fits(variables: Sequence[Any], values: Sequence[np.ndarray]) -> bool:
    return [tuple(variable.shape) for variable in variables] == [value.shape for value in values]


def _converted(was: str, values: list[np.ndarray], layer: keras.Layer) -> list[np.ndarray] | None:
    """Weights of cuDNN's layers, whose two biases and gates Keras 3 keeps otherwise."""
    inner = getattr(layer, "layer", None) or getattr(layer, "forward_layer", None) or layer
    kind = was if was.startswith("CuDNN") else _cudnn_by_shape(values, layer, inner)
    if kind == "CuDNNLSTM":
        return [_lstm_bias(value) if value.ndim == 1 else value for value in values]
    if kind == "CuDNNGRU":
        return [value.reshape(2, -1) if value.ndim == 1 else value for value in values]
    return values


def _cudnn_by_shape(values: list[np.ndarray], layer: keras.Layer, inner: keras.Layer) -> str:
    """Wrapped cuDNN layers, and files of either kind, tell themselves by the shape of their biases."""
    if len(values) != len(layer.weights):
        return ""
    for variable, value in zip(layer.weights, values, strict=True):
        wanted = tuple(variable.shape)
        if (
            isinstance(inner, keras.layers.LSTM)
            and value.shape == (2 * wanted[0],)
            and len(wanted) == 1
        ):
            return "CuDNNLSTM"
        if (
            isinstance(inner, keras.layers.GRU)
            and len(wanted) == 2
            and value.shape == (2 * wanted[1],)
        ):
            return "CuDNNGRU"
    return ""


def _lstm_bias(value: np.ndarray) -> np.ndarray:
    half = len(value) // 2
    found: np.ndarray = value[:half] + value[half:]
    return found
