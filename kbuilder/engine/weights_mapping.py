"""Weights of a file for the layers of a project: which go with which, and putting them in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.naming import snake_case
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.legacy.weights import STATE_OF_CHANCE, Named, arrays_below
from kbuilder.engine.raw_model import RawModel, open_raw
from kbuilder.engine.weight_files import Loaded, read_names
from kbuilder.link.events import LayerMatch

Shapes = tuple[tuple[int, ...], ...]

_NUMBER = re.compile(r"(\d+)")
_WEIGHT_KINDS = "a file of weights or a whole model (.h5, .hdf5 or .keras)"


@dataclass(frozen=True)
class Source:
    """A layer with weights in a file. ``kind`` is its class as Keras names it there, empty if unknown."""

    name: str
    arrays: tuple[np.ndarray, ...]
    kind: str = ""

    @property
    def shapes(self) -> Shapes:
        """Shapes of its weights in order."""
        return tuple(tuple(array.shape) for array in self.arrays)


def matched(
    built: BuiltModel, path: Path, by: str
) -> tuple[tuple[LayerMatch, ...], dict[str, Shapes]]:
    """A proposal, and all layers of the file.

    Raises:
        FileRefusedError: it is no file of weights.
        KBuilderError: ``by`` is none of ``auto``, ``name`` and ``order``.
    """
    if by not in _WAYS:
        raise KBuilderError(f"Weights go by {', '.join(_WAYS)}; not by “{by}”.")
    found = _read(path)
    wanted = _wanted(built)
    sources = {source.name: source for source in found}
    chosen = _WAYS[by](wanted, found)
    matches = tuple(
        LayerMatch(
            layer=name,
            shapes=shapes,
            source=chosen.get(name, ""),
            fits=name in chosen and sources[chosen[name]].shapes == shapes,
        )
        for name, (_, shapes) in wanted.items()
    )
    return matches, {name: source.shapes for name, source in sources.items()}


def load(built: BuiltModel, path: Path, mapping: Mapping[str, str]) -> Loaded:
    """Put weights into the layers by a table: layer of the project to layer of the file.

    Raises:
        FileRefusedError: it is no file of weights, or nothing in it fits.
        KBuilderError: the table names what is not there, or what does not fit.
    """
    sources = {source.name: source for source in _read(path)}
    layers = _layers(built)
    if not mapping:
        matches, _ = matched(built, path, "auto")
        mapping = {match.layer: match.source for match in matches if match.fits}
        if layers and not mapping:
            raise FileRefusedError(
                f"No weights in “{path.name}” fit this network: no layer agrees in name and shapes. "
                "Open the model that the weights belong to, or another file."
            )
    for name, source in mapping.items():
        if name not in layers or source not in sources:
            missing, where = (name, "the project") if name not in layers else (source, path.name)
            raise KBuilderError(
                f"There is no layer with weights called “{missing}” in {where}. Choose another one."
            )
        shapes = _shapes(layers[name])
        if sources[source].shapes != shapes:
            raise KBuilderError(
                f"“{source}” has weights of the shapes {_shown(sources[source].shapes)}, but “{name}” needs "
                f"{_shown(shapes)}. Choose another layer for it, or none."
            )
    for name, source in mapping.items():
        for variable, array in zip(layers[name].weights, sources[source].arrays, strict=True):
            variable.assign(array)
        if hasattr(layers[name], "finalize_state"):
            layers[name].finalize_state()
    return tuple(mapping), tuple(name for name in layers if name not in mapping)


Wanted = Mapping[str, tuple[str, Shapes]]
"""Class, as Keras would name it, and shapes of each layer of the project."""


def _by_name(wanted: Wanted, found: Sequence[Source]) -> dict[str, str]:
    """Layers of the same name; within a model of the file, the last part of the name counts, too."""
    full = {source.name: source.name for source in found}
    short = {source.name.rpartition("/")[2]: source.name for source in reversed(found)}
    return {name: full.get(name) or short[name] for name in wanted if name in full or name in short}


def _by_order(wanted: Wanted, found: Sequence[Source]) -> dict[str, str]:
    """The first with the first, and so on."""
    return {name: source.name for name, source in zip(wanted, found, strict=False)}


def _by_itself(wanted: Wanted, found: Sequence[Source]) -> dict[str, str]:
    """By name where shapes agree, too; the rest by what is left of each class, then by order and shapes."""
    shapes = {source.name: source.shapes for source in found}
    chosen = {
        name: source
        for name, source in _by_name(wanted, found).items()
        if shapes[source] == wanted[name][1]
    }
    for same_kind in (True, False):
        left = [source for source in found if source.name not in chosen.values()]
        for name, (kind, own) in wanted.items():
            if name in chosen:
                continue
            fitting = (
                number
                for number, source in enumerate(left)
                if source.shapes == own and (not same_kind or source.kind == kind)
            )
            number = next(fitting, None)
            if number is not None:
                chosen[name] = left.pop(number).name
    return {name: chosen[name] for name in wanted if name in chosen}


_WAYS = {"auto": _by_itself, "name": _by_name, "order": _by_order}


def _wanted(built: BuiltModel) -> dict[str, tuple[str, Shapes]]:
    return {
        name: (snake_case(type(layer).__name__), _shapes(layer))
        for name, layer in _layers(built).items()
    }


def _layers(built: BuiltModel) -> dict[str, keras.Layer]:
    """Layers with weights by the name of their node, in the order of the graph, shared ones once."""
    found = {
        node.name: built.layers[node.id]
        for node in built.graph.order
        if node.id in built.layers and not node.shares
    }
    return {name: layer for name, layer in found.items() if layer.weights}


def _shapes(layer: keras.Layer) -> Shapes:
    return tuple(tuple(variable.shape) for variable in layer.weights)


def _read(path: Path) -> list[Source]:
    with open_raw(path) as raw:
        if raw.file is None:
            raise FileRefusedError(
                f"“{raw.name}” is a {raw.kind}, which has no weights. Choose {_WEIGHT_KINDS}."
            )
        raw.checksum()
        found = _sources(raw)
    if not found:
        raise FileRefusedError(
            f"“{raw.name}” holds no weights of a Keras model. Choose a file that Keras saved."
        )
    return found


def _sources(raw: RawModel) -> list[Source]:
    file: Any = raw.file
    root = file.get("model_weights", file)
    names = read_names(root, "layer_names")
    if names:
        return [source for name in names for source in _in_group(root, name)]
    place = next((key for key in ("layers", "_layer_checkpoint_dependencies") if key in file), "")
    return _in_order(_in_places(file[place], ""), raw) if place else []


def _in_group(root: h5py.Group, name: str) -> list[Source]:
    """One layer of the older layout; several where the group is a model in the model."""
    stored: Named = [
        (weight, np.asarray(root[name][weight]))
        for weight in read_names(root[name], "weight_names")
        if not any(word in weight for word in STATE_OF_CHANCE)
    ]
    parts: dict[str, list[np.ndarray]] = {}
    for weight, array in stored:
        parts.setdefault(weight.partition("/")[0], []).append(array)
    if len(parts) < 2:
        return [Source(name, tuple(array for _, array in stored))] if stored else []
    return [Source(f"{name}/{part}", tuple(arrays)) for part, arrays in parts.items()]


def _in_places(group: h5py.Group, prefix: str) -> list[Source]:
    found = []
    for key in sorted(group, key=_natural):
        inner = next(
            (k for k in ("layers", "_layer_checkpoint_dependencies") if k in group[key]), ""
        )
        if inner:
            found += _in_places(group[key][inner], f"{prefix}{key}/")
            continue
        arrays = arrays_below(group[key])
        if arrays:
            name = str(group[key]["vars"].attrs.get("name", key)) if "vars" in group[key] else key
            kind = re.sub(r"_\d+$", "", key)
            found.append(Source(f"{prefix}{name}", tuple(arrays), kind))
    return found


def _in_order(found: list[Source], raw: RawModel) -> list[Source]:
    """As the configuration lists the layers, where the file has one; else by class and number."""
    layers = (raw.config or {}).get("config", {})
    listed = layers.get("layers", []) if isinstance(layers, dict) else []
    names = [
        str(layer.get("config", {}).get("name")) for layer in listed if isinstance(layer, dict)
    ]
    order = {name: number for number, name in enumerate(names)}
    return sorted(found, key=lambda source: order.get(source.name, len(order)))


def _natural(key: str) -> tuple[tuple[int, str], ...]:
    """``dense_2`` before ``dense_10``."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(key) if part
    )


def _shown(shapes: Shapes) -> str:
    return ", ".join(str(shape) for shape in shapes) or "none"
