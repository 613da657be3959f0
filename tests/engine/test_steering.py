"""What is done to a training while it runs: callbacks, steps, breaks, changes, and where it may go wrong."""

from __future__ import annotations

import math
import socket
from types import SimpleNamespace

import keras
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.errors import FileRefusedError
from kbuilder.document.values import KerasObject
from kbuilder.engine import points
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.callbacks import make_callbacks, mode_of
from kbuilder.engine.checkpoint import read_state
from kbuilder.engine.controls import StopRequestedError
from kbuilder.engine.runs import BEST, Run
from kbuilder.engine.session import Session
from kbuilder.link import run_lock
from kbuilder.link.events import EpochEnded, Failed, Finished, Paused, Progressed, TrainingStarted
from kbuilder.link.record import events_of
from kbuilder.link.requests import Break, Continue, DryRun, Steer, Step, Stop, Train
from kbuilder.link.run_events import DryRunDone, Monitored, Noted, Stepped
from tests.engine.conftest import loss, make_graph, make_node
from tests.engine.test_training import of, prepare, series


def with_fit(project, **changes):
    return replace(project, fit=replace(project.fit, **changes))


def callback(class_name, **params):
    return KerasObject(class_name=class_name, params=params)


@pytest.fixture
def plain(classifier):
    """Nothing but two Dense layers."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "hidden", units=6, activation="tanh"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    judged = {"#label": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy")}
    return replace(classifier, graph=graph, compile=replace(classifier.compile, outputs=judged))


def run_session(project, folder, **options):
    """All events of a training in a session of its own."""
    told = []
    session = Session(told.append)
    session.handle(Train(request=1, project=project, run=str(folder), **options))
    return told


# --- callbacks -----------------------------------------------------------------------------------


def test_callbacks_do_what_they_do_in_fit(plain, catalogue, tmp_path):
    callbacks = (
        callback("ReduceLROnPlateau", patience=1, factor=0.5, min_delta=0.05),
        callback("EarlyStopping", patience=3, min_delta=0.05, restore_best_weights=True),
    )
    project = with_fit(plain, epochs=30, callbacks=callbacks)
    told = run_session(project, tmp_path / "run")
    model = plain_fit(
        project,
        catalogue,
        [
            keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=0.05),
            keras.callbacks.EarlyStopping(patience=3, min_delta=0.05, restore_best_weights=True),
        ],
    )
    history = model.history.history
    mine = [event.logs for event in of(EpochEnded, told)]
    assert 3 < len(mine) < 30
    assert set(mine[0]) == set(history)
    for name, values in history.items():
        assert [logs[name] for logs in mine] == pytest.approx(values, abs=1e-6)
    state = Run.open(tmp_path / "run").state
    weights = [
        state.weights[f"{layer}/{number}"] for layer in ("hidden", "label") for number in (0, 1)
    ]
    for ours, theirs in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    texts = [note.text for note in of(Noted, told) if note.kind == "callback"]
    assert texts[-1] == "EarlyStopping ended the training"
    assert any(text.startswith("ReduceLROnPlateau: learning rate 0.001 → 0.0005") for text in texts)


def plain_fit(project, catalogue, callbacks):
    """The model after Keras's own fit of the same project."""
    from kbuilder.engine import data
    from kbuilder.engine.build import build
    from kbuilder.engine.compiling import compile_model
    from kbuilder.engine.matching import match

    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph)
    rows = match(built, project, dataset.inputs, dataset.targets)
    built.model.fit(
        rows.x[0],
        rows.y[0],
        epochs=project.fit.epochs,
        batch_size=project.fit.batch_size,
        validation_split=project.fit.validation_split,
        verbose=0,
        callbacks=callbacks,
    )
    return built.model


def test_callbacks_write_into_the_run_folder(plain, tmp_path):
    callbacks = (
        callback("ModelCheckpoint", filepath="best.keras", save_best_only=True),
        callback("CSVLogger", filename="log.csv"),
        callback("TensorBoard", histogram_freq=1),
    )
    told = run_session(with_fit(plain, callbacks=callbacks), tmp_path / "run")
    assert isinstance(told[-1], Finished)
    assert keras.saving.load_model(tmp_path / "run/best.keras").count_params() == 75
    assert (tmp_path / "run/log.csv").read_text().count("\n") == 3
    assert list((tmp_path / "run/tensorboard").rglob("events.out.*"))


@pytest.mark.parametrize("path", ["/etc/best.keras", "../best.keras", "gs://bucket/best.keras"])
def test_callbacks_write_nowhere_else(path, catalogue, tmp_path):
    with pytest.raises(BuildError, match="outside of the run folder"):
        make_callbacks([callback("ModelCheckpoint", filepath=path)], catalogue, tmp_path)


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_loss", "min"),
        ("val_sparse_categorical_accuracy", "max"),
        ("acc", "max"),
        ("fbeta", "max"),
        ("mae", "min"),
        ("val_label_auc", "max"),
    ],
)
def test_the_direction_of_a_metric_is_known_by_its_name(monitor, mode):
    assert mode_of(monitor) == mode


# --- steps, breaks, changes ----------------------------------------------------------------------


def test_a_step_shows_the_batch_and_changes_nothing_else(plain, catalogue, tmp_path):
    straight, _ = prepare(plain, catalogue, tmp_path / "straight")
    straight.train()
    waiting = [Step(), Step(), Step(unit="epoch"), Continue()]

    def answer(event, controls):
        if isinstance(event, Paused):
            controls.put(waiting.pop(0))

    training, events = prepare(plain, catalogue, tmp_path / "run", answer)
    training.plan = replace_plan(training.plan, held=True)
    training.train()
    first, second = of(Stepped, events)
    assert (first.step, second.step) == (1, 2)
    assert first.gradients.keys() == {"#hidden", "#label"}
    told = series(events, "loss")
    assert first.loss == pytest.approx(told[0], rel=1e-5)
    assert second.loss == pytest.approx(told[1], rel=1e-5)
    norm = math.sqrt(sum(value**2 for value in second.gradients.values()))
    assert norm == pytest.approx(series(events, "gradient norm")[1], rel=1e-4)
    assert to_numpy(first.outputs["#label"]).shape == (16, 3)
    data = np.load(plain.data.path)
    np.testing.assert_array_equal(to_numpy(first.inputs["#points"]), data["x"][list(first.samples)])
    assert waiting == []
    for name, values in straight.state.weights.items():
        np.testing.assert_array_equal(training.state.weights[name], values)


def replace_plan(plan, **changes):
    import dataclasses

    return dataclasses.replace(plan, **changes)


def test_a_break_holds_at_the_very_step(plain, catalogue, tmp_path):
    straight, events = prepare(plain, catalogue, tmp_path / "straight")
    straight.train()
    losses = series(events, "loss")
    limit = float(np.sort(losses[1:])[-2])  # only the worst step after the first is above it
    held = []

    def answer(event, controls):
        if isinstance(event, TrainingStarted):
            controls.put(Break(loss_above=limit))
        elif isinstance(event, Paused):
            held.append(event.reason)
            controls.put(Continue())

    training, events = prepare(plain, catalogue, tmp_path / "run", answer)
    training.train()
    above = [step + 1 for step, value in enumerate(losses) if value > limit]
    notes = [note for note in of(Noted, events) if note.kind == "paused"]
    assert [note.step for note in notes] == above
    assert held == [note.text for note in notes]
    assert f"above {limit:g}" in held[0]


def test_what_is_steered_is_done_noted_and_gone_on_with(plain, catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(points, "INTERVAL_S", 0.0)
    project = with_fit(plain, epochs=3)
    asked = Steer(learning_rate=0.05, batch_size=30, epochs=4, frozen={"#hidden": True})

    def answer(event, controls):
        if isinstance(event, EpochEnded) and event.epoch == 0:
            controls.put(asked)
        if isinstance(event, EpochEnded) and event.epoch == 2:
            controls.put(Stop(keep=True))

    training, events = prepare(project, catalogue, tmp_path / "first", answer)
    with pytest.raises(StopRequestedError):
        training.train()
    (note,) = (note for note in of(Noted, events) if note.kind == "steered")
    assert note.text == ("learning rate 0.001 → 0.05, batch size 30, epochs 4, hidden frozen")
    assert note.values["learning_rate"] == 0.05
    ended = of(EpochEnded, events)
    assert ended[0].step == 8
    assert ended[2].step - ended[1].step == 4  # 120 samples in batches of 30
    state = Run.open(tmp_path / "first").state
    assert state.steered == {"batch_size": 30, "epochs": 4, "frozen": {"#hidden": True}}
    before = state.weights["hidden/0"]
    second, later = prepare(project, catalogue, tmp_path / "second", resume=tmp_path / "first")
    second.train()
    np.testing.assert_array_equal(second.state.weights["hidden/0"], before)
    assert second.state.epoch == 4
    assert of(EpochEnded, later)[-1].learning_rate == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("steer", "words"),
    [
        (Steer(learning_rate=0.0), "must be above 0"),
        (Steer(batch_size=0), "at least 1"),
        (Steer(frozen={"#hidden": True, "#label": True}), "No layer would be left"),
        (Steer(frozen={"#points": True}), "Only layers with weights"),
    ],
)
def test_what_cannot_be_steered_is_said_and_training_goes_on(
    plain, catalogue, tmp_path, steer, words
):
    def answer(event, controls):
        if isinstance(event, TrainingStarted):
            controls.put(steer)

    training, events = prepare(plain, catalogue, tmp_path / "run", answer)
    training.train()
    assert any(words in event.text for event in of(Progressed, events))
    assert training.state.epoch == 2


# --- what is kept --------------------------------------------------------------------------------


def test_best_and_kept_checkpoints_can_be_gone_on_from(plain, tmp_path):
    project = with_fit(plain, epochs=4, keep_every=2)
    told = run_session(project, tmp_path / "run")
    names = {note.values.get("file") for note in told if isinstance(note, Noted)}
    assert {BEST, "checkpoint.epoch-0002.npz", "checkpoint.epoch-0004.npz"} <= names
    history = Run.open(tmp_path / "run").history
    best = read_state(tmp_path / "run" / BEST)
    assert best.history[-1]["val_loss"] == min(logs["val_loss"] for logs in history)
    branch = tmp_path / "run/checkpoint.epoch-0002.npz"
    told = run_session(project, tmp_path / "branch", resume=str(branch))
    assert isinstance(told[-1], Finished)
    straight, other = Run.open(tmp_path / "run").state, Run.open(tmp_path / "branch").state
    for name, values in straight.weights.items():
        np.testing.assert_array_equal(other.weights[name], values)
    with pytest.raises(FileRefusedError, match="no checkpoint of a run"):
        Run.open(tmp_path / "run").state_in("../secret.npz")


def test_a_training_that_goes_on_tells_the_whole_curve(plain, tmp_path):
    told = run_session(with_fit(plain, epochs=2), tmp_path / "first")
    straight = series(run_session(with_fit(plain, epochs=3), tmp_path / "straight"), "loss")
    second = run_session(
        with_fit(plain, epochs=2), tmp_path / "second", resume=str(tmp_path / "first"), extend=1
    )
    (started,) = of(TrainingStarted, second)
    assert (started.first_epoch, started.epochs, started.curve_from) == (2, 3, 0)
    np.testing.assert_array_equal(series(second, "loss"), straight)
    assert [event.epoch for event in of(EpochEnded, second)] == [0, 1, 2]
    kept = list(events_of(tmp_path / "second"))
    np.testing.assert_array_equal(series(kept, "loss"), straight)
    assert isinstance(kept[-1], Finished)
    assert of(Monitored, told)


# --- what goes wrong -----------------------------------------------------------------------------


def test_the_first_layer_that_is_not_finite_is_named(plain, tmp_path):
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "hidden", units=6, activation="exponential"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    compiled = replace(
        plain.compile, optimizer=KerasObject(class_name="SGD", params={"learning_rate": 500.0})
    )
    told = run_session(replace(plain, graph=graph, compile=compiled), tmp_path / "run")
    end = told[-1]
    assert isinstance(end, Failed)
    (problem,) = end.problems
    assert problem.kind == "not-finite"
    assert problem.node in ("#hidden", "#label")
    assert "in epoch 1 at step" in problem.text
    state = Run.open(tmp_path / "run").state
    assert all(np.isfinite(values).all() for values in state.weights.values())
    assert len(series(told, "loss")) == state.done


def test_a_batch_that_does_not_fit_names_one_that_does(plain, tmp_path, monkeypatch):
    class Memory:
        available, total = 9_000, 10**10

    monkeypatch.setattr("kbuilder.engine.sizes.psutil", SimpleNamespace(virtual_memory=Memory))
    told = run_session(with_fit(plain, batch_size=120), tmp_path / "run")
    (problem,) = told[-1].problems
    assert problem.kind == "memory"
    assert problem.parameter == "batch_size"
    assert "A batch of 120 samples" in problem.text
    (fix,) = problem.fixes
    assert 0 < fix.steps[0].values["batch_size"] < 120
    assert not (tmp_path / "run").exists()


def test_a_dry_run_tells_memory_time_and_the_largest_batch(plain, tmp_path):
    told = []
    Session(told.append).handle(DryRun(request=1, project=plain))
    assert isinstance(told[-1], Finished)
    (done,) = of(DryRunDone, told)
    assert done.batch_size == 16
    assert [row[0] for row in done.rows] == [16, 32, 64, 120]
    assert done.peak_bytes > 2**20
    assert done.free_bytes > 2**20
    assert done.epoch_seconds > 0
    assert done.largest_batch == 120
    assert done.heaviest == "#points"


def test_a_run_cut_off_behind_its_last_epoch_is_only_ended(plain, tmp_path):
    run_session(plain, tmp_path / "first")
    straight = Run.open(tmp_path / "first").state
    holder = run_lock.Holder(pid=2**22 + 1, started=0.0, host=socket.gethostname())
    (tmp_path / "first" / run_lock.LOCK).write_bytes(msgspec.json.encode(holder))
    told = run_session(plain, tmp_path / "second", resume=str(tmp_path / "first"))
    assert isinstance(told[-1], Finished)
    state = Run.open(tmp_path / "second").state
    assert (state.epoch, state.history) == (straight.epoch, straight.history)
    for name, values in straight.weights.items():
        np.testing.assert_array_equal(state.weights[name], values)
