"""Several layers, blocks and shared layers in the properties panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from kbuilder.document import edits, group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Group, Node
from kbuilder.document.project import Project
from kbuilder.link.events import Adapted, Failed
from kbuilder.link.requests import Adapt
from kbuilder.ui.main_window import MainWindow
from tests.ui.fake_engine import window_of


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.show()
    return made


def params(window: MainWindow, node: str) -> dict[str, Any]:
    return window.document.project.graph.by_id[node].params


def form(window: MainWindow) -> Any:
    forms = window.design.properties._forms
    assert forms is not None
    return forms[1]


def type_into(field: Any, text: str) -> None:
    field.setFocus()
    field.clear()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_a_value_typed_for_several_layers_goes_to_all_in_one_step(window: MainWindow) -> None:
    before = window.document.project
    window.scene.select(["mid", "out"])
    units = form(window).row("units")
    assert units.editor.text() == ""
    assert units.editor.placeholderText() == ""
    assert units._mixed.text() == "different values"
    assert not units._mixed.isHidden()
    type_into(units.editor, "7")
    assert params(window, "mid")["units"] == params(window, "out")["units"] == 7
    assert window.document.undo_text == "Set units of 2 layers"
    assert units.editor.text() == "7", "they are equal now"
    window.document.undo()
    assert window.document.project == before


def test_placeholders_come_back_when_the_values_are_equal_again(window: MainWindow) -> None:
    for node, kind in (("a", "Conv2D"), ("b", "Conv2D")):
        made = Node(id=node, class_name=kind, name=node, params={"filters": 1, "strides": [2, 2]})
        window.document.apply("Add", lambda p, made=made: edits.add_node(p, made))
    window.document.apply("Set", lambda p: edits.reset_params(p, ["a"], ["strides"]))
    window.scene.select(["a", "b"])
    fields = form(window).row("strides").editor._fields
    assert [field.placeholderText() for field in fields] == ["", ""]
    window.scene.select(["a"])
    assert [field.placeholderText() for field in fields] == ["1", "1"]


def test_leaving_a_mixed_field_changes_nothing(window: MainWindow) -> None:
    before = window.document.project
    window.scene.select(["mid", "out"])
    editor = form(window).row("units").editor
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Return)
    form(window).row("activation").editor.setFocus()
    assert window.document.project == before


def test_only_what_all_layers_take_is_shown(window: MainWindow) -> None:
    flat = Node(id="flat", class_name="Flatten", name="flat", x=400)
    window.document.apply("Add", lambda p: edits.add_node(p, flat))
    window.scene.select(["mid", "flat"])
    assert "units" not in form(window).names()
    window.scene.select(["mid", "out"])
    assert "kernel_initializer" in form(window).names()


def test_an_object_is_chosen_and_unfolded_for_several_layers(window: MainWindow) -> None:
    window.scene.select(["mid", "out"])
    row = form(window).row("kernel_initializer")
    row.editor._classes.setCurrentText("HeNormal")
    row.editor._classes.activated.emit(row.editor._classes.currentIndex())
    for node in ("mid", "out"):
        assert params(window, node)["kernel_initializer"]["class_name"] == "HeNormal"
    inner = row.editor._inner
    assert "seed" in inner.names(), "its own parameters unfold in place"
    type_into(inner.row("seed").editor, "3")
    assert params(window, "out")["kernel_initializer"]["params"] == {"seed": 3}


def test_a_switch_that_differs_is_switched_on_for_all(window: MainWindow) -> None:
    window.document.apply("Set", lambda p: edits.set_params(p, ["out"], {"use_bias": False}))
    window.scene.select(["mid", "out"])
    row = form(window).row("use_bias")
    assert not row._mixed.isHidden()
    row.editor.click()
    assert params(window, "out").get("use_bias", True)
    assert row._mixed.isHidden()


def test_a_differing_parameter_goes_back_to_its_default_for_all(window: MainWindow) -> None:
    window.document.apply("Set", lambda p: edits.set_params(p, ["out"], {"activation": "relu"}))
    window.scene.select(["mid", "out"])
    form(window).row("activation")._reset.click()
    assert "activation" not in params(window, "out")


def test_all_are_frozen_together(window: MainWindow) -> None:
    window.scene.select(["in", "mid", "out"])
    forms = window.design.properties._forms
    assert forms is not None
    forms[0].row("trainable").editor.click()
    graph = window.document.project.graph
    assert [graph.by_id[node].trainable for node in ("in", "mid", "out")] == [True, False, False]


def test_a_shared_layer_shows_and_edits_the_layer_it_uses(window: MainWindow, qtbot: QtBot) -> None:
    made = Node(id="again", class_name="", name="again", x=300)
    window.document.apply("Share", lambda p: group_edits.share(p, "mid", made))
    window.scene.select(["again"])
    panel = window.design.properties
    type_into(form(window).row("units").editor, "9")
    assert params(window, "mid")["units"] == 9
    assert params(window, "again") == {}
    assert "hidden" in panel._owner.text()
    panel._owner.click()
    assert window.scene.selected_ids() == ["mid"]
    assert panel._owner.isHidden()


@pytest.fixture
def block(window: MainWindow) -> Any:
    made = Group(id="g", name="middle")
    window.document.apply("Group", lambda p: group_edits.group(p, made, ["mid", "out"], []))
    window.scene.select(["g"])
    return window.design.properties._block


def group(window: MainWindow) -> Group:
    return window.document.project.graph.group_by_id["g"]


def test_a_block_is_renamed_coloured_folded_and_built_as_a_model(
    window: MainWindow, block: Any
) -> None:
    type_into(block.form.row("name").editor, "body")
    assert group(window).name == "body"
    colour = block.form.row("colour").editor
    colour.setCurrentIndex(colour.findText("green"))
    colour.activated.emit(colour.currentIndex())
    assert group(window).colour == "green"
    block.form.row("keras_model").editor.click()
    assert group(window).nested
    block.form.row("folded").editor.click()
    assert group(window).collapsed
    assert "g" in window.scene.nodes
    block.form.row("colour")._reset.click()
    assert group(window).colour == ""


def test_a_name_keras_does_not_take_is_refused(window: MainWindow, block: Any) -> None:
    type_into(block.form.row("name").editor, "two words")
    assert group(window).name == "middle"
    assert "without spaces" in block.form.row("name")._fault.text()


def test_a_block_is_repeated(window: MainWindow, block: Any) -> None:
    block.copies.setValue(2)
    repeat = next(b for b in block.findChildren(QPushButton) if b.text() == "Repeat")
    repeat.click()
    assert len(window.document.project.graph.nodes) == 7
    assert len(window.document.project.graph.groups) == 3


def test_a_block_in_part_selected_with_others_is_many_layers(
    window: MainWindow, block: Any
) -> None:
    window.scene.select(["g", "in"])
    assert block.isHidden()
    assert "3" in window.design.properties._title.text()


def test_inside_a_block_with_nothing_selected_the_block_is_shown(
    window: MainWindow, block: Any
) -> None:
    window.scene.enter("g")
    assert window.design.properties._title.text() == "middle"
    assert not block.isHidden()
    window.scene.leave()
    window.scene.select(())
    assert window.design.properties._title.text() == "Model"


def test_training_of_a_call_is_chosen_beside_trainable(window: MainWindow) -> None:
    made = Node(id="bn", class_name="BatchNormalization", name="bn")
    window.document.apply("Add", lambda p: edits.add_node(p, made))
    window.scene.select(["bn"])
    call = window.design.properties._call
    assert call is not None
    assert call.form.names() == ("training",)
    assert call.form.isVisible(), "it is not folded where freezing is taken for it"
    call.form.edited.emit("training", "always off")
    node = window.document.project.graph.by_id["bn"]
    assert (node.call, node.trainable) == ({"training": False}, True)
    assert call.form.row("training").editor.value() == "always off"
    call.form.reset.emit("training")
    assert window.document.project.graph.by_id["bn"].call == {}


def test_layers_without_switches_have_no_call_section(window: MainWindow) -> None:
    window.scene.select(["mid"])
    assert window.design.properties._call is not None
    assert window.design.properties._call.isHidden()


def test_a_layer_that_learns_from_data_is_adapted_by_a_button(window: MainWindow) -> None:
    made = Node(id="norm", class_name="Normalization", name="norm")
    window.document.apply("Add", lambda p: edits.add_node(p, made))
    window.scene.select(["norm"])
    section = window.design.properties._adapt
    assert section is not None
    assert section.isVisible()
    assert section.state.text() == "Has not learned yet."
    QTest.mouseClick(section.button, Qt.MouseButton.LeftButton)
    engine: Any = window._engines[0]
    asked = engine.last(Adapt)
    assert asked.nodes == ("norm",)
    assert not section.button.isEnabled()
    engine.say(Adapted(request=asked.request, params={"norm": {"mean": [1.0], "variance": [2.0]}}))
    assert params(window, "norm") == {"mean": [1.0], "variance": [2.0]}
    assert window.document.undo_text == "Adapt norm to the data"
    assert section.state.text() == "Holds what it learned."
    assert section.button.isEnabled()
    window.document.undo()
    assert params(window, "norm") == {}


def test_why_a_layer_could_not_learn_stands_below_the_button(window: MainWindow) -> None:
    made = Node(id="norm", class_name="Normalization", name="norm")
    window.document.apply("Add", lambda p: edits.add_node(p, made))
    window.scene.select(["norm"])
    section = window.design.properties._adapt
    assert section is not None
    section.button.click()
    engine: Any = window._engines[0]
    engine.say(Failed(request=engine.last(Adapt).request, text="No data is chosen."))
    assert section.state.text() == "No data is chosen."
    assert section.button.isEnabled()
    window.scene.select(["mid"])
    assert section.isHidden()
