from dataclasses import dataclass

import pytest

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.naming import new_node, unique_name
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.param_rules import fault
from kbuilder.document.project import Project
from kbuilder.document.rules import can_connect, check, free_port
from kbuilder.document.values import KerasObject

CATALOGUE = load_catalogue()


def node(name: str, class_name: str = "Dense", **params: object) -> Node:
    if class_name == "Dense":
        params = {"units": 3, **params}
    if class_name == "Input":
        params = {"shape": [4], **params}
    return Node(id=name, class_name=class_name, name=name, params=params)


def project(*nodes: Node, wires: str = "", loss: str = "") -> Project:
    """A project with wires written as "a>b b>c"; ``loss`` names the output that has one."""
    edges = tuple(
        Edge(source=pair.split(">")[0], target=pair.split(">")[1]) for pair in wires.split()
    )
    outputs = {loss: OutputOptions(loss=KerasObject(class_name="MeanSquaredError"))} if loss else {}
    return Project(graph=Graph(nodes=nodes, edges=edges), compile=CompileOptions(outputs=outputs))


GOOD = project(node("x", "Input"), node("y"), wires="x>y", loss="y")


@dataclass
class Case:
    name: str
    project: Project
    severity: str
    node: str
    parameter: str
    words: str


CASES = [
    Case("empty", Project(), "error", "", "", "empty. Drag an Input"),
    Case("no input", project(node("y")), "error", "", "", "no input"),
    Case("no output", project(node("x", "Input")), "error", "", "", "no output"),
    Case(
        "circle",
        project(node("x", "Input"), node("a"), node("b"), wires="a>b b>a"),
        "error",
        "a",
        "",
        "form a circle",
    ),
    Case(
        "same name",
        edits.rename(GOOD, "y", "x"),
        "error",
        "y",
        "name",
        "2 nodes are called “x”",
    ),
    Case(
        "two wires at one input",
        Project(
            graph=Graph(
                nodes=(node("x", "Input"), node("z", "Input"), node("y")),
                edges=(Edge(source="x", target="y"), Edge(source="z", target="y")),
            )
        ),
        "error",
        "y",
        "",
        "2 wires end at its input number 1",
    ),
    Case("name with a line break", edits.rename(GOOD, "y", "y\n"), "error", "y", "name", "without"),
    Case("bad name", edits.rename(GOOD, "y", "my layer"), "error", "y", "name", "without spaces"),
    Case(
        "unknown class",
        project(node("x", "Input"), node("y", "Holographic"), wires="x>y", loss="y"),
        "error",
        "y",
        "",
        "no layer class “Holographic”",
    ),
    Case(
        "not connected",
        project(node("x", "Input"), node("y"), node("z"), wires="x>y", loss="y"),
        "error",
        "z",
        "",
        "not connected",
    ),
    Case(
        "merge of one",
        project(node("x", "Input"), node("y", "Add"), wires="x>y", loss="y"),
        "error",
        "y",
        "",
        "at least 2 inputs and has 1",
    ),
    Case(
        "required parameter",
        edits.reset_params(GOOD, ["y"], ["units"]),
        "error",
        "y",
        "units",
        "needs a value for units",
    ),
    Case("limit", edits.set_params(GOOD, ["y"], {"units": 0}), "error", "y", "units", "at least 1"),
    Case(
        "unknown parameter",
        edits.set_params(GOOD, ["y"], {"colour": "red"}),
        "error",
        "y",
        "colour",
        "no parameter colour",
    ),
    Case(
        "no loss",
        project(node("x", "Input"), node("y"), wires="x>y"),
        "error",
        "y",
        "loss",
        "no loss",
    ),
    Case(
        "one loss of two",
        project(node("x", "Input"), node("y"), node("z"), wires="x>y x>z", loss="y"),
        "warning",
        "z",
        "loss",
        "not trained",
    ),
]


def test_a_good_project_has_no_problems() -> None:
    assert check(GOOD, CATALOGUE) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_problems_name_node_parameter_and_remedy(case: Case) -> None:
    found = [
        problem
        for problem in check(case.project, CATALOGUE)
        if (problem.severity, problem.node, problem.parameter)
        == (case.severity, case.node, case.parameter)
    ]
    assert any(case.words in problem.text for problem in found), check(case.project, CATALOGUE)


def test_can_connect_answers_with_a_reason() -> None:
    graph = project(node("x", "Input"), node("a"), node("b"), wires="x>a a>b").graph

    def reason(source: str, target: str, port: int = 0) -> str:
        return can_connect(graph, CATALOGUE, source, 0, target, port)

    assert reason("a", "a") == "“a” cannot feed itself."
    assert "circle" in reason("b", "a")
    assert "input of the model" in reason("a", "x")
    assert "takes 1 input" in reason("x", "b", 1)
    assert "already feeds" in reason("a", "b")
    assert reason("x", "b") == ""


def test_free_port_of_a_merge_grows_and_of_a_layer_does_not() -> None:
    graph = project(node("x", "Input"), node("y"), node("add", "Add"), wires="x>y x>add").graph
    assert free_port(graph, CATALOGUE, "add") == 1
    assert free_port(graph, CATALOGUE, "y") == 0


def test_new_nodes_are_named_as_keras_would() -> None:
    graph = Graph()
    names = []
    for class_name in ("Conv2D", "Conv2D", "BatchNormalization", "LSTM", "MaxPooling2D"):
        made = new_node(graph, CATALOGUE.layer(class_name))
        graph = edits.add_node(Project(graph=graph), made).graph
        names.append(made.name)
    assert names == ["conv2d", "conv2d_1", "batch_normalization", "lstm", "max_pooling2d"]
    assert unique_name(graph, "conv2d") == "conv2d_2"


@pytest.mark.parametrize(
    ("layer", "param", "value", "words"),
    [
        ("Conv2D", "kernel_size", [3], "must have 2 numbers"),
        ("Conv2D", "kernel_size", [3, 0], "at least 1"),
        ("Conv2D", "padding", "sideways", "one of valid, same"),
        ("Conv2D", "use_bias", 1, "on or off"),
        ("Dense", "units", 2.5, "whole number"),
        ("Dense", "units", True, "whole number"),
        ("Dense", "units", None, "needs a value"),
        ("Dense", "kernel_initializer", {"class_name": "Telepathy"}, "not one of Keras's"),
        ("Dropout", "rate", 1.5, "at most 1"),
        ("Dense", "kernel_regularizer", {"class_name": "L2", "params": {"l2": -1}}, "at least 0"),
    ],
)
def test_a_value_that_does_not_fit_is_explained(layer, param, value, words) -> None:
    spec = CATALOGUE.layer(layer).param(param)
    assert words in fault(spec, value, CATALOGUE)
