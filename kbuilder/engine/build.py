"""From the graph of a project to a Keras model."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import keras

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.engine.arrays import bare
from kbuilder.engine.assembling import Tensors, assembled
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.freezing import apply_freezing
from kbuilder.engine.objects import KERAS_ERRORS, problem
from kbuilder.engine.precision import under_policy

DEEPEST_RECURSION = 20_000
"""Keras walks a model recursively: a chain of 1,000 layers passes Python's limit of 1,000 frames."""


@dataclass(frozen=True)
class BuiltModel:
    """A model and where the nodes are in it.

    ``tensors`` has one symbolic tensor for each output port of each node, ``layers`` the layer of each
    node that is not an input; nodes that share a layer have the same one.
    """

    graph: Graph
    model: keras.Model
    tensors: Tensors
    layers: dict[str, keras.Layer]


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
    with under_policy(project.compile.dtype_policy):
        tensors, layers = assembled(graph, catalogue)
        inputs = [tensors[node.id][0] for node in graph.inputs]
        outputs = [tensors[node.id][0] for node in graph.outputs]
        try:
            model = keras.Model(bare(inputs), bare(outputs))
        except KERAS_ERRORS as error:
            raise BuildError((problem(error, None, subject="The model"),)) from error
    apply_freezing(layers, graph)
    return BuiltModel(graph, model, tensors, layers)
