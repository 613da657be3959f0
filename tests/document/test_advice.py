"""Advice by kind, on facts that the real engine infers; every fix is tried."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from kbuilder.document.advice.advising import advise
from kbuilder.document.advice.evidence import fields_by_node
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.facts import FieldFacts
from kbuilder.document.graph import Graph, Node
from kbuilder.document.mending import apply_fix
from kbuilder.document.options import CompileOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.document.values import KerasObject
from kbuilder.engine.infer import Inference
from tests.document.mended import assert_fixes_mend, the_problem
from tests.engine.conftest import make_graph, make_node


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


GB = 10**9
NUMBERS = FieldFacts(
    name="y", dtype="int64", shape=(), classes=tuple("0123456789"), minimum=0, maximum=9
)
TEN = tuple(f"class {number}" for number in range(10))
NAMES = FieldFacts(name="y", dtype="text", shape=(), classes=TEN)
VECTORS = FieldFacts(name="y", dtype="float32", shape=(10,), minimum=0, maximum=1)
PRICES = FieldFacts(name="y", dtype="float32", shape=(), minimum=0.5, maximum=99.5)
SIGNED = FieldFacts(name="y", dtype="float32", shape=(), minimum=-3.5, maximum=99.5)
PAIRS = FieldFacts(name="y", dtype="float32", shape=(2,), minimum=-3.5, maximum=99.5)
SPARSE, VECTOR = "SparseCategoricalCrossentropy", "CategoricalCrossentropy"
BINARY, SQUARED = "BinaryCrossentropy", "MeanSquaredError"


def given(*shape: int | None, name: str = "in", **params) -> Node:
    return make_node("Input", name, shape=list(shape), **params)


def dense(name: str, units: int, activation: str | None = "relu", **options) -> Node:
    shown = {"activation": activation} if activation else {}
    return make_node("Dense", name, units=units, **shown, **options)


def ending(units: int, activation: str | None, *before: Node) -> tuple[Node, ...]:
    return (*(before or (given(8),)), dense("out", units, activation))


def compiled(loss: str, *metrics: str, **params) -> OutputOptions:
    return OutputOptions(
        loss=KerasObject(class_name=loss, params=params),
        metrics=tuple(KerasObject(class_name=name) for name in metrics),
    )


@dataclass
class Case:
    kind: str
    graph: Graph | tuple[Node, ...]
    output: OutputOptions
    words: tuple[str, ...]
    fixes: tuple[str, ...]
    severity: str = "warning"
    node: str = "#out"
    parameter: str = "loss"
    target: FieldFacts | None = None
    data: dict[str, FieldFacts] = field(default_factory=dict)
    memory: int = 0
    fit: FitOptions = field(default_factory=FitOptions)


LSTM_TAIL = (given(9, 4), make_node("LSTM", "lstm_1", units=5, return_sequences=True))
PICTURE = (given(8, 8, 3), make_node("Conv2D", "conv", filters=4, kernel_size=[3, 3]))
FINE = compiled(SPARSE)


def embedding(name: str = "embed", **params) -> Node:
    return make_node("Embedding", name, output_dim=3, **{"input_dim": 10, **params})


def frozen_chain(norm_frozen: bool, others_frozen: bool) -> tuple[Node, ...]:
    free = not others_frozen
    return (
        given(8),
        dense("below", 6, trainable=free),
        make_node("BatchNormalization", "norm", trainable=not norm_frozen),
        dense("above", 6, trainable=free),
        dense("out", 10, "softmax", trainable=free),
    )


def learning_end(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return (*nodes[:-1], replace(nodes[-1], trainable=True))


CASES = {
    "softmax of one": Case(
        "softmax-one-unit",
        ending(1, "softmax"),
        compiled(BINARY),
        ("single value, which is always 1",),
        ("Use sigmoid in out",),
        parameter="activation",
    ),
    "softmax of one under classes": Case(
        "softmax-one-unit",
        (given(8), dense("hid", 1, None), make_node("Softmax", "out")),
        FINE,
        ("single value",),
        ("Set units of hid to 10", "Use sigmoid in out"),
        parameter="activation",
        target=NUMBERS,
    ),
    "sigmoid under sparse": Case(
        "sigmoid-sparse",
        ending(10, "sigmoid"),
        compiled(SPARSE, "SparseCategoricalAccuracy"),
        (SPARSE, "ends in sigmoid"),
        ("Use softmax in out", "Use BinaryCrossentropy"),
        parameter="activation",
    ),
    "one sigmoid under sparse": Case(
        "sigmoid-sparse",
        ending(1, "sigmoid"),
        FINE,
        ("Use BinaryCrossentropy.",),
        ("Use BinaryCrossentropy",),
        parameter="activation",
    ),
    "logits under probabilities": Case(
        "logits-missing",
        ending(10, None),
        FINE,
        ("from_logits is off", "ends in linear", "softmax"),
        ("Use softmax in out", "Set from_logits to True"),
    ),
    "relu under probabilities": Case(
        "logits-missing",
        (*ending(10, "relu"), make_node("Dropout", "drop", rate=0.1)),
        FINE,
        ("ends in relu",),
        ("Use softmax in out",),
        node="#drop",
    ),
    "linear under binary": Case(
        "logits-missing",
        ending(1, None),
        compiled(BINARY),
        ("sigmoid",),
        ("Use sigmoid in out", "Set from_logits to True"),
    ),
    "probabilities under logits": Case(
        "logits-doubled",
        ending(10, "softmax"),
        compiled(SPARSE, from_logits=True),
        ("from_logits expects raw scores", "ends in softmax"),
        ("Set from_logits to False", "Use linear in out"),
    ),
    "softmax under binary": Case(
        "softmax-binary",
        ending(10, "softmax"),
        compiled(BINARY, "BinaryAccuracy"),
        ("yes or no", "softmax"),
        (f"Use {SPARSE}", f"Use {VECTOR}", "Use sigmoid in out"),
    ),
    "softmax under binary with class numbers": Case(
        "softmax-binary",
        ending(10, "softmax"),
        compiled(BINARY),
        ("yes or no",),
        (f"Use {SPARSE}", "Use sigmoid in out"),
        severity="error",
        target=NUMBERS,
    ),
    "class numbers under vectors": Case(
        "labels-class-numbers",
        ending(10, "softmax"),
        compiled(VECTOR, "CategoricalAccuracy", label_smoothing=0.1),
        ("class numbers", SPARSE),
        (f"Use {SPARSE}",),
        severity="error",
        target=NUMBERS,
    ),
    "vectors under class numbers": Case(
        "labels-vectors",
        ending(10, "softmax"),
        compiled(SPARSE, "SparseCategoricalAccuracy"),
        ("vectors of 10 values",),
        (f"Use {VECTOR}",),
        severity="error",
        target=VECTORS,
    ),
    "prices as classes": Case(
        "labels-fractions",
        ending(10, "softmax"),
        compiled(SPARSE, "SparseCategoricalAccuracy"),
        ("quantities from 0.5 to 99.5",),
        ("Predict one quantity with MeanSquaredError",),
        severity="error",
        target=PRICES,
    ),
    "class names as quantities": Case(
        "labels-classes",
        ending(1, None),
        compiled(SQUARED),
        ("10 class names such as “class 0”",),
        ("Predict 10 classes with softmax",),
        target=NAMES,
    ),
    "too few units": Case(
        "units-classes",
        ending(7, "softmax"),
        FINE,
        ("7 units", "10 classes"),
        ("Set units to 10",),
        severity="error",
        parameter="units",
        target=NUMBERS,
    ),
    "too many units before a softmax layer": Case(
        "units-classes",
        (given(8), dense("scores", 12, None), make_node("Softmax", "out")),
        FINE,
        ("12 units", "10 classes"),
        ("Set units of scores to 10",),
        node="#scores",
        parameter="units",
        target=NUMBERS,
    ),
    "yes or no of ten": Case(
        "units-classes",
        ending(1, "sigmoid"),
        compiled(BINARY, "BinaryAccuracy"),
        ("two classes apart", "has 10"),
        ("Predict 10 classes with softmax",),
        parameter="units",
        target=NUMBERS,
    ),
    "another number of quantities": Case(
        "target-shape",
        ending(3, None),
        compiled(SQUARED),
        ("gives (3,)", "target has (2,)"),
        ("Set units to 2",),
        severity="error",
        target=PAIRS,
    ),
    "quantity by softmax": Case(
        "regression-softmax",
        ending(2, "softmax"),
        compiled(SQUARED),
        ("sum to 1", "-3.5 to 99.5"),
        ("Use linear in out",),
        parameter="activation",
        target=PAIRS,
    ),
    "quantity by sigmoid": Case(
        "output-range",
        ending(1, "sigmoid"),
        compiled(SQUARED),
        ("from 0 to 1", "0.5 to 99.5"),
        ("Use linear in out",),
        parameter="activation",
        target=PRICES,
    ),
    "signed quantity by relu": Case(
        "output-range",
        ending(1, "relu"),
        compiled(SQUARED),
        ("from 0 up", "-3.5"),
        ("Use linear in out",),
        parameter="activation",
        target=SIGNED,
    ),
    "metric for vectors": Case(
        "metric-targets",
        ending(10, "softmax"),
        compiled(SPARSE, "CategoricalAccuracy", "AUC"),
        ("CategoricalAccuracy of “out”", "class numbers"),
        ("Use SparseCategoricalAccuracy",),
        severity="error",
        parameter="metrics",
    ),
    "accuracy by equality": Case(
        "metric-targets",
        ending(1, "sigmoid"),
        compiled(BINARY, "Accuracy"),
        ("yes or no",),
        ("Use BinaryAccuracy",),
        parameter="metrics",
    ),
    "classifier on pictures": Case(
        "classifier-not-flat",
        ending(10, "softmax", *PICTURE),
        FINE,
        ("(None, 6, 6, 10)", "for every place"),
        ("Insert Flatten", "Insert GlobalAveragePooling2D"),
        parameter="loss",
    ),
    "convolution as classifier": Case(
        "classifier-not-flat",
        (
            *PICTURE,
            make_node("Conv2D", "out", filters=10, kernel_size=[1, 1], activation="softmax"),
        ),
        FINE,
        ("(None, 6, 6, 10)",),
        ("Add GlobalAveragePooling2D",),
        severity="error",
        target=NUMBERS,
    ),
    "return_sequences left on": Case(
        "sequences-left",
        ending(10, "softmax", *LSTM_TAIL, make_node("Dropout", "drop", rate=0.1)),
        FINE,
        ("every time step", "return_sequences in “lstm_1”"),
        (
            "Turn off return_sequences in lstm_1",
            "Insert Flatten",
            "Insert GlobalAveragePooling1D",
        ),
        severity="error",
        target=NUMBERS,
    ),
    "input of another shape": Case(
        "input-data",
        (given(8, 8), make_node("Flatten", "flat"), dense("out", 10, "softmax")),
        FINE,
        ("(8, 8)", "“x” gives (28, 28)"),
        ("Set shape to (28, 28)",),
        severity="error",
        node="#in",
        parameter="shape",
        data={"#in": FieldFacts(name="x", dtype="uint8", shape=(28, 28))},
    ),
    "vocabulary": Case(
        "vocabulary",
        (
            given(6, dtype="int32"),
            embedding(),
            make_node("Flatten", "f"),
            dense("out", 10, "softmax"),
        ),
        FINE,
        ("0 to 9", "up to 44", "Set input_dim to 45"),
        ("Set input_dim to 45",),
        severity="error",
        node="#embed",
        parameter="input_dim",
        data={"#in": FieldFacts(name="x", dtype="int64", shape=(6,), minimum=0, maximum=44)},
    ),
    "vocabulary of names": Case(
        "vocabulary",
        (
            given(1, dtype="int32"),
            embedding(input_dim=4),
            make_node("Flatten", "f"),
            dense("out", 10, "softmax"),
        ),
        FINE,
        ("up to 9",),
        ("Set input_dim to 10",),
        severity="error",
        node="#embed",
        parameter="input_dim",
        data={"#in": NAMES},
    ),
    "embedding of floats": Case(
        "embedding-floats",
        (given(6), embedding(), make_node("Flatten", "f"), dense("out", 10, "softmax")),
        FINE,
        ("whole numbers", "float32"),
        ("Set dtype of in to int32",),
        severity="info",
        node="#embed",
        parameter="",
    ),
    "merge of dtypes": Case(
        "merge-dtypes",
        make_graph(
            *(given(6), given(6, name="codes", dtype="int32"), make_node("Add", "sum")),
            dense("out", 10, "softmax"),
            wires="in>sum codes>sum:1 sum>out",
        ),
        FINE,
        ("float32 and int32",),
        ("Set dtype of codes to float32",),
        severity="info",
        node="#sum",
        parameter="",
    ),
    "all frozen": Case(
        "all-frozen",
        (given(8), dense("hid", 4, trainable=False), dense("out", 10, "softmax", trainable=False)),
        FINE,
        ("training changes nothing",),
        ("Unfreeze out", "Unfreeze all"),
        parameter="trainable",
    ),
    "statistics that move": Case(
        "norm-learning",
        learning_end(frozen_chain(norm_frozen=False, others_frozen=True)),
        FINE,
        ("between frozen layers", "averages move"),
        ("Freeze norm",),
        node="#norm",
        parameter="trainable",
    ),
    "statistics that stand still": Case(
        "norm-frozen",
        frozen_chain(norm_frozen=True, others_frozen=False),
        FINE,
        ("uses its old averages",),
        ("Unfreeze norm",),
        node="#norm",
        parameter="trainable",
    ),
    "four gigabytes": Case(
        "weights-memory",
        (given(10_000), dense("huge", 100_000), dense("out", 10, "softmax")),
        FINE,
        ("1,000,100,000 weights", "4 GB of the 10 GB"),
        ("Set units to 16384",),
        node="#huge",
        parameter="units",
        memory=10 * GB,
    ),
    "more than the machine has": Case(
        "weights-memory",
        (given(50_000), dense("huge", 100_000), dense("out", 10, "softmax")),
        FINE,
        ("20 GB of the 10 GB",),
        ("Set units to 4096",),
        severity="error",
        node="#huge",
        parameter="units",
        memory=10 * GB,
    ),
    "dropout of all": Case(
        "dropout-all",
        ending(10, "softmax", given(8), make_node("Dropout", "drop", rate=1.0)),
        FINE,
        ("drops everything",),
        ("Set rate to 0.5",),
        node="#drop",
        parameter="rate",
    ),
    "softmax twice": Case(
        "softmax-twice",
        (given(8), dense("first", 10, "softmax"), make_node("Softmax", "out")),
        FINE,
        ("“first” has already",),
        ("Delete out", "Use linear in first"),
        parameter="",
    ),
    "linear pair": Case(
        "linear-pair",
        (given(8), dense("first", 6, None), dense("out", 10, "softmax")),
        FINE,
        ("no more than one Dense",),
        ("Use relu in first",),
        severity="info",
        node="#first",
        parameter="activation",
    ),
}


class Bench:
    """A project judged as the window judges it, with facts from Keras."""

    def __init__(self, catalogue, case: Case) -> None:
        self.catalogue = catalogue
        self.case = case
        graph = case.graph if isinstance(case.graph, Graph) else make_graph(*case.graph)
        last = graph.outputs[0].id
        self.project = Project(
            graph=graph, compile=CompileOptions(outputs={last: case.output}), fit=case.fit
        )

    def judge(self, project: Project):
        # Another project each time: facts of a graph whose nodes kept their ids must not be mixed up.
        facts, refused = Inference(self.catalogue).infer(project.graph)
        assert refused == ()
        fields = {node: (fact,) for node, fact in self.case.data.items()}
        if self.case.target is not None:
            fields[project.graph.outputs[0].id] = (self.case.target,)
        return (
            *check(project, self.catalogue),
            *advise(project, self.catalogue, facts, fields, self.case.memory),
        )


@pytest.mark.parametrize("name", CASES)
def test_advice_names_cause_and_place_and_its_fixes_mend_it(name, catalogue):
    case = CASES[name]
    bench = Bench(catalogue, case)
    problem = the_problem(bench.judge(bench.project), case.kind)
    assert (problem.severity, problem.node, problem.parameter) == (
        case.severity,
        case.node,
        case.parameter,
    )
    for words in case.words:
        assert words in problem.text
    assert tuple(fix.text for fix in problem.fixes) == case.fixes
    assert_fixes_mend(bench.project, problem, bench.judge, catalogue)


GOOD = {
    "classes": (ending(10, "softmax"), compiled(SPARSE, "SparseCategoricalAccuracy"), NUMBERS),
    "logits": (ending(10, None), compiled(SPARSE, from_logits=True), NUMBERS),
    "names": (ending(10, "softmax"), compiled(SPARSE), NAMES),
    "vectors": (ending(10, "softmax"), compiled(VECTOR, "CategoricalAccuracy"), VECTORS),
    "labels of their own": (ending(10, "sigmoid"), compiled(BINARY, "BinaryAccuracy"), VECTORS),
    "quantity": (ending(1, None), compiled(SQUARED, "MeanAbsoluteError"), SIGNED),
    "positive quantity": (ending(1, "relu"), compiled(SQUARED), PRICES),
    "quantity in one column": (ending(1, None), compiled("Huber"), replace(SIGNED, shape=(1,))),
    "steps with labels of their own": (
        ending(10, "softmax", *LSTM_TAIL),
        compiled(SPARSE),
        FieldFacts(name="y", dtype="int64", shape=(9,), minimum=0, maximum=9),
    ),
    "segmentation": (
        (
            *PICTURE,
            make_node("Conv2D", "out", filters=10, kernel_size=[1, 1], activation="softmax"),
        ),
        compiled(SPARSE),
        FieldFacts(name="y", dtype="int64", shape=(6, 6), minimum=0, maximum=9),
    ),
    "no data yet": (ending(3, "softmax"), compiled(SPARSE), None),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_goes_together_gets_no_advice(name, catalogue):
    nodes, output, target = GOOD[name]
    bench = Bench(catalogue, Case("", nodes, output, (), (), target=target))
    assert bench.judge(bench.project) == ()


def test_a_batch_that_does_not_fit_into_the_memory(catalogue):
    nodes = (given(256, 256, 3), *PICTURE[1:], make_node("GlobalAveragePooling2D", "pool"))
    case = Case(
        "", (*nodes, dense("out", 10, "softmax")), FINE, (), (), fit=FitOptions(batch_size=64)
    )
    bench = Bench(catalogue, case)
    inferred, _ = Inference(catalogue).infer(bench.project.graph)
    each = {"#in": 256 * 256 * 3 * 4, "#conv": 254 * 254 * 4 * 4}
    facts = {
        node: replace(found, activation_bytes=each.get(node, 0)) for node, found in inferred.items()
    }

    def judge(project: Project):
        return advise(project, catalogue, facts, None, GB // 5)

    problem = the_problem(judge(bench.project), "activations-memory")
    assert (problem.severity, problem.node, problem.parameter) == ("warning", "#conv", "batch_size")
    assert "a batch of 64" in problem.text
    assert "“conv”" in problem.text
    assert_fixes_mend(bench.project, problem, judge, catalogue)
    assert problem.fixes[0].text == "Set batch_size to 16"


def test_a_changed_loss_takes_its_metrics_along(catalogue):
    bench = Bench(catalogue, CASES["class numbers under vectors"])
    problem = the_problem(bench.judge(bench.project), "labels-class-numbers")
    after = apply_fix(bench.project, problem.fixes[0], catalogue)
    options = after.compile.outputs["#out"]
    assert (options.loss.class_name, options.loss.params) == (SPARSE, {})
    assert [metric.class_name for metric in options.metrics] == ["SparseCategoricalAccuracy"]


def test_columns_are_stacked_before_they_are_compared(catalogue):
    graph = make_graph(given(3), dense("out", 2, None))
    project = Project(graph=graph, compile=CompileOptions(outputs={"#out": compiled(SQUARED)}))
    columns = [
        FieldFacts(name="a", dtype="float32", shape=(), minimum=-1, maximum=1),
        FieldFacts(name="b", dtype="text", shape=(), classes=("no", "yes")),
        FieldFacts(name="c", dtype="float32", shape=(), minimum=-1.5, maximum=1),
        FieldFacts(name="d", dtype="float32", shape=(), minimum=-1.5, maximum=1),
    ]
    fields = fields_by_node(columns, {"#in": ("a", "b")}, {"#out": ("c", "d")})
    facts, _ = Inference(catalogue).infer(graph)
    assert advise(project, catalogue, facts, fields) == ()
    wider = fields_by_node(columns, {"#in": ("a", "b", "c")}, {"#out": ("d",)})
    kinds = [problem.kind for problem in advise(project, catalogue, facts, wider)]
    assert sorted(kinds) == ["input-data", "target-shape"]


def test_nodes_without_facts_are_not_judged(catalogue):
    bench = Bench(catalogue, CASES["too few units"])
    fields = {"#out": (NUMBERS,)}
    assert advise(bench.project, catalogue, {}, fields) == ()


def test_a_picture_reader_gets_its_channel(catalogue):
    graph = make_graph(given(8, 8, 1), make_node("Conv2D", "conv", filters=2, kernel_size=[3, 3]))
    facts, _ = Inference(catalogue).infer(graph)
    fields = {"#in": (FieldFacts(name="x", dtype="uint8", shape=(28, 28)),)}
    (problem,) = advise(Project(graph=graph), catalogue, facts, fields)
    assert [fix.text for fix in problem.fixes] == ["Set shape to (28, 28, 1)"]
