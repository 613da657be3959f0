import keras
import msgspec
import numpy as np
import pytest

from kbuilder.document import approvals
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.objects import make
from kbuilder.engine.own_code import own_objects
from kbuilder.engine.session import Session
from kbuilder.link.events import (
    CodeChecked,
    Exported,
    Failed,
    Finished,
    Inferred,
    ModelOpened,
    WeightsLoaded,
)
from kbuilder.link.requests import CheckCode, Export, Infer, OpenModel, Train
from kbuilder.resources import resource
from tests.engine.conftest import make_graph, make_node


def example(name: str) -> str:
    return resource("examples", f"{name}.py").read_text()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A catalogue that knows some code, approved by a user whose settings lie in a new folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))

    def known(code: str, approved: bool = True):
        catalogue = load_catalogue()
        teach(catalogue, code)
        if approved:
            approvals.approve(code)
        return catalogue

    return known


def ask(session_events, request, catalogue):
    session = Session(session_events.append, catalogue)
    session.handle(request)
    return session_events


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def scaled_graph():
    return make_graph(
        make_node("Input", "x", shape=[8]),
        make_node("ScaledDense", "scaled", units=5),
        make_node("Dense", "label", units=3, activation="softmax"),
    )


@pytest.mark.parametrize(("beta", "shift"), [(1.0, 0.0), (2.0, 0.0), (0.5, 0.2), (2.0, -0.1)])
def test_fbeta_is_that_of_numpy_over_all_batches(own, beta, shift):
    metric = make(
        own(example("fbeta")), "metrics", "FBeta", {"beta": beta, "threshold_shift": shift}
    )
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 2, (70, 4))
    scores = generator.random((70, 4)).astype("float32")
    for start in range(0, 70, 32):  # the last batch is shorter
        metric.update_state(truth[start : start + 32], scores[start : start + 32])
    guess = np.round(scores + np.float32(shift)).clip(0, 1)
    precision = (truth * guess).sum() / guess.sum()
    recall = (truth * guess).sum() / truth.sum()
    wanted = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    assert float(metric.result()) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.0, 0.5), (5.0, 0.9)])
def test_focal_loss_is_that_of_numpy(own, gamma, alpha):
    loss = make(own(example("focal_loss")), "losses", "FocalLoss", {"gamma": gamma, "alpha": alpha})
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 2, (50, 3)).astype("float32")
    scores = generator.random((50, 3)).astype("float32")
    scores[0] = [0.0, 1.0, 0.0]
    p = scores.astype("float64").clip(1e-7, 1 - 1e-7)
    chance = np.where(truth == 1, p, 1 - p)
    weight = np.where(truth == 1, alpha, 1 - alpha)
    wanted = (-weight * (1 - chance) ** gamma * np.log(chance)).mean()
    assert float(loss(truth, scores)) == pytest.approx(wanted, rel=1e-5)


def test_a_function_is_a_loss_and_a_metric_with_its_parameters(own):
    catalogue = own(example("root_mean_squared_log_loss"))
    truth, guess = np.array([[1.0], [3.0]], "float32"), np.array([[2.0], [3.0]], "float32")
    wanted = abs(np.log(4) - np.log(3)) / 2
    for section in ("losses", "metrics"):
        judge = make(catalogue, section, "root_mean_squared_log", {"offset": 2.0})
        assert float(judge(truth, guess)) == pytest.approx(wanted, rel=1e-6)
        assert judge.name == "root_mean_squared_log"


def test_own_layers_are_inferred_and_trained(own, classifier, tmp_path):
    code = example("scaled_dense") + example("fbeta").split("import ops")[1]
    catalogue = own(code)
    project = msgspec.structs.replace(
        classifier,
        custom_code=code,
        graph=scaled_graph(),
        compile=CompileOptions(
            outputs={
                "#label": OutputOptions(
                    loss=KerasObject(class_name="SparseCategoricalCrossentropy"),
                )
            }
        ),
    )
    inferred = only(Inferred, ask([], Infer(request=1, graph=project.graph, code=code), catalogue))
    assert inferred.problems == ()
    assert inferred.nodes["#scaled"].trainable_params == 8 * 5 + 5
    events = ask([], Train(request=2, project=project, run=str(tmp_path / "run")), catalogue)
    assert isinstance(events[-1], Finished), events[-1]


def test_a_model_with_own_code_is_read_back_by_plain_keras(own, tmp_path):
    code = example("scaled_dense") + example("focal_loss").split("import ops")[1]
    catalogue = own(code)
    graph = scaled_graph()
    options = OutputOptions(loss=KerasObject(class_name="FocalLoss", params={"gamma": 3.0}))
    project = Project(
        graph=graph, custom_code=code, compile=CompileOptions(outputs={"#label": options})
    )
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    built.model.save(tmp_path / "model.keras")
    with own_objects(catalogue):
        again = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).random((4, 8)).astype("float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), built.model.predict(x, verbose=0))
    assert (again.loss.gamma, again.loss.alpha) == (3.0, 0.25)


def test_code_that_is_not_approved_holds_its_layers_back_and_nothing_else(own, tmp_path):
    witness = tmp_path / "it ran"
    code = example("scaled_dense") + f"\nimport pathlib\npathlib.Path({str(witness)!r}).touch()\n"
    catalogue = own(code, approved=False)
    inferred = only(Inferred, ask([], Infer(request=1, graph=scaled_graph(), code=code), catalogue))
    assert set(inferred.nodes) == {"#x"}
    (problem,) = inferred.problems
    assert (problem.kind, problem.node) == ("own-code-held", "#scaled")
    checked = only(CodeChecked, ask([], CheckCode(request=2, code=code), catalogue))
    assert (checked.approved, [each.kind for each in checked.problems]) == (
        False,
        ["own-code-held"],
    )
    assert "ScaledDense" in checked.problems[0].text
    project = Project(graph=scaled_graph(), custom_code=code)
    failed = ask([], Train(request=3, project=project, run=str(tmp_path / "run")), catalogue)[-1]
    assert isinstance(failed, Failed)
    assert not witness.exists()
    approvals.approve(code)
    assert only(CodeChecked, ask([], CheckCode(request=4, code=code), catalogue)).approved
    assert witness.exists()


@pytest.mark.parametrize(
    ("broken", "line", "words"),
    [
        ("import keras\n\nkeras.no_such_thing\n", 3, "no_such_thing"),
        ("import keras\nclass Gate(keras.layers.Layer)\n    pass\n", 2, "expected ':'"),
    ],
)
def test_an_error_in_the_code_names_its_line(own, broken, line, words):
    catalogue = own(broken)
    checked = only(CodeChecked, ask([], CheckCode(request=1, code=broken), catalogue))
    (problem,) = checked.problems
    assert (problem.kind, problem.line) == ("own-code", line)
    assert words in problem.text


def test_an_error_in_a_layer_names_its_line_and_node(own):
    code = example("scaled_dense").replace("ops.matmul(inputs, self.kernel)", "self.kernl")
    catalogue = own(code)
    line = 1 + code.split("self.kernl")[0].count("\n")
    with pytest.raises(BuildError) as refused:
        build(Project(graph=scaled_graph(), custom_code=code), catalogue)
    problem = refused.value.problems[0]
    assert (problem.kind, problem.node, problem.line) == ("own-code", "#scaled", line)
    assert "kernl" in problem.text


def test_an_error_in_a_loss_during_training_names_its_line(own, classifier, tmp_path):
    code = example("focal_loss").replace("** self.gamma", "** self.gama")
    line = 1 + code.split("self.gama ")[0].count("\n")
    options = OutputOptions(loss=KerasObject(class_name="FocalLoss"))
    project = msgspec.structs.replace(
        classifier,
        custom_code=code,
        graph=make_graph(
            make_node("Input", "points", shape=[8]),
            make_node("Dense", "label", units=1, activation="sigmoid"),
        ),
        compile=CompileOptions(outputs={"#label": options}),
    )
    catalogue = own(code)
    failed = ask([], Train(request=1, project=project, run=str(tmp_path / "run")), catalogue)[-1]
    assert isinstance(failed, Failed)
    assert [(each.kind, each.line) for each in failed.problems] == [("own-code", line)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "model.hdf5"])
def test_an_exported_model_with_own_code_opens_as_its_project(own, tmp_path, monkeypatch, name):
    code = example("scaled_dense") + example("focal_loss").split("import ops")[1]
    catalogue = own(code)
    options = OutputOptions(loss=KerasObject(class_name="FocalLoss", params={"gamma": 3.0}))
    project = Project(
        graph=scaled_graph(),
        custom_code=code,
        compile=CompileOptions(outputs={"#label": options}),
    )
    path = str(tmp_path / name)
    exported = only(Exported, ask([], Export(request=1, project=project, path=path), catalogue))
    assert exported.difference == 0
    opening = OpenModel(request=2, path=path, run=str(tmp_path / "run"))
    events = ask([], opening, load_catalogue())
    assert isinstance(events[-1], Finished), events[-1]
    assert only(ModelOpened, events).project == project
    assert only(WeightsLoaded, events).left == ()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another user"))
    opening = OpenModel(request=3, path=path, run=str(tmp_path / "held"))
    opened = only(ModelOpened, ask([], opening, load_catalogue()))
    assert (opened.project, opened.run) == (project, "")
    assert "held back" in opened.notes[0]
    assert not (tmp_path / "held").exists()
