"""Shapes and numbers of weights of every node while the user edits, without making any weight."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.backend.common import global_state

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.errors import KBuilderError
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.engine.diagnosis.explaining import explain
from kbuilder.engine.layers import PortTensors, call_layer, input_arguments, make_layer, wired
from kbuilder.engine.objects import KERAS_ERRORS

Key = tuple[str, ...]


@dataclass(frozen=True)
class Inferred:
    """What a layer makes of its inputs: symbolic outputs and numbers of weights."""

    outputs: tuple[Any, ...]
    trainable_params: int
    fixed_params: int


class Inference:
    """Facts about graphs. Each layer is tried once for the same parameters and inputs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[Key, Inferred] = {}

    def infer(self, graph: Graph) -> tuple[dict[str, NodeFacts], tuple[Problem, ...]]:
        """Facts of every node that can be judged, and the problems that Keras has with the others.

        Nodes that already break a rule of ``kbuilder.document.rules`` have no facts and no further
        problem; nor have nodes behind a broken one.
        """
        broken = {
            fault.node
            for fault in check(Project(graph=graph), self._catalogue)
            if fault.severity == "error" and fault.parameter not in ("loss", "name")
        }
        facts: dict[str, NodeFacts] = {}
        tensors: dict[str, tuple[Any, ...]] = {}
        problems: list[Problem] = []
        for node in graph.order:
            if node.id in broken:
                continue
            spec = self._catalogue.layer(node.class_name)
            try:
                inputs = wired(graph, node, tensors)
                if inputs is None or spec is None:
                    continue
                found = self._node(node, spec, inputs)
            except (KBuilderError, *KERAS_ERRORS) as error:
                problems.extend(explain(error, node, graph, tensors, self._catalogue))
            else:
                tensors[node.id] = found.outputs
                facts[node.id] = _facts(node, inputs, found)
        return facts, tuple(problems)

    def _node(self, node: Node, spec: ClassSpec, inputs: PortTensors) -> Inferred:
        key = (
            spec.class_name,
            json.dumps(node.params, sort_keys=True),
            *(f"{port} {tensor.shape} {tensor.dtype}" for port, tensor in inputs),
        )
        if key not in self._known:
            if node.class_name == INPUT_CLASS:
                self._known[key] = Inferred((_input(node),), 0, 0)
            else:
                self._known[key] = self._try(node, spec, inputs)
        return self._known[key]

    def _try(self, node: Node, spec: ClassSpec, inputs: PortTensors) -> Inferred:
        with _without_weights():
            layer = make_layer(node, self._catalogue, named=False)
            outputs = call_layer(layer, spec, node, inputs)
        total = _count(layer.weights)
        trainable = _count(layer.trainable_weights)
        return Inferred(tuple(_symbol(tensor) for tensor in outputs), trainable, total - trainable)


@contextmanager
def _without_weights() -> Iterator[None]:
    """Variables made inside know their shape and hold no values."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        # Keras collects these to initialise them later; it would grow with every edit.
        (global_state.get_global_attribute("uninitialized_variables") or []).clear()


def _input(node: Node) -> Any:
    return _symbol(keras.Input(**input_arguments(node)))


def _symbol(tensor: Any) -> Any:
    """The tensor's shape and dtype without the layers it came from, which the memo would keep."""
    return keras.KerasTensor(tensor.shape, tensor.dtype)


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _facts(node: Node, inputs: PortTensors, found: Inferred) -> NodeFacts:
    trainable = found.trainable_params if node.trainable else 0
    return NodeFacts(
        inputs=tuple(_tensor_facts(tensor) for _, tensor in inputs),
        outputs=tuple(_tensor_facts(tensor) for tensor in found.outputs),
        trainable_params=trainable,
        fixed_params=found.trainable_params + found.fixed_params - trainable,
    )


def _tensor_facts(tensor: Any) -> TensorFacts:
    return TensorFacts(tuple(tensor.shape), str(tensor.dtype))
