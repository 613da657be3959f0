import errno
import json
import os
import threading

import h5py
import keras
import msgspec
import numpy as np
import pytest
import tensorflow as tf

from kbuilder.document.options import CompileOptions, DataOptions
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build import build
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.link.events import (
    ActivationsComputed,
    Arranged,
    EpochEnded,
    Exported,
    Failed,
    Finished,
    FrozenChecked,
    Inferred,
    ModelOpened,
    PointsLogged,
    Previewed,
    Progressed,
    Stopped,
    TrainingStarted,
    WeightsLoaded,
)
from kbuilder.link.requests import (
    Arrange,
    ComputeActivations,
    Export,
    Infer,
    LoadWeights,
    OpenModel,
    Preview,
    Quit,
    Stop,
    Train,
)
from tests.engine.conftest import loss, make_graph, make_node

ENDS = (Finished, Failed, Stopped)


class Asker:
    """A session and what it answered."""

    def __init__(self, catalogue):
        self.events = []
        self.session = Session(self._receive, catalogue)
        self.react = None

    def _receive(self, event):
        self.events.append(event)
        if self.react:
            self.react(event)

    def ask(self, request):
        """Events of one request; exactly one end, and it is the last."""
        self.events.clear()
        self.session.handle(request)
        ends = [event for event in self.events if isinstance(event, ENDS)]
        assert ends == self.events[-1:]
        assert all(event.request == request.request for event in self.events)
        return list(self.events)


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.fixture
def asker(catalogue):
    return Asker(catalogue)


def train(asker, project, folder, **options):
    return asker.ask(Train(request=9, project=project, run=str(folder), **options))


def activations(asker, project, run="", node="#hidden"):
    events = asker.ask(
        ComputeActivations(request=3, project=project, node=node, samples=(0, 1), run=str(run))
    )
    return to_numpy(only(ActivationsComputed, events).activations)


def test_infer_and_preview_answer(asker, classifier):
    inferred = only(Inferred, asker.ask(Infer(request=1, graph=classifier.graph)))
    assert inferred.nodes["#label"].outputs[0].shape == (None, 3)
    previewed = only(
        Previewed, asker.ask(Preview(request=2, graph=classifier.graph, data=classifier.data))
    )
    assert previewed.preview.samples == 150
    assert isinstance(asker.ask(Quit(request=3))[-1], Finished)


def test_arrange_gives_places_for_what_was_asked(asker, classifier):
    whole = only(Arranged, asker.ask(Arrange(request=1, graph=classifier.graph)))
    assert set(whole.places) == {node.id for node in classifier.graph.nodes}
    asked = Arrange(request=2, graph=classifier.graph, only=("#fixed", "#drop"))
    some = only(Arranged, asker.ask(asked))
    assert set(some.places) == {"#fixed", "#drop"}


def test_train_leaves_a_whole_run_and_proves_the_frozen_layers(asker, classifier, tmp_path):
    events = train(asker, classifier, tmp_path / "run")
    assert isinstance(events[-1], Finished)
    checked = only(FrozenChecked, events)
    assert checked.before == checked.after
    assert list(checked.before) == ["#fixed"]
    run = Run.open(tmp_path / "run")
    assert (run.project, run.state.epoch, len(run.history)) == (classifier, 2, 2)
    log = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    assert (log[0]["event"], log[-1]["event"]) == ("started", "finished")


def test_activations_after_training_are_those_of_the_run_in_any_session(
    asker, catalogue, classifier, tmp_path
):
    fresh = activations(asker, classifier)
    train(asker, classifier, tmp_path / "run")
    live = activations(asker, classifier, tmp_path / "run")
    restored = activations(Asker(catalogue), classifier, tmp_path / "run")
    np.testing.assert_array_equal(live, restored)
    assert not np.array_equal(fresh, live)


def test_stop_and_keep_then_go_on(asker, classifier, tmp_path):
    long = msgspec.structs.replace(
        classifier, fit=msgspec.structs.replace(classifier.fit, epochs=100_000)
    )
    asker.react = lambda event: (
        asker.session.controls.put(Stop()) if isinstance(event, PointsLogged) else None
    )
    events = train(asker, long, tmp_path / "first")
    assert events[-1] == Stopped(request=9, kept=True)
    asker.react = None
    state = Run.open(tmp_path / "first").state
    short = msgspec.structs.replace(
        classifier, fit=msgspec.structs.replace(classifier.fit, epochs=state.epoch + 1)
    )
    events = train(asker, short, tmp_path / "second", resume=str(tmp_path / "first"))
    assert isinstance(events[-1], Finished)
    assert only(TrainingStarted, events).first_epoch == state.epoch
    assert Run.open(tmp_path / "second").state.epoch == state.epoch + 1


def test_stop_and_discard_leaves_nothing(asker, classifier, tmp_path):
    asker.react = lambda event: (
        asker.session.controls.put(Stop(keep=False)) if isinstance(event, TrainingStarted) else None
    )
    events = train(asker, classifier, tmp_path / "run")
    assert events[-1] == Stopped(request=9, kept=False)
    assert not (tmp_path / "run").exists()


def test_a_control_for_a_request_that_ended_does_not_reach_the_next(asker, classifier, tmp_path):
    asker.react = lambda event: (
        asker.session.controls.put(Stop()) if isinstance(event, FrozenChecked) else None
    )
    assert isinstance(train(asker, classifier, tmp_path / "one")[-1], Finished)
    asker.react = None
    assert isinstance(train(asker, classifier, tmp_path / "two")[-1], Finished)


def test_controls_may_come_from_another_thread_while_paused(asker, classifier, tmp_path):
    def from_outside(event):
        if isinstance(event, TrainingStarted):
            threading.Thread(target=asker.session.controls.put, args=(Stop(),)).start()

    asker.react = from_outside
    long = msgspec.structs.replace(
        classifier, fit=msgspec.structs.replace(classifier.fit, epochs=100_000)
    )
    assert isinstance(train(asker, long, tmp_path / "run")[-1], Stopped)


@pytest.mark.parametrize(
    ("change", "words", "where"),
    [
        ({"graph": make_graph()}, "empty", ""),
        ({"compile": CompileOptions()}, "no loss", "#label"),
        ({"data": DataOptions()}, "No data is chosen", None),
        ({"data": DataOptions(kind="arrays", path="/nowhere/x.npz")}, "x.npz", None),
    ],
)
def test_mistakes_end_in_one_sentence(asker, classifier, tmp_path, change, words, where):
    events = train(asker, msgspec.structs.replace(classifier, **change), tmp_path / "run")
    failed = only(Failed, events)
    assert words in failed.text
    assert not failed.details
    if where is not None:
        assert failed.problems[0].node == where
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (tf.errors.ResourceExhaustedError(None, None, "OOM"), "not enough memory"),
        (tf.errors.InvalidArgumentError(None, None, "Incompatible shapes"), "Incompatible shapes"),
        (RecursionError("too deep"), "too deep"),
    ],
)
def test_any_error_ends_the_request_with_words_and_a_traceback(
    asker, classifier, monkeypatch, error, words
):
    def broken(*arguments):
        raise error

    monkeypatch.setattr(data, "preview", broken)
    failed = only(Failed, asker.ask(Preview(request=1, graph=classifier.graph, data=DataOptions())))
    assert words in failed.text
    assert type(error).__name__ in failed.details


def test_a_value_that_a_layer_cannot_take_is_told_at_its_node(asker, classifier, tmp_path):
    path = tmp_path / "words.npz"
    np.savez(path, x=np.full((40, 6), 44), y=np.zeros(40, int))
    graph = make_graph(
        make_node("Input", "points", shape=[6], dtype="int32"),
        make_node("Embedding", "embed", input_dim=10, output_dim=4),
        make_node("Flatten", "flat"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    options = msgspec.structs.replace(classifier.data, path=str(path))
    project = msgspec.structs.replace(classifier, graph=graph, data=options)
    failed = only(Failed, train(asker, project, tmp_path / "run"))
    assert [problem.node for problem in failed.problems] == ["#embed"]
    assert "= 44 is not in [0, 10)" in failed.text
    assert "input_dim" in failed.text
    assert "Op:" not in failed.text


def test_weights_are_added_up_before_any_is_made(asker, classifier, tmp_path):
    nodes = (
        *classifier.graph.nodes[:3],
        make_node("Dense", "hidden", units=50_000_000),
        make_node("Dense", "label", units=50_000),
    )
    graph = msgspec.structs.replace(classifier.graph, nodes=nodes)
    project = msgspec.structs.replace(classifier, graph=graph)
    failed = only(Failed, train(asker, project, tmp_path / "run"))
    assert [problem.node for problem in failed.problems] == ["#label"]
    assert "GiB" in failed.text


def test_a_full_disk_is_told_and_training_goes_on_to_a_model_that_can_still_be_looked_into(
    asker, catalogue, classifier, tmp_path, monkeypatch
):
    fresh = activations(asker, classifier)
    real = os.fsync

    def full(handle):
        if (tmp_path / "run/batches.csv").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr("kbuilder.engine.runs.CHECKPOINT_INTERVAL_S", 0.0)
    events = train(asker, classifier, tmp_path / "run")
    monkeypatch.undo()
    told = [event for event in events if isinstance(event, Progressed) and "full" in event.text]
    assert len(told) == 1
    assert len([event for event in events if isinstance(event, EpochEnded)]) == 2
    assert "the disk is full" in only(Failed, events).text
    assert not np.array_equal(fresh, activations(asker, classifier, tmp_path / "run"))


def test_a_run_that_is_not_one_is_refused(asker, classifier, tmp_path):
    failed = only(Failed, train(asker, classifier, tmp_path / "run", resume=str(tmp_path)))
    assert failed.refused
    assert "is not a run" in failed.text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.hdf5", "model.keras"])
def test_an_export_predicts_and_trains_on_in_plain_keras(asker, classifier, tmp_path, name):
    train(asker, classifier, tmp_path / "run")
    path = tmp_path / name
    events = asker.ask(
        Export(request=4, project=classifier, path=str(path), run=str(tmp_path / "run"))
    )
    assert only(Exported, events).difference == 0.0
    model = keras.models.load_model(path)
    dataset = data.load(classifier.data, classifier.graph)
    x, y = dataset.inputs["#points"], dataset.targets["#label"]
    if name.endswith(".keras"):  # Keras 3.15 leaves the optimizer's state in .hdf5 unread
        assert model.optimizer.iterations.numpy() == 16
    model.fit(x, y, epochs=1, verbose=0)


def test_a_fresh_model_can_be_exported_without_data(asker, classifier, tmp_path):
    bare = Project(graph=classifier.graph)
    path = tmp_path / "fresh.keras"
    events = asker.ask(Export(request=4, project=bare, path=str(path)))
    assert only(Exported, events).difference == 0.0
    assert path.exists()


def test_weights_alone_go_out_and_in(asker, classifier, tmp_path):
    train(asker, classifier, tmp_path / "run")
    path = tmp_path / "x_model_weights.h5"
    events = asker.ask(
        Export(request=4, project=classifier, path=str(path), run=str(tmp_path / "run"))
    )
    assert only(Exported, events).difference == 0.0
    with h5py.File(path) as file:
        assert "model_config" not in file.attrs
    loaded = only(
        WeightsLoaded,
        asker.ask(
            LoadWeights(request=5, project=classifier, path=str(path), run=str(tmp_path / "loaded"))
        ),
    )
    assert {"fixed", "hidden", "label"} <= set(loaded.loaded)
    np.testing.assert_array_equal(
        activations(asker, classifier, tmp_path / "run"),
        activations(asker, classifier, tmp_path / "loaded"),
    )


@pytest.mark.parametrize("name", ["model.hdf5", "model.keras"])
def test_an_opened_model_trains_on_bit_identically(asker, catalogue, classifier, tmp_path, name):
    longer = msgspec.structs.replace(
        classifier, fit=msgspec.structs.replace(classifier.fit, epochs=2)
    )
    train(asker, classifier, tmp_path / "first")
    asker.ask(
        Export(
            request=4,
            project=classifier,
            path=str(tmp_path / name),
            run=str(tmp_path / "first"),
        )
    )
    train(asker, longer, tmp_path / "straight", resume=str(tmp_path / "first"))
    other = Asker(catalogue)
    opened = only(
        ModelOpened,
        other.ask(OpenModel(request=6, path=str(tmp_path / name), run=str(tmp_path / "opened"))),
    )
    assert {node.name for node in opened.project.graph.nodes} == {
        node.name for node in classifier.graph.nodes
    }
    train(other, opened.project, tmp_path / "again", resume=str(tmp_path / "opened"))
    one, two = Run.open(tmp_path / "straight").state, Run.open(tmp_path / "again").state
    for key, values in one.weights.items():
        np.testing.assert_array_equal(values, two.weights[key])


def exported(asker, project, folder, name="m.keras"):
    path = folder / name
    asker.ask(Export(request=4, project=project, path=str(path)))
    return path


def test_the_network_is_there_before_its_weights(asker, classifier, tmp_path):
    path = exported(asker, classifier, tmp_path)
    events = asker.ask(OpenModel(request=6, path=str(path), run=str(tmp_path / "run")))
    kinds = [type(event) for event in events if not isinstance(event, Progressed)]
    assert kinds == [ModelOpened, WeightsLoaded, Finished]
    assert only(ModelOpened, events).run == only(WeightsLoaded, events).run == str(tmp_path / "run")
    assert isinstance(events[1], Progressed)
    fractions = [event.fraction for event in events if isinstance(event, Progressed)]
    assert fractions == sorted(fractions)
    assert {"fixed", "hidden", "label"} <= set(only(WeightsLoaded, events).loaded)
    assert Run.open(tmp_path / "run").state


def test_weights_that_are_stopped_leave_the_network_and_no_run(asker, classifier, tmp_path):
    path = exported(asker, classifier, tmp_path)
    asker.react = lambda event: (
        asker.session.controls.put(Stop(keep=True)) if isinstance(event, ModelOpened) else None
    )
    events = asker.ask(OpenModel(request=6, path=str(path), run=str(tmp_path / "run")))
    assert isinstance(events[-1], Stopped)
    assert only(ModelOpened, events).project.graph.nodes
    assert not (tmp_path / "run").exists()


def test_weights_that_do_not_fit_fail_and_leave_no_run(asker, classifier, tmp_path):
    path = exported(asker, classifier, tmp_path, "m.h5")
    with h5py.File(path, "a") as file:
        group = file["model_weights/hidden"]
        kernel = group.attrs["weight_names"][0]
        values = group[kernel][()].T
        del group[kernel]
        group[kernel] = values
    failed = only(
        Failed, asker.ask(OpenModel(request=6, path=str(path), run=str(tmp_path / "run")))
    )
    assert failed.refused
    assert "no fitting weights for “hidden”" in failed.text
    assert not (tmp_path / "run").exists()


def test_a_configuration_alone_opens_without_a_run(asker, classifier, catalogue, tmp_path):
    path = tmp_path / "m.json"
    path.write_text(build(classifier, catalogue).model.to_json())
    events = asker.ask(OpenModel(request=6, path=str(path), run=str(tmp_path / "run")))
    assert [type(event) for event in events] == [ModelOpened, Finished]
    assert only(ModelOpened, events).run == ""
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_left_alone(asker, classifier, tmp_path):
    train(asker, classifier, tmp_path / "run")
    before = (tmp_path / "run/checkpoint.npz").read_bytes()
    failed = only(Failed, train(asker, classifier, tmp_path / "run"))
    assert "already holds a run" in failed.text
    assert (tmp_path / "run/checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize("metric", ["AUC", "F1Score"])
def test_a_metric_that_cannot_judge_its_output_is_named(asker, classifier, tmp_path, metric):
    options = {"#label": loss("SparseCategoricalCrossentropy", metric)}
    project = msgspec.structs.replace(classifier, compile=CompileOptions(outputs=options))
    failed = only(Failed, train(asker, project, tmp_path / "run"))
    (problem,) = failed.problems
    assert (problem.node, problem.parameter) == ("#label", "metrics")
    assert problem.text.startswith(f"{metric} cannot compare the output “label”")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"step,epoch,loss\n,,\nx,y,z\n1,0,3,4\n0,0", b"\xff\xfe\0"])
def test_a_damaged_table_of_a_run_does_not_hinder_going_on(asker, classifier, tmp_path, content):
    only(Finished, train(asker, classifier, tmp_path / "one"))
    (tmp_path / "one" / "batches.csv").write_bytes(content)
    only(Finished, train(asker, classifier, tmp_path / "two", resume=str(tmp_path / "one")))


@pytest.mark.parametrize(
    ("name", "words"),
    [("m.HDF5", "expected “.hdf5”"), ("M.Keras", "expected “.keras”")],
)
def test_an_ending_that_keras_does_not_read_is_refused(asker, classifier, tmp_path, name, words):
    request = Export(request=4, project=classifier, path=str(tmp_path / name))
    assert words in only(Failed, asker.ask(request)).text
    assert not any(tmp_path.iterdir())


def test_a_run_folder_with_too_long_a_name_is_refused(asker, classifier, tmp_path):
    failed = only(Failed, train(asker, classifier, tmp_path / ("x" * 300)))
    assert "File name too long. Choose another one." in failed.text
    assert not failed.details


def test_a_metric_for_vectors_is_refused_for_class_numbers(asker, classifier, tmp_path):
    options = {"#label": loss("SparseCategoricalCrossentropy", "CategoricalAccuracy")}
    project = msgspec.structs.replace(classifier, compile=CompileOptions(outputs=options))
    (problem,) = only(Failed, train(asker, project, tmp_path / "run")).problems
    assert (problem.node, problem.parameter) == ("#label", "metrics")
    assert "Choose SparseCategoricalAccuracy." in problem.text
