"""The configuration of a Sequential or Functional model as a graph of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph, Node
from kbuilder.document.layout import layout
from kbuilder.document.naming import KERAS_NAME
from kbuilder.document.values import Params
from kbuilder.engine.import_params import RUNS_CODE, class_and_config, params_from

MOST_LAYERS = 5000
MODELS = ("Sequential", "Functional", "Model")
MASKING_OPERATIONS = {"NotEqual", "Any", "LogicalAnd", "LogicalOr", "ExpandDims", "Squeeze"}
_TRAINING_BY_DEFAULT = {"Image augmentation", "Preprocessing"}

Tensor = tuple[str, int]  # name of the layer that makes it, number of its output


@dataclass
class _Call:
    """One layer and the tensors that it is called on, by input port."""

    name: str
    class_name: str
    params: Params
    trainable: bool
    sources: list[Tensor] = field(default_factory=list)


def graph_from(catalogue: Catalogue, raw: Any, where: str) -> Graph:
    """The graph in a model configuration, laid out from top to bottom. Ids are the layer names.

    Raises:
        FileRefusedError: it is another kind of model, or holds what the catalogue does not.
    """
    class_name, config = class_and_config(raw, where)
    if class_name not in MODELS or not isinstance(config.get("layers"), list):
        raise FileRefusedError(
            f"{where} is of class “{class_name}”. Only Sequential and Functional models can be opened; a "
            "subclassed model is a program."
        )
    layers = config["layers"]
    if len(layers) > MOST_LAYERS:
        raise FileRefusedError(
            f"{where} has {len(layers):,} layers; at most {MOST_LAYERS:,} are opened."
        )
    if class_name == "Sequential":
        return _laid_out(_assembled(catalogue, _chain(catalogue, config, where), [], where))
    outputs = [_place(item, where) for item in _places(config.get("output_layers"), where)]
    inputs = [_place(item, where)[0] for item in _places(config.get("input_layers"), where)]
    calls = _functional(catalogue, layers, where)
    by_name = {call.name: call for call in calls}
    if missing := [name for name in inputs if name not in by_name]:
        raise FileRefusedError(f"{where} names an input “{missing[0]}” that is not there.")
    ordered = [by_name[name] for name in inputs]
    ordered += [call for call in calls if call.name not in set(inputs)]
    return _laid_out(_assembled(catalogue, ordered, outputs, where))


def _chain(catalogue: Catalogue, config: Mapping[str, Any], where: str) -> list[_Call]:
    calls: list[_Call] = []
    for raw in config["layers"]:
        call = _layer(catalogue, raw, where)
        if not calls and call.class_name != INPUT_CLASS:
            shape = config.get("build_input_shape")
            if not isinstance(shape, list):
                raise FileRefusedError(
                    f"{where} does not say which shape it takes: it was never built. Call it on data once "
                    "and save it again."
                )
            calls.append(_Call("input", INPUT_CLASS, _input_params(shape, None, where), True))
        if calls:
            call.sources = [(calls[-1].name, 0)]
        calls.append(call)
    if not calls:
        raise FileRefusedError(f"{where} has no layers. There is nothing to open.")
    return calls


def _functional(catalogue: Catalogue, layers: list[Any], where: str) -> list[_Call]:
    calls = []
    for raw in layers:
        if _only_makes_masks(raw):
            continue
        call = _layer(catalogue, raw, where)
        nodes = raw.get("inbound_nodes", [])
        here = f"{where}, layer “{call.name}”,"
        if call.class_name != INPUT_CLASS:
            if not isinstance(nodes, list) or len(nodes) != 1:
                raise FileRefusedError(
                    f"{here} is used {len(nodes)} times. Layers that share their weights between several "
                    "places cannot be opened yet."
                )
            spec = catalogue.layer(call.class_name)
            call.sources = _sources(spec, nodes[0], here) if spec else []
        calls.append(call)
    return calls


def _only_makes_masks(raw: Any) -> bool:
    """Operations that Keras adds by itself where a mask is worked out; it adds them again."""
    return isinstance(raw, dict) and raw.get("class_name") in MASKING_OPERATIONS


def _layer(catalogue: Catalogue, raw: Any, where: str) -> _Call:
    class_name, config = class_and_config(raw, f"{where}: a layer")
    name = config.get("name", raw.get("name"))
    if not isinstance(name, str) or not KERAS_NAME.match(name):
        raise FileRefusedError(
            f"{where} has a layer called {str(name)[:60]!r}; letters, digits, “_”, “-” and “.” make a layer "
            "name. Rename it in the program that made it."
        )
    here = f"{where}, layer “{name}”,"
    if class_name == "InputLayer":
        return _Call(name, INPUT_CLASS, _input_params_of(config, here), True)
    if class_name in MODELS:
        raise FileRefusedError(
            f"{here} is a model in the model, which cannot be opened yet. Save a model of layers only."
        )
    if class_name not in RUNS_CODE and catalogue.layer(class_name) is None:
        raise FileRefusedError(
            f"{here} is of class “{class_name}”, which Keras {catalogue.keras_version} does not have. Only "
            "models of Keras's own layers can be opened."
        )
    params = params_from(catalogue, "layers", class_name, config, here)
    spec = catalogue.layer(class_name)
    known_as = spec.class_name if spec else class_name
    return _Call(name, known_as, params, config.get("trainable", True) is not False)


def _input_params_of(config: Mapping[str, Any], where: str) -> Params:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if config.get("sparse") or config.get("ragged"):
        raise FileRefusedError(f"{where} takes sparse or ragged tensors, which cannot be opened.")
    return _input_params(shape, config.get("dtype"), where)


def _input_params(shape: Any, dtype: Any, where: str) -> Params:
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


def _sources(spec: ClassSpec, node: Any, where: str) -> list[Tensor]:
    """The tensors of one call, in the order of the ports."""
    if not isinstance(node, dict):
        raise FileRefusedError(
            f"{where} is wired as Keras 2 did it. Open the model with Keras 3 and save it again."
        )
    found = list(_tensors(node.get("args", [])))
    kwargs = node.get("kwargs", {})
    for key, value in kwargs.items() if isinstance(kwargs, dict) else ():
        extra = list(_tensors(value))
        if key in ("mask", "attention_mask") or not extra:
            _refuse_switch(spec, key, value, where)
        elif key in spec.ports and spec.ports.index(key) == len(found):
            found += extra
        else:
            raise FileRefusedError(
                f"{where} takes “{key}” from another layer, which cannot be opened yet."
            )
    if not found:
        raise FileRefusedError(f"{where} is called on nothing. It is damaged.")
    return found


def _refuse_switch(spec: ClassSpec, key: str, value: Any, where: str) -> None:
    """Refuse a call that a graph of ours would make differently.

    Layers for pictures have ``training=True`` as their default, which still follows the model.
    """
    if key == "training" and value is True and spec.family not in _TRAINING_BY_DEFAULT:
        raise FileRefusedError(
            f"{where} is always called with training=True, which cannot be opened yet."
        )
    if key not in ("mask", "training", "attention_mask") and value not in (None, False):
        raise FileRefusedError(
            f"{where} is called with {key}={str(value)[:40]}, which cannot be opened yet."
        )


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = value.get("config", {}).get("keras_history")
        if isinstance(history, list) and len(history) == 3:
            yield str(history[0]), int(history[2])


def _places(raw: Any, where: str) -> list[Any]:
    """``["a", 0, 0]`` for one tensor, or a list of such; a dictionary names them."""
    if isinstance(raw, dict):
        raw = list(raw.values())
    if isinstance(raw, list) and len(raw) == 3 and isinstance(raw[0], str):
        return [raw]
    if isinstance(raw, list) and raw:
        return raw
    raise FileRefusedError(f"{where} does not say what goes in and out. It is damaged.")


def _place(raw: Any, where: str) -> Tensor:
    if isinstance(raw, list) and len(raw) == 3 and isinstance(raw[0], str):
        return raw[0], int(raw[2])
    raise FileRefusedError(f"{where} names an input or output as {str(raw)[:60]}. It is damaged.")


def _assembled(
    catalogue: Catalogue, calls: list[_Call], outputs: list[Tensor], where: str
) -> Graph:
    names = [call.name for call in calls]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FileRefusedError(f"{where} has two layers called “{twice}”. It is damaged.")
    edges = []
    for call in calls:
        for port, (source, output) in enumerate(call.sources):
            if source not in set(names):
                raise FileRefusedError(
                    f"{where}, layer “{call.name}”, takes its input from “{source}”, which is not a layer "
                    "that can be opened."
                )
            edges.append(
                Edge(source=source, source_port=output, target=call.name, target_port=port)
            )
    read = {edge.source for edge in edges}
    chosen = [name for name, _ in outputs]
    if any(output for _, output in outputs) or len(set(chosen)) != len(chosen):
        raise FileRefusedError(
            f"{where} gives out one layer's second output or the same one twice, which cannot be opened yet."
        )
    if unknown := [name for name in chosen if name not in set(names)]:
        raise FileRefusedError(f"{where} gives out “{unknown[0]}”, which is not a layer.")
    nodes = [
        Node(
            id=call.name,
            class_name=call.class_name,
            name=call.name,
            params=call.params,
            trainable=call.trainable,
            output=call.name in chosen and call.name in read,
        )
        for call in calls
    ]
    graph = Graph(nodes=tuple(_outputs_in_order(nodes, chosen)), edges=tuple(edges))
    if len(graph.order) != len(graph.nodes):
        raise FileRefusedError(f"{where} feeds a layer with its own result. It is damaged.")
    return graph


def _outputs_in_order(nodes: list[Node], chosen: list[str]) -> list[Node]:
    """The order of the nodes is the order of the outputs; give them each other's places."""
    by_id = {node.id: node for node in nodes}
    wanted = iter(chosen)
    return [by_id[next(wanted)] if node.id in set(chosen) else node for node in nodes]


def _laid_out(graph: Graph) -> Graph:
    places = layout(graph)
    placed = (
        msgspec.structs.replace(node, x=places[node.id][0], y=places[node.id][1])
        for node in graph.nodes
    )
    return msgspec.structs.replace(graph, nodes=tuple(placed))
