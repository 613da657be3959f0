"""Selecting more, nudging, aligning, zooming: by keys, two fingers and menus."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from kbuilder.document import edits
from kbuilder.document.graph import Edge, Group, Node
from kbuilder.document.group_edits import group
from tests.ui.canvas_bench import Bench
from tests.ui.hands import ALT, CONTROL, SHIFT, choose, glide, menu_at, pinch

_MENUS = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def _branch(bench: Bench) -> None:
    """A second input beside the chain that feeds its last layer's sibling."""
    for name, y in (("top", 0.0), ("low", 120.0)):
        node = Node(id=name, class_name="Dense", name=name, x=260.0, y=y)
        bench.document.apply("Add", lambda project, node=node: edits.add_node(project, node))
    wire = Edge(source="top", target="low")
    bench.document.apply("Wire", lambda project: edits.connect(project, wire))


def _collapse(bench: Bench, *nodes: str) -> None:
    block = Group(id="g", name="block", collapsed=True)
    bench.document.apply("Group", lambda project: group(project, block, nodes, []))


def test_select_what_leads_here_what_follows_and_what_is_connected(bench):
    _branch(bench)
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_Up, CONTROL | SHIFT)
    assert bench.scene.selected_ids() == ["in", "mid"]
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_Down, CONTROL | SHIFT)
    assert bench.scene.selected_ids() == ["mid", "out"]
    bench.key(Qt.Key.Key_L, CONTROL | SHIFT)
    assert bench.scene.selected_ids() == ["in", "mid", "out"]
    bench.key(Qt.Key.Key_I, CONTROL)
    assert bench.scene.selected_ids() == ["top", "low"]


def test_a_collapsed_block_on_the_way_is_selected_as_a_box(bench):
    _collapse(bench, "mid")
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Up, CONTROL | SHIFT)
    assert bench.scene.selected_groups() == ["g"]
    assert bench.scene.selected_ids() == ["in", "mid", "out"]


def test_shift_arrows_extend(bench):
    bench.scene.select(["in"])
    bench.key(Qt.Key.Key_Down, SHIFT)
    bench.key(Qt.Key.Key_Down, SHIFT)
    assert bench.scene.selected_ids() == ["in", "mid", "out"]


def test_arrows_walk_over_collapsed_blocks(bench):
    _collapse(bench, "mid")
    bench.scene.select(["in"])
    bench.key(Qt.Key.Key_Down)
    assert bench.scene.selected_groups() == ["g"]
    bench.key(Qt.Key.Key_Down)
    assert bench.scene.selected_ids() == ["out"]


def test_alt_arrows_nudge_and_are_one_step_of_undo(bench):
    before = bench.document.project
    bench.scene.select(["mid", "out"])
    for _ in range(3):
        bench.key(Qt.Key.Key_Right, ALT)
    bench.key(Qt.Key.Key_Up, ALT | SHIFT)
    assert [(n.x, n.y) for n in bench.graph.nodes] == [(0, 0), (24, 119), (24, 239)]
    assert bench.document.undo_text == "Move 2 layers"
    bench.document.undo()
    assert bench.document.project == before


@_MENUS
def test_align_from_the_context_menu(bench):
    _branch(bench)
    bench.scene.select(["mid", "top"])
    choose(menu_at(bench, bench.middle("mid")), "align_left")
    assert bench.graph.by_id["top"].x == 0
    assert bench.document.undo_text == "Align 2 layers"


def test_distribute_by_command(bench):
    bench.document.apply("Move", lambda project: edits.move(project, {"mid": (0.0, 20.0)}))
    bench.scene.select(["in", "mid", "out"])
    bench.view.commands["distribute_down"].trigger()
    assert bench.graph.by_id["mid"].y == 120
    assert bench.document.undo_text == "Distribute 3 layers"


# --- zoom ---------------------------------------------------------------------------------------


def test_two_fingers_zoom_at_the_cursor(bench):
    at = QPointF(bench.input("mid"))
    before = bench.view.zoom
    pinch(bench, 0.25, at)
    assert bench.view.zoom == pytest.approx(before * 1.25)
    assert (bench.input("mid") - at.toPoint()).manhattanLength() <= 3
    pinch(bench, -0.2, at)
    assert bench.view.zoom == pytest.approx(before)


def test_a_touchpad_scrolls_to_the_pixel_and_stops_with_the_fingers(bench, monkeypatch):
    before = bench.middle("mid")
    glide(bench, QPoint(7, -13), Qt.ScrollPhase.ScrollUpdate)
    assert bench.middle("mid") - before == QPoint(7, -13)
    glide(bench, QPoint(50, 50), Qt.ScrollPhase.ScrollMomentum)
    assert bench.middle("mid") - before == QPoint(7, -13)
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    glide(bench, QPoint(0, 40), Qt.ScrollPhase.NoScrollPhase)
    assert bench.middle("mid") - before != QPoint(7, 27), "on X11 the wheel's angle counts"


def test_f_shows_the_selection_shift_f_the_whole_and_control_0_full_size(bench):
    far = {"out": (6000.0, 4000.0)}
    bench.document.apply("Far", lambda project: edits.move(project, far))
    visible = bench.view.viewport().rect()
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_F)
    assert visible.contains(bench.middle("out"))
    assert not visible.contains(bench.middle("in"))
    bench.key(Qt.Key.Key_F, SHIFT)
    assert visible.contains(bench.middle("out"))
    assert visible.contains(bench.middle("in"))
    assert bench.view.zoom < 0.5
    bench.key(Qt.Key.Key_0, CONTROL)
    assert bench.view.zoom == 1.0


# --- context menus ------------------------------------------------------------------------------


def _offered(bench: Bench, at: QPoint | None) -> set[str]:
    menu = menu_at(bench, at)
    names = {action.objectName() for action in menu.actions() if action.objectName()}
    menu.close()
    return names


@_MENUS
def test_each_thing_has_its_own_menu_and_is_selected_by_it(bench):
    on_node = _offered(bench, bench.middle("mid"))
    assert bench.scene.selected_ids() == ["mid"]
    assert {"copy", "delete", "freeze", "select_upstream"} <= on_node
    on_wire = _offered(bench, (bench.output("in") + bench.input("mid")) / 2)
    assert bench.scene.selected_edges() == [("in", 0, "mid", 0)]
    assert {"delete", "insert_layer"} <= on_wire
    assert "copy" not in on_wire
    on_canvas = _offered(bench, QPoint(20, 600))
    assert {"paste", "add_comment", "arrange", "fit_view"} <= on_canvas


@_MENUS
def test_a_right_click_in_a_selection_keeps_it(bench):
    bench.scene.select(["in", "mid"])
    menu_at(bench, bench.middle("mid")).close()
    assert bench.scene.selected_ids() == ["in", "mid"]


@_MENUS
def test_the_menu_key_is_for_the_selection(bench):
    bench.scene.select(["mid"])
    menu = menu_at(bench, None)
    choose(menu, "freeze")
    assert not bench.graph.by_id["mid"].trainable
    assert bench.document.undo_text == "Freeze hidden"


@_MENUS
def test_what_cannot_be_done_is_grey(bench):
    menu = menu_at(bench, bench.middle("mid"))
    enabled = {action.objectName(): action.isEnabled() for action in menu.actions()}
    assert enabled["copy"]
    menu.close()
    bench.scene.select(())
    bench.key(Qt.Key.Key_X, CONTROL)
    assert len(bench.graph.nodes) == 3
    assert QApplication.activePopupWidget() is None


def test_a_click_and_double_click_on_blocks(bench):
    _collapse(bench, "mid")
    bench.click(bench.middle("g"))
    assert bench.scene.selected_groups() == ["g"]
    bench.view.setFocus()
    bench.key(Qt.Key.Key_Return)
    assert bench.scene.root == "g"
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.root == ""
    assert bench.scene.selected_groups() == ["g"]


def test_a_wire_drawn_to_a_block_goes_to_what_is_in_it(bench):
    side = Node(id="side", class_name="Input", name="side", x=260.0, y=0.0)
    bench.document.apply("Add", lambda project: edits.add_node(project, side))
    _collapse(bench, "mid", "out")
    bench.drag(bench.output("side"), bench.middle("g"))
    assert bench.wires == {("side", "mid"), ("mid", "out")}
    bench.document.undo()
    bench.drag(bench.input("g"), bench.input("g") + QPoint(250, 60))
    assert bench.wires == {("mid", "out")}
    assert bench.document.undo_text == "Disconnect image from hidden"


def test_a_layer_inserted_after_a_block_reads_its_output(bench):
    _collapse(bench, "mid", "out")
    bench.click(bench.middle("g"))
    bench.view.insert_layer("Dropout")
    made = bench.graph.nodes[-1]
    assert bench.wires == {("in", "mid"), ("mid", "out"), ("out", made.id)}
    assert made.id in bench.scene.nodes


def test_a_layer_added_inside_an_entered_block_belongs_to_it(bench):
    _collapse(bench, "mid", "out")
    bench.scene.enter("g")
    bench.view.insert_layer("Dropout")
    assert bench.graph.nodes[-1].group == "g"


def test_a_wire_drawn_onto_a_block_without_inputs_does_nothing(bench):
    _branch(bench)
    _collapse(bench, "in")
    before = bench.document.project
    bench.drag(bench.output("low"), bench.middle("g"))
    assert bench.document.project == before
