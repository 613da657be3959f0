"""Batches that own code makes: each epoch anew from the first, ahead of the training, weighed, refused."""

import threading

import numpy as np
import pytest
import tensorflow as tf
from msgspec.structs import replace

from kbuilder.document.approvals import approve
from kbuilder.document.errors import KBuilderError
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.fit_data import fit_data
from kbuilder.engine.generators import Feed, fields_of
from kbuilder.engine.session import Session
from kbuilder.link.events import EpochEnded, Finished, Previewed
from kbuilder.link.requests import Preview, Train
from tests.engine.conftest import loss, make_graph, make_node

CODE = """
import keras
import numpy as np


def batch(number):
    x = np.full((4, 2), number, "float32")
    return x, np.arange(4) % 2


def finite():
    for number in range(3):
        yield batch(number)


def endless():
    number = 0
    while True:
        yield batch(number)
        number += 1


def weighed():
    for number in range(2):
        yield *batch(number), np.array([0.0, 1.0, 2.0, 3.0])


def broken():
    yield batch(0)
    raise RuntimeError("the disk is gone")


def numbers():
    yield 3


def nothing():
    return iter(())


class Indexed(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, number):
        return batch(number)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two classes; its data are batches of own code that is approved."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    approve(CODE)
    return Project(
        graph=make_graph(
            make_node("Input", "in", shape=[2]),
            make_node("Dense", "label", units=2, activation="softmax"),
        ),
        compile=CompileOptions(outputs={"#label": loss("SparseCategoricalCrossentropy")}),
        fit=FitOptions(epochs=2, validation_split=0.0),
        data=DataOptions(kind="generator", path="finite"),
        custom_code=CODE,
    )


def made(project, catalogue, name, **fit):
    project = replace(
        project,
        data=replace(project.data, path=name),
        fit=replace(project.fit, **fit),
    )
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph, code=project.custom_code)
    return fit_data(built, project, dataset, catalogue)


def first_values(batches, epochs=2):
    """What the first sample of each batch holds, epoch by epoch, by a graph as in training."""
    cut = tf.function(lambda step, order: batches.cut(step, order)[0])
    return [
        [int(cut(tf.constant(step), order)[0, 0]) for step in range(batches.steps)]
        for order in map(batches.order, range(epochs))
    ]


@pytest.mark.parametrize(
    ("name", "fit", "expected"),
    [
        ("finite", {}, [[0, 1, 2], [0, 1, 2]]),  # Keras replays the first two batches
        ("finite", {"steps_per_epoch": 2}, [[0, 1], [2, 0]]),
        ("endless", {"steps_per_epoch": 3}, [[0, 1, 2], [3, 4, 5]]),
        ("Indexed", {"shuffle": False}, [[0, 1, 2, 3, 4]] * 2),
    ],
)
def test_batches_come_in_order_and_each_turn_begins_anew(project, catalogue, name, fit, expected):
    batches = made(project, catalogue, name, **fit).train
    assert first_values(batches) == expected
    assert first_values(batches, 1) == expected[:1]  # going back begins again
    assert batches.batch_size == 4
    assert batches.numbers(1, batches.order(1))[0] == 4 * (len(expected[0]) + 1)


def test_a_dataset_is_mixed_anew_in_each_epoch_by_the_seed(project, catalogue):
    one, other = first_values(made(project, catalogue, "Indexed").train)
    assert sorted(one) == sorted(other) == [0, 1, 2, 3, 4]
    assert one != other
    assert first_values(made(project, catalogue, "Indexed").train) == [one, other]


def test_weights_of_batches_and_classes_come_along(project, catalogue):
    batches = made(project, catalogue, "weighed", class_weights={"#label": {1: 10.0}}).train
    x, y, weights = batches.cut(tf.constant(0), None)
    assert (x.shape, y.numpy().tolist()) == ((4, 2), [0, 1, 0, 1])
    assert weights.numpy().tolist() == [0.0, 10.0, 2.0, 30.0]
    head = batches.head(2)
    assert [head.y[0].tolist(), head.weights[0].tolist()] == [[0, 1], [0.0, 10.0]]


def test_validation_may_be_made_too(project, catalogue):
    own = DataOptions(kind="generator", path="Indexed")
    found = made(project, catalogue, "finite", validation_data=own, validation_steps=2)
    assert first_values(found.validation, 1) == [[0, 1]]


@pytest.mark.parametrize(
    ("name", "fit", "words"),
    [
        ("absent", {}, "no function or class “absent”"),
        ("numbers", {}, "gives int where a batch"),
        ("nothing", {}, "gives no batches"),
        ("finite", {"class_weights": {"#label": "balanced"}}, "by hand"),
        ("finite", {"validation_split": 0.2}, "cannot be split"),
    ],
)
def test_what_makes_no_batches_is_refused(project, catalogue, name, fit, words):
    with pytest.raises(KBuilderError, match=words):
        made(project, catalogue, name, **fit)


def test_code_that_is_not_approved_makes_no_data(project, catalogue):
    changed = replace(project, custom_code=CODE + "\n# changed\n")
    with pytest.raises(BuildError, match="does not run before you trust it"):
        made(changed, catalogue, "finite")


def test_an_endless_one_needs_its_steps(project, catalogue, monkeypatch):
    monkeypatch.setattr("kbuilder.engine.generators.COUNT_SECONDS", 0.0)
    with pytest.raises(KBuilderError, match="Set steps_per_epoch"):
        made(project, catalogue, "endless")


def test_batches_have_names_by_their_form():
    x, y = np.zeros((2, 3)), np.ones(2)
    assert list(fields_of((x, y), "it")) == ["x", "y"]
    assert list(fields_of(([x, x], y, y), "it")) == ["x_1", "x_2", "y", "weight"]
    named = fields_of(({"a": x}, {"a": y, "b": y}, {"b": y}), "it")
    assert list(named) == ["a", "y a", "b", "weight b"]
    with pytest.raises(KBuilderError, match="different lengths"):
        fields_of((x, np.ones(3)), "it")


def test_a_feed_is_ahead_and_its_thread_ends():
    taken = []

    def turn(number):
        for index in range(10):
            taken.append(index)
            yield {"x": np.array([number, index])}

    before = threading.active_count()
    feed = Feed(turn, 10)
    assert feed.get(13)["x"].tolist() == [1, 3]
    assert feed.get(14)["x"].tolist() == [1, 4]
    assert feed.get(13)["x"].tolist() == [1, 3]  # kept
    assert feed.get(2)["x"].tolist() == [0, 2]  # again from the turn's first
    thread = feed._thread
    feed.close()
    thread.join(10)
    assert not thread.is_alive()
    assert threading.active_count() <= before + 1


def test_a_feed_that_nobody_asks_ends_and_begins_again(monkeypatch):
    monkeypatch.setattr("kbuilder.engine.generators.IDLE_SECONDS", 0.0)
    feed = Feed(lambda number: iter([{"x": np.array([index])} for index in range(99)]), None)
    assert feed.get(0)["x"][0] == 0
    feed._thread.join(10)
    assert not feed._thread.is_alive()
    assert [feed.get(position)["x"][0] for position in (1, 5, 30)] == [1, 5, 30]
    feed.close()


def test_it_trains_and_is_previewed_like_other_data(project, tmp_path):
    events = []
    session = Session(events.append)
    session.handle(Train(request=1, project=project, run=str(tmp_path / "run")))
    assert isinstance(events[-1], Finished), events[-1]
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.epoch for event in ended] == [0, 1]
    session.handle(Preview(request=2, graph=project.graph, data=project.data))
    shown = next(event for event in events if isinstance(event, Previewed)).preview
    assert (shown.samples, shown.inputs, shown.targets) == (12, {"#in": ("x",)}, {"#label": ("y",)})


def test_what_own_code_raises_is_told_with_its_line(project, tmp_path):
    events = []
    broken = replace(project, data=replace(project.data, path="broken"))
    broken = replace(broken, fit=replace(broken.fit, steps_per_epoch=3))
    Session(events.append).handle(Train(request=1, project=broken, run=str(tmp_path / "run")))
    assert "the disk is gone" in str(events[-1])
