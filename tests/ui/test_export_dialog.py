"""The export dialog: what it says beforehand, what it asks the engine for, what it tells afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.formats import FORMATS
from kbuilder.document.graph import Group
from kbuilder.document.project import Project
from kbuilder.link.events import Exported, Failed
from kbuilder.link.requests import Export, Stop
from kbuilder.ui import dialogs, theme
from kbuilder.ui.canvas.drawing import draw
from kbuilder.ui.export_dialog import ExportDialog
from kbuilder.ui.main_window import MainWindow
from tests.ui.fake_engine import facts, project, window_of


class Stand:
    """The dialog over a window with an engine that says what the test lets it say."""

    def __init__(self, window: MainWindow, qtbot: QtBot, folder: Path) -> None:
        self.window = window
        self.engine: Any = window._engines[1]
        window.files.folder = lambda: str(folder)  # type: ignore[method-assign]
        window.show()
        window.actions_by_id["export"].trigger()
        self.dialog = window.findChild(ExportDialog)
        qtbot.waitExposed(self.dialog)

    @property
    def request(self) -> Export:
        return self.engine.last(Export)


@pytest.fixture
def stand(dressed: QApplication, catalogue: Catalogue, qtbot: QtBot, tmp_path: Path) -> Stand:
    window = window_of(catalogue, tmp_path / "state")
    qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
    return Stand(window, qtbot, tmp_path)


def test_every_format_is_offered_with_what_it_holds_and_a_name(
    stand: Stand, tmp_path: Path
) -> None:
    dialog = stand.dialog
    assert dialog.path.text() == str(tmp_path / "model.hdf5")
    for each in FORMATS:
        dialog.choose(each.id)
        assert dialog.path.text() == str(tmp_path / f"model{each.endings[0]}")
        assert dialog.faults.text() == "" or each.needs
        assert dialog._title.text() == each.title


def test_a_name_of_ones_own_is_kept_from_format_to_format(stand: Stand, tmp_path: Path) -> None:
    stand.dialog.path.setText(str(tmp_path / "mine.v2.hdf5"))
    stand.dialog.choose("weights")
    assert stand.dialog.path.text() == str(tmp_path / "mine.v2.weights.h5")
    stand.dialog.choose("onnx")
    assert stand.dialog.path.text() == str(tmp_path / "mine.v2.onnx")


def test_arrow_keys_choose_and_enter_exports(stand: Stand) -> None:
    dialog = stand.dialog
    dialog.formats.setFocus()
    QTest.keyClick(dialog.formats, Qt.Key.Key_Down)
    assert dialog.formats.wanted.id == "keras"
    for _ in range(5):
        QTest.keyClick(dialog.formats, Qt.Key.Key_Down)
    assert dialog.formats.wanted.id == "saved_model"  # past the title of the next group
    QTest.keyClick(dialog.formats, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert stand.request.format == "saved_model"


def test_the_engine_is_asked_and_its_proof_is_told(stand: Stand, tmp_path: Path) -> None:
    dialog = stand.dialog
    dialog.choose("onnx")
    dialog.export.click()
    request = stand.request
    assert (request.path, request.format) == (str(tmp_path / "model.onnx"), "onnx")
    assert not dialog.export.isEnabled()
    assert dialog.busy.isVisible()
    stand.engine.say(
        Exported(
            request=request.request,
            path=request.path,
            difference=2.4e-7,
            verified_by="onnxruntime 1.32.0",
            notes=("“flip” is left out.",),
        )
    )
    assert "model.onnx is written" in dialog.outcome.text()
    assert "onnxruntime 1.32.0 in a clean process" in dialog.details.text()
    assert "2.4e-07" in dialog.details.text()
    assert "“flip” is left out." in dialog.details.text()
    dialog.copy_path.click()
    assert QGuiApplication.clipboard().text() == request.path
    assert not dialog.busy.isVisible()
    assert dialog.export.isEnabled()


def test_what_a_format_cannot_hold_is_told_before_the_button_is_pressed(
    dressed: QApplication, catalogue: Catalogue, qtbot: QtBot, tmp_path: Path
) -> None:
    graph = project().graph
    nodes = tuple(
        replace(node, class_name="ops.relu", params={}) if node.id == "mid" else node
        for node in graph.nodes
    )
    opened = replace(project(), graph=replace(graph, nodes=nodes))
    window = window_of(catalogue, tmp_path / "state", opened)
    qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
    dialog = Stand(window, qtbot, tmp_path).dialog
    assert "“hidden” is an operation" in dialog.faults.text()
    assert not dialog.export.isEnabled()
    dialog.choose("keras")
    assert dialog.export.isEnabled()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("model.pb", "expected .hdf5"),
        ("nowhere/m.hdf5", "no such folder"),
        ("m.HDF5", "small letters"),
    ],
)
def test_names_that_do_not_fit_are_told(
    stand: Stand, tmp_path: Path, name: str, reason: str
) -> None:
    stand.dialog.path.setText(str(tmp_path / name))
    assert reason in stand.dialog.faults.text()
    assert not stand.dialog.export.isEnabled()
    stand.dialog.path.setText(str(tmp_path / "m.hdf5"))
    assert stand.dialog.export.isEnabled()


def test_what_would_be_replaced_is_told(stand: Stand, tmp_path: Path) -> None:
    assert not stand.dialog._replaces.isVisible()
    (tmp_path / "there.hdf5").write_bytes(b"")
    stand.dialog.path.setText(str(tmp_path / "there.hdf5"))
    assert stand.dialog._replaces.isVisible()


def test_a_failure_is_told_in_the_dialog_alone(stand: Stand, monkeypatch: Any) -> None:
    boxes: list[str] = []
    monkeypatch.setattr(dialogs, "show_error", lambda *_: boxes.append("shown"))
    stand.dialog.export.click()
    stand.engine.say(Failed(request=stand.request.request, text="The disk is full."))
    assert "The disk is full." in stand.dialog.outcome.text()
    assert boxes == []
    assert stand.dialog.export.isEnabled()


def test_waiting_can_be_given_up(stand: Stand) -> None:
    stand.dialog.export.click()
    close = stand.dialog.buttons.button(QDialogButtonBox.StandardButton.Close)
    assert close.text() == "Cancel"
    close.click()
    assert stand.engine.last(Stop).keep is False
    assert "Nothing was written" in stand.dialog.outcome.text()
    assert stand.dialog.isVisible()
    close.click()
    assert not stand.dialog.isVisible()


def test_text_is_shown_before_it_is_written(stand: Stand) -> None:
    dialog = stand.dialog
    assert not dialog.preview.isVisible()
    dialog.choose("python")
    assert 'layers.Dense(units=4, name="hidden")(image)' in dialog.preview.toPlainText()
    dialog.choose("markdown")
    assert "| hidden | Dense |" in dialog.preview.toPlainText()


# --- pictures ------------------------------------------------------------------------------------


def test_the_window_draws_pictures_itself(stand: Stand, tmp_path: Path) -> None:
    stand.dialog.choose("svg")
    stand.dialog.export.click()
    assert "model.svg is written" in stand.dialog.outcome.text()
    assert stand.engine.count(Export) == 0
    assert QSvgRenderer(str(tmp_path / "model.svg")).isValid()


def test_pictures_hold_the_whole_graph_with_text_as_text(
    dressed: QApplication, catalogue: Catalogue, tmp_path: Path
) -> None:
    graph = project().graph
    block = Group(id="b", name="a block", colour="blue")
    nodes = tuple(replace(n, group="b") if n.id == "mid" else n for n in graph.nodes)
    opened = replace(project(), graph=replace(graph, nodes=nodes, groups=(block,)))
    for ending in ("svg", "pdf", "png"):
        draw(opened, catalogue, facts(), tmp_path / f"net.{ending}")
    svg = (tmp_path / "net.svg").read_text("utf-8")
    for text in ("image", "hidden", "last", "a block", "Dense"):
        assert f">{text}</text>" in svg
    assert "<image" not in svg
    pdf = (tmp_path / "net.pdf").read_bytes()
    assert b"/FontFile" in pdf
    assert b"/Subtype /Image" not in pdf
    picture = QImage(str(tmp_path / "net.png"))
    assert picture.pixelColor(1, 1) == theme.LIGHT.panel  # light, though the window is dark
    assert theme.current() is theme.DARK
    wide = 2 * (opened.graph.nodes[0].x + 184)
    assert wide < picture.width() < wide + 160


def test_an_empty_graph_is_not_drawn(
    dressed: QApplication, catalogue: Catalogue, tmp_path: Path
) -> None:
    with pytest.raises(KBuilderError, match="nothing to draw"):
        draw(Project(), catalogue, {}, tmp_path / "net.svg")
    assert list(tmp_path.iterdir()) == []
