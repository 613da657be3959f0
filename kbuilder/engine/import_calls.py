"""Every call of a layer in a configuration, flat: models in the model become groups, shared layers nodes.

A layer that is called again becomes a node that shares the layer of its first call. A model that is
called again becomes a second group, whose nodes share those of the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import INPUT_CLASS, Group
from kbuilder.document.naming import KERAS_NAME
from kbuilder.document.values import Params
from kbuilder.engine.import_operations import operation, operation_spec
from kbuilder.engine.import_params import RUNS_CODE, class_and_config, params_from
from kbuilder.engine.import_rewrites import inert, is_foreign
from kbuilder.engine.import_wires import (
    History,
    Wires,
    arguments,
    border,
    model_arguments,
    ports,
    tensors,
)

MOST_LAYERS = 5000
FUNCTIONAL = ("Functional", "Model")
MODELS = ("Sequential", *FUNCTIONAL)

CallKey = tuple[str, int]
"""A layer as its model in the file names it, and the number of the call."""

Ref = tuple[str, str, int, int]
"""A tensor: the scope, and the layer, the number of its call and of its output, as the file has them."""


@dataclass
class Call:
    """One call of a layer, and the tensors that it is called on, by input port. ``id`` is its name too.

    ``call`` has its arguments that are no tensors.
    """

    id: str
    class_name: str
    params: Params
    trainable: bool = True
    sources: list[tuple[int, Ref]] = field(default_factory=list)
    call: Params = field(default_factory=dict)
    shares: str = ""
    group: str = ""


@dataclass(frozen=True)
class _Scope:
    """One use of a model: names mean something within it. ``first`` is the scope of its first use."""

    id: str
    class_name: str
    config: Mapping[str, Any]
    where: str
    group: str = ""
    first: str = ""
    inputs: tuple[Ref, ...] | None = None

    def refs(self, found: list[History]) -> list[Ref]:
        """Tensors of this model as those of the whole."""
        return [(self.id, *one) for one in found]


class Calls:
    """Reads the configuration of a model and of all models in it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.found: list[Call] = []
        self.groups: list[Group] = []
        self.masks: list[tuple[str, Ref]] = []
        """Masks that models in the model are called with, and where."""
        self._catalogue = catalogue
        self._names: set[str] = set()
        self._seen: set[tuple[str, str]] = set()
        self._made: dict[tuple[str, str, int], str] = {}
        self._same: dict[Ref, Ref] = {}

    def read(self, class_name: str, config: Mapping[str, Any], where: str) -> list[Ref]:
        """Read the whole model; returns its outputs.

        Raises:
            FileRefusedError: it is damaged, or holds what cannot be opened.
        """
        self._names = {_name(raw, where) for raw in _layers(config, where)}
        return self._read(_Scope("", class_name, config, where))

    def node(self, ref: Ref) -> tuple[str, int] | None:
        """The call and the output that a tensor comes from, through the borders of models."""
        for _ in range(len(self._same) + 1):
            if ref not in self._same:
                break
            ref = self._same[ref]
        made = self._made.get(ref[:3])
        return None if made is None else (made, ref[3])

    def by_itself(self, ref: Ref) -> str:
        """A new Identity that gives out a tensor as its only output; returns its name."""
        call = Call("", "Identity", {}, sources=[(0, ref)])
        call.id = self._unique(f"{ref[1]}_output_{ref[3] + 1}")
        self._names.add(call.id)
        self.found.append(call)
        return call.id

    def _read(self, scope: _Scope) -> list[Ref]:
        if scope.class_name == "Sequential":
            return self._chain(scope)
        if scope.inputs is not None:
            entries = border(scope.config, "input_layers", scope.where)
            self._connect(scope, scope.refs(entries))
        layers = _layers(scope.config, scope.where)
        for raw in layers:
            self._layer(scope, raw, raw.get("inbound_nodes", []))
        # Where it says what goes out of a model, Keras counts calls of Functional models from one.
        models = {_name(raw, scope.where) for raw in layers if _class_of(raw) in FUNCTIONAL}
        outputs = border(scope.config, "output_layers", scope.where)
        return scope.refs(
            [
                (name, max(call - 1, 0) if name in models else call, output)
                for name, call, output in outputs
            ]
        )

    def _chain(self, scope: _Scope) -> list[Ref]:
        """A Sequential model, whose layers do not say what they are called on."""
        layers = _layers(scope.config, scope.where)
        last: History = ("", 0, 0)
        if scope.inputs is not None:
            self._connect(scope, scope.refs([last]))
            layers = [raw for raw in layers if _class_of(raw) != "InputLayer"]
        elif layers and _class_of(layers[0]) != "InputLayer":
            shape = scope.config.get("build_input_shape")
            if not isinstance(shape, list):
                raise FileRefusedError(
                    f"{scope.where} does not say which shape it takes: it was never built. Call it on data "
                    "once and save it again."
                )
            params = input_params(shape, None, scope.where)
            self._add(scope, ("", 0), self._unique("input"), Call("", INPUT_CLASS, params))
        if not layers:
            raise FileRefusedError(f"{scope.where} has no layers. There is nothing to open.")
        for raw in layers:
            tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": list(last)}}
            self._layer(scope, raw, [{"args": [tensor]}])
            last = (_name(raw, scope.where), 0, 0)
        return scope.refs([last])

    def _connect(self, scope: _Scope, entries: list[Ref]) -> None:
        """The inputs of a model in the model are the tensors that it is called on."""
        if len(entries) != len(scope.inputs or ()):
            raise FileRefusedError(
                f"{scope.where} takes {len(entries)} inputs and is called on "
                f"{len(scope.inputs or ())}. It is damaged."
            )
        self._same.update(zip(entries, scope.inputs or (), strict=True))

    def _layer(self, scope: _Scope, raw: Mapping[str, Any], nodes: Any) -> None:
        """One entry of the list of layers, with all its calls."""
        name = _name(raw, scope.where)
        here = f"{scope.where}, layer “{name}”,"
        if (scope.id, name) in self._seen:
            raise FileRefusedError(f"{scope.where} has two layers called “{name}”. It is damaged.")
        self._seen.add((scope.id, name))
        if _class_of(raw) == "InputLayer":
            if scope.inputs is None:
                params = _input_params_of(_config(raw, here), here)
                self._add(scope, (name, 0), name, Call("", INPUT_CLASS, params))
            return
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise FileRefusedError(
                f"{here} is wired as Keras 2 did it. Open the model with Keras 3 and save it again."
            )
        is_model = _class_of(raw) in MODELS and not is_foreign(raw)
        for number, node in enumerate(nodes):
            (self._model if is_model else self._call)(scope, raw, (name, number), node, here)

    def _model(
        self, scope: _Scope, raw: Mapping[str, Any], call: CallKey, node: Any, where: str
    ) -> None:
        """One call of a model in the model: a group with all that is in it."""
        name, number = call
        again = bool(number or scope.first)
        own = self._name_of(scope, call, name)
        inputs, masks = model_arguments(node)
        self.masks += [(where, ref) for ref in scope.refs(masks)]
        self.groups.append(Group(id=own, name=own, parent=scope.group, nested=not again))
        self._refuse_more(where)
        inner = _Scope(
            id=f"{scope.id}/{name}:{number}",
            class_name=_class_of(raw),
            config=_config(raw, where),
            where=where,
            group=own,
            first=f"{scope.first or scope.id}/{name}:0" if again else "",
            inputs=tuple(scope.refs(inputs)),
        )
        for port, ref in enumerate(self._read(inner)):
            self._same[scope.id, name, number, port] = ref

    def _call(
        self, scope: _Scope, raw: Mapping[str, Any], call: CallKey, node: Any, where: str
    ) -> None:
        """One call of a layer."""
        name, _ = call
        made, wires = self._made_of(raw, node, where)
        made.sources = [(port, (scope.id, *history)) for port, history in wires]
        first = self._made.get((scope.first or scope.id, name, 0))
        spec = self._catalogue.layer(made.class_name)
        if first is not None and not (spec and spec.is_operation):
            made.shares, made.params = first, {}
        self._add(scope, call, name, made)

    def _made_of(
        self, raw: Mapping[str, Any], node: Mapping[str, Any], where: str
    ) -> tuple[Call, Wires]:
        """The call of a layer, and what it is called on."""
        config = _config(raw, where)
        trainable = config.get("trainable", True) is not False
        if not is_foreign(raw):
            class_name, config = class_and_config(raw, where)
            spec = self._catalogue.layer(class_name)
            if spec is not None or class_name in RUNS_CODE:
                params = params_from(self._catalogue, "layers", class_name, config, where)
                assert spec is not None  # what runs code was refused just now
                wires, call = ports(spec, node, where)
                return Call("", spec.class_name, params, trainable, call=call), wires
        spec = operation_spec(self._catalogue, raw)
        found = operation(spec, config, node, where) if spec is not None else None
        if spec is not None and found is not None:
            return Call("", spec.class_name, found[0]), found[1]
        wires = [*enumerate(tensors([*node.values()]))]
        kept = inert(self._catalogue, raw, config, arguments(node))
        return Call("", *kept, trainable), wires

    def _add(self, scope: _Scope, key: CallKey, name: str, call: Call) -> None:
        call.id = self._name_of(scope, key, name)
        call.group = scope.group
        self.found.append(call)
        self._made[scope.id, *key] = call.id
        self._refuse_more(scope.where)

    def _name_of(self, scope: _Scope, key: CallKey, name: str) -> str:
        """The name in the file for the first call of a layer of the outermost model, else a free one."""
        if not scope.id and key == (name, 0):
            return name
        own = self._unique(f"{name}_{key[1] + 1}" if key[1] else name)
        self._names.add(own)
        return own

    def _unique(self, name: str) -> str:
        number, free = 1, name
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        return free

    def _refuse_more(self, where: str) -> None:
        if len(self.found) + len(self.groups) > MOST_LAYERS:
            raise FileRefusedError(
                f"{where} has too many layers; at most {MOST_LAYERS:,} are opened."
            )


def _layers(config: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(isinstance(raw, dict) for raw in layers):
        raise FileRefusedError(f"{where} has no list of layers. It is damaged.")
    return layers


def _class_of(raw: Mapping[str, Any]) -> str:
    return str(raw.get("class_name"))


def _config(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    config = raw.get("config")
    if not isinstance(config, dict):
        raise FileRefusedError(f"{where} has no configuration. It is damaged.")
    return config


def _name(raw: Mapping[str, Any], where: str) -> str:
    config = raw.get("config")
    name = config.get("name", raw.get("name")) if isinstance(config, dict) else raw.get("name")
    if not isinstance(name, str) or not KERAS_NAME.match(name):
        raise FileRefusedError(
            f"{where} has a layer called {str(name)[:60]!r}; letters, digits, “_”, “-” and “.” make a layer "
            "name. Rename it in the program that made it."
        )
    return name


def _input_params_of(config: Mapping[str, Any], where: str) -> Params:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if config.get("sparse") or config.get("ragged"):
        raise FileRefusedError(f"{where} takes sparse or ragged tensors, which cannot be opened.")
    return input_params(shape, config.get("dtype"), where)


def input_params(shape: Any, dtype: Any, where: str) -> Params:
    """Parameters of an Input of that shape, which has the batch dimension.

    Raises:
        FileRefusedError: it is no shape.
    """
    fits = isinstance(shape, list) and all(
        size is None or (isinstance(size, int) and not isinstance(size, bool) and size >= 0)
        for size in shape
    )
    if not fits or not shape:
        raise FileRefusedError(
            f"{where} has the shape {str(shape)[:60]}, expected a list of sizes. It is damaged."
        )
    params: Params = {"shape": shape[1:]}
    if shape[0] is not None:
        params["batch_size"] = shape[0]
    if isinstance(dtype, str) and dtype != "float32":
        params["dtype"] = dtype
    return params
