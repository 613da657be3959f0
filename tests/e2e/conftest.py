"""A real window with real engine processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from kbuilder import app
from kbuilder.document.project import Project
from kbuilder.ui.main_window import DESIGN, MainWindow
from kbuilder.ui.training_state import State
from tests.e2e.driver import ENGINE_MS, Driver


@pytest.fixture(scope="session")
def one_window(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MainWindow]:
    """One for all tests: two engines need seconds to load TensorFlow."""
    folder = tmp_path_factory.mktemp("settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    made = app.make_window()
    made.resize(1280, 800)
    made.show()
    yield made
    made.document.open(Project(), None)  # nothing unsaved, so closing asks nothing
    assert made.close()


@pytest.fixture
def window(one_window: MainWindow) -> MainWindow:
    """The window with an empty project, as after New."""
    one_window.document.open(Project(), None)
    one_window.files.new()
    one_window.show_workspace(DESIGN)
    one_window.view.set_zoom(1.0)
    return one_window


@pytest.fixture
def driver(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> Iterator[Driver]:
    made = Driver(window, qtbot, tmp_path)
    yield made
    boxes = window.findChildren(QMessageBox)
    texts = [box.informativeText() for box in boxes]
    for box in boxes:
        box.close()
    window.training.stop(keep=False)
    qtbot.waitUntil(lambda: window.training.state is State.IDLE, timeout=ENGINE_MS)
    assert texts == made.expected_boxes
