"""Masks, states and switches of calls, and second outputs: built, trained, opened, and written again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.ports import ports_of
from kbuilder.document.rules import Checker
from kbuilder.document.values import Params
from kbuilder.engine.assembling import assembled
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import Inference
from tests.engine.conftest import read_model

CATALOGUE = load_catalogue()
layers = keras.layers
ops = keras.ops


def translation() -> keras.Model:
    words, said = keras.Input((5,), dtype="int32"), keras.Input((4, 3))
    embedded = layers.Embedding(10, 4, mask_zero=True, name="embedded")(words)
    _, *states = layers.LSTM(3, return_state=True, name="encoder")(embedded)
    steps = layers.LSTM(3, return_sequences=True, name="decoder")(said, initial_state=states)
    return keras.Model([words, said], layers.Dense(2, name="head")(steps))


def both_ways() -> keras.Model:
    steps, state = keras.Input((4, 3)), keras.Input((2,))
    outputs = layers.Bidirectional(layers.GRU(2, return_state=True), merge_mode=None, name="both")(
        steps, initial_state=[state, state]
    )
    return keras.Model([steps, state], layers.Concatenate(name="all")(outputs))


def stacked() -> keras.Model:
    steps, state = keras.Input((4, 3)), keras.Input((2,))
    cells = [layers.LSTMCell(2), layers.GRUCell(2)]
    output, last, *_ = layers.RNN(cells, return_state=True, name="rnn")(
        steps, initial_state=[[state, state], [state]]
    )
    return keras.Model([steps, state], layers.Add(name="sum")([output, last[0]]))


def own_mask() -> keras.Model:
    steps = keras.Input((4, 3))
    mask = ops.any(ops.greater(steps, 0.0), axis=-1)
    return keras.Model(steps, layers.GRU(2, name="gru")(steps, mask=mask))


def masked_branches() -> keras.Model:
    words = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(10, 4, mask_zero=True)(words)
    both = layers.Concatenate()([embedded, layers.Dense(4)(embedded)])
    after = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(both)
    return keras.Model(words, layers.GlobalAveragePooling1D()(after))


def heads() -> keras.Model:
    steps, seen = keras.Input((4, 6)), keras.Input((4, 4), dtype="bool")
    output, scores = layers.MultiHeadAttention(2, 3, name="heads")(
        steps, steps, attention_mask=seen, use_causal_mask=True, return_attention_scores=True
    )
    return keras.Model([steps, seen], [layers.Dense(2, name="head")(output), scores])


def attention() -> keras.Model:
    query, value = keras.Input((4, 6)), keras.Input((5, 6))
    seen = keras.Input((5,), dtype="bool")
    return keras.Model(
        [query, value, seen], layers.Attention(name="it")([query, value], mask=[None, seen])
    )


def second_outputs() -> keras.Model:
    steps = keras.Input((4, 3))
    output, state = layers.GRU(2, return_state=True, name="gru")(steps)
    return keras.Model(steps, [output, state, output])


def slices() -> keras.Model:
    steps = keras.Input((4, 6))
    one, two = ops.split(steps, 2, axis=-1)
    return keras.Model(
        steps, ops.einsum("bij,bkj->bik", one, two)[:, 0, ::2] + np.ones(2, "float32")
    )


MODELS = [
    translation,
    both_ways,
    stacked,
    own_mask,
    masked_branches,
    heads,
    attention,
    second_outputs,
    slices,
]


def samples(model: keras.Model) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    return [
        generator.integers(0, 2, (3, *tensor.shape[1:])).astype(tensor.dtype)
        if tensor.dtype in ("int32", "bool")
        else generator.normal(size=(3, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]


@pytest.mark.parametrize("make", MODELS)
def test_what_is_opened_predicts_the_same(tmp_path: Path, make: Callable[[], keras.Model]) -> None:
    model = make()
    model.save(tmp_path / "m.keras")
    opened = read_model(tmp_path / "m.keras")
    data = samples(model)
    expected = keras.tree.flatten(model.predict(data, verbose=0))
    found = keras.tree.flatten(opened.model.predict(data, verbose=0))
    assert len(found) == len(expected)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-6)
    assert not Checker(CATALOGUE).broken(opened.project.graph)


@pytest.mark.parametrize("make", [m for m in MODELS if m is not second_outputs and m is not heads])
def test_the_configuration_comes_back(make: Callable[[], keras.Model]) -> None:
    model = make()
    graph = graph_from(CATALOGUE, json.loads(model.to_json()), "here")
    tensors, _ = assembled(graph, CATALOGUE)
    inputs = [tensors[node.id][0] for node in graph.inputs]
    again = keras.Model(inputs, [tensors[node.id][0] for node in graph.outputs])
    assert comparable(again) == comparable(model)


def comparable(model: keras.Model) -> dict[str, Any]:
    """The layers by name; operations that Keras adds for masks have names that it counts up."""
    listed = json.loads(model.to_json())["config"]["layers"]
    names = {raw["name"]: f"{raw['class_name']} {raw['module']}" for raw in listed}
    text = json.dumps(sorted(listed, key=lambda raw: str(names[raw["name"]])))
    for name, stands_for in names.items():
        if stands_for.endswith("ops.numpy"):
            text = text.replace(f'"{name}"', f'"{stands_for}"')
    layers_only = [raw for raw in json.loads(text) if raw["module"] == "keras.layers"]
    return {raw["name"]: without_ids(raw) for raw in layers_only}


def without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: without_ids(v)
            for k, v in value.items()
            if k not in ("shared_object_id", "seed", "name")
        }
    return [without_ids(item) for item in value] if isinstance(value, list) else value


def small(class_name: str, params: Params, call: Params, shape: tuple[int, ...]) -> Graph:
    return Graph(
        nodes=(
            Node(id="in", name="in", class_name="Input", params={"shape": [*shape]}),
            Node(id="it", name="it", class_name=class_name, params=params, call=call),
        ),
        edges=(Edge(source="in", target="it"),),
    )


def built(graph: Graph) -> keras.Model:
    tensors, _ = assembled(graph, CATALOGUE)
    return keras.Model(tensors["in"][0], tensors["it"][0])


def test_dropout_that_is_always_on_drops_in_predict() -> None:
    ones = np.ones((4, 50), "float32")
    always = built(small("Dropout", {"rate": 0.5}, {"training": True}, (50,)))
    assert (always.predict(ones, verbose=0) == 0).any()
    usual = built(small("Dropout", {"rate": 0.5}, {}, (50,)))
    assert (usual.predict(ones, verbose=0) == 1).all()


def test_batch_normalization_without_training_keeps_its_statistics_and_learns() -> None:
    model = built(small("BatchNormalization", {}, {"training": False}, (2,)))
    model.compile("sgd", "mse")
    data = np.random.default_rng(1).normal(3.0, 2.0, (32, 2)).astype("float32")
    model.fit(data, np.zeros((32, 2), "float32"), epochs=2, verbose=0)
    layer = model.get_layer("it")
    np.testing.assert_array_equal(layer.moving_mean, [0.0, 0.0])
    assert (np.asarray(layer.beta) != 0.0).all()


def test_switches_of_calls_change_what_is_inferred() -> None:
    inference = Inference(CATALOGUE)
    graph = Graph(
        nodes=(
            Node(id="in", name="in", class_name="Input", params={"shape": [4, 6]}),
            Node(
                id="it",
                name="it",
                class_name="MultiHeadAttention",
                params={"num_heads": 2, "key_dim": 3},
                call={"return_attention_scores": True},
            ),
        ),
        edges=(Edge(source="in", target="it"), Edge(source="in", target="it", target_port=1)),
    )
    facts, problems = inference.infer(graph)
    assert not problems
    assert [out.shape for out in facts["it"].outputs] == [(None, 4, 6), (None, 2, 4, 4)]
    assert ports_of(graph, CATALOGUE, "it")[1] == ("output", "scores")


def test_masks_are_known_on_tensors_and_by_the_memo() -> None:
    inference = Inference(CATALOGUE)

    def graph(masked: bool) -> Graph:
        return Graph(
            nodes=(
                Node(
                    id="in", name="in", class_name="Input", params={"shape": [4], "dtype": "int32"}
                ),
                Node(
                    id="e",
                    name="e",
                    class_name="Embedding",
                    params={"input_dim": 5, "output_dim": 3, "mask_zero": masked},
                ),
                Node(id="d", name="d", class_name="Dense", params={"units": 2}),
            ),
            edges=(Edge(source="in", target="e"), Edge(source="e", target="d")),
        )

    for masked in (False, True, False):
        facts, _ = inference.infer(graph(masked))
        assert [facts[node].outputs[0].masked for node in ("in", "e", "d")] == [
            False,
            masked,
            masked,
        ]


def test_states_are_given_all_or_none() -> None:
    graph = Graph(
        nodes=(
            Node(id="in", name="in", class_name="Input", params={"shape": [4, 3]}),
            Node(id="state", name="state", class_name="Input", params={"shape": [2]}),
            Node(id="it", name="it", class_name="LSTM", params={"units": 2}),
        ),
        edges=(
            Edge(source="in", target="it"),
            Edge(source="state", target="it", target_port=3),
        ),
    )
    assert ports_of(graph, CATALOGUE, "it")[0] == (
        "input",
        "mask",
        "initial_state_h",
        "initial_state_c",
    )
    assert Checker(CATALOGUE).broken(graph) == {"it"}
