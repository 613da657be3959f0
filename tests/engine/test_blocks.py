"""Shared layers, and blocks that are built as models of their own."""

import keras
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document import group_edits
from kbuilder.document.graph import Graph, Group, Node
from kbuilder.document.project import Project
from kbuilder.engine.activations import Probe
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.freezing import frozen_digests
from tests.engine.conftest import make_graph, make_node


def siamese() -> Graph:
    """Two inputs through one Dense layer, then compared."""
    graph = make_graph(
        make_node("Input", "left", shape=[4]),
        make_node("Input", "right", shape=[4]),
        make_node("Dense", "tower", units=3),
        make_node("Dense", "tower_again"),
        make_node("Subtract", "compare"),
        wires="left>tower right>tower_again tower>compare tower_again>compare:1",
    )
    nodes = tuple(
        replace(node, shares="#tower", params={}) if node.name == "tower_again" else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def test_nodes_that_share_a_layer_have_one_set_of_weights(catalogue, tmp_path):
    built = build(Project(graph=siamese()), catalogue)
    assert built.layers["#tower"] is built.layers["#tower_again"]
    assert built.model.count_params() == 4 * 3 + 3
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_array_equal(built.model.predict([x, x], verbose=0), np.zeros((5, 3)))
    built.model.save(tmp_path / "twins.keras")
    again = keras.saving.load_model(tmp_path / "twins.keras")
    assert len(again.get_weights()) == 2


def test_the_node_that_shares_may_come_before_the_one_that_holds_the_layer(catalogue):
    graph = siamese()
    first = make_node("Dense", "early")
    graph = replace(
        graph, nodes=tuple(sorted(graph.nodes, key=lambda node: node.name != "tower_again"))
    )
    assert first.shares == ""
    assert build(Project(graph=graph), catalogue).model.count_params() == 15


def test_a_shared_frozen_layer_is_proved_once(catalogue):
    graph = siamese()
    nodes = tuple(replace(n, trainable=n.name != "tower") for n in graph.nodes)
    built = build(Project(graph=replace(graph, nodes=nodes)), catalogue)
    assert built.model.trainable_weights == []
    assert list(frozen_digests(built.layers, built.graph)) == ["#tower"]


def residual(nested: bool = True) -> Project:
    """points -> stem -> [widen -> relu, + stem] -> label, the bracket being a block."""
    graph = make_graph(
        make_node("Input", "points", shape=[6]),
        make_node("Dense", "stem", units=5),
        make_node("Dense", "widen", units=5),
        make_node("ReLU", "relu"),
        make_node("Add", "add"),
        make_node("Dense", "label", units=2),
        wires="points>stem stem>widen widen>relu stem>add relu>add:1 add>label",
    )
    made = Group(id="block", name="residual", nested=nested)
    return group_edits.group(Project(graph=graph), made, ["#widen", "#relu", "#add"], [])


def test_a_nested_block_is_a_model_with_its_ports(catalogue, tmp_path):
    built = build(residual(), catalogue)
    assert [layer.name for layer in built.model.layers] == ["points", "stem", "residual", "label"]
    inner = built.model.get_layer("residual")
    assert isinstance(inner, keras.Model)
    assert len(inner.inputs) == len(inner.outputs) == 1
    built.model.save(tmp_path / "nested.keras")
    again = keras.saving.load_model(tmp_path / "nested.keras")
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), built.model.predict(x, verbose=0))


def test_nesting_changes_neither_weights_nor_results(catalogue):
    flat, nested = build(residual(False), catalogue), build(residual(), catalogue)
    for one, other in zip(flat.model.get_weights(), nested.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    np.testing.assert_allclose(
        flat.model.predict(x, verbose=0), nested.model.predict(x, verbose=0), rtol=1e-6
    )


def test_one_can_look_into_a_nested_block(catalogue):
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    for node in ("#widen", "#relu", "#add", "#label"):
        seen = []
        for nested in (False, True):
            built = build(residual(nested), catalogue)
            probe = Probe(built, {"#points": x}, {})
            seen.append(probe.compute(1, node, [0, 1, 4]).activations.data)
        assert seen[0] == seen[1], node


def test_blocks_nest_in_blocks(catalogue):
    project = residual()
    inner = Group(id="inner", name="path", nested=True)
    project = group_edits.group(project, inner, ["#widen", "#relu"], [])
    built = build(project, catalogue)
    outer = built.model.get_layer("residual")
    assert [type(layer).__name__ for layer in outer.layers] == ["InputLayer", "Functional", "Add"]
    assert built.layers["#widen"] in outer.get_layer("path").layers


def test_layers_in_a_nested_block_are_trained_and_frozen_like_others(catalogue):
    project = residual()
    graph = project.graph
    nodes = tuple(replace(n, trainable=n.name != "widen") for n in graph.nodes)
    built = build(replace(project, graph=replace(graph, nodes=nodes)), catalogue)
    before = frozen_digests(built.layers, built.graph)
    free = built.layers["#label"].get_weights()[0].copy()
    built.model.compile("sgd", "mse")
    x = np.ones((8, 6), "float32")
    built.model.fit(x, np.zeros((8, 2)), verbose=0)
    assert frozen_digests(built.layers, built.graph) == before
    assert np.abs(built.layers["#label"].get_weights()[0] - free).max() > 0


def test_two_blocks_may_share_a_layer(catalogue):
    graph = siamese()
    project = Project(graph=graph)
    project = group_edits.group(project, Group(id="a", name="first", nested=True), ["#tower"], [])
    project = group_edits.group(
        project, Group(id="b", name="second", nested=True), ["#tower_again"], []
    )
    built = build(project, catalogue)
    assert built.model.count_params() == 15
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(built.model.predict([x, x], verbose=0), np.zeros((2, 3)))


def test_a_block_that_a_wire_leaves_and_enters_again_cannot_be_a_model(catalogue):
    graph = make_graph(
        make_node("Input", "points", shape=[6]),
        make_node("Dense", "first", units=5),
        make_node("Dense", "between", units=5),
        make_node("Dense", "last", units=5),
    )
    made = Group(id="block", name="torn", nested=True)
    project = group_edits.group(Project(graph=graph), made, ["#first", "#last"], [])
    with pytest.raises(BuildError) as caught:
        build(project, catalogue)
    assert caught.value.problems[0].kind == "nested-circle"
    assert "“torn”" in caught.value.problems[0].text


def test_an_input_or_output_in_a_block_is_still_one_of_the_model(catalogue):
    project = residual()
    made = Group(id="all", name="whole", nested=True)
    members: list[Node] = list(project.graph.nodes)
    project = group_edits.group(project, made, [node.id for node in members], ["block"])
    built = build(project, catalogue)
    assert [layer.name for layer in built.model.layers] == ["points", "whole"]
    assert built.model.output_shape == (None, 2)
