"""The start page: templates open as new projects, and nothing is out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox, QScrollArea
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.project import Project
from kbuilder.document.templates import load_templates
from kbuilder.ui import dialogs
from kbuilder.ui.main_window import MainWindow
from kbuilder.ui.start_page import TemplateCard
from tests.ui.fake_engine import window_of


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.show()
    return made


def test_the_start_page_opens_a_template_as_a_new_project(window: MainWindow, qtbot: QtBot) -> None:
    window.show()
    window.show_start()
    cards = {card.objectName(): card for card in window.findChildren(TemplateCard)}
    assert {f"template_{each.name}" for each in load_templates() if each.kind == "model"} == set(
        cards
    )
    card = cards["template_u_net"]
    assert "skips" in card.toolTip()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert window.document.name == "U-Net"
    assert window.document.path is None
    assert not window.document.modified
    assert not window.document.undo_text
    (template,) = (each for each in load_templates() if each.name == "u_net")
    names = [node.name for node in template.fragment().nodes]
    assert [node.name for node in window.document.project.graph.nodes] == names
    assert window._start is None
    seen = window.view.mapToScene(window.view.viewport().rect()).boundingRect()
    content = window.scene.content_rect()
    assert seen.contains(content.topLeft())
    assert seen.contains(content.topRight())
    assert not window.scene.in_overview, "a newcomer sees names, not colours"


def test_the_keys_go_to_the_canvas_when_the_start_page_is_left(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.activateWindow()
    window.show_start()
    card = window.findChild(TemplateCard, "template_mlp")
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(card, Qt.Key.Key_Space)
    assert window.view.hasFocus()
    qtbot.keyClick(window.view, Qt.Key.Key_Down)
    assert len(window.scene.selected_ids()) == 1


def test_all_of_the_start_page_can_be_reached_in_a_small_window(
    window: MainWindow, tmp_path: Path
) -> None:
    window.resize(1000, 500)
    window.show()
    window.show_start()
    QApplication.processEvents()
    page = window._start
    assert page is not None
    (scroll,) = page.findChildren(QScrollArea)
    assert scroll.verticalScrollBar().maximum() > 0
    last = window.findChild(TemplateCard, "template_gan_discriminator")
    last.setFocus(Qt.FocusReason.TabFocusReason)
    scroll.ensureWidgetVisible(last)
    assert not last.visibleRegion().isEmpty()


def test_unsaved_work_is_kept_when_the_user_says_so(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogs, "ask_save", lambda parent: QMessageBox.StandardButton.Cancel)
    window.document.apply("Set", lambda p: edits.set_fit(p, epochs=3))
    before = window.document.project
    window.show_start()
    card = window.findChild(TemplateCard, "template_mlp")
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert window.document.project is before
