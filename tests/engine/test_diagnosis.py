"""What Keras refuses, explained: each known cause with its words, and every fix tried on real Keras."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.diagnosis.explaining import explain
from kbuilder.engine.infer import Inference
from tests.document.mended import assert_fixes_mend, the_problem
from tests.engine.conftest import make_graph, make_node


def given(*shape: int | None, name: str = "in", **params) -> Node:
    return make_node("Input", name, shape=list(shape), **params)


def chain(*nodes: Node) -> Graph:
    return make_graph(*nodes)


def joined(merge: Node, *above: Node) -> Graph:
    """Every node feeds a port of ``merge``, in order; a node behind an Input is fed by the one before."""
    wires, port, before = [], 0, ""
    for number, node in enumerate(above):
        follows = node.class_name != "Input"
        if follows:
            wires.append(f"{before}>{node.name}")
        last = number + 1 == len(above) or above[number + 1].class_name == "Input"
        if last:
            wires.append(f"{node.name}>{merge.name}:{port}")
            port += 1
        before = node.name
    return make_graph(*above, merge, wires=" ".join(wires))


def conv(name: str, **params) -> Node:
    return make_node("Conv2D", name, **{"filters": 4, "kernel_size": [3, 3], **params})


def residual(main: int, strides: int = 1) -> Graph:
    """A convolution beside a skip connection of 16 channels."""
    nodes = (
        given(8, 8, 3),
        conv("stem", filters=16, padding="same"),
        conv("main", filters=main, padding="same", strides=[strides, strides]),
        make_node("BatchNormalization", "norm"),
        make_node("Add", "bad"),
    )
    return make_graph(*nodes, wires="in>stem stem>main main>norm norm>bad stem>bad:1")


@dataclass
class Case:
    kind: str
    graph: Graph
    parameter: str
    words: tuple[str, ...]
    fixes: tuple[str, ...]


CASES = {
    "flat into Conv2D": Case(
        "rank",
        chain(given(784), conv("bad")),
        "",
        ("4 dimensions (batch, height, width, channels)", "(None, 784), which has 2"),
        ("Insert Reshape to (28, 28, 1)",),
    ),
    "grey picture into Conv2D": Case(
        "rank",
        chain(given(28, 28), conv("bad")),
        "",
        ("(None, 28, 28), which has 3",),
        ("Insert Reshape to (28, 28, 1)", "Set shape of in to (28, 28, 1)"),
    ),
    "single number into Dense": Case(
        "rank",
        chain(given(), make_node("Dense", "bad", units=3)),
        "",
        ("at least 2 dimensions", "(None,), which has 1"),
        ("Insert Reshape to (1,)",),
    ),
    "flat into pooling": Case(
        "rank",
        chain(given(12), make_node("MaxPooling1D", "bad")),
        "",
        ("3 dimensions (batch, steps, features)", "(None, 12)"),
        ("Insert Reshape to (12, 1)", "Set shape of in to (12, 1)"),
    ),
    "picture into LSTM": Case(
        "rank",
        chain(given(9, 8, 3), make_node("LSTM", "bad", units=4)),
        "",
        ("(None, 9, 8, 3), which has 4",),
        ("Insert Reshape to (9, 24)",),
    ),
    "open picture into LSTM": Case(
        "rank",
        chain(given(None, 8, 3), make_node("LSTM", "bad", units=4)),
        "",
        ("(None, None, 8, 3)",),
        ("Insert Reshape to (-1, 24)",),
    ),
    "sequence into RepeatVector": Case(
        "rank",
        chain(given(9, 8), make_node("RepeatVector", "bad", n=3)),
        "",
        ("2 dimensions (batch, features)",),
        ("Insert Flatten", "Insert GlobalAveragePooling1D"),
    ),
    "vector as value of attention": Case(
        "rank",
        joined(
            make_node("MultiHeadAttention", "bad", num_heads=2, key_dim=4),
            given(9, 8),
            given(8, name="v"),
        ),
        "",
        ("at least 3 dimensions", "(None, 8), which has 2"),
        ("Insert Reshape to (8, 1)", "Set shape of v to (8, 1)"),
    ),
    "mean of the batch into Dense": Case(
        "no-samples",
        chain(given(8), make_node("ops.mean", "one"), make_node("Dense", "bad", units=3)),
        "",
        ("“one” gives one value for the whole batch",),
        ("Let one work on each sample by axis -1",),
    ),
    "mean of the batch into Add": Case(
        "no-samples",
        joined(
            make_node("Add", "bad"), given(8), given(8, name="in2"), make_node("ops.mean", "one")
        ),
        "",
        ("“one” gives one value for the whole batch",),
        ("Let one work on each sample by axis -1",),
    ),
    "picture into Bidirectional": Case(
        "rank",
        chain(
            given(9, 8, 3),
            make_node("Bidirectional", "bad", layer={"class_name": "LSTM", "params": {"units": 4}}),
        ),
        "",
        ("3 dimensions (batch, steps, features)", "(None, 9, 8, 3), which has 4"),
        ("Insert Reshape to (9, 24)",),
    ),
    "one picture into TimeDistributed": Case(
        "rank",
        chain(
            given(9, 8, 3),
            make_node(
                "TimeDistributed",
                "bad",
                layer={"class_name": "Conv2D", "params": {"filters": 4, "kernel_size": [3, 3]}},
            ),
        ),
        "",
        ("5 dimensions", "(None, 9, 8, 3), which has 4"),
        ("Insert Reshape to (9, 8, 3, 1)", "Set shape of in to (9, 8, 3, 1)"),
    ),
    "LSTM behind LSTM": Case(
        "sequences-missing",
        chain(
            given(9, 8),
            make_node("LSTM", "lstm_1", units=4),
            make_node("Dropout", "drop", rate=0.1),
            make_node("LSTM", "bad", units=4),
        ),
        "",
        ("“lstm_1” gives its last step only, (None, 4)",),
        ("Use return_sequences in lstm_1",),
    ),
    "LSTM behind Bidirectional": Case(
        "sequences-missing",
        chain(
            given(9, 8),
            make_node("Bidirectional", "both", layer={"class_name": "GRU", "params": {"units": 4}}),
            make_node("LSTM", "bad", units=4),
        ),
        "",
        ("“both” gives its last step only",),
        ("Use return_sequences in both",),
    ),
    "skip connection of other filters": Case(
        "merge-shapes",
        residual(32),
        "",
        ("(None, 8, 8, 32) at port 1 but (None, 8, 8, 16) at port 2",),
        (
            "Set filters of stem to 32",
            "Insert Conv2D 1×1 with 32 filters before port 2",
            "Use Concatenate instead",
        ),
    ),
    "skip connection past strides": Case(
        "merge-shapes",
        residual(32, strides=2),
        "",
        ("(None, 4, 4, 32) at port 1 but (None, 8, 8, 16) at port 2",),
        ("Insert Conv2D 1×1 with 32 filters before port 2",),
    ),
    "Multiply of sequence and vector": Case(
        "merge-shapes",
        joined(make_node("Multiply", "bad"), given(5), given(4, 4, 3, name="picture")),
        "",
        ("(None, 5)", "(None, 4, 4, 3)"),
        ("Insert GlobalAveragePooling2D and Dense(5) before port 2",),
    ),
    "Concatenate of other steps": Case(
        "concat-shapes",
        joined(make_node("Concatenate", "bad"), given(9, 4), given(7, 4, name="b")),
        "axis",
        ("along axis -1", "(None, 9, 4) and (None, 7, 4)"),
        ("Set axis to 1", "Insert Cropping1D", "Insert Flatten before port 1 and 2"),
    ),
    "Concatenate of other pictures": Case(
        "concat-shapes",
        joined(make_node("Concatenate", "bad"), given(9, 9, 4), given(6, 7, 2, name="b")),
        "axis",
        ("(None, 9, 9, 4) and (None, 6, 7, 2)",),
        ("Insert Cropping2D", "Insert Flatten before port 1 and 2"),
    ),
    "Concatenate of ranks": Case(
        "concat-shapes",
        joined(make_node("Concatenate", "bad"), given(9, 4), given(7, name="b")),
        "axis",
        ("same number of dimensions",),
        ("Insert Flatten before port 1",),
    ),
    "Dot": Case(
        "dot-axes",
        joined(make_node("Dot", "bad", axes=-1), given(5, 3), given(4, 5, name="b")),
        "axes",
        ("axis -1 of (None, 5, 3)", "(None, 4, 5)"),
        ("Set axes to (1, 2)", "Insert Dense(3) before port 2"),
    ),
    "attention of two widths": Case(
        "attention-shapes",
        joined(make_node("Attention", "bad"), given(9, 4), given(7, 6, name="b")),
        "",
        ("same last dimension", "(None, 9, 4) and (None, 7, 6)"),
        ("Insert Dense(4) before port 2",),
    ),
    "attention with a key too many": Case(
        "attention-shapes",
        joined(
            make_node("MultiHeadAttention", "bad", num_heads=2, key_dim=4),
            *(given(9, 4), given(7, 6, name="b"), given(5, 6, name="c")),
        ),
        "",
        ("key is (None, 5, 6)",),
        ("Use the value as key",),
    ),
    "heads": Case(
        "attention-heads",
        joined(
            make_node(
                "GroupQueryAttention", "bad", num_query_heads=4, num_key_value_heads=3, head_dim=2
            ),
            *(given(9, 4), given(7, 4, name="b")),
        ),
        "num_key_value_heads",
        ("4 query heads among 3",),
        ("Set num_key_value_heads to 1",),
    ),
    "kernel": Case(
        "window-too-large",
        chain(given(4, 8, 3), conv("bad", kernel_size=[5, 5])),
        "kernel_size",
        ("window of 5 × 5", "(None, 4, 8, 3)"),
        ("Set padding to same", "Set kernel_size to (4, 5)"),
    ),
    "dilated kernel": Case(
        "window-too-large",
        chain(given(4, 3), make_node("Conv1D", "bad", filters=2, kernel_size=3, dilation_rate=2)),
        "kernel_size",
        ("window of 5 over",),
        ("Set padding to same", "Set kernel_size to 2"),
    ),
    "pool": Case(
        "window-too-large",
        chain(given(1, 8, 3), make_node("MaxPooling2D", "bad")),
        "pool_size",
        ("window of 2 × 2", "(None, 1, 8, 3)"),
        ("Set padding to same", "Set pool_size to (1, 2)"),
    ),
    "strides and dilation": Case(
        "strides-dilation",
        chain(given(8, 8, 3), conv("bad", strides=[2, 2], dilation_rate=[2, 2])),
        "dilation_rate",
        ("strides (2, 2) and dilation_rate (2, 2)",),
        ("Set dilation_rate to (1, 1)", "Set strides to (1, 1)"),
    ),
    "groups": Case(
        "groups",
        chain(given(8, 8, 6), conv("bad", filters=8, groups=4)),
        "groups",
        ("4 groups", "6 channels", "8 filters"),
        ("Set groups to 2",),
    ),
    "groups and filters": Case(
        "groups",
        chain(given(8, 8, 4), conv("bad", filters=6, groups=4)),
        "groups",
        ("4 channels", "6 filters"),
        ("Set filters to 8", "Set groups to 2"),
    ),
    "group normalization": Case(
        "groups",
        chain(given(8, 8, 48), make_node("GroupNormalization", "bad")),
        "groups",
        ("32 groups", "48 channels"),
        ("Set groups to 24",),
    ),
    "cropping": Case(
        "crop-too-large",
        chain(given(8, 9, 3), make_node("Cropping2D", "bad", cropping=[[4, 4], [1, 1]])),
        "cropping",
        ("(None, 8, 9, 3)",),
        ("Set cropping to ((0, 0), (1, 1))",),
    ),
    "Reshape": Case(
        "reshape-size",
        chain(given(28, 28, 3), make_node("Reshape", "bad", target_shape=[28, 28])),
        "target_shape",
        ("784 values", "which has 2352"),
        (
            "Set target_shape to (28, 84)",
            "Set target_shape to (84, 28)",
            "Set target_shape to (28, 28, 3)",
        ),
    ),
    "Reshape with two open": Case(
        "reshape-size",
        chain(given(10), make_node("Reshape", "bad", target_shape=[-1, -1])),
        "target_shape",
        ("several open dimensions",),
        ("Set target_shape to (-1,)",),
    ),
    "Permute": Case(
        "permute-dims",
        chain(given(8, 9, 3), make_node("Permute", "bad", dims=[2, 1])),
        "dims",
        ("each of the 3 dimensions", "(2, 1)"),
        ("Set dims to (2, 3, 1)",),
    ),
    "axis": Case(
        "axis",
        chain(given(8, 9), make_node("BatchNormalization", "bad", axis=3)),
        "axis",
        ("along axis 3", "axes 0 to 2"),
        ("Set axis to -1",),
    ),
    "Flatten of open steps": Case(
        "open-dimension",
        chain(given(None, 3), make_node("Flatten", "flat"), make_node("Dense", "bad", units=2)),
        "",
        ("needs a fixed size", "(None, None)", "“in”"),
        ("Use GlobalAveragePooling1D instead of flat",),
    ),
    "open channels": Case(
        "open-dimension",
        chain(given(8, 8, None), conv("bad")),
        "",
        ("(None, 8, 8, None)", "“in”"),
        ("Set shape of in to (8, 8, 1)",),
    ),
    "text into Dense": Case(
        "text-numbers",
        chain(given(3, dtype="string"), make_node("Dense", "bad", units=2)),
        "",
        ("“in” gives text",),
        ("Set dtype of in to float32", "Insert Hashing"),
    ),
    "text into Embedding": Case(
        "text-numbers",
        chain(given(3, dtype="string"), make_node("Embedding", "bad", input_dim=50, output_dim=2)),
        "",
        ("“in” gives text",),
        ("Set dtype of in to int32", "Insert Hashing"),
    ),
    "text beside numbers": Case(
        "text-numbers",
        joined(make_node("Concatenate", "bad"), given(3), given(4, name="b", dtype="string")),
        "",
        ("“b” gives text",),
        ("Set dtype of b to float32", "Insert Hashing"),
    ),
    "numbers into a text layer": Case(
        "numbers-text",
        chain(given(3), make_node("StringLookup", "bad", vocabulary=["a"])),
        "",
        ("reads text", "dtype float32"),
        ("Set dtype of in to string",),
    ),
    "wrapper": Case(
        "wrapper-layer",
        chain(
            given(9, 8),
            make_node(
                "Bidirectional", "bad", layer={"class_name": "Dense", "params": {"units": 3}}
            ),
        ),
        "layer",
        ("recurrent layer with go_backwards", "not Dense"),
        ("Use LSTM(3) inside", "Use GRU(3) inside"),
    ),
    "anything else": Case(
        "keras",
        chain(given(6), make_node("EinsumDense", "bad", equation="nonsense", output_shape=[3])),
        "equation",
        ("EinsumDense “bad”",),
        (),
    ),
}


@pytest.fixture(scope="module")
def judge(catalogue):
    inference = Inference(catalogue)

    def judged(project: Project):
        return (*check(project, catalogue), *inference.infer(project.graph)[1])

    return judged


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_names_cause_and_place_and_its_fixes_mend_it(name, judge, catalogue):
    case = CASES[name]
    project = Project(graph=case.graph)
    problem = the_problem(judge(project), case.kind)
    assert (problem.node, problem.severity) == ("#bad", "error")
    assert problem.parameter == case.parameter
    for words in case.words:
        assert words in problem.text
    assert tuple(fix.text for fix in problem.fixes) == case.fixes
    assert_fixes_mend(project, problem, judge, catalogue)


def test_a_wire_from_an_output_that_is_not_there(judge, catalogue):
    graph = chain(
        given(4, 2), make_node("LSTM", "reader", units=3), make_node("Dense", "bad", units=1)
    )
    edges = (graph.edges[0], replace(graph.edges[1], source_port=2))
    project = Project(graph=replace(graph, edges=edges))
    problem = the_problem(judge(project), "output-missing", "#bad")
    assert "output 3 of “reader”, which has 1" in problem.text
    assert [fix.text for fix in problem.fixes] == [
        "Use return_state in reader",
        "Use output 1 of reader",
        "Remove the wire",
    ]
    assert_fixes_mend(project, problem, judge, catalogue)


def test_a_shared_layer_on_another_shape(catalogue):
    owner = make_node("Dense", "first", units=3)
    again = Node(id="#bad", class_name="Dense", name="bad", shares="#first")
    graph = Graph(
        nodes=(given(4), given(6, name="in2"), owner, again),
        edges=(Edge(source="#in", target="#first"), Edge(source="#in2", target="#bad")),
    )
    project = Project(graph=graph)

    def judge(changed: Project):
        try:
            build(replace(changed, compile=project.compile), catalogue)
        except BuildError as error:
            return error.problems
        return ()

    problem = the_problem(judge(project), "shared-shape")
    assert problem.node == "#bad"
    assert "shares the layer of “first”" in problem.text
    assert [fix.text for fix in problem.fixes] == ["Insert Dense(4)", "Give it a layer of its own"]
    assert_fixes_mend(project, problem, judge, catalogue)


def test_building_explains_in_the_same_words(judge, catalogue):
    project = Project(graph=residual(32))
    with pytest.raises(BuildError) as caught:
        build(project, catalogue)
    assert list(caught.value.problems) == [the_problem(judge(project), "merge-shapes")]


def test_what_already_fits_after_another_edit_is_not_blamed(judge, catalogue):
    mended = edits.set_params(Project(graph=residual(32)), ["#main"], {"filters": 16})
    assert [problem.kind for problem in judge(mended)] == ["no-loss"]


def test_an_error_without_a_known_cause_keeps_the_words_of_keras(catalogue):
    graph = chain(given(4), make_node("Dense", "fine", units=3))
    (problem,) = explain(ValueError("Odd units."), graph.by_id["#fine"], graph, {}, catalogue)
    assert (problem.kind, problem.parameter) == ("keras", "units")
    assert problem.text == "Dense “fine”: Odd units."
