"""The configuration of a whole model of Keras 2 in the form that Keras 3 writes, names made unique."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.legacy.lambdas import read_lambda
from kbuilder.engine.legacy.layer_configs import LayerConfigs, Shapes
from kbuilder.engine.legacy.merges import upgraded_merge
from kbuilder.engine.legacy.nodes import Rename, called, is_flat, upgraded_operation
from kbuilder.engine.legacy.origin import Origin
from kbuilder.engine.legacy.places import Counter

MODELS = ("Sequential", "Functional", "Model")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]")
_MOST = 5000


@dataclass(frozen=True)
class Leaf:
    """A layer that is no model, and where its weights are.

    ``node`` is its name in the graph, ``names`` are those in the file from the outermost model down,
    ``place`` is the group in ``.weights.h5``, ``was`` its class in the file.
    """

    node: str
    names: tuple[str, ...]
    place: str
    was: str


@dataclass(frozen=True)
class Upgraded:
    """The configuration as Keras 3 writes it. ``outputs`` are the names of the outputs in the file."""

    config: dict[str, Any]
    leaves: tuple[Leaf, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    lambdas: Mapping[str, str]


def upgraded(
    catalogue: Catalogue,
    raw: Mapping[str, Any],
    origin: Origin,
    where: str,
    shapes: Callable[[str], Shapes] = lambda group: [],
) -> Upgraded:
    """Rewrite the configuration of a model. ``shapes`` gives those of the stored weights of a layer.

    Raises:
        FileRefusedError: it is damaged, or another kind of model.
    """
    return _Upgrade(catalogue, origin, where, shapes).model(raw)


class _Upgrade:
    def __init__(
        self, catalogue: Catalogue, origin: Origin, where: str, shapes: Callable[[str], Shapes]
    ) -> None:
        self._catalogue = catalogue
        self._configs = LayerConfigs(catalogue, shapes)
        self._origin = origin
        self._where = where
        self._names: set[str] = set()
        self._leaves: list[Leaf] = []
        self._lambdas: dict[str, str] = {}

    def model(self, raw: Mapping[str, Any]) -> Upgraded:
        """The outermost model."""
        if raw.get("class_name") not in MODELS:
            raise FileRefusedError(
                f"{self._where} is of class “{raw.get('class_name')}”. Only Sequential and Functional models "
                "can be opened; a subclassed model is a program."
            )
        config = self._inside(raw, (), "", trainable=True)
        old = raw.get("config")
        outputs = _unique_names(
            str(entry[0])
            for entry in _entries(old.get("output_layers") if isinstance(old, dict) else None)
        )
        return Upgraded(
            {"class_name": _kind(raw), "config": config},
            tuple(self._leaves),
            tuple(outputs),
            tuple(self._configs.notes),
            self._lambdas,
        )

    def _inside(
        self, raw: Mapping[str, Any], path: tuple[str, ...], place: str, *, trainable: bool
    ) -> dict[str, Any]:
        config = raw.get("config")
        if isinstance(config, list):
            config = {"name": str(raw.get("name", "sequential")), "layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise FileRefusedError(f"{self._where} has no list of layers. It is damaged.")
        if len(config["layers"]) > _MOST:
            raise FileRefusedError(
                f"{self._where} has {len(config['layers']):,} layers, too many to open."
            )
        trainable = trainable and config.get("trainable") is not False
        chain = _kind(raw) == "Sequential"
        rename = Rename(self._origin)
        found = (layer for layer in config["layers"] if isinstance(layer, dict))
        layers = [_named(layer, number) for number, layer in enumerate(found)]
        for layer in layers:
            rename.add(layer, self._unique(_name(layer)))
        counter = Counter(place)
        made: list[dict[str, Any]] = []
        for layer in layers:
            made += self._layer(layer, rename, path, counter.place(layer), trainable=trainable)
        if chain:
            made = self._with_input(made, layers, config, outermost=not path and not place)
            return {"name": config.get("name", "sequential"), "layers": made}
        return {
            "name": config.get("name", "model"),
            "layers": made,
            "input_layers": rename.border(config.get("input_layers")),
            "output_layers": rename.border(config.get("output_layers")),
        }

    def _layer(
        self,
        raw: Mapping[str, Any],
        rename: Rename,
        path: tuple[str, ...],
        place: str,
        *,
        trainable: bool,
    ) -> list[dict[str, Any]]:
        """One layer; several where the file has a model wrapped that we have not."""
        old = _name(raw)
        name, here = rename.name(old), (*path, old)
        nodes = raw.get("inbound_nodes") or []
        if _kind(raw) in MODELS:
            inner = self._inside(raw, here, f"{place}/", trainable=trainable)
            model = {"class_name": _kind(raw), "config": {**inner, "name": name}}
            return [{**model, "name": name, "inbound_nodes": [rename.call(n) for n in nodes]}]
        config = dict(raw.get("config") or {})
        wrapped = config.get("layer")
        if isinstance(wrapped, dict) and _kind(wrapped) in MODELS:
            return self._wrapped_model(raw, wrapped, rename, here, place)
        if not trainable:
            config["trainable"] = False
        made: dict[str, Any] = self._made({**raw, "config": config}, name, rename, nodes, here)
        self._leaves.append(Leaf(name, here, place, str(raw.get("class_name"))))
        made["config"] = {**made["config"], "name": name}
        return [{**made, "name": name}]

    def _made(
        self,
        raw: Mapping[str, Any],
        name: str,
        rename: Rename,
        nodes: list[Any],
        here: tuple[str, ...],
    ) -> dict[str, Any]:
        """The layer as Keras 3 writes it, with its calls."""
        if _kind(raw) == "InputLayer":
            return {"class_name": "InputLayer", "config": _input_config(raw), "inbound_nodes": []}
        inputs = max((called(node) for node in nodes), default=1)
        operation = upgraded_operation(raw, nodes, rename)
        if operation is not None:
            return operation
        calls = [rename.call(node) for node in nodes]
        if _kind(raw) == "Lambda":
            made, note = read_lambda(raw.get("config") or {}, name, inputs)
            self._configs.notes.append(note)
            self._lambdas[name] = str(made["config"].get("expression", ""))
            return {**made, "inbound_nodes": calls}
        merge = upgraded_merge(raw)
        made = merge or self._configs.rewritten(raw, here[0])
        if (raw.get("config") or {}).get("causal") is True:
            for call in calls:
                call["kwargs"]["use_causal_mask"] = True
        return {**made, "inbound_nodes": calls}

    def _wrapped_model(
        self,
        raw: Mapping[str, Any],
        model: Mapping[str, Any],
        rename: Rename,
        here: tuple[str, ...],
        place: str,
    ) -> list[dict[str, Any]]:
        """A chain of layers in a wrapper is a chain of wrapped layers."""
        made: list[dict[str, Any]] = []
        name = rename.name(here[-1])
        chain = _chain_of(model, f"{place}/layer/")
        if chain is None:
            self._configs.notes.append(
                f"“{name}” wraps a model with branches, which is kept and not built. Replace it by layers."
            )
            calls = [rename.call(node) for node in raw.get("inbound_nodes") or []]
            kept: dict[str, Any] = {
                "class_name": raw.get("class_name"),
                "module": "program",
                "config": raw.get("config"),
            }
            return [
                {
                    **kept,
                    "config": {**dict(raw.get("config") or {}), "name": name},
                    "inbound_nodes": calls,
                }
            ]
        for number, (layer, inner_place) in enumerate(chain):
            own = name if number == len(chain) - 1 else self._unique(f"{name}_{_name(layer)}")
            wrapper = {"class_name": raw.get("class_name"), "config": {"layer": layer}}
            filled = self._configs.rewritten(wrapper, here[0])
            filled["config"]["name"] = own
            calls = [
                rename.call(node) if number == 0 else rename.on(made[-1]["name"], at)
                for at, node in enumerate(raw.get("inbound_nodes") or [])
            ]
            made.append({**filled, "name": own, "inbound_nodes": calls})
            names = (*here, _name(layer))
            self._leaves.append(Leaf(own, names, inner_place, str(layer.get("class_name"))))
        return made

    def _with_input(
        self,
        made: list[dict[str, Any]],
        layers: list[dict[str, Any]],
        config: Mapping[str, Any],
        *,
        outermost: bool,
    ) -> list[dict[str, Any]]:
        """A Sequential model with its input, which Keras 2 noted in the first layer."""
        if not outermost or not layers or _kind(layers[0]) == "InputLayer":
            return made
        found = _input_shape(layers[0])
        if found is None and isinstance(config.get("build_input_shape"), list):
            found = (config["build_input_shape"], None)
        if found is None:
            raise FileRefusedError(
                f"{self._where} does not say which shape it takes: it was never built. Call it on data "
                "once and save it again."
            )
        own = self._unique(f"{_name(layers[0])}_input")
        start = {"batch_shape": found[0], "dtype": found[1] or "float32", "name": own}
        return [{"class_name": "InputLayer", "config": start, "name": own}, *made]

    def _unique(self, wanted: str) -> str:
        clean = _UNFIT.sub("_", wanted) or "layer"
        name, number = clean, 1
        while name in self._names:
            number += 1
            name = f"{clean}_{number}"
        self._names.add(name)
        return name


def _kind(raw: Mapping[str, Any]) -> str:
    return str(raw.get("class_name")).rpartition(">")[2]


def _name(raw: Mapping[str, Any]) -> str:
    config = raw.get("config")
    inside = config.get("name") if isinstance(config, dict) else None
    return str(raw.get("name") or inside or raw.get("class_name", "layer").lower())


def _named(raw: dict[str, Any], number: int) -> dict[str, Any]:
    """Keras 2.1 left out the name of a Sequential model in another one."""
    if raw.get("name") or not isinstance(raw.get("config"), list):
        return raw
    return {**raw, "name": f"sequential_{number + 1}"}


def _entries(raw: Any) -> list[list[Any]]:
    if isinstance(raw, dict):
        raw = [*raw.values()]
    if not isinstance(raw, list):
        return []
    return [raw] if is_flat(raw) else [entry for entry in raw if is_flat(entry)]


def _unique_names(names: Iterable[str]) -> list[str]:
    """As Keras 2 names outputs: the second one of a layer is called ``NAME_1``."""
    found: list[str] = []
    for name in names:
        number, own = 1, name
        while own in found:
            own, number = f"{name}_{number}", number + 1
        found.append(own)
    return found


def _input_config(raw: Mapping[str, Any]) -> dict[str, Any]:
    config = raw.get("config") or {}
    kept = {key: config[key] for key in ("dtype", "sparse", "ragged") if key in config}
    return {**kept, "batch_shape": config.get("batch_input_shape", config.get("batch_shape"))}


def _input_shape(raw: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The shape and dtype that a layer, or the first one in a model, says it takes."""
    config = raw.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    if _kind(raw) in MODELS and isinstance(layers, list) and layers:
        return _input_shape(layers[0])
    if not isinstance(config, dict):
        return None
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if isinstance(shape, list):
        dtype = config.get("dtype")
        return shape, dtype if isinstance(dtype, str) else None
    inner = config.get("layer")
    return _input_shape(inner) if isinstance(inner, dict) else None


def _chain_of(model: Mapping[str, Any], place: str) -> list[tuple[dict[str, Any], str]] | None:
    """The layers of a model in a row with the places of their weights, or None if it has branches."""
    config = model.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, list):
        return None
    counter, found, last = Counter(place), [], ""
    for layer in layers:
        here = counter.place(layer)
        if _kind(layer) == "InputLayer":
            last = _name(layer)
            continue
        if _kind(model) != "Sequential" and not _follows(layer, last):
            return None
        last = _name(layer)
        if _kind(layer) in MODELS:
            inner = _chain_of(layer, f"{here}/")
            if inner is None:
                return None
            found += inner
        else:
            found.append((layer, here))
    return found or None


def _follows(layer: Mapping[str, Any], last: str) -> bool:
    nodes = layer.get("inbound_nodes") or []
    return len(nodes) == 1 and called(nodes[0]) == 1 and last in str(nodes[0])
