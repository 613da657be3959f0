"""Configurations of Keras 2 in the form of Keras 3: what is renamed, dropped, told and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Graph
from kbuilder.document.project_file import load, save
from kbuilder.engine.legacy.origin import Origin
from kbuilder.engine.legacy.weights import _converted
from kbuilder.engine.model_files import opening

GLOROT = {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}


def opened(
    tmp_path: Path, layers: list[dict[str, Any]], version: str = "2.1.0"
) -> tuple[Graph, str]:
    """Graph and notes of a Sequential model as Keras 2 writes it to JSON."""
    path = tmp_path / "m.json"
    path.write_text(
        json.dumps({"class_name": "Sequential", "config": layers, "keras_version": version})
    )
    with opening(path) as found:
        save(found.project, tmp_path / "p.kbuilder")
        assert load(tmp_path / "p.kbuilder") == found.project
        return found.project.graph, " ".join(found.notes)


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": "a", "trainable": True, **config}}


@pytest.mark.parametrize(
    ("raw", "class_name", "params"),
    [
        (layer("LeakyReLU", alpha=0.25), "LeakyReLU", {"negative_slope": 0.25}),
        (layer("ThresholdedReLU", theta=0.5), "ReLU", {"threshold": 0.5}),
        (
            layer("Dense", units=3, activation="hard_sigmoid"),
            "Dense",
            {"units": 3, "activation": "legacy_hard_sigmoid"},
        ),
        (layer("GRU", units=3, implementation=1), "GRU", {"units": 3, "reset_after": False}),
        (layer("CuDNNGRU", units=3), "GRU", {"units": 3}),
        (layer("CuDNNLSTM", units=3), "LSTM", {"units": 3}),
        (layer("BatchNormalizationV1", axis=[1]), "BatchNormalization", {"axis": 1}),
        (layer("Merge", mode="concat", concat_axis=1), "Concatenate", {"axis": 1}),
        (
            layer("Dense", units=3, kernel_initializer=GLOROT),
            "Dense",
            {"units": 3},
        ),
    ],
)
def test_layers_are_written_anew(
    tmp_path: Path, raw: dict[str, Any], class_name: str, params: dict[str, Any]
) -> None:
    raw["config"]["batch_input_shape"] = [None, 4, 4]
    graph, notes = opened(tmp_path, [raw])
    assert (graph.by_id["a"].class_name, graph.by_id["a"].params) == (class_name, params)
    assert notes == ""


def test_what_has_a_meaning_and_no_place_is_told(tmp_path: Path) -> None:
    raw = layer("Dense", units=3, spread=0.5, batch_input_shape=[None, 4])
    _, notes = opened(tmp_path, [raw], "2.4.0")
    assert "“a” (Dense) had spread=0.5" in notes


def test_layers_of_programs_are_kept_with_all_they_have(tmp_path: Path) -> None:
    first = layer("Dense", units=3, batch_input_shape=[None, 4]) | {}
    first["config"]["name"] = "first"
    own = layer("Capsule", routings=3, deep={"x": [1, None, "y"]})
    graph, _ = opened(tmp_path, [first, own])
    node = graph.by_id["a"]
    assert node.class_name == "Capsule"
    assert node.params == {"routings": 3, "deep": {"x": [1, None, "y"]}}


def test_two_nameless_models_in_a_model_are_two(tmp_path: Path) -> None:
    def inner(name: str) -> dict[str, Any]:
        dense = layer("Dense", units=3, batch_input_shape=[None, 3])
        dense["config"]["name"] = name
        return {"class_name": "Sequential", "config": [dense]}

    graph, _ = opened(tmp_path, [inner("a"), inner("a")])
    assert [node.name for node in graph.nodes if node.class_name == "Dense"] == ["a", "a_2"]
    assert len(graph.groups) == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"class_name": "Sequential", "config": [1, None, "x"]},
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": 3}]}},
        {"class_name": "Model", "config": {"layers": [{"class_name": "Dense", "inbound_nodes": 7}]}},
        {"class_name": "Model", "config": {"layers": [{"inbound_nodes": [[["a", 0, 0, {}]]]}]}},
        {"class_name": "Model", "config": {"layers": [], "output_layers": [["a", 0, 0]]}},
        {"class_name": "Subclassed", "config": {}},
    ],
)  # fmt: skip
def test_damaged_configurations_are_refused_in_one_sentence(
    tmp_path: Path, broken: dict[str, Any]
) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({**broken, "keras_version": "2.2.4"}))
    with pytest.raises(FileRefusedError, match=r"m\.json") as refusal, opening(path):
        pass
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("version", "family", "is_tensorflow"),
    [
        ("2.1.0", "Keras 2 (a package of its own)", False),
        ("2.3.1", "Keras 2 (a package of its own)", False),
        ("2.2.4-tf", "tf.keras 2", True),
        ("2.15.0", "tf.keras 2", True),
        ("3.15.1", "Keras 3", False),
    ],
)
def test_the_version_tells_the_family(version: str, family: str, is_tensorflow: bool) -> None:
    assert (Origin(version).family, Origin(version).is_tensorflow) == (family, is_tensorflow)


def test_biases_of_cudnn_layers_become_one() -> None:
    """Against the formulas of cuDNN, whose operations have no kernel for the CPU."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 4, 3)).astype("float32")
    kernel, recurrent = rng.normal(size=(3, 8)), rng.normal(size=(2, 8))
    bias = rng.normal(size=16)
    lstm = keras.layers.LSTM(2)
    lstm.build((None, 4, 3))
    lstm.set_weights(_converted("CuDNNLSTM", [kernel, recurrent, bias], lstm))
    h, c = np.zeros((2, 2)), np.zeros((2, 2))
    for step in range(4):
        gates = x[:, step] @ kernel + bias[:8] + h @ recurrent + bias[8:]
        i, f, g, o = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    np.testing.assert_allclose(np.asarray(lstm(x)), h, atol=1e-5)
    gru = keras.layers.GRU(2)
    gru.build((None, 4, 3))
    kernel, recurrent, bias = kernel[:, :6], recurrent[:, :6], bias[:12]
    gru.set_weights(_converted("CuDNNGRU", [kernel, recurrent, bias], gru))
    h = np.zeros((2, 2))
    for step in range(4):
        z, r, n = np.split(x[:, step] @ kernel + bias[:6], 3, axis=1)
        hz, hr, hn = np.split(h @ recurrent + bias[6:], 3, axis=1)
        keep = sigmoid(z + hz)
        h = keep * h + (1 - keep) * np.tanh(n + sigmoid(r + hr) * hn)
    np.testing.assert_allclose(np.asarray(gru(x)), h, atol=1e-5)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
