"""Shapes and numbers of weights of every node while the user edits, without making any weight."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import msgspec
from keras.src.backend.common import global_state
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.backend.tensorflow.trackable import KerasAutoTrackable

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.errors import KBuilderError
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.rules import Checker
from kbuilder.document.values import Params
from kbuilder.engine.costs import mult_adds, tensor_bytes, weight_bytes
from kbuilder.engine.diagnosis.explaining import explain
from kbuilder.engine.layers import PortTensors, call_layer, input_arguments, make_layer, wired
from kbuilder.engine.objects import KERAS_ERRORS

MOST_REMEMBERED = 20_000
"""Layers kept for undo and copies, before all are forgotten."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Inferred:
    """What a layer makes of its inputs: symbolic outputs, numbers of weights, and costs."""

    outputs: tuple[Any, ...]
    trainable_params: int = 0
    fixed_params: int = 0
    weight_bytes: int = 0
    mult_adds: int = 0
    weight_shapes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class _Judged:
    """A node as it was last time, with what came of it."""

    node: Node
    owner: Node
    inputs: PortTensors
    found: Inferred
    facts: NodeFacts

    def still_holds(self, node: Node, owner: Node, inputs: PortTensors) -> bool:
        """Whether nothing is new that matters. Tensors that are remembered are the same objects."""
        return (
            _alike(node, self.node)
            and _alike(owner, self.owner)
            and len(inputs) == len(self.inputs)
            and all(
                one[0] == two[0] and one[1] is two[1]
                for one, two in zip(inputs, self.inputs, strict=True)
            )
        )


class Inference:
    """Facts about graphs. Each layer is tried once for the same parameters and inputs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._checker = Checker(catalogue)
        self._known: dict[Key, Inferred] = {}
        self._last: dict[str, _Judged] = {}
        self._graph = Graph()
        self._policy = ""

    def forget(self) -> None:
        """Judge everything anew next time, because a class may mean something else now."""
        self._checker = Checker(self._catalogue)
        self._known.clear()
        self._last, self._graph = {}, Graph()

    def infer(self, graph: Graph) -> tuple[dict[str, NodeFacts], tuple[Problem, ...]]:
        """Facts of every node that can be judged, and the problems that Keras has with the others.

        Nodes that already break a rule of ``kbuilder.document.rules`` have no facts and no further
        problem; nor have nodes behind a broken one.
        """
        policy = keras.config.dtype_policy().name
        if policy != self._policy or len(self._known) > MOST_REMEMBERED:
            self.forget()
        self._policy = policy
        graph = self._with_known_nodes(graph)
        broken = self._checker.broken(graph)
        open_ = self._differing(graph)
        judged: dict[str, _Judged] = {}
        tensors: dict[str, tuple[Any, ...]] = {}
        problems: list[Problem] = []
        for node in graph.order:
            last = self._last.get(node.id)
            found = None
            if last is not None and node.id not in open_:
                found = last
            elif node.id not in broken:
                try:
                    found = self._judged(graph, node, tensors)
                except (KBuilderError, *KERAS_ERRORS) as error:
                    problems.extend(explain(error, node, graph, tensors, self._catalogue))
            if found is not None:
                judged[node.id] = found
                tensors[node.id] = found.found.outputs
            if found is not last and not _gives_the_same(found, last):
                open_.update(edge.target for edge in graph.outgoing[node.id])
        self._last, self._graph = judged, graph
        return {node: found.facts for node, found in judged.items()}, tuple(problems)

    def weight_shapes(self, graph: Graph) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Shapes of the weights of every node that can be judged, in Keras's order."""
        self.infer(graph)
        return {node: judged.found.weight_shapes for node, judged in self._last.items()}

    def _with_known_nodes(self, graph: Graph) -> Graph:
        """The same with the very nodes of last time where they are equal, which is quick to see then."""
        known = self._graph.by_id
        nodes = (
            last if (last := known.get(node.id)) is not None and last == node else node
            for node in graph.nodes
        )
        graph = msgspec.structs.replace(graph, nodes=tuple(nodes))
        graph.take_lookups(self._graph)
        return graph

    def _differing(self, graph: Graph) -> set[str]:
        """Ids of the nodes that are to be judged again whatever comes to them."""
        before = self._graph
        found = {node.id for node in graph.nodes if before.by_id.get(node.id) is not node}
        found |= {node.id for node in graph.nodes if node.shares}
        if graph.edges != before.edges:
            incoming = before.incoming
            found |= {node for node, wires in graph.incoming.items() if incoming.get(node) != wires}
        return found

    def _judged(
        self, graph: Graph, node: Node, tensors: dict[str, tuple[Any, ...]]
    ) -> _Judged | None:
        inputs = wired(graph, node, tensors)
        return None if inputs is None else self._judge(graph, node, inputs, tensors)

    def _judge(
        self,
        graph: Graph,
        node: Node,
        inputs: PortTensors,
        tensors: dict[str, tuple[Any, ...]],
    ) -> _Judged | None:
        """The node as last time, or judged anew; None for a class that is not known."""
        owner = graph.layer_of(node.id)
        last = self._last.get(node.id)
        if last is not None and not node.shares and last.still_holds(node, owner, inputs):
            return last if last.node is node else replace(last, node=node, owner=owner)
        spec = self._catalogue.layer(owner.class_name)
        if spec is None:
            return None
        made_on = (wired(graph, owner, tensors) if node.shares else None) or inputs
        found = self._known_or_tried(owner, spec, inputs, made_on, node.call)
        return _Judged(node, owner, inputs, found, _facts(node, inputs, found))

    def _known_or_tried(
        self,
        node: Node,
        spec: ClassSpec,
        inputs: PortTensors,
        made_on: PortTensors,
        call: Params,
    ) -> Inferred:
        """What the layer of ``node``, which was first called on ``made_on``, makes of ``inputs``."""
        key = (
            spec.class_name,
            json.dumps(node.params, sort_keys=True),
            *_specs(inputs),
            *((json.dumps(call, sort_keys=True),) if call else ()),
            *(() if made_on is inputs else ("made on", *_specs(made_on))),
        )
        if key not in self._known:
            if node.class_name == INPUT_CLASS:
                self._known[key] = Inferred((_input(node),))
            else:
                self._known[key] = self._try(node, spec, inputs, made_on, call)
        return self._known[key]

    def _try(
        self,
        node: Node,
        spec: ClassSpec,
        inputs: PortTensors,
        made_on: PortTensors,
        call: Params,
    ) -> Inferred:
        with without_weights():
            layer = make_layer(_forgetful(node), self._catalogue, named=False)
            if made_on is not inputs:
                call_layer(layer, spec, node, made_on, {})
            outputs = call_layer(layer, spec, node, inputs, call)
        total = _count(layer.weights)
        trainable = _count(layer.trainable_weights)
        return Inferred(
            outputs=tuple(_symbol(tensor) for tensor in outputs),
            trainable_params=trainable,
            fixed_params=total - trainable,
            weight_bytes=weight_bytes(layer.weights),
            weight_shapes=tuple(tuple(weight.shape) for weight in layer.weights),
            mult_adds=mult_adds(layer, _shapes(tensor for _, tensor in inputs), _shapes(outputs)),
        )


def _forgetful(node: Node) -> Node:
    """The node without ``stateful``, whose states Keras makes with values although none are wanted."""
    params = {key: _without_state(value) for key, value in node.params.items() if key != "stateful"}
    return msgspec.structs.replace(node, params=params)


def _without_state(value: Any) -> Any:
    """The same for a layer inside a wrapper."""
    if not isinstance(value, dict) or not isinstance(value.get("params"), dict):
        return value
    inner = {
        key: _without_state(item) for key, item in value["params"].items() if key != "stateful"
    }
    return {**value, "params": inner}


def _gives_the_same(found: _Judged | None, last: _Judged | None) -> bool:
    """Whether the nodes behind see no difference. Tensors that are remembered are the same objects."""
    return found is not None and last is not None and found.found.outputs is last.found.outputs


def _alike(one: Node, two: Node) -> bool:
    """Whether two values of a node are the same to Keras; places and names are not its matter."""
    return one is two or (
        one.class_name == two.class_name
        and one.params == two.params
        and one.call == two.call
        and one.trainable == two.trainable
    )


def _specs(inputs: PortTensors) -> list[str]:
    return [
        f"{port} {tensor.shape} {tensor.dtype}" + (" masked" if _is_masked(tensor) else "")
        for port, tensor in inputs
    ]


def _shapes(tensors: Iterable[Any]) -> list[tuple[int | None, ...]]:
    return [tuple(tensor.shape) for tensor in tensors]


@contextmanager
def without_weights() -> Iterator[None]:
    """Variables made inside know their shape and hold no values; TensorFlow keeps no list of them."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            # Its list is for saving; keeping it takes a fifth of the time of making a layer.
            KerasAutoTrackable._self_setattr_tracking = False
            yield
    finally:
        KerasAutoTrackable._self_setattr_tracking = True
        # Keras collects these to initialise them later; it would grow with every edit.
        (global_state.get_global_attribute("uninitialized_variables") or []).clear()


def _input(node: Node) -> Any:
    return _symbol(keras.Input(**input_arguments(node)))


def _symbol(tensor: Any) -> Any:
    """The tensor's shape and dtype without the layers it came from, which the memo would keep."""
    symbol = keras.KerasTensor(tensor.shape, tensor.dtype)
    mask = get_keras_mask(tensor)
    if mask is not None:
        set_keras_mask(symbol, keras.KerasTensor(mask.shape, mask.dtype))
    return symbol


def _is_masked(tensor: Any) -> bool:
    return get_keras_mask(tensor) is not None


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _facts(node: Node, inputs: PortTensors, found: Inferred) -> NodeFacts:
    outputs = tuple(_tensor_facts(tensor) for tensor in found.outputs)
    trainable = found.trainable_params if node.trainable else 0
    own = not node.shares
    return NodeFacts(
        inputs=tuple(_tensor_facts(tensor) for _, tensor in inputs),
        outputs=outputs,
        trainable_params=trainable if own else 0,
        fixed_params=found.trainable_params + found.fixed_params - trainable if own else 0,
        weight_bytes=found.weight_bytes if own else 0,
        activation_bytes=sum(tensor_bytes(tensor.shape, tensor.dtype) for tensor in outputs),
        mult_adds=found.mult_adds,
    )


def _tensor_facts(tensor: Any) -> TensorFacts:
    return TensorFacts(tuple(tensor.shape), str(tensor.dtype), _is_masked(tensor))
