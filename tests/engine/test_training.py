import math
import queue
import time

import keras
import msgspec
import numpy as np
import pytest

from kbuilder.document.errors import KBuilderError
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine import data, points
from kbuilder.engine.activations import Probe
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.controls import StopRequestedError
from kbuilder.engine.fit_data import fit_data
from kbuilder.engine.matching import check_fit, match
from kbuilder.engine.plan import Plan
from kbuilder.engine.runs import Run
from kbuilder.engine.training import Training
from kbuilder.link.events import (
    ActivationsComputed,
    Continued,
    EpochEnded,
    Paused,
    PointsLogged,
    TrainingStarted,
)
from kbuilder.link.requests import Continue, Pause, Stop, Watch
from tests.engine.conftest import loss, make_graph, make_node


def prepare(project, catalogue, folder, send=None, resume=None):
    """A training as the session makes it, its events and its controls."""
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph)
    batches = fit_data(built, project, dataset, catalogue)
    source = Run.open(resume) if resume else None
    plan = Plan(
        request=1,
        built=built,
        fit=project.fit,
        train=batches.train,
        validation=batches.validation,
        run=Run.create(folder, project),
        resume=source.state if source else None,
        source=source,
    )
    events, controls = [], queue.SimpleQueue()

    def receive(event):
        events.append(event)
        if send:
            send(event, controls)

    probe = Probe(built, dataset.inputs, dataset.targets)
    return Training(plan, receive, controls, probe), events


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def series(events, name):
    return np.concatenate([to_numpy(e.series[name]) for e in of(PointsLogged, events)])


class BatchLogs(keras.callbacks.Callback):
    """What plain fit tells after each batch."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        self.rows.append(dict(logs))


def plain_fit(project, catalogue):
    """The same project by ``Model.fit``; the model is built and compiled the same way."""
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph)
    samples = match(built, project, dataset.inputs, dataset.targets)
    logs = BatchLogs()
    fit = project.fit
    history = built.model.fit(
        samples.x if len(samples.x) > 1 else samples.x[0],
        samples.y if len(samples.y) > 1 else samples.y[0],
        batch_size=fit.batch_size,
        epochs=fit.epochs,
        validation_split=fit.validation_split,
        shuffle=fit.shuffle,
        callbacks=[logs],
        verbose=0,
    )
    return built.model, history.history, logs.rows


def with_fit(project, **changes):
    return msgspec.structs.replace(project, fit=msgspec.structs.replace(project.fit, **changes))


@pytest.fixture
def told_at_once(monkeypatch):
    """Every epoch tells its end before the next one begins."""
    monkeypatch.setattr(points, "INTERVAL_S", 0.0)


@pytest.fixture
def branching(tmp_path):
    """Two inputs, two outputs (one not judged), convolution, batch normalisation, regulariser."""
    rng = np.random.default_rng(2)
    path = tmp_path / "branching.npz"
    np.savez(
        path,
        picture=rng.integers(0, 255, (70, 8, 8, 1), dtype="uint8"),
        facts=rng.normal(size=(70, 5)),
        value=rng.normal(size=(70, 1)),
        label=rng.integers(0, 2, (70, 1)).astype("float32"),
    )
    l2 = {"class_name": "L2", "params": {"l2": 0.01}}
    graph = make_graph(
        make_node("Input", "picture", shape=[8, 8, 1]),
        make_node("Input", "facts", shape=[5]),
        make_node("Conv2D", "conv", filters=3, kernel_size=[3, 3], activation="relu"),
        make_node("BatchNormalization", "norm"),
        make_node("Flatten", "flat"),
        make_node("Dense", "dense", units=4, kernel_regularizer=l2),
        make_node("Concatenate", "join"),
        make_node("Dense", "value", units=1),
        make_node("Dense", "label", units=1, activation="sigmoid"),
        make_node("Dense", "free", units=2),
        wires="picture>conv conv>norm norm>flat flat>join:0 facts>dense dense>join:1 "
        "join>value join>label join>free",
    )
    return Project(
        graph=graph,
        compile=CompileOptions(
            optimizer=KerasObject(class_name="RMSprop", params={"learning_rate": 0.01}),
            outputs={
                "#value": loss("MeanSquaredError", "MeanAbsoluteError", weight=0.3),
                "#label": loss("BinaryCrossentropy", "AUC"),
            },
        ),
        fit=FitOptions(epochs=2, batch_size=16, validation_split=0.25, seed=3),
        data=DataOptions(
            kind="arrays",
            path=str(path),
            inputs={"#picture": ("picture",), "#facts": ("facts",)},
            targets={"#value": ("value",), "#label": ("label",)},
        ),
    )


@pytest.mark.parametrize(
    ("which", "changes"),
    [
        ("classifier", {}),  # 120 samples in batches of 16: the last one is smaller
        ("classifier", {"batch_size": 30, "validation_split": 0.0, "epochs": 3}),
        ("classifier", {"shuffle": False, "batch_size": 500}),
        ("branching", {}),
    ],
)
def test_every_number_is_that_of_plain_fit(which, changes, request, catalogue, tmp_path):
    project = with_fit(request.getfixturevalue(which), **changes)
    model, history, rows = plain_fit(project, catalogue)
    training, events = prepare(project, catalogue, tmp_path / "run")
    training.train()

    epochs = [event.logs for event in of(EpochEnded, events)]
    assert {name: [logs[name] for logs in epochs] for name in history} == history
    for name in rows[0]:
        if name != "loss":
            assert series(events, name).tolist() == [row[name] for row in rows]
    ours = training.plan.built.model
    for one, other in zip(ours.variables, model.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(ours.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_the_loss_of_each_batch_is_its_own(classifier, catalogue, tmp_path):
    project = with_fit(classifier, epochs=1)
    _, _, rows = plain_fit(project, catalogue)
    training, events = prepare(project, catalogue, tmp_path / "run")
    training.train()
    own = series(events, "loss")
    sizes = np.array([16] * 7 + [8], "float32")
    running = np.cumsum(own * sizes) / np.cumsum(sizes)
    np.testing.assert_allclose(running, [row["loss"] for row in rows], rtol=1e-6)
    assert len(set(own.tolist())) == 8


def test_no_step_is_lost_or_told_twice(classifier, catalogue, tmp_path):
    training, events = prepare(with_fit(classifier, epochs=30), catalogue, tmp_path / "run")
    training.train()
    (started,) = of(TrainingStarted, events)
    assert (started.steps_per_epoch, started.samples, started.epochs) == (8, 120, 30)
    expected = 0
    for event in of(PointsLogged, events):
        assert event.first_step == expected
        lengths = {array.shape for array in event.series.values()}
        assert len(lengths) == 1
        expected += lengths.pop()[0]
        assert event.epoch == (expected - 1) // 8
    assert expected == 240
    batches = (tmp_path / "run" / "batches.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in batches[1:]] == [str(step) for step in range(240)]


def test_short_epochs_share_messages_and_end_behind_their_points(classifier, catalogue, tmp_path):
    told, begun = [], []

    def note(event, controls):
        told.append(event)
        if isinstance(event, TrainingStarted):
            begun.append(time.monotonic())

    training, _ = prepare(with_fit(classifier, epochs=40), catalogue, tmp_path / "run", note)
    training.train()
    seconds = time.monotonic() - begun[0]
    assert len(of(PointsLogged, told)) <= seconds / points.INTERVAL_S + 2
    steps = 0
    for event in told:
        if isinstance(event, PointsLogged):
            steps = event.first_step + event.series["loss"].shape[0]
        if isinstance(event, EpochEnded):
            assert steps >= 8 * (event.epoch + 1)
    assert [event.epoch for event in of(EpochEnded, told)] == list(range(40))


def test_one_trace_serves_every_count_and_the_uneven_last_batch(classifier, catalogue, tmp_path):
    training, _ = prepare(with_fit(classifier, epochs=5), catalogue, tmp_path / "run")
    training.train()
    assert training._train._run.experimental_get_tracing_count() == 1
    assert training._validation._steps._run.experimental_get_tracing_count() == 1


def test_pause_holds_and_continue_goes_on(classifier, catalogue, tmp_path, told_at_once):
    seen = []

    def steer(event, controls):
        seen.append(type(event))
        if isinstance(event, EpochEnded) and event.epoch == 0:
            controls.put(Pause())
        if isinstance(event, Paused):
            controls.put(Continue())

    training, events = prepare(classifier, catalogue, tmp_path / "run", steer)
    training.train()
    at = seen.index(Paused)
    assert seen[at + 1] is Continued
    assert PointsLogged not in seen[seen.index(EpochEnded) : at]
    assert len(of(EpochEnded, events)) == 2


def test_watched_activations_come_at_once_and_after_each_epoch(classifier, catalogue, tmp_path):
    def steer(event, controls):
        if isinstance(event, TrainingStarted):
            controls.put(Watch(node="#hidden", samples=(0, 3)))

    training, events = prepare(classifier, catalogue, tmp_path / "run", steer)
    training.train()
    shown = of(ActivationsComputed, events)
    assert [event.epoch for event in shown] == [0, 0, 1]
    values = [to_numpy(event.activations) for event in shown]
    assert values[0].shape == (2, 6)
    assert not np.array_equal(values[0], values[1])
    model = training.plan.built
    expected = keras.Model(model.model.inputs, model.layers["#hidden"].output).predict(
        data.load(classifier.data, classifier.graph).inputs["#points"][[0, 3]], verbose=0
    )
    np.testing.assert_array_equal(values[2], expected)


class StopAfter:
    """A step function that lets a Stop arrive once it has run ``count`` steps, one in each call."""

    def __init__(self, steps, count, waiting):
        self._steps = steps
        self._left = count
        self._waiting = waiting

    def __getattr__(self, name):
        return getattr(self._steps, name)

    def __call__(self, order, first, count):
        self._left -= 1
        if not self._left:
            self._waiting.put(Stop())
        return self._steps(order, first, 1)


@pytest.mark.parametrize("which", ["classifier", "branching"])
def test_resumed_training_equals_the_straight_one(which, request, catalogue, tmp_path):
    project = request.getfixturevalue(which)
    straight, events = prepare(with_fit(project, epochs=4), catalogue, tmp_path / "straight")
    straight.train()
    first, _ = prepare(project, catalogue, tmp_path / "first")
    first.train()
    second, later = prepare(
        with_fit(project, epochs=4), catalogue, tmp_path / "second", resume=tmp_path / "first"
    )
    second.train()
    assert of(TrainingStarted, later)[0].first_epoch == 2
    assert_same_end(straight, second)
    assert Run.open(tmp_path / "second").history == Run.open(tmp_path / "straight").history
    assert (tmp_path / "second/batches.csv").read_bytes() == (
        tmp_path / "straight/batches.csv"
    ).read_bytes()
    assert len(series(events, "loss")) == 2 * len(series(later, "loss"))


@pytest.mark.parametrize(("part", "count"), [("_train", 3), ("_train", 16), ("_steps", 1)])
def test_a_stop_within_an_epoch_resumes_at_the_same_step(
    classifier, catalogue, tmp_path, part, count
):
    project = with_fit(classifier, epochs=3)
    straight, _ = prepare(project, catalogue, tmp_path / "straight")
    straight.train()
    first, events = prepare(project, catalogue, tmp_path / "first")
    watched = first if part == "_train" else first._validation
    setattr(watched, part, StopAfter(getattr(watched, part), count, first.waiting))
    with pytest.raises(StopRequestedError):
        first.train()
    done = count if part == "_train" else 8
    assert len(series(events, "loss")) == done
    assert (first.state.epoch, first.state.step) == (((done - 1) // 8), (done - 1) % 8 + 1)
    second, _ = prepare(project, catalogue, tmp_path / "second", resume=tmp_path / "first")
    second.train()
    assert_same_end(straight, second)


def test_a_finished_run_goes_on_for_as_many_epochs_again(classifier, catalogue, tmp_path):
    first, _ = prepare(classifier, catalogue, tmp_path / "first")
    first.train()
    second, events = prepare(classifier, catalogue, tmp_path / "second", resume=tmp_path / "first")
    second.train()
    (started,) = of(TrainingStarted, events)
    assert (started.first_epoch, started.epochs) == (2, 4)


def test_a_changed_freezing_keeps_weights_and_says_that_the_optimizer_starts_afresh(
    classifier, catalogue, tmp_path
):
    first, _ = prepare(classifier, catalogue, tmp_path / "first")
    first.train()
    nodes = tuple(
        msgspec.structs.replace(node, trainable=node.name != "hidden")
        for node in classifier.graph.nodes
    )
    graph = msgspec.structs.replace(classifier.graph, nodes=nodes)
    changed = with_fit(msgspec.structs.replace(classifier, graph=graph), epochs=3)
    second, events = prepare(changed, catalogue, tmp_path / "second", resume=tmp_path / "first")
    hidden = first.plan.built.layers["#hidden"].get_weights()
    fixed = first.plan.built.layers["#fixed"].get_weights()
    second.train()
    np.testing.assert_array_equal(hidden[0], second.plan.built.layers["#hidden"].get_weights()[0])
    assert not np.array_equal(fixed[0], second.plan.built.layers["#fixed"].get_weights()[0])
    assert any("afresh" in getattr(event, "text", "") for event in events)


def test_a_loss_that_is_no_number_ends_training_and_keeps_the_last_epoch(
    classifier, catalogue, tmp_path, told_at_once
):
    def spoil(event, controls):
        if isinstance(event, EpochEnded):
            weight = training.plan.built.layers["#hidden"].kernel
            weight.assign(np.full(weight.shape, math.nan))

    training, _ = prepare(classifier, catalogue, tmp_path / "run", spoil)
    with pytest.raises(
        KBuilderError, match=r"nan in epoch 2 at step 1.*hidden.*are kept, after epoch 1"
    ):
        training.train()
    state = Run.open(tmp_path / "run").state
    assert state.epoch == 1
    assert all(np.isfinite(values).all() for values in state.weights.values())


def assert_same_end(one, other):
    for a, b in zip(one.plan.built.model.variables, other.plan.built.model.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    a, b = one.state, other.state
    assert a.history == b.history
    for x, y in zip(a.optimizer, b.optimizer, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("output", "function", "expected"),
    [
        ({"units": 2}, "SparseCategoricalCrossentropy", "3 units"),
        ({"units": 3}, "MeanSquaredError", "SparseCategoricalCrossentropy"),
    ],
)
def test_data_that_does_not_fit_the_loss_is_a_problem_of_the_output(
    classifier, catalogue, tmp_path, output, function, expected
):
    nodes = (*classifier.graph.nodes[:-1], make_node("Dense", "label", **output))
    graph = msgspec.structs.replace(classifier.graph, nodes=nodes)
    project = msgspec.structs.replace(
        classifier, graph=graph, compile=CompileOptions(outputs={"#label": loss(function)})
    )
    with pytest.raises(BuildError) as caught:
        prepare(project, catalogue, tmp_path / "run")
    (problem,) = caught.value.problems
    assert (problem.node, problem.parameter) == ("#label", "loss")
    assert expected in problem.text


def test_class_numbers_with_fractions_are_refused(classifier, catalogue, tmp_path):
    with np.load(classifier.data.path) as arrays:
        np.savez(tmp_path / "d.npz", x=arrays["x"], y=arrays["y"] + 0.25)
    changed = msgspec.structs.replace(classifier.data, path=str(tmp_path / "d.npz"))
    project = msgspec.structs.replace(classifier, data=changed)
    with pytest.raises(BuildError, match=r"“label” have fractions.*MeanSquaredError"):
        prepare(project, catalogue, tmp_path / "run")


@pytest.mark.parametrize(
    ("option", "value"),
    [("epochs", 0), ("batch_size", 0), ("validation_split", 1.0), ("seed", -1), ("seed", 2**40)],
)
def test_options_without_meaning_are_refused(option, value, catalogue):
    with pytest.raises(BuildError, match=f"{option} must be at") as caught:
        check_fit(FitOptions(**{option: value}), catalogue)
    assert caught.value.problems[0].parameter == option


def test_a_batch_larger_than_any_number_of_samples_is_one_step(classifier, catalogue, tmp_path):
    ends = []
    for size in (121, 10**12):
        project = with_fit(classifier, epochs=1, batch_size=size)
        training, _ = prepare(project, catalogue, tmp_path / str(size))
        training.train()
        ends.append(training)
    assert ends[0].history[0]["loss"] > 0
    assert_same_end(*ends)
