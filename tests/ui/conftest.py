"""Fixtures of the tests that need widgets: the dressed application, the catalogue, a canvas."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.ui import theme
from tests.ui.canvas_bench import Bench, chain


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def dressed(qapp: QApplication) -> QApplication:
    if theme.current() is not theme.DARK or not qapp.styleSheet():
        theme.apply_theme(qapp, "dark")
    return qapp


@pytest.fixture
def bench(dressed: QApplication, catalogue: Catalogue, qtbot: QtBot) -> Bench:
    bench = Bench(catalogue, chain())
    qtbot.addWidget(bench.view)
    bench.view.show()
    bench.view.activateWindow()
    bench.view.setFocus()
    bench.view.fit()
    return bench
