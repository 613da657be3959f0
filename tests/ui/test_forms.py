from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.option_specs import OPTIMIZER
from kbuilder.ui.forms.form import Form
from kbuilder.ui.forms.object_editor import fits_in
from kbuilder.ui.forms.objects_editor import ObjectsEditor


def form_of(qtbot: QtBot, catalogue: Catalogue, layer: str) -> Form:
    spec = catalogue.layer(layer)
    assert spec is not None
    form = Form(catalogue)
    qtbot.addWidget(form)
    form.show_params(spec.params)
    form.set_values(spec.preset)
    form.show()
    return form


def type_into(field: QLineEdit, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_every_class_gets_a_form_that_shows_its_defaults(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue
) -> None:
    form = Form(catalogue)
    qtbot.addWidget(form)
    for section in ("layers", "optimizers", "losses", "metrics", "callbacks", "initializers"):
        for spec in getattr(catalogue, section):
            form.show_params(spec.params)
            form.set_values(spec.preset)
            assert form.names() == tuple(sorted(form.names(), key=form.names().index))
            for param in spec.params:
                shown = form.row(param.name).editor.value()
                expected = spec.preset.get(param.name, param.default)
                if param.kinds != ("bool",):
                    assert shown == expected, (spec.class_name, param.name)


def test_a_typed_number_is_told_once(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue
) -> None:
    form = form_of(qtbot, catalogue, "Dense")
    heard: list[tuple[str, object]] = []
    form.edited.connect(lambda name, value: heard.append((name, value)))
    type_into(form.row("units").editor, "128")
    assert heard == [("units", 128)]


@pytest.mark.parametrize(("text", "words"), [("abc", "whole number"), ("0", "at least 1")])
def test_wrong_input_stays_with_the_reason_and_is_not_told(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, text: str, words: str
) -> None:
    form = form_of(qtbot, catalogue, "Dense")
    heard: list[object] = []
    form.edited.connect(lambda *args: heard.append(args))
    row = form.row("units")
    type_into(row.editor, text)
    assert heard == []
    assert row.editor.text() == text
    assert row.editor.property("error") is True
    assert words in row._fault.text()
    assert row._fault.isVisible()


def test_the_default_is_a_placeholder_and_can_come_back(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue
) -> None:
    form = form_of(qtbot, catalogue, "Dropout")
    row = form.row("rate")
    reset: list[str] = []
    form.reset.connect(reset.append)
    form.set_values({"rate": 0.5})
    conv = form_of(qtbot, catalogue, "BatchNormalization")
    momentum = conv.row("momentum")
    assert momentum.editor.placeholderText() == "0.99"
    assert momentum.editor.text() == ""
    assert not momentum._reset.isVisible()
    conv.set_values({"momentum": 0.5})
    assert momentum.editor.text() == "0.5"
    conv.reset.connect(reset.append)
    qtbot.mouseClick(momentum._reset, Qt.MouseButton.LeftButton)
    assert reset == ["momentum"]
    assert row.editor.text() == "0.5"


def test_a_tuple_is_small_fields(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue) -> None:
    form = form_of(qtbot, catalogue, "Conv2D")
    heard: list[tuple[str, object]] = []
    form.edited.connect(lambda name, value: heard.append((name, value)))
    fields = form.row("kernel_size").editor.findChildren(QLineEdit)
    assert [field.text() for field in fields] == ["3", "3"]
    type_into(fields[1], "5")
    assert heard == [("kernel_size", [3, 5])]


def test_an_object_unfolds_its_own_parameters(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue
) -> None:
    form = Form(catalogue)
    qtbot.addWidget(form)
    form.show_params((OPTIMIZER,))
    form.set_values({"optimizer": {"class_name": "SGD", "params": {}}})
    form.show()
    heard: list[tuple[str, object]] = []
    form.edited.connect(lambda name, value: heard.append((name, value)))
    editor = form.row("optimizer").editor
    inner = editor.details.findChild(Form)
    type_into(inner.row("momentum").editor, "0.9")
    assert heard == [("optimizer", {"class_name": "SGD", "params": {"momentum": 0.9}})]
    rate = inner.row("learning_rate").editor
    classes = rate.findChild(QComboBox)
    classes.setCurrentText("CosineDecay")
    classes.activated.emit(classes.currentIndex())
    name, value = heard[-1]
    assert name == "optimizer"
    assert value["params"]["learning_rate"]["class_name"] == "CosineDecay"


def test_the_wheel_does_nothing_without_focus(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue
) -> None:
    form = form_of(qtbot, catalogue, "Conv2D")
    heard: list[object] = []
    form.edited.connect(lambda *args: heard.append(args))
    combo = form.row("padding").editor
    combo.clearFocus()
    place = QPointF(5, 5)
    wheel = QWheelEvent(
        place,
        combo.mapToGlobal(place),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(combo, wheel)
    assert combo.currentText() == "valid"
    assert heard == []


def test_help_is_plain_text(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue) -> None:
    form = form_of(qtbot, catalogue, "Dense")
    tip = form.row("units").editor.toolTip()
    assert tip.startswith("<p>")
    assert "<" not in tip[3:-4]


def test_rnn_is_offered_cells_and_wrappers_layers_of_one_input(catalogue):
    rnn, wrapper = catalogue.layer("RNN"), catalogue.layer("TimeDistributed")
    cells = {spec.class_name for spec in catalogue.layers if fits_in(spec, rnn.param("cell"))}
    assert cells == {"LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"}
    inner = {spec.class_name for spec in catalogue.layers if fits_in(spec, wrapper.param("layer"))}
    assert {"Dense", "Conv2D", "LSTM", "BatchNormalization"} <= inner
    assert not {"Input", "Add", "MultiHeadAttention", "Expression", "ops.mean"} & inner


def test_stacked_cells_are_added_changed_and_taken_out(catalogue, qtbot):
    form = Form(catalogue)
    qtbot.addWidget(form)
    form.show_params(catalogue.layer("RNN").params)
    stacked = catalogue.layer("StackedRNNCells")
    value = {"class_name": "StackedRNNCells", "params": dict(stacked.preset)}
    form.set_values({"cell": value})
    told = []
    form.edited.connect(lambda name, value: told.append(value))
    cells = form.findChild(ObjectsEditor)
    cells.more.click()
    assert [cell["class_name"] for cell in told[-1]["params"]["cells"]] == ["LSTMCell"] * 2
    second = cells._editors[1]
    second._classes.setCurrentText("GRUCell")
    second._classes.activated.emit(second._classes.currentIndex())
    assert [cell["class_name"] for cell in told[-1]["params"]["cells"]] == ["LSTMCell", "GRUCell"]
    cells._take_out(0)
    assert [cell["class_name"] for cell in told[-1]["params"]["cells"]] == ["GRUCell"]
