"""Mouse gestures: wires, moves, marquee, pan; each with its way back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest

from kbuilder.document import edits
from kbuilder.document.graph import Edge, Node

_AWAY = QPoint(250, 0)


def _add(bench, node: str, class_name: str, x: float, y: float) -> None:
    added = Node(id=node, class_name=class_name, name=node, x=x, y=y)
    bench.document.apply("Add", lambda project: edits.add_node(project, added))


def test_a_wire_drawn_from_output_to_input_connects(bench):
    _add(bench, "side", "Dense", 250, 120)
    bench.drag(bench.output("in"), bench.input("side"))
    assert ("in", "side") in bench.wires
    assert bench.document.undo_text == "Connect image to side"


def test_a_wire_drawn_backwards_connects_too(bench):
    _add(bench, "side", "Dense", 250, 120)
    bench.drag(bench.input("side"), bench.output("in"))
    assert ("in", "side") in bench.wires


def test_a_wire_dropped_on_a_box_takes_its_free_port(bench):
    _add(bench, "sum", "Add", 250, 360)
    bench.drag(bench.output("mid"), bench.middle("sum"))
    bench.drag(bench.output("out"), bench.middle("sum"))
    ports = [(edge.source, edge.target_port) for edge in bench.graph.incoming["sum"]]
    assert ports == [("mid", 0), ("out", 1)]


def test_a_wire_may_end_a_few_pixels_beside_the_port(bench):
    _add(bench, "side", "Dense", 250, 120)
    bench.drag(bench.output("in"), bench.input("side") + QPoint(-6, -7))
    assert ("in", "side") in bench.wires


def test_a_circle_is_refused_with_a_reason_and_changes_nothing(bench, qtbot):
    _add(bench, "sum", "Add", 0, 360)
    bench.drag(bench.output("out"), bench.middle("sum"))
    _add(bench, "top", "Add", 250, -120)
    before = bench.document.project
    bench.drag(bench.output("sum"), bench.middle("top"))
    bench.drag(bench.output("top"), bench.middle("mid"))
    connected = bench.document.project
    assert connected != before
    with qtbot.waitSignal(bench.view.hint) as told:
        bench.drag(bench.output("sum"), bench.middle("mid"))
    assert "circle" in told.args[0]
    assert bench.document.project == connected


def test_the_reason_stands_beside_the_mouse_while_the_button_is_down(bench):
    from PySide6.QtWidgets import QLabel

    bench.press(bench.output("out"))
    bench.move(bench.middle("mid") + QPoint(40, 0))
    tips = [each for each in bench.view.findChildren(QLabel) if "circle" in each.text()]
    assert [tip.isVisible() for tip in tips] == [True]
    bench.key(Qt.Key.Key_Escape)
    assert not tips[0].isVisible()


def test_escape_gives_up_a_wire(bench):
    _add(bench, "side", "Dense", 250, 120)
    before = bench.document.project
    items = len(bench.scene.items())
    bench.press(bench.output("in"))
    bench.move(bench.input("side"))
    bench.key(Qt.Key.Key_Escape)
    bench.release(bench.input("side"))
    assert bench.document.project == before
    assert len(bench.scene.items()) == items


def test_a_wire_end_dragged_to_another_port_moves_the_wire(bench):
    _add(bench, "side", "Dense", 250, 240)
    bench.drag(bench.input("out"), bench.input("side"))
    assert bench.wires == {("in", "mid"), ("mid", "side")}
    bench.document.undo()
    assert bench.wires == {("in", "mid"), ("mid", "out")}


def test_a_wire_end_dragged_into_nothing_disconnects(bench):
    bench.drag(bench.input("out"), bench.input("out") + _AWAY)
    assert bench.wires == {("in", "mid")}
    assert bench.document.undo_text == "Disconnect hidden from last"


def test_a_wire_end_put_back_changes_nothing(bench):
    before = bench.document.project
    bench.press(bench.input("mid"))
    bench.move(bench.input("mid") + _AWAY)
    assert not bench.scene.edges[("in", 0, "mid", 0)].isVisible()
    bench.move(bench.input("mid"))
    bench.release(bench.input("mid"))
    assert bench.document.project is before
    assert bench.scene.edges[("in", 0, "mid", 0)].isVisible()


def test_the_source_end_of_a_selected_wire_can_be_moved(bench):
    bench.scene.select((), [("mid", 0, "out", 0)])
    bench.drag(bench.output("mid"), bench.middle("in"))
    assert bench.wires == {("in", "mid"), ("in", "out")}


def test_a_click_on_a_port_does_nothing(bench):
    before = bench.document.project
    bench.click(bench.input("out"))
    bench.click(bench.output("out"))
    assert bench.document.project == before
    assert not bench.view.inserter.quick.isVisible()


def test_a_wire_dropped_into_nothing_asks_for_a_layer_and_connects_it(bench, qtbot):
    bench.drag(bench.output("out"), bench.output("out") + QPoint(150, 80))
    quick = bench.view.inserter.quick
    assert quick.isVisible()
    QTest.keyClicks(quick.search, "drop")
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    added = bench.graph.nodes[-1]
    assert added.class_name == "Dropout"
    assert ("out", added.id) in bench.wires
    bench.document.undo()
    assert len(bench.graph.nodes) == 3


def test_moving_by_mouse_is_one_step_for_all_selected(bench):
    before = bench.document.project
    bench.scene.select(["mid", "out"])
    start = bench.middle("mid") + QPoint(30, 0)
    bench.drag(start, start + QPoint(60, 20))
    places = {node.id: (node.x, node.y) for node in bench.graph.nodes}
    assert places == {"in": (0, 0), "mid": (60, 140), "out": (60, 260)}
    assert bench.document.undo_text == "Move 2 layers"
    bench.document.undo()
    assert bench.document.project == before
    assert bench.scene.nodes["mid"].pos().x() == 0


def test_a_press_without_a_move_selects_and_changes_nothing(bench):
    bench.document.apply("Move", lambda project: edits.move(project, {"mid": (0.4, 120.4)}))
    before = bench.document.project
    bench.click(bench.middle("mid"))
    assert bench.scene.selected_ids() == ["mid"]
    assert bench.document.project is before


def test_wires_follow_the_node_while_it_is_dragged(bench):
    start = bench.middle("mid")
    bench.press(start)
    bench.move(start + QPoint(80, 0))
    assert bench.scene.edges[("in", 0, "mid", 0)].end.x() == pytest.approx(92 + 80, abs=1)
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.edges[("in", 0, "mid", 0)].end.x() == 92
    bench.release(start + QPoint(80, 0))
    assert bench.graph.by_id["mid"].x == 0


def test_the_marquee_selects_what_it_touches(bench):
    corner = bench.middle("mid") + QPoint(-200, -50)
    bench.drag(corner, bench.middle("out"))
    assert bench.scene.selected_ids() == ["mid", "out"]


def test_escape_in_a_marquee_selects_what_was_selected(bench):
    bench.scene.select(["in"])
    corner = bench.middle("mid") + QPoint(-200, -50)
    bench.press(corner)
    bench.move(bench.middle("out"))
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.selected_ids() == ["in"]


def test_control_click_adds_and_takes_away(bench):
    control = Qt.KeyboardModifier.ControlModifier
    bench.click(bench.middle("in"))
    bench.click(bench.middle("out"), control)
    assert bench.scene.selected_ids() == ["in", "out"]
    bench.click(bench.middle("in"), control)
    assert bench.scene.selected_ids() == ["out"]


def test_a_click_on_a_wire_selects_it_and_delete_removes_it(bench):
    bench.click((bench.output("in") + bench.input("mid")) / 2)
    assert bench.scene.selected_edges() == [("in", 0, "mid", 0)]
    bench.key(Qt.Key.Key_Delete)
    assert bench.wires == {("mid", "out")}


def test_the_middle_button_pans(bench):
    before = bench.middle("mid")
    viewport, button = bench.view.viewport(), Qt.MouseButton.MiddleButton
    none = Qt.KeyboardModifier.NoModifier
    QTest.mousePress(viewport, button, none, QPoint(100, 100))
    bench.move(QPoint(160, 130))
    QTest.mouseRelease(viewport, button, none, QPoint(160, 130))
    assert bench.middle("mid") - before == QPoint(60, 30)


def test_space_and_drag_pans_and_does_not_insert(bench):
    before = bench.middle("mid")
    QTest.keyPress(bench.view, Qt.Key.Key_Space)
    bench.drag(QPoint(100, 100), QPoint(140, 90))
    QTest.keyRelease(bench.view, Qt.Key.Key_Space)
    assert bench.middle("mid") - before == QPoint(40, -10)
    assert not bench.view.inserter.quick.isVisible()


def test_a_drag_to_the_border_scrolls_and_goes_on(bench, qtbot):
    before = bench.view.mapToScene(QPoint(0, 0)).x()
    border = QPoint(bench.view.viewport().width() - 3, 300)
    bench.press(bench.middle("mid"))
    bench.move(border)
    qtbot.waitUntil(lambda: bench.view.mapToScene(QPoint(0, 0)).x() > before + 60)
    reached = bench.view.mapToScene(border).x()
    assert bench.scene.nodes["mid"].pos().x() == pytest.approx(reached - 92, abs=20)
    bench.release(border)
    assert not any(timer.isActive() for timer in bench.view.findChildren(QTimer))
    assert bench.document.undo_text == "Move hidden"


def test_an_edit_under_a_running_gesture_does_no_harm(bench):
    start = bench.middle("mid")
    bench.press(start)
    bench.move(start + QPoint(40, 0))
    bench.document.apply("Delete", lambda project: edits.remove(project, ["mid"], heal=True))
    bench.move(start + QPoint(80, 0))
    bench.release(start + QPoint(80, 0))
    assert bench.wires == {("in", "out")}
    assert set(bench.scene.nodes) == {"in", "out"}


def test_undo_under_a_running_wire_gives_the_wire_up(bench):
    _add(bench, "side", "Dense", 250, 120)
    bench.press(bench.output("side"))
    bench.move(bench.middle("out"))
    bench.document.undo()
    bench.move(bench.middle("out"))
    bench.release(bench.middle("out"))
    assert bench.wires == {("in", "mid"), ("mid", "out")}
    assert len(bench.scene.items()) == 3 + 2 * 2


def test_a_second_wire_into_one_input_takes_the_place_of_the_first(bench):
    _add(bench, "side", "Dense", 250, 120)
    bench.document.apply(
        "Connect", lambda project: edits.connect(project, Edge(source="in", target="side"))
    )
    bench.drag(bench.output("side"), bench.middle("out"))
    assert ("side", "out") in bench.wires
    assert ("mid", "out") not in bench.wires
