"""Ctrl+K: every command by a few letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.problems import Problem
from kbuilder.ui.main_window import MainWindow
from tests.ui.fake_engine import window_of

_CONTROL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path
) -> Iterator[MainWindow]:
    made = window_of(catalogue, tmp_path)
    made.show()
    made.activateWindow()
    made.view.setFocus()
    yield made
    made.hide()
    made.deleteLater()


def _open(window: MainWindow, letters: str) -> list[str]:
    QTest.keyClick(window.view, Qt.Key.Key_K, _CONTROL)
    palette = window.command_palette
    assert palette.isVisible()
    assert palette.search.hasFocus()
    QTest.keyClicks(palette.search, letters)
    return [palette.list.item(row).text() for row in range(palette.list.count())]


def test_letters_and_enter_run_a_command(window):
    assert _open(window, "sel all")[0] == "Select all    Ctrl+A"
    QTest.keyClick(window.command_palette.search, Qt.Key.Key_Return)
    assert window.scene.selected_ids() == ["in", "mid", "out"]
    assert not window.command_palette.isVisible()
    assert window.view.hasFocus()


def test_only_what_can_be_done_is_offered(window):
    assert _open(window, "align") == []
    QTest.keyClick(window.command_palette.search, Qt.Key.Key_Escape)
    assert not window.command_palette.isVisible()
    window.scene.select(["mid", "out"])
    assert len(_open(window, "align")) == 6


def test_arrows_choose(window):
    before = window.view.zoom
    rows = _open(window, "zoom")
    assert [row.split("  ")[0] for row in rows] == ["Zoom in", "Zoom out", "Zoom to 100 %"]
    QTest.keyClick(window.command_palette.search, Qt.Key.Key_Down)
    QTest.keyClick(window.command_palette.search, Qt.Key.Key_Return)
    assert window.view.zoom < before


def test_f8_walks_through_the_problems(window):
    window.workbench.problems = (
        Problem(severity="error", text="One.", node="mid"),
        Problem(severity="error", text="Two.", node="out"),
    )
    window.workbench.facts_changed.emit()
    QTest.keyClick(window, Qt.Key.Key_F8)
    assert window.scene.selected_ids() == ["mid"]
    QTest.keyClick(window, Qt.Key.Key_F8)
    assert window.scene.selected_ids() == ["out"]
    QTest.keyClick(window, Qt.Key.Key_F8, _SHIFT)
    assert window.scene.selected_ids() == ["mid"]
