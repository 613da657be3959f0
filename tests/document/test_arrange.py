"""Lining up, spreading out, nudging; finding; replacing; which layer can feed which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbuilder.document.arrange import align, distribute, nudge
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.consistency import contradiction
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.find import find
from kbuilder.document.graph import Edge, Graph, Group, Node
from kbuilder.document.project import Project
from kbuilder.document.ranks import feeds, takes
from kbuilder.document.reach import connected, upstream
from kbuilder.document.replacing import replaced

CATALOGUE = load_catalogue()


def _at(name: str, x: float, y: float, group: str = "") -> Node:
    return Node(id=name, class_name="Dense", name=name, x=x, y=y, group=group)


SCATTERED = Graph(nodes=(_at("a", 0, 0), _at("b", 300, 40), _at("c", 1000, 400), _at("d", 5, 900)))
THREE = ("a", "b", "c")


@pytest.mark.parametrize(
    ("side", "axis", "wanted"),
    [
        ("left", 0, {0}),
        ("right", 0, {1000}),
        ("centre", 0, {500}),
        ("top", 1, {0}),
        ("bottom", 1, {400}),
        ("middle", 1, {200}),
    ],
)
def test_align_moves_all_to_one_line_and_nothing_else(side, axis, wanted):
    places = align(SCATTERED, THREE, side)
    assert set(places) == set(THREE)
    assert {place[axis] for place in places.values()} == wanted
    other = 1 - axis
    for name, place in places.items():
        node = SCATTERED.by_id[name]
        assert place[other] == (node.x, node.y)[other]


def test_distribute_makes_equal_gaps_and_keeps_the_ends():
    places = distribute(SCATTERED, THREE, vertically=False)
    assert [places[name] for name in THREE] == [(0, 0), (500, 40), (1000, 400)]
    places = distribute(SCATTERED, THREE, vertically=True)
    assert [places[name] for name in THREE] == [(0, 0), (300, 200), (1000, 400)]
    assert distribute(SCATTERED, ["a", "b"], vertically=True) == {}


def test_a_collapsed_block_moves_as_one_box():
    graph = Graph(
        nodes=(_at("a", 0, 0), _at("b", 400, 100, "g"), _at("c", 600, 300, "g")),
        groups=(Group(id="g", name="g", collapsed=True),),
    )
    # The block's box is drawn at the top centre of its members: x from 500 to 684.
    places = align(graph, ["a", "b", "c"], "left")
    assert places == {"a": (0, 0), "b": (-100, 100), "c": (100, 300)}


def test_nudge_goes_to_the_next_line_of_the_grid():
    graph = Graph(nodes=(_at("a", 3, 5), _at("b", 103, 5)))
    assert nudge(graph, ["a", "b"], 1, 0, 8) == {"a": (8, 5), "b": (108, 5)}
    assert nudge(graph, ["a"], 0, -1, 8) == {"a": (3, 0)}
    assert nudge(graph, ["a"], -1, 0, 1) == {"a": (2, 5)}
    assert nudge(graph, [], 1, 0, 8) == {}


@given(st.floats(-1e5, 1e5), st.sampled_from([1, -1]))
def test_a_nudge_moves_by_one_step_at_most_and_onto_the_grid(x, direction):
    (place,) = nudge(Graph(nodes=(_at("a", x, 0),)), ["a"], direction, 0, 8).values()
    assert 0 < (place[0] - x) * direction <= 8.0001
    assert place[0] / 8 == pytest.approx(round(place[0] / 8))


# --- reach --------------------------------------------------------------------------------------


def test_upstream_and_connected():
    graph = Graph(
        nodes=tuple(_at(name, 0, 0) for name in "abcde"),
        edges=(
            Edge(source="a", target="b"),
            Edge(source="c", target="b", target_port=1),
            Edge(source="c", target="d"),
        ),
    )
    assert upstream(graph, ["b"]) == {"a", "b", "c"}
    assert graph.downstream(["c"]) == {"c", "b", "d"}
    assert connected(graph, ["a"]) == {"a", "b", "c", "d"}


# --- find ---------------------------------------------------------------------------------------

SOUGHT = Graph(
    nodes=(
        Node(id="in", class_name="Input", name="image", params={"shape": [28, 28, 1]}),
        Node(
            id="conv",
            class_name="Conv2D",
            name="first",
            params={"filters": 32, "kernel_size": [3, 3], "activation": "relu"},
        ),
        Node(id="again", class_name="Conv2D", name="second", shares="conv"),
        Node(id="out", class_name="Dense", name="classes_10", params={"units": 10}),
    )
)
FACTS = {
    "in": NodeFacts(outputs=(TensorFacts((None, 28, 28, 1), "float32"),)),
    "conv": NodeFacts(outputs=(TensorFacts((None, 26, 26, 32), "float32"),)),
    "out": NodeFacts(outputs=(TensorFacts((None, 10), "float32"),)),
}


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("", []),
        ("   ", []),
        ("FIRST", ["conv"]),
        ("conv", ["conv", "again"]),
        ("28 x 28", ["in"]),
        ("28×28×1", ["in"]),
        ("28 x 28 x 32", []),
        ("(None, 10)", ["out"]),
        ("(26, 26, 32)", ["conv"]),
        ("(26, 26)", []),
        ("? x 26", ["conv"]),
        ("units=10", ["out"]),
        ("units = 10", ["out"]),
        ("units: 1", []),
        ("kernel_size=(3, 3)", ["conv", "again"]),
        ("kernel=3x3", ["conv", "again"]),
        ("padding=valid", ["conv", "again"]),
        ("relu", ["conv", "again"]),
        ("10", ["out"]),
        ("conv relu second", ["again"]),
        ("conv 26x26", ["conv"]),
        ("nothing", []),
        ("((((", []),
        ("a=", []),
    ],
)
def test_find_by_name_class_shape_or_parameter(text, hits):
    assert find(SOUGHT, text, FACTS, CATALOGUE) == hits


@given(st.text("conv(),28 x×=?[]none", max_size=12))
def test_find_never_fails_on_what_is_typed(text):
    find(SOUGHT, text, FACTS, CATALOGUE)


# --- replacing ----------------------------------------------------------------------------------


def _replace(graph: Graph, node: str, class_name: str) -> Graph:
    spec = CATALOGUE.layer(class_name)
    assert spec is not None
    made = replaced(Project(graph=graph), node, spec, CATALOGUE).graph
    assert contradiction(made) == ""
    return made


def test_a_replaced_layer_keeps_common_parameters_wires_and_its_own_name():
    graph = Graph(
        nodes=SOUGHT.nodes,
        edges=(Edge(source="in", target="conv"), Edge(source="conv", target="out")),
    )
    made = _replace(graph, "conv", "SeparableConv2D")
    node = made.by_id["conv"]
    assert (node.class_name, node.name) == ("SeparableConv2D", "first")
    assert node.params["filters"] == 32
    assert node.params["activation"] == "relu"
    assert made.edges == graph.edges
    assert made.by_id["again"].class_name == "SeparableConv2D"
    assert "filters" not in _replace(graph, "conv", "Dropout").by_id["conv"].params


def test_a_default_name_follows_the_class():
    graph = Graph(nodes=(Node(id="a", class_name="Conv2D", name="conv2d_3"),))
    assert _replace(graph, "a", "Dense").by_id["a"].name == "dense"


def test_wires_to_ports_that_are_gone_go_too():
    graph = Graph(
        nodes=(_at("a", 0, 0), _at("b", 0, 0), Node(id="sum", class_name="Add", name="sum")),
        edges=(Edge(source="a", target="sum"), Edge(source="b", target="sum", target_port=1)),
    )
    assert [edge.source for edge in _replace(graph, "sum", "Dense").edges] == ["a"]
    assert _replace(graph, "sum", "Input").edges == ()


# --- ranks --------------------------------------------------------------------------------------


def _offered(target: str) -> set[str]:
    spec = CATALOGUE.layer(target)
    return {each.class_name for each in CATALOGUE.layers if feeds(each, spec)}


def test_only_layers_of_a_fitting_rank_are_offered_before_a_layer():
    before_conv = _offered("Conv2D")
    assert {"Input", "Conv2D", "MaxPooling2D", "Reshape", "Dropout", "ConvLSTM2D"} <= before_conv
    assert not before_conv & {"Conv1D", "LSTM", "Flatten", "RepeatVector"}
    assert {"Embedding", "LSTM", "Conv1D", "RepeatVector"} <= _offered("LSTM")
    assert "Conv2D" not in _offered("LSTM")
    assert {"Flatten", "GlobalAveragePooling2D", "Conv2D"} <= _offered("Dense")


def test_only_layers_that_take_the_rank_are_offered_after_one():
    after = {each.class_name for each in CATALOGUE.layers if takes(each, 2)}
    assert {"Dense", "RepeatVector", "Flatten"} <= after
    assert not after & {"Conv2D", "LSTM", "Input"}
