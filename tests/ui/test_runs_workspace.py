"""The Runs workspace: table, choice, notes, branches, trash, export, curves and differences."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.project import Project
from kbuilder.document.project_file import save
from kbuilder.document.values import KerasObject
from kbuilder.link import run_lock
from kbuilder.link.requests import Train
from kbuilder.link.run_facts import read_run
from kbuilder.link.run_notes import RunNotes, read_notes, write_notes
from kbuilder.ui.main_window import RUNS, MainWindow
from kbuilder.ui.panels.runs_workspace import RunsWorkspace
from kbuilder.ui.run_list import RunModel, duration
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import project, window_of

NAMES = ("b one", "c two", "a =three")


def make_runs(folder: Path) -> None:
    """Three runs that differ in batch size, optimizer and units; the second failed."""
    for number, (name, size) in enumerate(zip(NAMES, (8, 16, 8), strict=True)):
        run = folder / name
        run.mkdir(parents=True)
        trained = edits.set_fit(project(), batch_size=size, epochs=5)
        if number == 2:
            trained = edits.set_optimizer(trained, KerasObject(class_name="SGD"))
            trained = edits.set_params(trained, ["mid"], {"units": 9})
        save(trained, run / "project.kbuilder")
        lines = ["epoch,loss,val_loss,=evil"]
        lines += [f"{e},{2 - e / 4 + number},{1 + abs(2 - e) + number},{e}" for e in range(5)]
        (run / "history.csv").write_text("\n".join(lines) + "\n", "utf-8")
        end = "failed" if number == 1 else "finished"
        told = [
            {"time": f"2026-01-0{number + 1}T10:00:0{n}+00:00", "event": event, "text": "No <b>."}
            for n, event in enumerate(("started", end))
        ]
        text = "".join(json.dumps(each) + "\n" for each in told)
        (run / "events.jsonl").write_text(text, "utf-8")
        for file in ("checkpoint.npz", "checkpoint.best.npz"):
            (run / file).write_bytes(b"x")


@pytest.fixture
def window(dressed: QApplication, catalogue: Catalogue, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    window = window_of(catalogue, tmp_path)
    qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
    window.resize(1280, 800)
    window.show()
    return window


@pytest.fixture
def page(window: MainWindow, tmp_path: Path) -> RunsWorkspace:
    make_runs(tmp_path / "runs")
    window.show_workspace(RUNS)
    found = window.page(RUNS)
    assert isinstance(found, RunsWorkspace)
    settle(found)
    return found


def settle(page: RunsWorkspace) -> None:
    """Let what is read be read, and what follows from it be shown."""
    for _ in range(3):
        page.reader.wait()
        QApplication.processEvents()


def choose(page: RunsWorkspace, *names: str) -> None:
    page.table.choose([str(page._training.runs_folder() / name) for name in names])
    settle(page)


def column(model: RunModel, key: str) -> list[str]:
    at = next(n for n, each in enumerate(model.columns) if each.key == key)
    return [str(model.index(row, at).data()) for row in range(model.rowCount())]


def differences(page: RunsWorkspace) -> list[tuple[str, ...]]:
    table = page.compare.differences.table
    return [tuple(table.item(r, c).text() for c in range(3)) for r in range(table.rowCount())]


def test_runs_come_newest_first_with_results_and_differing_settings(page: RunsWorkspace) -> None:
    model = page.model
    assert column(model, "name") == ["a =three", "c two", "b one"]
    assert column(model, "state") == ["✓ complete", "✕ failed", "✓ complete"]
    assert column(model, "epochs") == ["5", "5", "5"]
    assert column(model, "best val_loss") == ["3.0000", "2.0000", "1.0000"]
    assert column(model, "last loss") == ["3.0000", "2.0000", "1.0000"]
    assert column(model, "optimizer") == ["SGD", "Adam", "Adam"]
    assert column(model, "fit.batch_size") == ["8", "16", "8"]
    assert "fit.epochs" not in [each.key for each in model.columns]
    failed = model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert failed == "<p>No &lt;b&gt;.</p>"


def test_the_table_is_sorted_and_filtered(page: RunsWorkspace) -> None:
    model = page.model
    keys = [each.key for each in model.columns]
    model.sort(keys.index("name"))
    assert column(model, "name") == ["a =three", "b one", "c two"]
    model.sort(keys.index("best val_loss"), Qt.SortOrder.DescendingOrder)
    assert column(model, "name") == ["a =three", "c two", "b one"]
    page.table.filter.setText("adam COMPLETE")
    assert column(model, "name") == ["b one"]
    page.table.filter.clear()
    assert model.rowCount() == 3


def test_notes_are_typed_into_the_table_and_kept(page: RunsWorkspace, tmp_path: Path) -> None:
    model = page.model
    keys = [each.key for each in model.columns]
    for key, text in (("name", "<b>best</b>"), ("note", "slow"), ("tags", "x, y")):
        index = model.index(2, keys.index(key))
        assert index.flags() & Qt.ItemFlag.ItemIsEditable
        assert model.setData(index, text)
    assert not model.setData(model.index(2, keys.index("note")), "slow")
    page.reader.wait()
    run = tmp_path / "runs" / "b one"
    assert read_notes(run) == RunNotes(label="<b>best</b>", note="slow", tags=("x", "y"))
    page.refresh()
    settle(page)
    assert column(model, "name")[2] == "<b>best</b>"
    assert model.setData(model.index(2, 0), "b one")
    page.reader.wait()
    assert read_notes(run).label == ""


def test_a_note_that_cannot_be_kept_is_told(
    page: RunsWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("kbuilder.ui.dialogs.show_error", lambda *words: said.append(words[2]))
    page.reader.keep_notes(str(tmp_path / "gone"), RunNotes(note="x"))
    settle(page)
    assert "was not saved" in said[0]


def test_two_runs_are_compared_or_one_with_the_project(page: RunsWorkspace) -> None:
    choose(page, "b one", "c two")
    assert differences(page) == [("fit.batch_size", "16", "8")]
    choose(page, "b one")
    told = differences(page)
    assert ("fit.batch_size", "8", "32") in told
    page._document.apply("Set", lambda p: edits.set_fit(p, batch_size=8, epochs=5))
    assert differences(page) == []
    choose(page)
    assert page.compare.differences.table.isHidden()


def test_chosen_runs_lie_over_each_other(page: RunsWorkspace) -> None:
    choose(page, "b one", "c two")
    curves = page.compare.curves
    assert [curves.chooser.itemText(n) for n in range(curves.chooser.count())] == ["loss", "=evil"]
    assert curves.plot is not None
    _, rows = curves.plot.numbers()
    assert {str(row[0]) for row in rows} == {
        f"{run}: {name}" for run in ("b one", "c two") for name in ("loss", "val_loss")
    }
    assert len(page.model.colours) == 2
    curves.chooser.setCurrentText("=evil")
    assert [row[2] for row in curves.plot.numbers()[1]] == [0, 1, 2, 3, 4] * 2


def test_use_branch_and_go_on(page: RunsWorkspace, window: MainWindow, tmp_path: Path) -> None:
    used: list[str] = []
    page.run_chosen.connect(used.append)
    choose(page, "a =three")
    page.table.actions_by_id["use"].trigger()
    assert used == [str(tmp_path / "runs" / "a =three")] == [window.training.run]
    run = read_run(tmp_path / "runs" / "a =three")
    page.work.branch(run, "checkpoint.best.npz")
    assert window.document.project == run.project
    assert window.document.undo_text == "Branch from a =three"
    assert window.training.run.endswith("checkpoint.best.npz")
    window.document.undo()
    page.work.ask_epochs(run)
    dialog = page.findChild(QInputDialog)
    assert dialog is not None
    dialog.setIntValue(3)
    dialog.accept()
    sent = window._engines[1].last(Train)
    assert (sent.extend, sent.resume, sent.project) == (3, run.folder, run.project)
    assert window.training.state is State.STARTING


def test_runs_go_to_the_trash_after_a_question(
    page: RunsWorkspace, window: MainWindow, tmp_path: Path, own_home: Path
) -> None:
    (own_home / "xdg_data_home").mkdir(exist_ok=True)
    window.training.forget(str(tmp_path / "runs" / "c two"))
    choose(page, "b one", "c two")
    page.table.actions_by_id["delete"].trigger()
    box = page.findChild(QMessageBox, "ask_first")
    assert box is not None
    assert box.defaultButton().text().replace("&", "") == "Cancel"
    assert page.model.count == 3
    delete = next(b for b in box.buttons() if b.text() == "Delete")
    delete.click()
    settle(page)
    assert column(page.model, "name") == ["a =three"]
    assert window.training.run == ""
    trash = own_home / "xdg_data_home" / "Trash" / "files"
    assert {path.name for path in trash.iterdir()} == {"b one", "c two"}
    assert (trash / "c two" / "checkpoint.npz").exists()
    assert str(trash) in window._status._labels["hint"].text()


def test_a_run_that_is_trained_is_not_deleted(
    page: RunsWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("kbuilder.ui.dialogs.show_error", lambda *words: said.append(words[2]))
    run = tmp_path / "runs" / "b one"
    run_lock.take(run)
    page.work.ask_delete([read_run(run)])
    page.work.delete([read_run(run)])
    assert said == ["b one is being trained. Stop it first."]
    assert run.is_dir()


def test_tables_and_epochs_are_exported_inert(
    page: RunsWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(tmp_path / "runs" / "b one", RunNotes(label="=1+1", note="@x"))
    page.refresh()
    settle(page)
    rows = list(csv.reader(io.StringIO(page.model.as_csv())))
    assert "'=evil best" in rows[0]
    assert rows[3][:2] == ["'=1+1", "✓ complete"]
    assert "'@x" in rows[3]
    target = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    page.work.export_history(read_run(tmp_path / "runs" / "b one"))
    written = list(csv.reader(target.open(encoding="utf-8")))
    assert written[0] == ["epoch", "loss", "val_loss", "'=evil"]
    assert written[1] == ["0", "2.0", "3.0", "0.0"]
    choose(page, "b one")
    page.table.actions_by_id["table"].trigger()
    assert target.read_text("utf-8").startswith("Run,State,")


def test_the_model_of_a_run_is_exported_by_the_dialog(
    page: RunsWorkspace, window: MainWindow, tmp_path: Path
) -> None:
    choose(page, "b one")
    page.table.actions_by_id["model"].trigger()
    dialog = window.findChild(object, "export_dialog")
    assert dialog is not None
    assert window.training.run == str(tmp_path / "runs" / "b one")
    dialog.reject()


def test_menus_open_by_hand_and_offer_what_is_there(page: RunsWorkspace) -> None:
    choose(page, "b one")
    page.table._show_menu(QPoint(5, 5))
    page.table.actions_by_id["branch"].trigger()
    menus = page.table.findChildren(QMenu)
    texts = [[action.text() for action in menu.actions()] for menu in menus]
    assert ["newest", "best"] in texts
    assert any("Export epochs…" in each for each in texts)
    for menu in menus:
        menu.close()


def test_without_runs_the_page_says_what_it_is_for(window: MainWindow) -> None:
    window.show_workspace(RUNS)
    page = window.page(RUNS)
    assert isinstance(page, RunsWorkspace)
    settle(page)
    assert page.table.view.isHidden()
    assert "Press Train" in page.table._note.text()
    assert not page.table.actions_by_id["use"].isEnabled()


def test_durations_are_short() -> None:
    assert [duration(each) for each in (8.24, 247, 8049)] == ["8.2 s", "4:07", "2:14:09"]
