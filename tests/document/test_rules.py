import random
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.mending import apply_fix
from kbuilder.document.naming import new_node, unique_name
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.param_rules import fault
from kbuilder.document.problems import Problem, joined
from kbuilder.document.project import Project
from kbuilder.document.rules import Checker, can_connect, check, free_port
from kbuilder.document.values import KerasObject
from tests.document.mended import assert_fixes_mend, the_problem

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


UNREACHED = project(
    node("x", "Input"), node("y"), node("a"), node("b"), node("c"), wires="x>y a>b b>c", loss="y"
)
BRANCH = project(node("x", "Input"), node("y"), node("a"), node("z"), wires="x>y x>a a>z", loss="y")


@dataclass
class Case:
    kind: str
    project: Project
    severity: str
    node: str
    parameter: str
    words: str
    fixes: tuple[str, ...] = ()


CASES = [
    Case("empty", Project(), "error", "", "", "empty. Drag an Input"),
    Case("no-input", project(node("y")), "error", "", "", "no input", ("Insert Input before y",)),
    Case("no-output", project(node("x", "Input")), "error", "", "", "no output"),
    Case(
        "circle",
        project(node("x", "Input"), node("a"), node("b", "Add"), wires="a>b b>a"),
        "error",
        "a",
        "",
        "form a circle",
        ("Remove the wire from a to b", "Remove the wire from b to a"),
    ),
    Case(
        "name-taken",
        edits.rename(GOOD, "y", "x"),
        "error",
        "y",
        "name",
        "2 nodes are called “x”",
        ("Rename to x_2",),
    ),
    Case(
        "wires-doubled",
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
        ("Keep the wire from x",),
    ),
    Case(
        "name-invalid",
        edits.rename(GOOD, "y", "y\n"),
        "error",
        "y",
        "name",
        "without",
        ("Rename to y",),
    ),
    Case(
        "name-invalid",
        edits.rename(GOOD, "y", "my layer"),
        "error",
        "y",
        "name",
        "without spaces",
        ("Rename to my_layer",),
    ),
    Case(
        "name-invalid",
        edits.rename(GOOD, "y", "层"),
        "error",
        "y",
        "name",
        "without spaces",
        ("Rename to dense",),
    ),
    Case(
        "unknown-class",
        project(node("x", "Input"), node("y", "Holographic"), wires="x>y", loss="y"),
        "error",
        "y",
        "",
        "no layer class “Holographic”",
        ("Delete y",),
    ),
    Case(
        "input-open",
        project(node("x", "Input"), node("y"), node("z"), wires="x>y", loss="y"),
        "error",
        "z",
        "",
        "not connected",
        ("Connect y to z",),
    ),
    Case(
        "port-extra",
        Project(
            graph=Graph(
                nodes=(node("x", "Input"), node("y")),
                edges=(
                    Edge(source="x", target="y"),
                    Edge(source="x", target="y", target_port=1),
                ),
            )
        ),
        "error",
        "y",
        "",
        "takes 1 input",
        ("Remove the wire",),
    ),
    Case(
        "merge-too-few",
        project(node("x", "Input"), node("a"), node("y", "Add"), wires="x>y x>a", loss="y"),
        "error",
        "y",
        "",
        "at least 2 inputs and has 1",
        ("Connect a to y",),
    ),
    Case(
        "parameter-missing",
        edits.reset_params(GOOD, ["y"], ["units"]),
        "error",
        "y",
        "units",
        "needs a value for units",
        ("Set units to 64",),
    ),
    Case(
        "size",
        edits.set_params(GOOD, ["y"], {"units": -64}),
        "error",
        "y",
        "units",
        "at least 1, not -64",
        ("Set units to 64",),
    ),
    Case(
        "size",
        edits.set_params(GOOD, ["x"], {"shape": [0, None, -3]}),
        "error",
        "x",
        "shape",
        "at least 1, not 0",
        ("Set shape to (1, None, 3)", "Set shape to (64,)"),
    ),
    Case(
        "parameter-value",
        edits.set_params(GOOD, ["y"], {"activation": "warp"}),
        "error",
        "y",
        "activation",
        "must be one of",
        ("Set activation to its default",),
    ),
    Case(
        "parameter-unknown",
        edits.set_params(GOOD, ["y"], {"colour": "red"}),
        "error",
        "y",
        "colour",
        "no parameter colour",
        ("Take colour out",),
    ),
    Case(
        "no-loss",
        project(node("x", "Input"), node("y"), wires="x>y"),
        "error",
        "y",
        "loss",
        "no loss",
        ("Use MeanSquaredError", "Use SparseCategoricalCrossentropy from logits"),
    ),
    Case(
        "no-loss",
        project(node("x", "Input"), node("y", activation="softmax"), wires="x>y"),
        "error",
        "y",
        "loss",
        "no loss",
        ("Use SparseCategoricalCrossentropy", "Use CategoricalCrossentropy"),
    ),
    Case(
        "dead-end",
        project(node("x", "Input"), node("y"), node("z"), wires="x>y x>z", loss="y"),
        "warning",
        "z",
        "loss",
        "not trained",
        (
            "Delete z",
            "Use MeanSquaredError",
            "Use SparseCategoricalCrossentropy from logits",
        ),
    ),
    Case("dead-end", BRANCH, "warning", "z", "loss", "not trained", ("Delete 2 layers",)),
    Case(
        "unreachable",
        UNREACHED,
        "warning",
        "b",
        "",
        "No Input leads to “b” and 1 layer behind it",
        ("Insert Input before a", "Delete 3 layers"),
    ),
    Case(
        "unused-input",
        edits.add_node(GOOD, node("idle", "Input")),
        "warning",
        "idle",
        "",
        "leads to no layer",
        ("Delete idle",),
    ),
]


def judge(project: Project) -> tuple[Problem, ...]:
    return check(project, CATALOGUE)


def test_a_good_project_has_no_problems() -> None:
    assert judge(GOOD) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_problems_name_place_and_remedy_and_their_fixes_mend_them(case: Case) -> None:
    problem = the_problem(judge(case.project), case.kind, case.node)
    assert (problem.severity, problem.parameter) == (case.severity, case.parameter)
    assert case.words in problem.text
    assert tuple(fix.text for fix in problem.fixes)[: len(case.fixes)] == case.fixes
    assert_fixes_mend(case.project, problem, judge, CATALOGUE)


def test_deleting_a_dead_branch_leaves_no_other_dead_end() -> None:
    problem = the_problem(judge(BRANCH), "dead-end")
    after = apply_fix(BRANCH, problem.fixes[0], CATALOGUE)
    assert [node.id for node in after.graph.nodes] == ["x", "y"]
    assert judge(after) == ()


def test_with_several_free_layers_above_none_is_proposed() -> None:
    two = project(node("x", "Input"), node("y"), node("y2"), node("z"), wires="x>y x>y2")
    assert the_problem(judge(two), "input-open").fixes == ()


def test_an_output_that_is_read_and_marked_may_go_without_a_loss() -> None:
    marked = edits.mark_output(
        project(node("x", "Input"), node("a"), node("y"), wires="x>a a>y", loss="y"), "a", True
    )
    assert [problem.kind for problem in judge(marked)] == ["no-loss"]
    assert the_problem(judge(marked), "no-loss").severity == "warning"


def test_parameters_are_told_of_the_layer_not_of_those_that_share_it() -> None:
    shared = project(node("x", "Input"), node("y", units=-1), wires="x>y", loss="y")
    twin = Node(id="twin", class_name="Dense", name="twin", shares="y")
    shared = edits.add_after(shared, twin, "x")
    assert [problem.node for problem in judge(shared) if problem.parameter == "units"] == ["y"]


def test_a_doubled_explanation_is_left_out_when_lists_are_joined() -> None:
    open_port = Problem(severity="error", kind="input-open", node="a", text="open")
    units = Problem(
        severity="warning", kind="units-classes", node="b", parameter="units", text="few"
    )
    again = Problem(severity="error", kind="size", node="b", parameter="units", text="again")
    behind = Problem(severity="error", kind="rank", node="a", text="rank")
    model = Problem(severity="warning", text="whole")
    loss = Problem(severity="error", kind="no-loss", node="c", parameter="loss", text="loss")
    keras = Problem(severity="error", kind="keras", node="c", text="keras")
    assert joined((units, open_port, loss), (behind, again, model, keras)) == (
        open_port,
        loss,
        keras,
        units,
        model,
    )


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


def test_a_checker_says_after_each_edit_what_a_fresh_check_says() -> None:
    checker = Checker(CATALOGUE)
    projects = [GOOD, *(case.project for case in CASES), GOOD]
    for each in projects:
        assert checker.check(each) == judge(each)


def test_a_checker_that_follows_an_edit_says_what_a_fresh_check_says() -> None:
    checker, rng, edited, said = Checker(CATALOGUE), random.Random(3), BRANCH, set()
    for _ in range(300):
        graph = edited.graph
        chosen = rng.choice(graph.nodes)
        edges = list(graph.edges)
        match rng.randrange(4):
            case 0:
                params = {**chosen.params, "units": rng.choice([3, -1])}
                chosen = replace(chosen, params=params, output=not chosen.output)
            case 1:
                class_name = rng.choice(["Dense", "Add", "Input", "NoSuchLayer"])
                chosen = replace(chosen, class_name=class_name)
            case 2 if edges:
                edges.pop(rng.randrange(len(edges)))
            case 3:
                source, port = rng.choice(graph.nodes).id, rng.randrange(2)
                edge = Edge(source=source, target=chosen.id, target_port=port)
                edges = [each for each in edges if each != edge] + [edge]
        nodes = tuple(chosen if each.id == chosen.id else each for each in graph.nodes)
        edited = replace(edited, graph=replace(graph, nodes=nodes, edges=tuple(edges)))
        edited.graph.take_lookups(graph)
        found = checker.check(edited)
        assert found == judge(edited)
        said |= {problem.kind for problem in found}
    assert len(said) > 8


def test_lookups_are_taken_over_from_a_graph_with_the_same_wires_only() -> None:
    graph = BRANCH.graph
    assert graph.order
    alike = replace(graph, nodes=tuple(replace(node, x=node.x + 1) for node in graph.nodes))
    alike.take_lookups(graph)
    assert alike.incoming is graph.incoming
    assert alike.order == replace(alike).order
    cut = replace(graph, edges=graph.edges[1:])
    cut.take_lookups(graph)
    assert cut.incoming == replace(cut).incoming != graph.incoming
