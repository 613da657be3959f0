"""One node as a Keras layer, and its call on the tensors that its wires bring."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.graph import Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.diagnosis.case import Input
from kbuilder.engine.diagnosis.unseen import unseen
from kbuilder.engine.objects import make

Tensor = Any
PortTensors = Sequence[tuple[int, Tensor]]
"""Tensors with the number of the input port each arrives at, in the order of the ports."""


def make_layer(node: Node, catalogue: Catalogue, *, named: bool = True) -> keras.Layer:
    """The layer of a node.

    Raises:
        KBuilderError: the class is unknown or not to be built.
        KERAS_ERRORS: Keras does not take the parameters.
    """
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
    layer: keras.Layer, spec: ClassSpec, node: Node, inputs: PortTensors
) -> tuple[Tensor, ...]:
    """Outputs of the layer, one for each output port.

    Raises:
        BuildError: an input does not fit, although Keras would notice only in training.
        KERAS_ERRORS: the layer does not take these tensors.
    """
    _refuse_unseen(spec, node, inputs)
    tensors = [tensor for _, tensor in inputs]
    if spec.many_inputs:
        result = layer(tensors)
    elif len(spec.ports) == 1:
        result = layer(tensors[0])
    elif _takes_keywords(layer, spec):
        result = layer(**{spec.ports[port]: tensor for port, tensor in inputs})
    else:
        result = layer(tensors)
    return tuple(keras.tree.flatten(result))


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
    return set(spec.ports) <= set(inspect.signature(layer.call).parameters)


def _refuse_unseen(spec: ClassSpec, node: Node, inputs: PortTensors) -> None:
    given = tuple(
        Input(port, "", tuple(tensor.shape), str(tensor.dtype)) for port, tensor in inputs
    )
    fault = unseen(spec, node, given)
    if fault is not None:
        raise BuildError((fault,))
