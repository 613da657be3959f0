"""One node as a Keras layer, and its call on the tensors that its wires bring."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.graph import Graph, Node
from kbuilder.document.ports import main_ports, stacked_cells, states_of_cell
from kbuilder.document.problems import Problem
from kbuilder.document.values import Params
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.diagnosis.case import Input
from kbuilder.engine.diagnosis.unseen import unseen
from kbuilder.engine.objects import make
from kbuilder.engine.operations import Calculation

Tensor = Any
LISTED_MASKS = ("Attention", "AdditiveAttention")
"""Layers that take the masks of their inputs as one list."""
PortTensors = Sequence[tuple[int, Tensor]]
"""Tensors with the number of the input port each arrives at, in the order of the ports."""


def make_layer(
    node: Node, catalogue: Catalogue, *, named: bool = True
) -> keras.Layer | Calculation:
    """The layer of a node, or what stands for it.

    Raises:
        KBuilderError: the class is unknown or not to be built.
        KERAS_ERRORS: Keras does not take the parameters.
    """
    spec = catalogue.layer(node.class_name)
    if spec is not None and spec.is_operation:
        return Calculation(catalogue, spec, node.params, node.name if named else "")
    name = {"name": node.name} if named else {}
    layer: keras.Layer = make(catalogue, "layers", node.class_name, {**node.params, **name})
    return layer


def input_arguments(node: Node) -> dict[str, Any]:
    """Arguments of ``keras.Input`` for an input node."""
    params = {**node.params, "name": node.name}
    if "shape" in params:
        params["shape"] = tuple(params["shape"])
    return params


def call_layer(
    layer: keras.Layer | Calculation, spec: ClassSpec, node: Node, inputs: PortTensors, call: Params
) -> tuple[Tensor, ...]:
    """Outputs of the layer, one for each output port.

    ``node`` holds the layer; ``call`` has the arguments of this call of it that are no tensors.

    Raises:
        BuildError: an input does not fit, although Keras would notice only in training.
        KERAS_ERRORS: the layer does not take these tensors.
    """
    _refuse_unseen(spec, node, inputs)
    if isinstance(layer, Calculation):
        return layer.call(inputs)
    if spec.many_inputs:
        result = layer([tensor for _, tensor in inputs], **call)
    else:
        main = main_ports(spec)
        data = {spec.ports[port]: tensor for port, tensor in inputs if port < main}
        extra = {**_aside(spec, node, inputs), **call}
        if main > 1 and _takes_keywords(layer, spec):
            result = layer(**data, **extra)
        else:
            result = layer([*data.values()] if main > 1 else next(iter(data.values())), **extra)
    return tuple(keras.tree.flatten(result))


def _aside(spec: ClassSpec, node: Node, inputs: PortTensors) -> dict[str, Any]:
    """Masks and initial states as arguments of the call."""
    main, first_state = main_ports(spec), len(spec.ports)
    masks = {spec.ports[port]: tensor for port, tensor in inputs if main <= port < first_state}
    states = [tensor for port, tensor in inputs if port >= first_state]
    if masks and spec.class_name in LISTED_MASKS:
        masks = {"mask": [masks.get(name) for name in spec.ports[main:first_state]]}
    return {**masks, **({"initial_state": _packed(spec, node, states)} if states else {})}


def _packed(spec: ClassSpec, node: Node, states: list[Tensor]) -> list[Any]:
    """Initial states as the layer takes them: by cell where several lie above each other."""
    cells = stacked_cells(node.params) if spec.class_name == "RNN" else []
    if not cells:
        return states
    waiting = iter(states)
    return [[next(waiting) for _ in range(states_of_cell(cell))] for cell in cells]


def wired(graph: Graph, node: Node, outputs: dict[str, tuple[Tensor, ...]]) -> PortTensors | None:
    """The tensors on the wires into a node, or None if one of their sources has none.

    Raises:
        BuildError: a source has fewer outputs than a wire needs.
    """
    edges = graph.incoming[node.id]
    if any(edge.source not in outputs for edge in edges):
        return None
    for edge in edges:
        if edge.source_port >= len(outputs[edge.source]):
            source = graph.by_id[edge.source].name
            text = (
                f"A wire to “{node.name}” starts at output {edge.source_port + 1} of “{source}”, "
                f"which has {len(outputs[edge.source])}. Remove the wire, or change “{source}” so "
                "that it has this output."
            )
            fault = Problem(severity="error", kind="output-missing", node=node.id, text=text)
            raise BuildError((fault,))
    return [(edge.target_port, outputs[edge.source][edge.source_port]) for edge in edges]


def _takes_keywords(layer: keras.Layer, spec: ClassSpec) -> bool:
    """Whether the ports are arguments of ``call`` (attention with heads) and not a list (merges)."""
    names = spec.ports[: main_ports(spec)]
    return set(names) <= set(inspect.signature(layer.call).parameters)


def _refuse_unseen(spec: ClassSpec, node: Node, inputs: PortTensors) -> None:
    given = tuple(
        Input(port, "", tuple(tensor.shape), str(tensor.dtype)) for port, tensor in inputs
    )
    fault = unseen(spec, node, given)
    if fault is not None:
        raise BuildError((fault,))
