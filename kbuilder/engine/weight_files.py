"""Weights in HDF5: the layout of Keras 3 (``.weights.h5``) and the older one, told by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras.src.saving import saving_lib

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import in_words

ATTRIBUTE_BYTES = 60_000  # HDF5 keeps at most 64 KiB of attributes of one name

Loaded = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the layers that got weights, and of those with weights that did not."""


def write_older_layout(group: h5py.Group, model: keras.Model) -> None:
    """The layout that ``Model.load_weights`` reads from ``.h5`` and ``.hdf5`` files."""
    layers = model.layers
    _write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = keras.backend.backend().encode()
    group.attrs["keras_version"] = keras.__version__.encode()
    for layer in layers:
        _write_weights(group.create_group(layer.name), _in_older_order(layer))
    _write_weights(group.create_group("top_level_model_weights"), [])


def load_into(file: h5py.File, model: keras.Model, name: str) -> Loaded:
    """Put the weights of an opened file into the model, whichever of the layouts it has.

    Layers go by name; where no name fits, by order, if number and shapes of all weights agree.

    Raises:
        FileRefusedError: the file has no weights, or they fit no layer of the model.
    """
    group = file.get("model_weights", file)
    if read_names(group, "layer_names"):
        found = _load_older_layout(group, model)
    elif "layers" in file:
        found = _load_keras3_layout(file, model)
    else:
        raise FileRefusedError(
            f"“{name}” holds no weights of a Keras model. Choose a file that Keras saved."
        )
    if not found[0] and found[1]:
        raise FileRefusedError(
            f"No weights in “{name}” fit this network: no layer agrees in name and shapes. "
            "Open the model that the weights belong to, or another file."
        )
    for layer in model.layers:
        if hasattr(layer, "finalize_state") and layer.name in found[0]:
            layer.finalize_state()
    return found


def describe(file: h5py.File) -> str:
    """The layout in words."""
    if "model_config" in file.attrs:
        return "Keras model (HDF5)"
    if read_names(file, "layer_names"):
        return "Keras weights (HDF5)"
    return "Keras 3 weights (.weights.h5)" if "layers" in file else "HDF5 file"


def parameter_count(file: h5py.File, sizes: Mapping[str, int]) -> int:
    """Number of weights of the layers, without the state of the optimizer.

    ``sizes`` is the number of values in each dataset, by its place.
    """
    inside = "/model_weights/" if "model_weights" in file else "/"
    if "layer_names" not in file.get("model_weights", file).attrs and "layers" in file:
        inside = "/layers/"
    return sum(
        size
        for place, size in sizes.items()
        if place.startswith(inside) and "/seed_generator/" not in place
    )


def _load_older_layout(group: h5py.Group, model: keras.Model) -> Loaded:
    stored = {name: _weights_of(group, name) for name in read_names(group, "layer_names")}
    stored = {name: weights for name, weights in stored.items() if weights}
    wanted = [layer for layer in model.layers if layer.weights]
    if not any(layer.name in stored for layer in wanted):
        by_order = list(stored.values())
        fits = len(by_order) == len(wanted) and all(
            _assignable(_in_older_order(layer), weights)
            for layer, weights in zip(wanted, by_order, strict=True)
        )
        stored = (
            {layer.name: weights for layer, weights in zip(wanted, by_order, strict=True)}
            if fits
            else {}
        )
    loaded, left = [], []
    for layer in wanted:
        weights = stored.get(layer.name)
        variables = _in_older_order(layer)
        if weights is not None and _assignable(variables, weights):
            _assign(variables, weights)
            loaded.append(layer.name)
        else:
            left.append(layer.name)
    return tuple(loaded), tuple(left)


Named = list[tuple[str, np.ndarray]]


def _weights_of(group: h5py.Group, layer: str) -> Named:
    member = group[layer]
    return [(name, np.asarray(member[name])) for name in read_names(member, "weight_names")]


def _assignable(variables: list[Any], weights: Named) -> bool:
    return [tuple(v.shape) for v in _matched(variables, weights)] == [w.shape for _, w in weights]


def _assign(variables: list[Any], weights: Named) -> None:
    for variable, (_, values) in zip(_matched(variables, weights), weights, strict=True):
        variable.assign(values)


def _matched(variables: list[Any], weights: Named) -> list[Any]:
    """Variables in the order of the stored weights: by name where the names are the same, else as is.

    The order in the file depends on what was frozen when it was written.
    """
    by_path = {variable.path: variable for variable in variables}
    if len(by_path) == len(variables) and set(by_path) == {name for name, _ in weights}:
        return [by_path[name] for name, _ in weights]
    return variables


def _in_older_order(layer: keras.Layer) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _load_keras3_layout(file: h5py.File, model: keras.Model) -> Loaded:
    places = {_stored_name(group, key): key for key, group in file["layers"].items()}
    wanted = [layer for layer in model.layers if layer.weights]
    if not any(layer.name in places for layer in wanted):
        places = _places_by_class(model.layers)
    store = _Store(file)
    loaded, left = [], []
    for layer in wanted:
        key = places.get(layer.name)
        before = [np.array(variable.numpy()) for variable in layer.variables]
        failed: dict[int, Any] = {}
        if key is not None and key in file["layers"] and _has_values(file["layers"][key]):
            _load_layer(layer, store, f"layers/{key}", failed)
        if key is None or key not in file["layers"] or failed:
            for variable, values in zip(layer.variables, before, strict=True):
                variable.assign(values)
            left.append(layer.name)
        else:
            loaded.append(layer.name)
    return tuple(loaded), tuple(left)


def _stored_name(group: h5py.Group, key: str) -> str:
    """The layer's name, which Keras 3.6 and later write beside its variables."""
    return str(group["vars"].attrs.get("name", key)) if "vars" in group else key


def _load_layer(layer: keras.Layer, store: _Store, place: str, failed: dict[int, Any]) -> None:
    saving_lib._load_state(
        layer,
        weights_store=store,
        assets_store=None,
        inner_path=place,
        visited_saveables=set(),
        failed_saveables=set(),
        error_msgs=failed,
    )


def _has_values(group: h5py.Group) -> bool:
    found: list[str] = []
    group.visititems(lambda name, member: found.append(name) if _is_data(member) else None)
    return bool(found)


def _is_data(member: Any) -> bool:
    return isinstance(member, h5py.Dataset)


def _places_by_class(layers: Iterable[keras.Layer]) -> dict[str, str]:
    """Group names as Keras counts them up by class, for files without layer names."""
    counts: dict[str, int] = {}
    places = {}
    for layer in layers:
        name = saving_lib.naming.to_snake_case(type(layer).__name__)
        number = counts.get(name, -1) + 1
        counts[name] = number
        places[layer.name] = f"{name}_{number}" if number else name
    return places


class _Store(saving_lib.H5IOStore):  # type: ignore[misc]
    """Keras's reader on a file that is open and checked already."""

    def __init__(self, file: h5py.File) -> None:
        self._checked = file
        super().__init__(Path(file.filename), mode="r")

    def _get_h5_file(self, path_or_io: Any, mode: str | None = None) -> h5py.File:
        return self._checked


def _write_weights(group: h5py.Group, weights: list[Any]) -> None:
    _write_names(group, "weight_names", [weight.path for weight in weights])
    for weight in weights:
        group.create_dataset(weight.path, data=weight.numpy())


def _write_names(group: h5py.Group, name: str, values: list[str]) -> None:
    """A list of names, in pieces ``name0``, ``name1``, ... when it is too long for one attribute."""
    encoded = np.array([value.encode() for value in values]) if values else np.zeros(0, "S1")
    pieces = -(-encoded.nbytes // ATTRIBUTE_BYTES) if encoded.nbytes else 1
    if pieces == 1:
        group.attrs[name] = encoded
        return
    for number, piece in enumerate(np.array_split(encoded, pieces)):
        group.attrs[f"{name}{number}"] = piece


def read_names(group: h5py.Group, name: str) -> list[str]:
    """The list of names in an attribute, whole or in pieces."""
    found: list[Any] = []
    if name in group.attrs:
        found = list(group.attrs[name])
    number = 0
    while f"{name}{number}" in group.attrs:
        found += list(group.attrs[f"{name}{number}"])
        number += 1
    return [item.decode() if isinstance(item, bytes) else str(item) for item in found]


def refuse_more_than_stored(name: str, wanted: int, stored: int) -> None:
    """Refuse a configuration that asks for far more weights than the file brings.

    Raises:
        FileRefusedError: it does.
    """
    if wanted > stored:
        raise FileRefusedError(
            f"“{name}” describes a model of {in_words(wanted * 4)} of weights and holds "
            f"{in_words(stored * 4)}. It is damaged; use another copy."
        )
