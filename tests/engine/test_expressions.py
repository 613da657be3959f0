"""Expressions on real Keras: what they compute, how the model looks, and what they cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions
from kbuilder.document.project import Project
from kbuilder.engine.assembling import assembled
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.infer import Inference
from kbuilder.engine.model_files import write_model
from tests.engine.conftest import loss, read_model

CATALOGUE = load_catalogue()
ops = keras.ops
A = np.random.default_rng(1).normal(size=(3, 4, 6)).astype("float32")
B = np.random.default_rng(2).normal(size=(3, 4, 6)).astype("float32")


def graph_of(text: str, inputs: int) -> Graph:
    starts = [
        Node(id=f"in{n}", name=f"in{n}", class_name="Input", params={"shape": [4, 6]})
        for n in range(inputs)
    ]
    it = Node(id="it", name="it", class_name="Expression", params={"expression": text})
    edges = [Edge(source=s.id, target="it", target_port=n) for n, s in enumerate(starts)]
    return Graph(nodes=(*starts, it), edges=tuple(edges))


def model_of(text: str, inputs: int = 1) -> keras.Model:
    graph = graph_of(text, inputs)
    tensors, _ = assembled(graph, CATALOGUE)
    return keras.Model([tensors[node.id][0] for node in graph.inputs], list(tensors["it"]))


CASES: list[tuple[str, int, Any]] = [
    ("x * 2 + 1", 1, lambda x: x * 2 + 1),
    ("-x ** 2 / 3.5", 1, lambda x: -(x**2) / 3.5),
    ("x[0] - x[1]", 2, lambda a, b: a - b),
    ("x[0] @ ops.transpose(x[1], (0, 2, 1))", 2, lambda a, b: a @ np.transpose(b, (0, 2, 1))),
    ("ops.concatenate(x, axis=-1)", 2, lambda a, b: np.concatenate([a, b], -1)),
    ("x[:, 1:3, ::2]", 1, lambda x: x[:, 1:3, ::2]),
    ("x[..., None, 0]", 1, lambda x: x[..., None, 0]),
    ("x[:, -1]", 1, lambda x: x[:, -1]),
    ("ops.where(x > 0, x, 0.1 * x)", 1, lambda x: np.where(x > 0, x, 0.1 * x)),
    ("ops.cast((x > 0) & ~(x > 1), 'float32')", 1, lambda x: ((x > 0) & ~(x > 1)) * 1.0),
    ("ops.mean(ops.square(x), axis=(1, 2))", 1, lambda x: np.mean(np.square(x), (1, 2))),
    ("ops.reshape(x, (-1, x.shape[1] * x.shape[2]))", 1, lambda x: x.reshape(3, 24)),
    ("ops.clip(x, 0, 2 ** 0.5)", 1, lambda x: np.clip(x, 0, 2**0.5)),
    ("x == x", 1, lambda x: x == x),
    ("x", 1, lambda x: x),
    ("x[0]", 1, lambda x: x),
]


@pytest.mark.parametrize(("text", "inputs", "expected"), CASES)
def test_an_expression_computes_what_it_says(text: str, inputs: int, expected: Any) -> None:
    data = [A, B][:inputs]
    facts, problems = Inference(CATALOGUE).infer(graph_of(text, inputs))
    assert not problems
    found = np.asarray(keras.tree.flatten(model_of(text, inputs)(data))[0])
    np.testing.assert_allclose(found, expected(*data), rtol=1e-5, atol=1e-5)
    assert facts["it"].outputs[0].shape[1:] == found.shape[1:]


def test_a_tuple_gives_several_outputs() -> None:
    facts, _ = Inference(CATALOGUE).infer(graph_of("(x[:, 0], ops.max(x, axis=1))", 1))
    assert [out.shape for out in facts["it"].outputs] == [(None, 6), (None, 6)]


def test_a_model_with_an_expression_is_plain_keras_and_named_after_the_node(tmp_path: Path) -> None:
    model = model_of("ops.tanh(x) * 2 + 1")
    names = [operation.name for operation in model.operations]
    assert names[-1] == "it"
    assert all(name.startswith(("it", "in0")) for name in names)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again(A), np.tanh(A) * 2 + 1, rtol=1e-5)
    assert json.loads(model.to_json())["config"]["layers"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 + 2", "gives no tensor"),
        ("ops.tile([1.0], (1000000000000,)) + x", "needs a tensor"),
        ("x * 9 ** 9999", "too large"),
        ("x + 'a'", "tensors and numbers only"),
        ("x.shape", "gives no tensor"),
        ("x * (1 / 0)", "cannot be worked out"),
    ],
)
def test_what_is_no_tensor_is_refused(text: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        model_of(text)


def test_an_expression_trains() -> None:
    start = Node(id="in", name="in", class_name="Input", params={"shape": [3]})
    dense = Node(id="d", name="d", class_name="Dense", params={"units": 1})
    it = Node(id="it", name="it", class_name="Expression", params={"expression": "ops.square(x)"})
    graph = Graph(
        nodes=(start, dense, it),
        edges=(Edge(source="in", target="d"), Edge(source="d", target="it")),
    )
    tensors, layers = assembled(graph, CATALOGUE)
    model = keras.Model(tensors["in"][0], tensors["it"][0])
    model.compile("sgd", "mse")
    before = np.asarray(layers["d"].kernel).copy()
    model.fit(np.ones((8, 3)), np.zeros((8, 1)), verbose=0)
    assert not np.array_equal(before, layers["d"].kernel)


def test_a_file_of_a_project_with_expressions_opens_as_that_project(tmp_path: Path) -> None:
    start = Node(id="in", name="in", class_name="Input", params={"shape": [3]})
    dense = Node(id="d", name="d", class_name="Dense", params={"units": 4})
    it = Node(id="it", name="it", class_name="Expression", params={"expression": "x * 2 + x ** 2"})
    twice = Node(id="t", name="t", class_name="ops.multiply", params={"x2": 0.5})
    graph = Graph(
        nodes=(start, dense, it, twice),
        edges=(
            Edge(source="in", target="d"),
            Edge(source="d", target="it"),
            Edge(source="it", target="t"),
        ),
    )
    project = Project(graph=graph, compile=CompileOptions(outputs={"t": loss("MeanSquaredError")}))
    built = build(project, CATALOGUE)
    compile_model(built, project, CATALOGUE)
    path = tmp_path / "m.keras"
    write_model(built.model, path, project)
    opened = read_model(path)
    assert opened.project == project
    data = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(opened.model(data), built.model(data))
