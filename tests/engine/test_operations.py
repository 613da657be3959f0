"""Functions of keras.ops as nodes: each built symbolically, run once on numbers, and read back."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.ports import output_ports
from kbuilder.engine.assembling import assembled
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import Inference
from tests.engine.sample_operations import graph_of, samples_of

CATALOGUE = load_catalogue()
OPERATIONS = [spec for spec in CATALOGUE.layers if spec.class_name.startswith("ops.")]


def numbers(spec: ClassSpec, count: int) -> list[np.ndarray]:
    if spec.class_name == "ops.cholesky":
        return [np.stack([np.eye(4, dtype="float32")] * 2)]
    generator = np.random.default_rng(1)
    return [
        generator.uniform(0.1, 0.9, (2, *shape)).astype(dtype)
        if dtype.startswith("float")
        else generator.integers(1, 4, (2, *shape)).astype(dtype)
        for shape, dtype in samples_of(spec)[:count]
    ]


@pytest.mark.parametrize("spec", OPERATIONS, ids=lambda spec: spec.class_name)
def test_operation_is_inferred_built_and_run(spec: ClassSpec) -> None:
    graph = graph_of(spec)
    facts, problems = Inference(CATALOGUE).infer(graph)
    assert not problems, problems[0].text
    tensors, layers = assembled(graph, CATALOGUE)
    assert "it" not in layers
    inputs = [tensors[node.id][0] for node in graph.inputs]
    model = keras.Model(inputs, list(tensors["it"]))
    assert any(operation.name == "it" for operation in model.operations)
    node = graph.by_id["it"]
    assert len(facts["it"].outputs) == len(output_ports(spec, node.params, node.call))
    traced = tf.function(model, autograph=False)  # as in fit and predict
    results = keras.tree.flatten(traced(numbers(spec, len(inputs))))
    assert len(results) == len(facts["it"].outputs)
    back = graph_from(CATALOGUE, json.loads(model.to_json()), "here")
    assert back.by_id["it"].class_name == spec.class_name
    assert {edge.target_port for edge in back.incoming["it"]} == {
        edge.target_port for edge in graph.incoming["it"]
    }
    again, _ = assembled(back, CATALOGUE)
    rebuilt = keras.Model([again[one.id][0] for one in back.inputs], list(again["it"]))
    assert (
        json.loads(rebuilt.to_json())["config"]["layers"]
        == json.loads(model.to_json())["config"]["layers"]
    )
