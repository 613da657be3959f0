"""From the graph of a project to a Keras model."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import keras

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.engine.arrays import bare
from kbuilder.engine.freezing import apply_freezing
from kbuilder.engine.layers import call_layer, make_layer, wired
from kbuilder.engine.objects import KERAS_ERRORS, BuildError, problem

DEEPEST_RECURSION = 20_000
"""Keras walks a model recursively: a chain of 1,000 layers passes Python's limit of 1,000 frames."""


@dataclass(frozen=True)
class BuiltModel:
    """A model and where the nodes are in it. ``tensors`` has one symbolic tensor for each output port."""

    graph: Graph
    model: keras.Model
    tensors: dict[str, tuple[Any, ...]]

    def layer(self, node: str) -> keras.Layer:
        """The layer of a node."""
        return self.model.get_layer(self.graph.by_id[node].name)


def build(project: Project, catalogue: Catalogue) -> BuiltModel:
    """The model of a project with fresh weights, not compiled.

    The global seed is set first, so the weights are those of a script that begins with
    ``keras.utils.set_random_seed(seed)`` and makes the layers in the order of the graph.

    Raises:
        BuildError: the graph is not a model; the problems name nodes and parameters.
    """
    graph = project.graph
    faults = tuple(
        fault
        for fault in check(project, catalogue)
        if fault.severity == "error" and fault.parameter != "loss"
    )
    if faults:
        raise BuildError(faults)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEEPEST_RECURSION))
    keras.utils.set_random_seed(project.fit.seed)
    tensors = _tensors(graph, catalogue)
    inputs = [tensors[node.id][0] for node in graph.inputs]
    outputs = [tensors[node.id][0] for node in graph.outputs]
    try:
        model = keras.Model(bare(inputs), bare(outputs))
    except KERAS_ERRORS as error:
        raise BuildError((problem(error, None, subject="The model"),)) from error
    built = BuiltModel(graph, model, tensors)
    apply_freezing(built.model, graph)
    return built


def _tensors(graph: Graph, catalogue: Catalogue) -> dict[str, tuple[Any, ...]]:
    """Symbolic outputs of every node.

    Raises:
        BuildError: with the problems of all nodes that can be judged.
    """
    tensors: dict[str, tuple[Any, ...]] = {}
    problems: list[Problem] = []
    for node in graph.order:
        spec = catalogue.layer(node.class_name)
        try:
            if node.class_name == INPUT_CLASS:
                tensors[node.id] = (keras.Input(**input_arguments(node)),)
                continue
            inputs = wired(graph, node, tensors)
            if inputs is not None and spec is not None:
                layer = make_layer(node, catalogue)
                tensors[node.id] = call_layer(layer, spec, node, inputs)
        except BuildError as error:
            problems.extend(error.problems)
        except (KBuilderError, *KERAS_ERRORS) as error:
            subject = f"{node.class_name} “{node.name}”"
            problems.append(problem(error, spec, node=node.id, subject=subject))
    if problems:
        raise BuildError(tuple(problems))
    return tensors


def input_arguments(node: Node) -> dict[str, Any]:
    """Arguments of ``keras.Input`` for an input node."""
    params = {**node.params, "name": node.name}
    if "shape" in params:
        params["shape"] = tuple(params["shape"])
    return params
