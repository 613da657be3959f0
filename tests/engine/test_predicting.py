"""Predictions and evaluations of a run equal Keras's own."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest

from kbuilder.document import edits
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.link.events import Failed, Finished
from kbuilder.link.requests import Evaluate, Predict, Train
from tests.engine.conftest import loss, make_graph, make_node


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Two tables of three flowers: to train with, and a shorter one that lacks a class."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(3)
    names = np.array(["=rose", "lily", "tulip"])
    for name, classes, count in (("train", (0, 1, 2), 60), ("other", (2, 1), 20)):
        codes = rng.choice(classes, count)
        lines = ["width,height,kind"]
        lines += [f"{c + rng.normal():.3f},{rng.normal():.3f},{names[c]}" for c in codes]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        bare = [line.rpartition(",")[0] for line in lines]
        (folder / f"{name}_x.csv").write_text("\n".join(bare) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(tables, tmp_path_factory):
    """A run on the table, the session that made it, and what it says."""
    graph = make_graph(
        make_node("Input", "flower", shape=[2]),
        make_node("Dense", "kind", units=3, activation="softmax"),
    )
    project = edits.set_fit(
        edits.set_output(
            edits.set_data(
                Project(graph=graph), DataOptions(kind="table", path="train.csv")
            ),
            "#kind",
            **{
                name: getattr(loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"), name)
                for name in ("loss", "metrics")
            },
        ),
        epochs=2,
        keep_every=1,
    )  # fmt: skip
    run = tmp_path_factory.mktemp("runs") / "one"
    events: list = []
    session = Session(events.append)
    session.handle(Train(request=1, project=project, run=str(run), base=str(tables)))
    assert events[-1] == Finished(request=1)
    return session, events, run, project, tables


def model_of(run, checkpoint="") -> keras.Model:
    """The same network made by hand."""
    state = Run.open(run).state_in(checkpoint)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax")])
    model.set_weights(list(state.weights.values()))
    model.compile(loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    return model


def read_x(path) -> np.ndarray:
    with path.open(encoding="utf-8") as file:
        return np.array([[float(c) for c in row[:2]] for row in list(csv.reader(file))[1:]], "f4")


def test_predictions_equal_keras(trained, tmp_path) -> None:
    session, events, run, project, tables = trained
    x = read_x(tables / "other_x.csv")
    data = DataOptions(kind="table", path="other_x.csv")
    for name in ("p.npz", "p.csv"):
        asked = Predict(
            request=2,
            project=project,
            run=str(run),
            data=data,
            path=str(tmp_path / name),
            base=str(tables),
        )
        session.handle(asked)
        assert events[-1] == Finished(request=2)
        assert (events[-2].samples, events[-2].outputs) == (20, {"#kind": (20, 3)})
    wanted = model_of(run).predict(x, verbose=0)
    with np.load(tmp_path / "p.npz") as found:
        np.testing.assert_array_equal(found["kind"], wanted)
        assert found["kind/classes"].tolist() == ["=rose", "lily", "tulip"]
    with (tmp_path / "p.csv").open(encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["kind", "kind[=rose]", "kind[lily]", "kind[tulip]"]
    np.testing.assert_array_equal([[float(c) for c in row[1:]] for row in rows], wanted)
    names = np.array(["'=rose", "lily", "tulip"])  # the apostrophe keeps a formula from living
    assert [row[0] for row in rows] == names[wanted.argmax(1)].tolist()


@pytest.mark.parametrize("checkpoint", ["", "checkpoint.epoch-0001.npz"])
def test_evaluations_equal_keras_though_a_class_is_missing(trained, checkpoint) -> None:
    session, events, run, project, tables = trained
    with (tables / "other.csv").open(encoding="utf-8") as file:
        kinds = [row[2] for row in list(csv.reader(file))[1:]]
    y = np.array([["=rose", "lily", "tulip"].index(kind) for kind in kinds])
    session.handle(
        Evaluate(
            request=3,
            project=project,
            run=str(run),
            data=DataOptions(kind="table", path="other.csv"),
            base=str(tables),
            checkpoint=checkpoint,
        )
    )
    assert events[-1] == Finished(request=3)
    x = read_x(tables / "other.csv")
    wanted = model_of(run, checkpoint).evaluate(x, y, verbose=0, return_dict=True)
    assert events[-2].logs == pytest.approx(wanted, rel=1e-6)
    assert events[-2].samples == 20


def test_what_cannot_be_predicted_is_told(trained, tmp_path) -> None:
    session, events, run, project, tables = trained

    def ask(**changes) -> str:
        options = {"path": str(tmp_path / "p.csv"), "base": str(tables)} | changes
        data = options.pop("data", DataOptions(kind="table", path="other.csv"))
        session.handle(Predict(request=4, project=project, run=str(run), data=data, **options))
        assert isinstance(events[-1], Failed)
        return events[-1].text

    assert "expected .csv or .npz" in ask(path="p.txt")
    assert "cannot be read" in ask(data=DataOptions(kind="table", path="gone.csv"))
    assert "is no checkpoint" in ask(checkpoint="../x")
    assert not (tmp_path / "p.csv").exists()


def test_without_the_training_data_the_fields_follow_from_the_options(
    trained, tmp_path, catalogue
) -> None:
    session, events, run, project, tables = trained
    data = DataOptions(
        kind="table", path=str(tables / "other.csv"), inputs={"#flower": ("width", "height")}
    )
    session.handle(
        Predict(
            request=6,
            project=project,
            run=str(run),
            data=data,
            path=str(tmp_path / "p.npz"),
            base=str(tmp_path),
        )
    )
    assert events[-1] == Finished(request=6)
