from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.link.events import Failed, Inferred, Previewed, Ready, Stopped
from kbuilder.link.requests import Infer, Pause, Preview, Stop, Train
from kbuilder.ui import actions, dialogs, theme
from kbuilder.ui.main_window import DATA, DESIGN, INSPECT, RUNS, TRAIN, MainWindow
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import FakeEngine, facts, leave, preview, started, window_of

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    # Nothing unsaved, so that closing asks nothing.
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.show()
    return made


def engines(window: MainWindow) -> tuple[FakeEngine, FakeEngine]:
    return window._engines  # type: ignore[return-value]


def make_ready(window: MainWindow) -> None:
    """The workbench has answered: the project can be trained."""
    bench = engines(window)[0]
    window.workbench.start()
    bench.say(Inferred(request=bench.last(Infer).request, nodes=facts()))
    bench.say(Previewed(request=bench.last(Preview).request, preview=preview()))


def text_of(window: MainWindow, place: str) -> str:
    return window._status._labels[place].text()


def shown_buttons(window: MainWindow) -> set[str]:
    buttons = window.findChildren(QPushButton)
    return {
        b.objectName().removeprefix("button_")
        for b in buttons
        if b.objectName().startswith("button_") and b.isVisible()
    }


# --- the table of actions ---------------------------------------------------------------------


def test_every_action_has_a_name_and_its_own_shortcut(window: MainWindow) -> None:
    assert all(row.text.strip() and row.id for row in actions.ROWS)
    assert len({row.id for row in actions.ROWS}) == len(actions.ROWS)
    counts = Counter(row.shortcut for row in actions.ROWS if row.shortcut)
    assert [shortcut for shortcut, count in counts.items() if count > 1] == []
    for row in actions.ROWS:
        shown = window.actions_by_id[row.id].shortcut().toString()
        assert bool(shown) == bool(row.shortcut), row.id


def test_every_action_stands_in_one_menu(window: MainWindow) -> None:
    listed = [
        action.objectName()
        for menu in window.menuBar().findChildren(QMenu)
        for action in menu.actions()
        if action.objectName()
    ]
    assert sorted(listed) == sorted(row.id for row in actions.ROWS)


def test_undo_and_redo_say_what_they_would_do(window: MainWindow) -> None:
    undo, redo = window.actions_by_id["undo"], window.actions_by_id["redo"]
    assert not undo.isEnabled()
    window.document.apply("Set R&D", lambda p: edits.set_fit(p, epochs=3))
    assert undo.text() == "Undo Set R&&D"
    assert window.isWindowModified()
    undo.trigger()
    assert window.document.project.fit.epochs == 10
    assert redo.text() == "Redo Set R&&D"
    assert not window.isWindowModified()


def test_freeze_needs_a_selection_and_names_it(window: MainWindow) -> None:
    freeze = window.actions_by_id["freeze"]
    assert not freeze.isEnabled()
    window.scene.select(["mid", "out"])
    assert freeze.isEnabled()
    freeze.trigger()
    by_id = window.document.project.graph.by_id
    assert (by_id["mid"].trainable, by_id["out"].trainable) == (False, False)
    freeze.trigger()
    assert window.document.project.graph.by_id["mid"].trainable
    window.scene.select(["mid"])
    freeze.trigger()
    assert window.document.undo_text == "Freeze hidden"


# --- keyboard alone ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [DATA, DESIGN, TRAIN, INSPECT, RUNS])
def test_control_and_a_number_show_a_workspace(
    window: MainWindow, qtbot: QtBot, number: int
) -> None:
    window.activateWindow()
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_1 + number), CTRL)
    assert window._stack.currentWidget() is window.page(number)
    assert window._top._tabs.checkedId() == number


def test_the_tab_key_reaches_train(window: MainWindow, dressed: QApplication) -> None:
    make_ready(window)
    window.show_workspace(TRAIN)
    window.activateWindow()
    train = window.findChild(QPushButton, "button_train")
    for _ in range(120):
        QTest.keyClick(dressed.focusWidget() or window, Qt.Key.Key_Tab)
        if dressed.focusWidget() is train:
            break
    assert dressed.focusWidget() is train
    QTest.keyClick(train, Qt.Key.Key_Space)
    assert window.training.state is State.STARTING


# --- training ---------------------------------------------------------------------------------


def test_train_waits_until_nothing_is_wrong(window: MainWindow) -> None:
    train = window.actions_by_id["train"]
    make_ready(window)
    assert train.isEnabled()
    bench = engines(window)[0]
    bad = Problem(severity="error", text="The shape does not fit.", node="mid")
    window.workbench.start()
    bench.say(Inferred(request=bench.last(Infer).request, nodes={}, problems=(bad,)))
    assert not train.isEnabled()
    assert train.toolTip() == "The shape does not fit."
    window.document.open(
        replace(window.document.project, data=type(window.document.project.data)()), None
    )
    make_blocked = window.blocking_problem()
    assert "Data workspace" in make_blocked or make_blocked == bad.text


def test_buttons_follow_the_state(window: MainWindow) -> None:
    make_ready(window)
    trainer = engines(window)[1]
    assert shown_buttons(window) == {"train"}
    window.actions_by_id["train"].trigger()
    assert window._stack.currentWidget() is window.page(TRAIN)
    assert shown_buttons(window) == {"queue_run", "stop", "discard"}
    request = trainer.last(Train).request
    trainer.say(started(request))
    assert shown_buttons(window) == {"queue_run", "pause", "step", "stop", "discard"}
    assert not window.actions_by_id["new"].isEnabled()
    window.actions_by_id["pause"].trigger()
    assert trainer.count(Pause) == 1
    window.actions_by_id["stop"].trigger()
    assert trainer.last(Stop).keep
    trainer.say(Stopped(request=request, kept=True))
    assert shown_buttons(window) == {"train_on", "train"}
    window.actions_by_id["train_on"].trigger()
    assert trainer.last(Train).resume


def test_a_failure_is_said_and_its_node_shown(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(dialogs, "show_error", lambda parent, title, text, *_: said.append(text))
    window.show_workspace(TRAIN)
    fault = Problem(severity="error", text="Bad units.", node="mid")
    engines(window)[1].say(Failed(request=5, text="Bad units.", problems=(fault,)))
    assert said == ["Bad units."]
    assert window._stack.currentWidget() is window.design
    assert window.scene.selected_ids() == ["mid"] or tuple(window.scene.selected_ids()) == ("mid",)
    engines(window)[0].died.emit("The engine crashed.", "")
    assert said[-1] == "The engine crashed."


def test_a_ready_workbench_warms_the_trainer(window: MainWindow) -> None:
    trainer = engines(window)[1]
    assert not trainer.started
    engines(window)[0].say(
        Ready(keras_version="3.15.1", tensorflow_version="2.21", device="CPU", why_not_gpu="None.")
    )
    assert trainer.started
    assert "Keras 3.15.1" in text_of(window, "versions")
    assert "CPU" in window._top._device.text()


# --- the status line and the title ------------------------------------------------------------


def test_the_status_line_counts(window: MainWindow) -> None:
    make_ready(window)
    assert text_of(window, "layers") == "3 layers"
    assert text_of(window, "weights") == "46 parameters · 46 trainable"
    assert text_of(window, "data") == "digits · 1,797 samples"
    window.document.apply("Freeze", lambda p: edits.freeze(p, ["mid"], True))
    assert text_of(window, "weights") == "46 parameters · 10 trainable"
    assert "Unsaved" in text_of(window, "saved")


def test_a_hint_goes_after_a_while(window: MainWindow, qtbot: QtBot) -> None:
    window._hint_timer.setInterval(20)
    window.tell("Done.")
    assert text_of(window, "hint") == "Done."
    qtbot.waitUntil(lambda: text_of(window, "hint") == "", timeout=2000)


def test_the_theme_is_switched_painted_and_remembered(
    window: MainWindow, dressed: QApplication
) -> None:
    make_ready(window)
    for number in (DATA, TRAIN, INSPECT, RUNS):
        window.show_workspace(number)
    before = window.grab().toImage()
    dark = before.pixelColor(before.width() // 2, before.height() // 2).lightness()
    try:
        window.actions_by_id["theme"].trigger()
        after = window.grab().toImage()
        light = after.pixelColor(after.width() // 2, after.height() // 2).lightness()
        assert theme.current() is theme.LIGHT
        assert dark < 100 < light
        assert window.settings.value("theme") == "light"
    finally:
        theme.apply_theme(dressed, "dark")


def test_the_first_picture_comes_before_the_rest(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path
) -> None:
    window = window_of(catalogue, tmp_path)
    qtbot.addWidget(window)
    heard: list[bool] = []
    window.painted.connect(lambda: heard.append(True))
    assert window.actions_by_id["save"].icon().isNull()
    with qtbot.waitSignal(window.painted):
        window.show()
    window.repaint()
    dressed.processEvents()
    assert heard == [True], "told once"
    assert not window.actions_by_id["save"].icon().isNull()


# --- start page and closing -------------------------------------------------------------------


def test_the_start_page_opens_a_sample(window: MainWindow, qtbot: QtBot) -> None:
    window.show_start()
    button = window.findChild(QPushButton, "open_digits-mlp")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.document.name == "digits-mlp"
    assert window._stack.currentWidget() is window.design
    assert window._start is None


@pytest.mark.parametrize(
    ("answer", "closed"),
    [(QMessageBox.StandardButton.Cancel, False), (QMessageBox.StandardButton.Discard, True)],
)
def test_closing_asks_for_unsaved_changes(
    window: MainWindow,
    monkeypatch: pytest.MonkeyPatch,
    answer: QMessageBox.StandardButton,
    closed: bool,
) -> None:
    monkeypatch.setattr(dialogs, "ask_save", lambda parent: answer)
    window.document.apply("Set", lambda p: edits.set_fit(p, epochs=3))
    assert window.close() == closed
    assert [engine.closed for engine in engines(window)] == [closed, closed]


@pytest.mark.parametrize(
    ("answer", "closed", "left", "stopped"),
    [("go on", True, True, False), ("stop", True, False, True), ("stay", False, False, False)],
)
def test_closing_asks_what_becomes_of_a_training(
    window: MainWindow,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    closed: bool,
    left: bool,
    stopped: bool,
) -> None:
    make_ready(window)
    window.actions_by_id["train"].trigger()
    trainer = engines(window)[1]
    trainer.say(started(trainer.last(Train).request))
    asked = []
    monkeypatch.setattr(
        dialogs, "ask_leaving_training", lambda parent: asked.append(parent) or answer
    )
    assert window.close() == closed
    assert asked == [window]
    assert trainer.left == left
    assert (trainer.count(Stop) == 1) == stopped
    assert trainer.closed == closed
    leave(window)


def test_closing_keeps_a_running_training(window: MainWindow) -> None:
    make_ready(window)
    window.actions_by_id["train"].trigger()
    assert window.close()
    assert engines(window)[1].last(Stop).keep
    assert window.settings.value("geometry") is not None
