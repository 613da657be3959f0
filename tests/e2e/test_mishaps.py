"""What goes wrong is said in a sentence, and nothing is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from kbuilder.document import edits
from kbuilder.document.options import DataOptions
from kbuilder.document.project_file import encode
from kbuilder.ui.training_state import State
from tests.e2e.driver import ENGINE_MS, Driver

pytestmark = pytest.mark.slow


def test_a_killed_engine_is_said_and_survived(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    driver.wait_preview()
    window.document.apply("Set epochs", lambda p: edits.set_fit(p, epochs=500))
    project = window.document.project
    driver.click("train")
    driver.wait_state(State.RUNNING)
    with driver.qtbot.waitSignal(window.training.failed, timeout=ENGINE_MS):
        os.kill(window._engines[1]._process.pid, signal.SIGKILL)
    assert "killed" in driver.box_text()
    assert window.training.state is State.IDLE
    assert window.document.project == project
    window.document.apply("Set epochs", lambda p: edits.set_fit(p, epochs=1))
    driver.train()
    assert window.training.live.epoch == 1


def test_discard_leaves_no_run(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    driver.wait_preview()
    window.document.apply("Set epochs", lambda p: edits.set_fit(p, epochs=500))
    folder = window.training.runs_folder()
    before = set(folder.glob("*"))
    driver.click("train")
    driver.wait_state(State.RUNNING)
    assert set(folder.glob("*")) != before
    with driver.qtbot.waitSignal(window.training.ended, timeout=ENGINE_MS):
        driver.click("discard")
    assert window.training.run == ""
    assert set(folder.glob("*")) == before


def test_damaged_project_leaves_the_open_one(driver: Driver) -> None:
    window = driver.window
    window.files.open_sample("digits-mlp")
    project = window.document.project
    path = driver.folder / "cut.kbuilder"
    path.write_bytes(encode(project)[:200])
    window.files.open_path(path)
    assert "“cut.kbuilder” is cut off or damaged" in driver.box_text()
    assert window.document.project == project
    assert path.stat().st_size == 200


def test_a_save_that_fails_keeps_the_project_unsaved(driver: Driver) -> None:
    window = driver.window
    driver.drag_layer("Input", 0, 0)
    assert not window.files._save_to(Path("/proc/nowhere/p.kbuilder"))
    assert "was not saved" in driver.box_text()
    assert window.document.modified


def test_a_foreign_file_is_not_a_model(driver: Driver) -> None:
    window = driver.window
    path = driver.folder / "picture.hdf5"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with driver.qtbot.waitSignal(window.training.failed, timeout=ENGINE_MS):
        window.files.open_path(path)
    assert "picture.hdf5" in driver.box_text()


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("ragged.csv", "table", b"a,b\n1,2\n3\n"),
        ("empty.csv", "table", b""),
        ("picture.npz", "arrays", b"\x89PNG\r\n\x1a\n" + bytes(50)),
        ("missing.npz", "arrays", None),
    ],
)
def test_bad_data_is_answered_in_one_sentence(
    driver: Driver, name: str, kind: str, content: bytes | None
) -> None:
    window = driver.window
    path = driver.folder / name
    if content is not None:
        path.write_bytes(content)
    data = DataOptions(kind=kind, path=str(path))
    window.page(0).choose(data, "Use bad data")
    window.show_workspace(0)
    driver.qtbot.waitUntil(lambda: bool(window.workbench.preview_fault), timeout=ENGINE_MS)
    fault = window.workbench.preview_fault
    assert name in fault
    assert "Traceback" not in fault
    assert window.page(0)._note.text() == fault
    assert not window.actions_by_id["train"].isEnabled()


def test_own_arrays_train(driver: Driver) -> None:
    window = driver.window
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 8, 8)).astype("float32")
    np.savez(driver.folder / "mine.npz", x=x, y=(x.mean((1, 2)) > 0).astype("int64"))
    window.files.open_sample("digits-mlp")
    data = DataOptions(kind="arrays", path=str(driver.folder / "mine.npz"))
    window.page(0).choose(data, "Use mine.npz")
    driver.wait_preview()
    assert window.workbench.preview_fault == ""
    driver.train()
    assert window.training.live.started.samples == 160


def test_a_shape_that_does_not_fit_names_the_node(driver: Driver) -> None:
    window = driver.window
    image = driver.drag_layer("Input", 0, 0)
    lstm = driver.drag_layer("LSTM", 0, 120)
    driver.type_param(image.name, "shape", "8, 8, 1")
    driver.wire(image, lstm)
    bench = window.workbench
    driver.qtbot.waitUntil(
        lambda: any(
            p.node == lstm.id and p.severity == "error" and "loss" not in p.parameter
            for p in bench.problems
        ),
        timeout=ENGINE_MS,
    )
    (problem,) = [p for p in bench.problems if p.node == lstm.id and p.parameter != "loss"]
    assert "3" in problem.text
    assert not window.actions_by_id["train"].isEnabled()
