"""A graph as it comes back from the configuration of its own model: expressions as their operations."""

from __future__ import annotations

import json

import keras

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph
from kbuilder.engine.arrays import bare
from kbuilder.engine.assembling import assembled
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import without_weights


def has_expressions(graph: Graph) -> bool:
    """Whether a file holds the model of a graph by other layers than the graph shows."""
    return any(node.class_name == "Expression" for node in graph.nodes)


def redrawn(graph: Graph, catalogue: Catalogue, where: str) -> Graph:
    """What would be opened from the configuration of a graph's model. No weight is made for it.

    Raises:
        BuildError: the graph is not a model.
    """
    with without_weights():
        tensors, _ = assembled(graph, catalogue)
        inputs = [tensors[node.id][0] for node in graph.inputs]
        outputs = [tensors[node.id][0] for node in graph.outputs]
        config = json.loads(keras.Model(bare(inputs), bare(outputs)).to_json())
    return graph_from(catalogue, config, where)
