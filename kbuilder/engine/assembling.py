"""All nodes of a graph as Keras layers, called on each other: shared layers once, blocks as models."""

from __future__ import annotations

from typing import Any

import keras

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.nesting import border, ordered_units
from kbuilder.document.problems import Problem
from kbuilder.engine.arrays import bare
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.diagnosis.explaining import explain
from kbuilder.engine.layers import call_layer, input_arguments, make_layer, wired
from kbuilder.engine.objects import KERAS_ERRORS
from kbuilder.engine.operations import Calculation
from kbuilder.engine.training_mode import fix_training

Tensors = dict[str, tuple[Any, ...]]
"""Symbolic outputs by node id, one for each output port."""


def assembled(graph: Graph, catalogue: Catalogue) -> tuple[Tensors, dict[str, keras.Layer]]:
    """Symbolic outputs and layer of every node.

    Raises:
        BuildError: with the problems of all nodes that can be judged.
    """
    assembly = _Assembly(graph, catalogue)
    assembly.call("", assembly.tensors)
    if assembly.problems:
        raise BuildError(tuple(assembly.problems))
    fix_training(assembly.layers, graph)
    return assembly.tensors, assembly.layers


class _Assembly:
    """Calls layers in order, and collects what Keras does not like."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self.tensors: Tensors = {}
        self.layers: dict[str, keras.Layer] = {}
        self.problems: list[Problem] = []
        self._graph = graph
        self._catalogue = catalogue

    def call(self, scope: str, tensors: Tensors) -> None:
        """Call everything inside ``scope`` on the tensors that are there, and add what comes out."""
        for unit in ordered_units(self._graph, scope)[0]:
            if unit in self._graph.by_id:
                self._call_node(self._graph.by_id[unit], tensors)
            else:
                self._call_model(unit, tensors)

    def _call_node(self, node: Node, tensors: Tensors) -> None:
        spec = self._catalogue.layer(node.class_name)
        try:
            if node.class_name == INPUT_CLASS:
                tensors[node.id] = (keras.Input(**input_arguments(node)),)
                return
            inputs = wired(self._graph, node, tensors)
            if inputs is not None and spec is not None:
                layer, owner = self._layer(node), self._graph.layer_of(node.id)
                tensors[node.id] = call_layer(layer, spec, owner, inputs, node.call)
        except (KBuilderError, *KERAS_ERRORS) as error:
            self.problems.extend(explain(error, node, self._graph, tensors, self._catalogue))

    def _layer(self, node: Node) -> keras.Layer | Calculation:
        owner = self._graph.layer_of(node.id)
        if owner.id not in self.layers:
            made = make_layer(owner, self._catalogue)
            if isinstance(made, Calculation):
                made.name = node.name
                return made
            self.layers[owner.id] = made
        self.layers[node.id] = self.layers[owner.id]
        return self.layers[node.id]

    def _call_model(self, group: str, tensors: Tensors) -> None:
        """Make a model of a block and call it; its nodes get tensors of the outer model as well.

        Those are from a second call of the same layers, so that one can look into the block.
        """
        entries, exits = border(self._graph, group)
        if any(source not in tensors for source, _ in entries):
            return
        outer = [tensors[source][port] for source, port in entries]
        inner: Tensors = {}
        for (source, port), tensor in zip(entries, outer, strict=True):
            ports = inner.get(source, (None,) * len(tensors[source]))
            made = keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype)
            inner[source] = (*ports[:port], made, *ports[port + 1 :])
        starts = [inner[source][port] for source, port in entries]
        found = len(self.problems)
        self.call(group, inner)
        if len(self.problems) > found:
            return
        ends = [inner[node][port] for node, port in exits]
        model = keras.Model(bare(starts), bare(ends), name=self._graph.group_by_id[group].name)
        results = keras.tree.flatten(model(bare(outer)))
        self._call_flat(group, tensors)
        for (node, port), result in zip(exits, results, strict=True):
            ports = tensors[node]
            tensors[node] = (*ports[:port], result, *ports[port + 1 :])

    def _call_flat(self, group: str, tensors: Tensors) -> None:
        inside = set(self._graph.members[group])
        for node in self._graph.order:
            if node.id in inside and node.class_name != INPUT_CLASS:
                self._call_node(node, tensors)
