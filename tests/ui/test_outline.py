"""The outline does by keyboard what the canvas does."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import edits, group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Group, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.ui.main_window import MainWindow
from kbuilder.ui.panels.outline_panel import OutlinePanel
from tests.ui.fake_engine import facts, window_of

NONE, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.show()
    made.design.left.setCurrentWidget(made.design.outline)
    made.design.outline.tree.setFocus()
    return made


@pytest.fixture
def outline(window: MainWindow) -> OutlinePanel:
    return window.design.outline


def rows(outline: OutlinePanel, parent: QModelIndex | None = None) -> list[object]:
    """Names of all rows; those of a block in a list after it."""
    model, found = outline.model, []
    for row in range(model.rowCount(parent)):
        index = model.index(row, 0, parent)
        found.append(model.data(index))
        inner = rows(outline, index)
        found += [inner] if inner else []
    return found


def go_to(outline: OutlinePanel, box: str) -> None:
    outline.tree.setCurrentIndex(outline.model.index_of(box))


def press(outline: OutlinePanel, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(outline.tree, key, keys)


def test_layers_stand_in_the_order_of_the_data(window: MainWindow, outline: OutlinePanel) -> None:
    assert rows(outline) == ["image", "hidden", "last"]
    between = Node(id="b", class_name="ReLU", name="between")
    window.document.apply(
        "Insert", lambda p: edits.insert_on_edge(p, between, ("mid", 0, "out", 0))
    )
    assert rows(outline) == ["image", "hidden", "between", "last"]


def test_blocks_hold_their_layers(window: MainWindow, outline: OutlinePanel) -> None:
    made = Group(id="g", name="body")
    window.document.apply("Group", lambda p: group_edits.group(p, made, ["mid", "out"], []))
    assert rows(outline) == ["image", "body", ["hidden", "last"]]
    assert outline.model.parent(outline.model.index_of("mid")) == outline.model.index_of("g")
    inner = Group(id="h", name="inner")
    window.document.apply("Group", lambda p: group_edits.group(p, inner, ["out"], []))
    assert rows(outline) == ["image", "body", ["hidden", "inner", ["last"]]]


def test_a_row_shows_and_speaks_class_shape_wires_and_problems(
    window: MainWindow, outline: OutlinePanel
) -> None:
    fault = Problem(severity="error", text="too wide", node="mid")
    window.scene.set_facts(facts(), [fault])
    window.document.apply("Freeze", lambda p: edits.freeze(p, ["mid"], True))
    index = outline.model.index_of("mid")
    assert outline.model.data(index).startswith("✖ 🔒")
    assert outline.model.data(index.siblingAtColumn(1)) == "Dense"
    assert outline.model.data(index.siblingAtColumn(2)) == "4"
    spoken = outline.model.data(index, Qt.ItemDataRole.AccessibleTextRole)
    for word in ("hidden", "Dense", "frozen", "too wide", "fed by image", "feeds last"):
        assert word in spoken


def test_one_selection_for_tree_and_canvas(window: MainWindow, outline: OutlinePanel) -> None:
    go_to(outline, "in")
    assert window.scene.selected_ids() == ["in"]
    press(outline, Qt.Key.Key_Down)
    assert window.scene.selected_ids() == ["mid"]
    press(outline, Qt.Key.Key_Down, SHIFT)
    assert window.scene.selected_ids() == ["mid", "out"]
    window.scene.select(["in"])
    chosen = outline.tree.selectionModel().selectedRows()
    assert [outline.model.id_at(index) for index in chosen] == ["in"]


def test_a_layer_in_a_folded_block_is_shown_when_chosen(
    window: MainWindow, outline: OutlinePanel
) -> None:
    made = Group(id="g", name="body", collapsed=True)
    window.document.apply("Group", lambda p: group_edits.group(p, made, ["mid", "out"], []))
    go_to(outline, "mid")
    assert window.scene.root == "g"
    assert window.scene.selected_ids() == ["mid"]


def test_the_keys_of_the_canvas_work_here(window: MainWindow, outline: OutlinePanel) -> None:
    start = window.document.project
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_H)
    assert not window.scene.graph.by_id["mid"].trainable
    press(outline, Qt.Key.Key_G, CONTROL)
    assert len(window.scene.graph.groups) == 1
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_Delete)
    assert "mid" not in window.scene.graph.by_id
    assert [edge.source for edge in window.scene.graph.incoming["out"]] == ["in"]
    while window.document.undo_text:
        window.document.undo()
    assert window.document.project == start


def test_wiring_by_keyboard_alone(window: MainWindow, outline: OutlinePanel) -> None:
    two = Node(id="two", class_name="Add", name="sum", x=300, y=300)
    window.document.apply("Add", lambda p: edits.add_node(p, two))
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_W)
    search = outline.card.search
    assert search.hasFocus()
    offered = [outline.card.list.item(row).text() for row in range(outline.card.list.count())]
    assert not any("image" in text or "hidden" in text for text in offered), "no circles"
    QTest.keyClicks(search, "sum")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert [edge.source for edge in window.scene.graph.incoming["two"]] == ["mid"]
    assert outline.tree.hasFocus()
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_W, SHIFT)
    QTest.keyClicks(search, "sum")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert window.scene.graph.incoming["two"] == ()


def test_esc_leaves_the_card_as_it_was(window: MainWindow, outline: OutlinePanel) -> None:
    before = window.document.project
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_W)
    QTest.keyClick(outline.card.search, Qt.Key.Key_Escape)
    assert outline.card.isHidden()
    assert outline.tree.hasFocus()
    assert window.document.project == before


def test_a_layer_is_inserted_behind_the_current_one(
    window: MainWindow, outline: OutlinePanel
) -> None:
    go_to(outline, "out")
    press(outline, Qt.Key.Key_Space)
    search = window.view.inserter.quick.search
    QTest.keyClicks(search, "dropout")
    QTest.keyClick(search, Qt.Key.Key_Return)
    graph = window.scene.graph
    assert graph.nodes[-1].class_name == "Dropout"
    assert [edge.source for edge in graph.incoming[graph.nodes[-1].id]] == ["out"]


def test_names_are_typed_in_the_tree(
    window: MainWindow, outline: OutlinePanel, qtbot: QtBot
) -> None:
    model = outline.model
    assert model.setData(model.index_of("mid"), "middle")
    assert window.scene.graph.by_id["mid"].name == "middle"
    with qtbot.waitSignal(outline.told):
        model.setData(model.index_of("mid"), "two words")
    with qtbot.waitSignal(outline.told):
        model.setData(model.index_of("mid"), "last")
    assert window.scene.graph.by_id["mid"].name == "middle"


def test_enter_goes_to_the_properties_and_into_blocks(
    window: MainWindow, outline: OutlinePanel
) -> None:
    go_to(outline, "mid")
    press(outline, Qt.Key.Key_Return)
    forms = window.design.properties._forms
    assert forms is not None
    assert forms[1].isAncestorOf(QApplication.focusWidget())
    made = Group(id="g", name="body")
    window.document.apply("Group", lambda p: group_edits.group(p, made, ["mid"], []))
    outline.tree.setFocus()
    go_to(outline, "g")
    press(outline, Qt.Key.Key_Return)
    assert window.scene.root == "g"
