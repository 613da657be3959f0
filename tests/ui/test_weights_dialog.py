"""The table of weights: what is proposed, mended by keyboard, and loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from kbuilder.document.document import Document
from kbuilder.link.events import LayerMatch, WeightsMatched
from kbuilder.link.requests import LoadWeights, MatchWeights
from kbuilder.ui.training import Training
from kbuilder.ui.weights_dialog import SOURCE, STATE, WeightsDialog
from kbuilder.ui.weights_loading import WeightsLoading
from tests.ui.fake_engine import FakeEngine, project

SOURCES = {"one": ((5, 4), (4,)), "two": ((4, 4), (4,)), "three": ((4, 3), (3,))}


def matched(request: int = 1) -> WeightsMatched:
    return WeightsMatched(
        request=request,
        sources=SOURCES,
        matches=(
            LayerMatch(layer="one", shapes=SOURCES["one"], source="one", fits=True),
            LayerMatch(layer="middle", shapes=SOURCES["two"]),
            LayerMatch(layer="three", shapes=((4, 9), (9,)), source="three", fits=False),
        ),
    )


@pytest.fixture
def dialog(qtbot: QtBot) -> WeightsDialog:
    made = WeightsDialog("w.h5")
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show_matches(matched())
    made.show()
    qtbot.waitExposed(made)
    return made


def states(dialog: WeightsDialog) -> list[str]:
    model = dialog.table.model()
    return [model.index(row, STATE).data() for row in range(model.rowCount())]


def test_a_proposal_is_shown_with_the_state_of_each_layer(dialog: WeightsDialog) -> None:
    assert states(dialog) == ["fits", "left fresh", "left fresh"]
    assert dialog.mapping() == {"one": "one"}
    assert "1 of 3" in dialog.summary.text()
    assert dialog.load.isEnabled()


def test_a_layer_of_other_shapes_cannot_be_loaded(dialog: WeightsDialog) -> None:
    dialog.choose("middle", "three")
    assert states(dialog)[1] == "other shapes"
    assert not dialog.load.isEnabled()
    dialog.choose("middle", "")
    assert states(dialog)[1] == "left fresh"
    assert dialog.load.isEnabled()


def test_the_table_is_mended_by_keyboard_alone(qtbot: QtBot, dialog: WeightsDialog) -> None:
    dialog.table.setFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    editor = dialog.table.viewport().findChild(QComboBox)
    assert editor is not None
    assert editor.itemData(1) == "two"  # what fits comes first
    qtbot.keyClick(editor, Qt.Key.Key_Down)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert dialog.mapping() == {"one": "one", "middle": "two"}
    qtbot.keyClick(dialog.table, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Delete)
    assert dialog.mapping() == {"middle": "two"}
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.load.click()
    assert chosen.args == [{"middle": "two"}]


def test_another_way_is_asked_for(qtbot: QtBot, dialog: WeightsDialog) -> None:
    with qtbot.waitSignal(dialog.way_chosen) as asked:
        dialog.way.activated.emit(2)
    assert asked.args == ["order"]


class Stand:
    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.engine = FakeEngine()
        training = Training(Document(project()), self.engine, folder)
        self.loading = WeightsLoading(training, self.window)


def test_what_fits_is_loaded_without_asking(qtbot: QtBot, tmp_path: Path) -> None:
    stand = Stand(qtbot, tmp_path)
    stand.loading.begin(Path("w.h5"), ask=False)
    asked = stand.engine.last(MatchWeights)
    whole = WeightsMatched(request=asked.request, sources=SOURCES, matches=matched().matches[:1])
    stand.engine.say(whole)
    assert stand.loading.dialog is None
    assert stand.engine.last(LoadWeights).mapping == {}


def test_the_table_opens_where_something_is_missing_and_is_loaded(
    qtbot: QtBot, tmp_path: Path
) -> None:
    stand = Stand(qtbot, tmp_path)
    stand.loading.begin(Path("w.h5"), ask=False)
    stand.engine.say(matched(stand.engine.last(MatchWeights).request))
    dialog = stand.loading.dialog
    assert dialog is not None
    dialog.way_chosen.emit("order")
    again = stand.engine.last(MatchWeights)
    assert (again.by, again.path) == ("order", "w.h5")
    stand.engine.say(matched(again.request))
    dialog.choose("middle", "two")
    dialog.load.click()
    assert stand.engine.last(LoadWeights).mapping == {"one": "one", "middle": "two"}
    assert stand.loading.dialog is None


def test_the_table_opens_when_it_is_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    stand = Stand(qtbot, tmp_path)
    stand.loading.begin(Path("w.h5"), ask=True)
    asked = stand.engine.last(MatchWeights)
    stand.engine.say(
        WeightsMatched(request=asked.request, sources=SOURCES, matches=matched().matches[:1])
    )
    assert stand.loading.dialog is not None
    assert stand.loading.dialog.table.currentIndex().column() == SOURCE
    stand.loading.dialog.reject()
    assert stand.engine.count(LoadWeights) == 0
