"""From an empty window to a trained, saved model, by the hands of a user."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from kbuilder.document.options import DataOptions
from kbuilder.document.project_file import load
from kbuilder.link.events import ActivationsComputed
from kbuilder.resources import resource
from kbuilder.ui.main_window import INSPECT, TRAIN
from kbuilder.ui.pictures import to_numpy
from kbuilder.ui.training_state import State
from tests.e2e.driver import ENGINE_MS, Driver, type_into

pytestmark = pytest.mark.slow

PLAIN_KERAS = """
import json, sys
import keras, numpy as np
with np.load(sys.argv[2]) as data:
    x, y = data["image"][:64, ..., None].astype("float32"), data["label"][:64]
model = keras.models.load_model(sys.argv[1])
before = model.predict(x, verbose=0)
logs = model.fit(x, y, epochs=1, verbose=0).history
print(json.dumps({"before": before.tolist(), "logs": list(logs), "optimizer": model.optimizer.name}))
"""


def in_plain_keras(model: Path) -> dict:
    """Load, predict and train on with plain Keras in a process that knows nothing of kbuilder."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN_KERAS, str(model), resource("data", "digits.npz")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def predictions(driver: Driver, node: str, count: int) -> np.ndarray:
    """Outputs of a node for the first samples, as the engine of the window computes them."""
    training = driver.window.training
    with driver.qtbot.waitSignal(training.activations, timeout=ENGINE_MS) as heard:
        training.watch(driver.node(node).id, tuple(range(count)))
    return to_numpy(heard.args[0].activations)


def draw_network(driver: Driver) -> None:
    image = driver.drag_layer("Input", 0, 0)
    scale = driver.drag_layer("Rescaling", 0, 110)
    flat = driver.drag_layer("Flatten", 0, 220)
    dense = driver.drag_layer("Dense", 0, 330)
    digit = driver.drag_layer("Dense", 0, 440)
    for source, target in ((image, scale), (scale, flat), (flat, dense), (dense, digit)):
        driver.wire(source, target)
    driver.type_param(image.name, "shape", "8, 8, 1")
    driver.type_param(scale.name, "scale", "0.0625")
    driver.type_param("dense", "units", "24")
    driver.type_param("dense_1", "units", "10")
    driver.type_param("dense_1", "name", "digit")


def test_draw_train_stop_keep_and_reload(driver: Driver) -> None:
    window = driver.window
    draw_network(driver)
    graph = window.document.project.graph
    assert [node.name for node in graph.order] == [
        "input",
        "rescaling",
        "flatten",
        "dense",
        "digit",
    ]
    driver.wait_inferred("digit")
    assert window.workbench.facts[driver.node("digit").id].outputs[0].shape == (None, 10)

    window.page(0).choose(DataOptions(kind="sample", path="digits"), "Use the sample digits")
    driver.wait_preview()
    assert window.workbench.preview_fault == ""
    assert "no loss" in window.blocking_problem()

    window.show_workspace(TRAIN)
    from kbuilder.ui.panels.compile_panel import OutputForm

    (output,) = window.page(TRAIN).findChildren(OutputForm)
    output.edited.emit(  # what choosing in the two combo boxes emits; the boxes have their own test
        "loss", edits_object("SparseCategoricalCrossentropy", from_logits=True)
    )
    output.metrics.add_button.click()
    assert window.document.project.compile.outputs[driver.node("digit").id].metrics

    window.document.apply("Set epochs", lambda p: edits_fit(p, epochs=500))
    driver.click("train")
    driver.wait_state(State.RUNNING)
    driver.qtbot.waitUntil(lambda: window.training.live.epoch >= 3, timeout=ENGINE_MS)
    driver.click("pause")
    driver.wait_state(State.PAUSED)
    step = window.training.live.step
    driver.click("continue")
    driver.wait_state(State.RUNNING)
    driver.qtbot.waitUntil(lambda: window.training.live.step > step, timeout=ENGINE_MS)
    with driver.qtbot.waitSignal(window.training.ended, timeout=ENGINE_MS):
        driver.click("stop")
    live = window.training.live
    assert live.epoch < 500
    assert live.batches["loss"].length == live.step
    assert {"loss", "val_loss"} <= set(live.epochs)
    assert live.epochs["loss"][-1][1] < live.epochs["loss"][0][1]

    model = driver.export("model.hdf5")
    again = in_plain_keras(model)
    ours = predictions(driver, "digit", 64)
    np.testing.assert_array_equal(np.array(again["before"], np.float32), ours)
    assert "loss" in again["logs"]
    # Keras numbers the names of optimizers in an engine that has made some before.
    assert again["optimizer"].rstrip("_0123456789") == "adam"


def test_undo_takes_everything_back(driver: Driver) -> None:
    draw_network(driver)
    document = driver.window.document
    while document.undo_text:
        driver.window.actions_by_id["undo"].trigger()
    assert document.project.graph.nodes == ()
    assert list(driver.window.scene.items()) == []
    assert not document.modified


def test_a_layer_is_added_and_set_by_keyboard_alone(driver: Driver) -> None:
    window = driver.window
    view = window.view
    window.activateWindow()
    for letters in ("inpu", "dens"):
        view.setFocus()
        driver.qtbot.waitUntil(view.hasFocus)
        QTest.keyClick(view, Qt.Key.Key_Space)
        field = QApplication.focusWidget()
        assert isinstance(field, QLineEdit)
        QTest.keyClicks(field, letters)
        QTest.keyClick(field, Qt.Key.Key_Return)
    view.setFocus()
    driver.qtbot.waitUntil(view.hasFocus)
    assert [node.class_name for node in window.document.project.graph.nodes] == ["Input", "Dense"]
    assert len(window.document.project.graph.edges) == 1
    QTest.keyClick(view, Qt.Key.Key_Return)
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    assert field.accessibleName() == "units"
    type_into(field, "12")
    assert driver.node("dense").params["units"] == 12


@pytest.mark.parametrize("sample", ["digits-mlp", "digits-lstm", "wine-two-in-two-out"])
def test_samples_train_in_the_window(driver: Driver, sample: str) -> None:
    window = driver.window
    window.files.open_sample(sample)
    driver.wait_preview()
    window.document.apply("Set epochs", lambda p: edits_fit(p, epochs=2))
    driver.train()
    live = window.training.live
    assert live.epoch == 2
    for output in window.document.project.graph.outputs:
        if len(window.document.project.graph.outputs) > 1:
            assert f"{output.name}_loss" in live.metrics
    assert window.page(TRAIN)._plots.keys() == set(live.metrics)


def test_frozen_layers_do_not_move_and_inspect_sees_before_and_after(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    driver.wait_preview()
    graph = window.document.project.graph
    dense = next(node for node in graph.nodes if node.class_name == "Dense")
    output = graph.outputs[0]
    before = predictions(driver, dense.name, 4)
    out_before = predictions(driver, output.name, 4)
    driver.select(dense.name)
    window.actions_by_id["freeze"].trigger()
    assert not driver.node(dense.name).trainable
    assert window.document.undo_text == f"Freeze {dense.name}"
    driver.train()
    checked = window.training.frozen
    assert checked.before == checked.after
    assert list(checked.before) == [dense.id]
    np.testing.assert_array_equal(predictions(driver, dense.name, 4), before)
    assert np.abs(predictions(driver, output.name, 4) - out_before).max() > 0.01
    window.show_workspace(INSPECT)
    window.page(INSPECT).choose(output.id, 3)
    driver.qtbot.waitUntil(
        lambda: "SAMPLE 3" in window.page(INSPECT)._title.text(), timeout=ENGINE_MS
    )


def test_inspect_follows_a_running_training(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    driver.wait_preview()
    window.document.apply("Set epochs", lambda p: edits_fit(p, epochs=500))
    driver.click("train")
    driver.wait_state(State.RUNNING)
    seen: list[ActivationsComputed] = []
    window.training.activations.connect(seen.append)
    window.show_workspace(INSPECT)
    window.page(INSPECT).choose(window.document.project.graph.outputs[0].id, 2)
    driver.qtbot.waitUntil(
        lambda: len({event.epoch for event in seen if event.samples == (2,)}) >= 3,
        timeout=ENGINE_MS,
    )
    assert "epoch" in window.page(INSPECT)._note.text()
    outputs = [event.activations.data for event in seen if event.samples == (2,)]
    assert outputs[0] != outputs[-1]
    window.show_workspace(TRAIN)  # what nobody sees is not computed any more
    with driver.qtbot.waitSignal(window.training.ended, timeout=ENGINE_MS):
        driver.click("stop")


def test_project_and_model_are_opened_again_and_trained_on(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    driver.wait_preview()
    window.document.apply("Set epochs", lambda p: edits_fit(p, epochs=2))
    driver.train()
    trained = window.training.live.epochs["loss"][-1][1]
    ours = predictions(driver, window.document.project.graph.outputs[0].name, 8)
    path = driver.folder / "mine.kbuilder"
    assert window.files._save_to(path)
    assert load(path) == window.document.project
    assert not window.document.modified
    assert Path(window.training.run).parent == driver.folder / "mine.runs"
    name = window.document.project.graph.outputs[0].name
    np.testing.assert_array_equal(predictions(driver, name, 8), ours)
    model = driver.export("m.h5")
    with driver.qtbot.waitSignal(window.files.opened, timeout=ENGINE_MS):
        window.files.open_path(model)
    driver.qtbot.waitUntil(lambda: bool(window.training.run), timeout=ENGINE_MS)
    driver.qtbot.waitUntil(lambda: not window.training.active, timeout=ENGINE_MS)
    driver.wait_preview()
    name = window.document.project.graph.outputs[0].name
    np.testing.assert_array_equal(predictions(driver, name, 8), ours)
    window.document.apply("Set epochs", lambda p: edits_fit(p, epochs=4))
    with driver.qtbot.waitSignal(window.training.ended, timeout=ENGINE_MS):
        driver.click("train_on")
    assert window.training.live.epochs["loss"][0][1] < trained


def edits_object(class_name: str, **params: object) -> object:
    from kbuilder.document.values import KerasObject

    return KerasObject(class_name=class_name, params=params)


def edits_fit(project: object, **changes: object) -> object:
    from kbuilder.document import edits

    return edits.set_fit(project, **changes)
