"""Problems with their fixes in a window on fake engines: real clicks and keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fixes import Fix, InsertBefore, SetParams
from kbuilder.document.problems import Problem
from kbuilder.link.events import Finished, Inferred
from kbuilder.link.requests import Infer
from kbuilder.ui import theme
from kbuilder.ui.main_window import MainWindow
from kbuilder.ui.panels.problem_list import MOST_ROWS, ProblemRow
from kbuilder.ui.panels.problems_panel import ProblemsPanel
from tests.ui.fake_engine import FakeEngine, facts, project, window_of

LEFT = Qt.MouseButton.LeftButton
FLATTEN = Fix(text="Insert Flatten", steps=(InsertBefore(node="mid", class_name="Flatten"),))
WIDER = Fix(text="Set units to 9", steps=(SetParams(node="mid", values={"units": 9}),))
RANK = Problem(
    severity="error", kind="rank", node="mid", text="Takes 2 dimensions.", fixes=(FLATTEN, WIDER)
)
LARGE = Problem(severity="warning", text="A & <b>large</b> model.")
HINT = Problem(severity="info", node="out", text="Could be better.")


@pytest.fixture
def window(dressed: QApplication, catalogue: Catalogue, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    opened = edits.set_params(project(), ["out", "mid"], {"activation": "softmax"})
    opened = edits.set_params(opened, ["mid"], {"activation": "relu"})
    window = window_of(catalogue, tmp_path, opened)
    qtbot.addWidget(window, before_close_func=lambda window: window.document.mark_saved(tmp_path))
    window.show()
    qtbot.waitExposed(window)
    return window


def panel_of(window: MainWindow) -> ProblemsPanel:
    return window.design.problems


def rows(window: MainWindow) -> list[ProblemRow]:
    return panel_of(window)._list.rows()


def say(window: MainWindow, *problems: Problem) -> None:
    engine: FakeEngine = window._engines[0]  # type: ignore[assignment]
    window.workbench.start()
    request = engine.last(Infer).request
    engine.say(Inferred(request=request, nodes=facts(), problems=problems))
    engine.say(Finished(request=request))
    QApplication.processEvents()  # new rows are shown in the next turn


def test_rows_name_the_node_say_what_is_wrong_and_offer_fixes(window: MainWindow) -> None:
    say(window, HINT, LARGE, RANK)
    assert [(row.name, row.text.text()) for row in rows(window)] == [
        ("hidden", "Takes 2 dimensions."),
        ("Model", "A & <b>large</b> model."),
        ("last", "Could be better."),
    ]
    assert [button.text() for button in rows(window)[0].fixes] == [
        "Insert Flatten",
        "Set units to 9",
    ]
    assert panel_of(window).tabText(0) == "PROBLEMS  1"


def test_no_problem_is_said_in_words(window: MainWindow) -> None:
    say(window, RANK)
    nothing = panel_of(window)._list._nothing
    assert not nothing.isVisible()
    say(window)
    assert rows(window) == []
    assert nothing.isVisible()
    assert "No problems" in nothing.text.text()
    assert panel_of(window).tabText(0) == "PROBLEMS"


def test_a_click_on_a_fix_is_one_step_with_its_text(window: MainWindow, qtbot: QtBot) -> None:
    say(window, RANK)
    before = window.document.project
    qtbot.mouseClick(rows(window)[0].fixes[0], LEFT)
    classes = sorted(node.class_name for node in window.document.project.graph.nodes)
    assert classes == ["Dense", "Dense", "Flatten", "Input"]
    assert window.document.undo_text == "Insert Flatten"
    window.document.undo()
    assert window.document.project == before
    assert window.document.undo_text == ""


def test_the_name_selects_the_node_and_brings_it_to_the_middle(
    window: MainWindow, qtbot: QtBot
) -> None:
    say(window, HINT)
    qtbot.mouseClick(rows(window)[0].link, LEFT)
    assert list(window.scene.selected_ids()) == ["out"]
    middle = window.view.mapToScene(window.view.viewport().rect().center())
    assert (middle - window.scene.content_rect(["out"]).center()).manhattanLength() < 5


def test_the_keyboard_reaches_name_and_fixes_and_presses_them(window: MainWindow) -> None:
    say(window, RANK)
    (row,) = rows(window)
    row.link.setFocus()
    QTest.keyClick(row.link, Qt.Key.Key_Tab)
    assert row.fixes[0].hasFocus()
    QTest.keyClick(row.fixes[0], Qt.Key.Key_Tab)
    assert row.fixes[1].hasFocus()
    QTest.keyClick(row.fixes[1], Qt.Key.Key_Space)
    assert window.document.project.graph.by_id["mid"].params["units"] == 9


def test_next_and_previous_go_around_and_select(window: MainWindow) -> None:
    panel = panel_of(window)
    say(window, RANK, HINT)
    panel.setCurrentIndex(1)
    visited = []
    for step in (1, 1, 1, -1):
        panel.show_next(step)
        visited.append(list(window.scene.selected_ids()))
    assert visited == [["mid"], ["out"], ["mid"], ["out"]]
    assert [row.marked for row in rows(window)] == [False, True]
    assert panel.currentIndex() == 0


def test_previous_starts_at_the_end_and_nothing_is_nothing(window: MainWindow) -> None:
    say(window)
    panel_of(window).show_next(1)
    assert list(window.scene.selected_ids()) == []
    say(window, RANK, HINT)
    panel_of(window).show_next(-1)
    assert list(window.scene.selected_ids()) == ["out"]


def test_rows_that_stay_keep_their_widgets_and_focus(window: MainWindow) -> None:
    say(window, RANK, HINT)
    first = rows(window)[0]
    first.fixes[0].setFocus()
    say(window, LARGE, RANK)
    assert rows(window)[0] is first
    assert first.fixes[0].hasFocus()


def test_a_renamed_node_is_named_anew(window: MainWindow, qtbot: QtBot) -> None:
    say(window, HINT)
    window.document.apply("Rename", lambda p: edits.rename(p, "out", "answer"))
    qtbot.waitUntil(lambda: [row.name for row in rows(window)] == ["answer"], timeout=2000)


def test_a_fix_for_a_layer_that_is_gone_says_so(window: MainWindow, qtbot: QtBot) -> None:
    say(window, RANK)
    button = rows(window)[0].fixes[0]
    window.document.apply("Delete", lambda p: edits.remove(p, ["mid"]))
    with qtbot.waitSignal(panel_of(window).told, timeout=2000) as told:
        qtbot.mouseClick(button, LEFT)
    assert "cannot be done any more" in told.args[0]


def test_very_many_problems_are_cut_with_a_count(window: MainWindow) -> None:
    say(window, *(replace(HINT, text=f"Hint {number}.") for number in range(MOST_ROWS + 7)))
    assert len(rows(window)) == MOST_ROWS
    assert panel_of(window)._list._more.text() == "… and 7 more"


def test_how_bad_it_is_shows_without_colour_and_is_spoken(window: MainWindow) -> None:
    say(window, RANK, LARGE, HINT)
    shapes = set()
    for row in rows(window):
        picture = (
            row.sign.grab().toImage().convertToFormat(row.sign.grab().toImage().Format.Format_Mono)
        )
        shapes.add(bytes(picture.constBits()))
    assert len(shapes) == 3
    assert [row.sign.accessibleName() for row in rows(window)] == ["Error", "Warning", "Hint"]
    assert "Takes 2 dimensions." in rows(window)[0].accessibleName()


@pytest.mark.parametrize("width", [900, 1600])
def test_long_rows_wrap_inside_the_panel(window: MainWindow, width: int) -> None:
    long = replace(
        RANK, text="Too many words. " * 20, fixes=(FLATTEN, WIDER, replace(WIDER, text="W" * 60))
    )
    say(window, long)
    window.resize(width, 800)
    QApplication.processEvents()
    (row,) = rows(window)
    for part in (row.text, *row.fixes):
        assert row.rect().contains(part.geometry()), part
    assert row.width() <= panel_of(window)._list.viewport().width()


def test_signs_follow_the_theme(window: MainWindow, dressed: QApplication) -> None:
    say(window, RANK)
    sign = rows(window)[0].sign
    dark = sign.grab().toImage()
    theme.apply_theme(dressed, "light")
    try:
        assert sign.grab().toImage() != dark
    finally:
        theme.apply_theme(dressed, "dark")


def test_a_hint_is_no_fault_of_its_field(window: MainWindow) -> None:
    hint = replace(HINT, node="mid", parameter="units")
    fault = replace(hint, severity="warning", text="Too few.")
    window.scene.select(["mid"])
    row = window.design.properties._forms[1].row("units")  # type: ignore[index]
    say(window, hint)
    assert row._fault.text() == ""
    say(window, fault)
    assert row._fault.text() == "Too few."


def test_nothing_is_promised_before_the_engine_has_answered(window: MainWindow) -> None:
    shown = panel_of(window)._list
    window.workbench.start()
    assert (shown._nothing.isHidden(), shown._checking.isHidden()) == (True, False)
    engine: FakeEngine = window._engines[0]  # type: ignore[assignment]
    engine.say(Inferred(request=engine.last(Infer).request, nodes=facts()))
    assert (shown._nothing.isHidden(), shown._checking.isHidden()) == (False, True)
