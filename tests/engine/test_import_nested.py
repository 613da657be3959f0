"""Models in models, shared layers, operations and layers of applications, opened from real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Graph
from kbuilder.engine.import_graph import graph_from
from tests.engine.conftest import read_model

CATALOGUE = load_catalogue()
layers = keras.layers


def config_of(model: keras.Model) -> Any:
    return json.loads(json.dumps(keras.saving.serialize_keras_object(model)))


def graph_of(model: keras.Model) -> Graph:
    return graph_from(CATALOGUE, config_of(model), "here")


def wires(graph: Graph) -> set[str]:
    return {f"{edge.source}>{edge.target}" for edge in graph.edges}


def block(width: int, name: str) -> keras.Model:
    start = keras.Input((width,))
    hidden = layers.Dense(5, activation="tanh", name="inner")(start)
    return keras.Model(start, layers.Dense(width, name="last")(hidden), name=name)


def shared() -> keras.Model:
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    same = layers.Dense(3, activation="relu", name="same")
    return keras.Model([one, two], layers.Concatenate(name="both")([same(one), same(two)]))


def called_in_a_row() -> keras.Model:
    start = keras.Input((4,), name="start")
    same = layers.Dense(4, activation="tanh", name="same")
    between = layers.Dense(4, name="between")
    return keras.Model(start, same(between(same(start))))


def nested() -> keras.Model:
    start = keras.Input((4,), name="start")
    inner = block(4, "block")(layers.Dense(4, name="inner")(start))
    return keras.Model(start, layers.Dense(2, name="head")(inner))


def chain_in_a_model() -> keras.Model:
    start = keras.Input((4,), name="start")
    chain = keras.Sequential([layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="chain")
    return keras.Model(start, layers.Dense(1, name="head")(chain(start)))


def model_in_a_chain() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), block(4, "block"), layers.Dense(2, name="head")])


def deep() -> keras.Model:
    start = keras.Input((4,), name="start")
    middle = keras.Input((4,))
    outer = keras.Model(
        middle, layers.Dense(4, name="after")(block(4, "core")(middle)), name="outer"
    )
    return keras.Model(start, layers.Dense(2, name="head")(outer(start)))


def twice() -> keras.Model:
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    encoder = block(4, "encoder")
    return keras.Model([one, two], layers.Subtract(name="less")([encoder(one), encoder(two)]))


def models_at_the_end() -> keras.Model:
    """Models that give out what the whole does: Keras counts their calls otherwise there."""
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    encoder = block(4, "encoder")
    chain = keras.Sequential([layers.Dense(3, name="a")], name="chain")
    return keras.Model([one, two], [encoder(two), chain(one), encoder(one), chain(two)])


def hard_sigmoid() -> keras.Model:
    start = keras.Input((4,), name="start")
    gate = layers.ReLU(6.0)(layers.Dense(4, name="d")(start) + 3.0) * (1.0 / 6.0)
    return keras.Model(start, keras.ops.relu((2.0 - gate) - 0.5) / 3.0)


def reader(**options: Any) -> keras.Model:
    inside = keras.Input((6, 4), name="inside")
    return keras.Model(inside, layers.LSTM(3, name="reads", **options)(inside), name="reader")


def masked() -> keras.Model:
    """Masks that Keras works out and hands to the models inside, of words and of numbers."""
    words = keras.Input((6,), dtype="int32", name="words")
    numbers = keras.Input((6, 4), name="numbers")
    meanings = layers.Embedding(9, 4, mask_zero=True, name="meanings")(words)
    gaps = layers.Masking(0.5, name="gaps")(numbers)
    read = reader(return_sequences=True)
    chain = keras.Sequential([layers.GRU(2, name="a")], name="chain")
    last = layers.GRU(2, name="b")(read(meanings))
    return keras.Model([words, numbers], [chain(meanings), last, read(gaps)])


def masked_together() -> keras.Model:
    """A mask that Keras puts together of two, one of which it fills up."""
    words, plain = keras.Input((6,), dtype="int32", name="words"), keras.Input((6, 4), name="plain")
    meanings = layers.Embedding(9, 4, mask_zero=True, name="meanings")(words)
    both = layers.Concatenate(name="both", axis=1)([meanings, plain])
    inside = keras.Input((12, 4), name="inside")
    read = keras.Model(inside, layers.GRU(2, name="a")(inside), name="reader")
    return keras.Model([words, plain], read(both))


@pytest.mark.parametrize(
    "make",
    [
        shared,
        called_in_a_row,
        nested,
        chain_in_a_model,
        model_in_a_chain,
        deep,
        twice,
        models_at_the_end,
        masked,
        masked_together,
        hard_sigmoid,
    ],
)
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_what_is_opened_predicts_the_same(
    tmp_path: Path, make: Callable[[], keras.Model], ending: str
) -> None:
    if make in (hard_sigmoid, masked_together) and ending == ".h5":
        pytest.skip("Keras writes operations to .h5 in a way that it does not read itself")
    model = make()
    path = tmp_path / f"m{ending}"
    model.save(path)
    opened = read_model(path).model
    data = [samples_for(tensor) for tensor in model.inputs]
    found, wanted = (keras.tree.flatten(each.predict(data, verbose=0)) for each in (opened, model))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    assert opened.count_params() == model.count_params()


def samples_for(tensor: Any) -> np.ndarray:
    """Six samples; some steps are such that masks hide them."""
    generator, shape = np.random.default_rng(1), (6, *tensor.shape[1:])
    if tensor.dtype == "int32":
        return generator.integers(0, 3, shape)
    values = generator.normal(size=shape).astype("float32")
    if len(shape) > 2:
        values[::2, 3:] = 0.5
    return values


@pytest.mark.parametrize(
    ("make", "ends"), [(masked, ["a", "b", "reads_2"]), (masked_together, ["a"])]
)
def test_masks_are_no_inputs_and_no_outputs(
    make: Callable[[], keras.Model], ends: list[str]
) -> None:
    graph = graph_of(make())
    assert [node.name for node in graph.outputs] == ends
    assert not [node.id for node in graph.nodes if node.class_name.startswith("ops.")]


def test_a_mask_that_a_program_made_is_not_dropped() -> None:
    numbers, mask = (
        keras.Input((6, 4), name="numbers"),
        keras.Input((6,), dtype="bool", name="mine"),
    )
    model = keras.Model([numbers, mask], reader()(numbers, mask=mask))
    with pytest.raises(FileRefusedError, match=r"“reader”, is called with a mask .* “mine”"):
        graph_of(model)


def test_a_layer_called_twice_is_one_layer_at_two_places() -> None:
    graph = graph_of(shared())
    again = graph.by_id["same_2"]
    assert (again.shares, again.class_name, again.params) == ("same", "Dense", {})
    assert wires(graph) == {"one>same", "two>same_2", "same>both", "same_2>both"}


def test_a_model_in_the_model_is_a_block_with_free_names() -> None:
    graph = graph_of(nested())
    (group,) = graph.groups
    assert (group.id, group.name, group.nested) == ("block", "block", True)
    assert graph.members["block"] == ("inner_2", "last")
    assert wires(graph) == {"start>inner", "inner>inner_2", "inner_2>last", "last>head"}


def test_blocks_nest() -> None:
    graph = graph_of(deep())
    assert {group.id: group.parent for group in graph.groups} == {"outer": "", "core": "outer"}
    assert graph.members["outer"] == ("inner", "last", "after")


def test_a_model_called_twice_shares_all_its_layers() -> None:
    graph = graph_of(twice())
    assert {group.id: group.nested for group in graph.groups} == {
        "encoder": True,
        "encoder_2": False,
    }
    assert [graph.by_id[node].shares for node in graph.members["encoder_2"]] == ["inner", "last"]


def test_operations_of_a_file_are_nodes_with_their_numbers() -> None:
    graph = graph_of(hard_sigmoid())
    found = [(n.class_name, n.params) for n in graph.order if n.class_name.startswith("ops.")]
    assert found == [
        ("ops.add", {"x2": 3.0}),
        ("ops.multiply", {"x2": 1 / 6}),
        ("ops.subtract", {"x1": 2.0}),
        ("ops.subtract", {"x2": 0.5}),
        ("ops.relu", {}),
        ("ops.true_divide", {"x2": 3.0}),
    ]


@keras.saving.register_keras_serializable("mine")
class Swish(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, beta: float = 1.0, **rest: Any) -> None:
        super().__init__(**rest)
        self.beta = beta

    def call(self, value: Any) -> Any:
        return value * keras.ops.sigmoid(self.beta * value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta": self.beta}


def test_a_layer_of_a_program_becomes_a_node_that_keeps_its_parameters() -> None:
    start = keras.Input((4,), name="start")
    model = keras.Model(start, layers.Dense(2, name="head")(Swish(1.5, name="odd")(start)))
    graph = graph_of(model)
    odd = graph.by_id["odd"]
    assert odd.class_name == "mine>Swish"
    assert odd.params["beta"] == 1.5
    assert wires(graph) == {"start>odd", "odd>head"}


def test_a_foreign_layer_with_the_name_of_one_of_keras_is_not_taken_for_it() -> None:
    config = config_of(nested())
    config["config"]["layers"][1] |= {"module": "theirs", "registered_name": "Dense"}
    graph = graph_from(CATALOGUE, config, "here")
    assert graph.by_id["inner"].class_name == "theirs.Dense"


def test_an_operation_that_no_entry_fits_keeps_its_arguments() -> None:
    start = keras.Input((4,), name="start")
    model = keras.Model(start, layers.Dense(1)(keras.ops.clip(start, -1.0, 2.0)))
    config = config_of(model)
    (clip,) = (raw for raw in config["config"]["layers"] if raw["class_name"] == "Clip")
    clip["config"]["soft"] = True
    node = graph_from(CATALOGUE, config, "here").by_id[clip["name"]]
    assert node.class_name == "keras.ops.Clip"
    assert node.params["soft"] is True


def test_models_in_models_in_models_do_not_multiply_beyond_the_limit() -> None:
    """Sixteen models, each calling the one inside it twice: 65,536 layers from a small file."""
    inner = config_of(block(4, "m0"))
    for depth in range(1, 17):
        inner = twice_around(inner, f"m{depth}")
    with pytest.raises(FileRefusedError, match="at most 5,000"):
        graph_from(CATALOGUE, inner, "here")


def twice_around(inner: dict[str, Any], name: str) -> dict[str, Any]:
    def tensor(layer: str, call: int) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, call, 0]}}

    inside = inner["config"]["name"]
    entry = config_of(block(4, "x"))["config"]["layers"][0]
    entry = {**entry, "name": "entry", "config": {**entry["config"], "name": "entry"}}
    called = [
        {"args": [tensor("entry", 0)], "kwargs": {}},
        {"args": [tensor(inside, 0)], "kwargs": {}},
    ]
    return {
        "module": "keras",
        "class_name": "Functional",
        "config": {
            "name": name,
            "layers": [entry, {**inner, "name": inside, "inbound_nodes": called}],
            "input_layers": [["entry", 0, 0]],
            "output_layers": [[inside, 2, 0]],
        },
    }
