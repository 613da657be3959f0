"""Networks of keras.applications as projects, with weights from a file and with their preprocessing."""

import importlib

import keras
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document import fine_tuning as tuning
from kbuilder.document.applications import load_applications
from kbuilder.document.options import DataOptions, FitOptions
from kbuilder.engine import applications
from kbuilder.engine.applications import application_names, application_project
from kbuilder.engine.build import build
from kbuilder.engine.checkpoint import restore
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.link.events import (
    Failed,
    Finished,
    FrozenChecked,
    ModelOpened,
    WeightsKept,
    WeightsLoaded,
)
from kbuilder.link.requests import MakeApplication, Train
from tests.sparse import sparse

SMALL = {"shape": (32, 32, 3), "include_top": False, "pooling": "avg"}
MODULES = {
    "MobileNetV2": "mobilenet_v2",
    "DenseNet121": "densenet",
    "VGG16": "vgg16",
    "ResNet50": "resnet",
}


def request(name, folder="", **options):
    return MakeApplication(request=1, name=name, run=str(folder), **{**SMALL, **options})


def ask(asked, catalogue):
    events = []
    Session(events.append, catalogue).handle(asked)
    return events


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.slow
def test_a_base_opens_with_the_weights_of_a_file(catalogue, tmp_path):
    theirs = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, pooling="avg", weights=None
    )
    theirs.save_weights(tmp_path / "base.weights.h5")
    asked = request(
        "MobileNetV2", tmp_path / "run", weights=str(tmp_path / "base.weights.h5"), preprocess=False
    )
    events = ask(asked, catalogue)
    assert isinstance(events[-1], Finished), events[-1]
    opened, loaded = only(ModelOpened, events), only(WeightsLoaded, events)
    assert loaded.left == ()
    assert opened.project.fit.begin_with == "in use"
    ours = build(opened.project, catalogue).model
    restore(ours, Run.open(tmp_path / "run").state)
    x = np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("name", sparse(MODULES, 4))
def test_layers_in_front_do_what_preprocess_input_does(name, catalogue):
    project = application_project(request(name), catalogue)
    graph = project.graph
    (start,) = graph.inputs
    added = {node.id for _, nodes in applications._PREPROCESSING for node in nodes}
    last = next(
        node
        for node in graph.order
        if node.id in added and not any(edge.target in added for edge in graph.outgoing[node.id])
    )
    built = build(project, catalogue)
    front = keras.Model(built.model.inputs, built.tensors[last.id][0])
    pictures = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    module = importlib.import_module(f"keras.applications.{MODULES[name]}")
    np.testing.assert_allclose(
        front.predict(pictures, verbose=0), module.preprocess_input(pictures.copy()), atol=1e-3
    )
    assert start.name == "pictures"


def test_a_base_is_one_block_when_asked(catalogue):
    graph = application_project(request("MobileNetV2", block=True), catalogue).graph
    (block,) = graph.groups
    assert block.collapsed
    assert set(graph.members[block.id]) == set(graph.by_id) - {node.id for node in graph.inputs}


def test_every_network_of_keras_is_offered():
    assert {"ResNet50", "EfficientNetV2S", "ConvNeXtTiny", "NASNetMobile"} <= set(
        application_names()
    )
    listed = load_applications()
    assert {each.name for each in listed} == set(application_names())
    small = next(each for each in listed if each.name == "MobileNetV2")
    assert (small.size, small.parameters) == ((224, 224), 3_538_984)


def test_what_cannot_be_made_is_told(catalogue, tmp_path, monkeypatch):
    unknown = ask(request("ResNet51"), catalogue)[-1]
    assert isinstance(unknown, Failed)
    assert "ResNet50" in unknown.text
    small = ask(request("VGG16", shape=(8, 8, 3)), catalogue)[-1]
    assert isinstance(small, Failed)
    assert "32" in small.text


def test_no_internet_is_told_with_what_to_do(catalogue, tmp_path, monkeypatch):
    def unreachable(*args, **kwargs):
        raise Exception("URL fetch failure on https://x: None -- Name or service not known")

    monkeypatch.setattr("keras.utils.get_file", unreachable)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", unreachable)
    asked = request("MobileNetV2", tmp_path / "run", weights="imagenet", shape=(96, 96, 3))
    failed = ask(asked, catalogue)[-1]
    assert isinstance(failed, Failed)
    assert "file of weights" in failed.text
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_recipe_of_fine_tuning_from_end_to_end(catalogue, tmp_path):
    """A base from a file, a head, a training of the head alone, then one of the end of the base."""
    theirs = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, pooling="avg", weights=None
    )
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 48)
    x = rng.uniform(0, 60, (48, 32, 32, 3)) + 60 * y[:, None, None, None]
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # statistics of real pictures, or nothing gets through to the end
    theirs(x / 127.5 - 1, training=True)
    theirs.save_weights(tmp_path / "base.weights.h5")
    np.savez(tmp_path / "data.npz", x=x.astype("float32"), y=y)

    session_events = []
    session = Session(session_events.append, catalogue)

    def done(asked):
        session_events.clear()
        session.handle(asked)
        assert isinstance(session_events[-1], Finished), session_events[-1]
        return list(session_events)

    weights = str(tmp_path / "base.weights.h5")
    opened = only(
        ModelOpened, done(request("MobileNetV2", tmp_path / "base", weights=weights))
    ).project
    graph = opened.graph
    project = tuning.add_head(opened, graph.outputs[0].id, 2, 3, 0.0)
    (output,) = project.graph.outputs
    project = replace(
        tuning.freeze_base(project),
        fit=FitOptions(epochs=2, batch_size=16, begin_with="in use"),
        data=DataOptions(
            kind="arrays",
            path=str(tmp_path / "data.npz"),
            inputs={project.graph.inputs[0].id: ("x",)},
            targets={output.id: ("y",)},
        ),
    )
    first = done(
        Train(request=2, project=project, run=str(tmp_path / "1"), weights=str(tmp_path / "base"))
    )
    kept, checked = only(WeightsKept, first).layers, only(FrozenChecked, first)
    assert {kept[node] for node in checked.before} == {"kept"}
    assert kept[output.id] == "new"
    assert checked.before == checked.after
    assert set(checked.moved) == {output.id}
    project = tuning.unfreeze_top(project, tuning.base_of(project.graph)[-20])
    project = tuning.lower_rate(project, catalogue)
    second = done(
        Train(request=3, project=project, run=str(tmp_path / "2"), weights=str(tmp_path / "1"))
    )
    kept, checked = only(WeightsKept, second).layers, only(FrozenChecked, second)
    assert set(kept.values()) == {"kept"}
    assert checked.before == checked.after
    assert len(checked.moved) > 2
    assert all(0 < moved < 0.05 for moved in checked.moved.values()), checked.moved
