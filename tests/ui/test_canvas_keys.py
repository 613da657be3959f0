"""Keys and the wheel on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

_CONTROL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


def _type_and_confirm(bench, letters: str) -> None:
    quick = bench.view.inserter.quick
    assert quick.isVisible()
    QTest.keyClicks(quick.search, letters)
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    assert not quick.isVisible()


def test_delete_heals_the_chain(bench):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_Delete)
    assert bench.wires == {("in", "out")}
    assert bench.document.undo_text == "Delete hidden"
    bench.document.undo()
    assert bench.wires == {("in", "mid"), ("mid", "out")}


def test_control_delete_leaves_the_gap(bench):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_Delete, _CONTROL)
    assert bench.wires == set()
    assert len(bench.graph.nodes) == 2


def test_arrows_walk_along_wires(bench):
    bench.key(Qt.Key.Key_Down)
    assert bench.scene.selected_ids() == ["in"]
    bench.key(Qt.Key.Key_Down)
    bench.key(Qt.Key.Key_Down)
    assert bench.scene.selected_ids() == ["out"]
    bench.key(Qt.Key.Key_Down)
    assert bench.scene.selected_ids() == ["out"]
    bench.key(Qt.Key.Key_Up, _SHIFT)
    assert bench.scene.selected_ids() == ["mid", "out"]


def test_control_a_selects_all_and_escape_none(bench, qtbot):
    with qtbot.waitSignal(bench.scene.selection_changed):
        bench.key(Qt.Key.Key_A, _CONTROL)
    assert bench.scene.selected_ids() == ["in", "mid", "out"]
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.selected_ids() == []


def test_space_inserts_after_the_selection_and_connects(bench):
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Space)
    _type_and_confirm(bench, "dense")
    added = bench.graph.nodes[-1]
    assert (added.class_name, added.name) == ("Dense", "dense")
    assert ("out", added.id) in bench.wires
    assert added.y > bench.graph.by_id["out"].y
    assert bench.scene.selected_ids() == [added.id]
    assert bench.document.undo_text == "Add Dense"


def test_tab_inserts_too_and_shift_tab_leaves(bench, qtbot):
    window, other = QWidget(), QLineEdit()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    layout.addWidget(other)
    layout.addWidget(bench.view)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    bench.view.setFocus()
    bench.key(Qt.Key.Key_Tab)
    _type_and_confirm(bench, "bn")
    assert bench.graph.nodes[-1].class_name == "BatchNormalization"
    assert bench.view.hasFocus()
    bench.key(Qt.Key.Key_Backtab, _SHIFT)
    assert other.hasFocus()
    bench.view.setParent(None)


def test_quick_insert_goes_into_the_selected_wire(bench):
    bench.scene.select((), [("in", 0, "mid", 0)])
    bench.key(Qt.Key.Key_Tab)
    _type_and_confirm(bench, "dropout")
    added = bench.graph.nodes[-1].id
    assert bench.wires == {("in", added), (added, "mid"), ("mid", "out")}


def test_a_merging_layer_is_fed_by_all_selected(bench):
    bench.scene.select(["mid", "out"])
    bench.view.insert_layer("Add")
    added = bench.graph.nodes[-1].id
    assert {("mid", added), ("out", added)} <= bench.wires


def test_repeated_inserts_do_not_cover_each_other(bench):
    for _ in range(2):
        bench.scene.select(["out"])
        bench.view.insert_layer("Dense")
    first, second = bench.graph.nodes[-2:]
    assert abs(first.x - second.x) >= 184 or abs(first.y - second.y) >= 54


def test_escape_closes_quick_insert_and_adds_nothing(bench):
    bench.key(Qt.Key.Key_Tab)
    QTest.keyClick(bench.view.inserter.quick.search, Qt.Key.Key_Escape)
    assert not bench.view.inserter.quick.isVisible()
    assert len(bench.graph.nodes) == 3
    assert bench.view.hasFocus()


def test_a_click_beside_quick_insert_closes_it(bench):
    bench.key(Qt.Key.Key_Tab)
    assert bench.view.inserter.quick.search.hasFocus()
    bench.click(QPoint(20, 690))
    assert not bench.view.inserter.quick.isVisible()
    assert len(bench.graph.nodes) == 3


def test_a_click_on_a_row_of_quick_insert_adds_that_layer(bench):
    bench.key(Qt.Key.Key_Tab)
    quick = bench.view.inserter.quick
    QTest.keyClicks(quick.search, "lstm")
    row = quick.tree.visualRect(quick.tree.currentIndex()).center()
    none = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(quick.tree.viewport(), Qt.MouseButton.LeftButton, none, row)
    assert bench.graph.nodes[-1].class_name == "LSTM"
    assert not quick.isVisible()


def test_arrow_keys_choose_in_quick_insert(bench):
    bench.key(Qt.Key.Key_Tab)
    quick = bench.view.inserter.quick
    QTest.keyClicks(quick.search, "conv2d")
    QTest.keyClick(quick.search, Qt.Key.Key_Down)
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    added = bench.graph.nodes[-1].class_name
    assert added != "Conv2D"
    assert "Conv2D" in added


def test_quick_insert_after_a_wire_offers_only_what_takes_the_rank(bench, catalogue):
    from kbuilder.document.facts import NodeFacts, TensorFacts

    facts = NodeFacts(outputs=(TensorFacts((None, 8), "float32"),))
    bench.scene.set_facts({"out": facts}, ())
    bench.drag(bench.output("out"), bench.output("out") + QPoint(150, 60))
    quick = bench.view.inserter.quick
    QTest.keyClicks(quick.search, "conv2d")
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    assert quick.isVisible()
    assert len(bench.graph.nodes) == 3


def test_quick_insert_before_an_input_offers_only_what_can_feed_it(bench):
    from kbuilder.document import edits
    from kbuilder.document.graph import Node

    conv = Node(id="conv", class_name="Conv2D", name="conv", x=260.0, y=300.0)
    bench.document.apply("Add", lambda project: edits.add_node(project, conv))
    bench.drag(bench.input("conv"), bench.input("conv") + QPoint(20, -150))
    quick = bench.view.inserter.quick
    QTest.keyClicks(quick.search, "flatten")
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    assert quick.isVisible(), "a Flatten gives nothing that a Conv2D takes"
    quick.search.clear()
    _type_and_confirm(bench, "maxpooling2d")
    added = bench.graph.nodes[-1]
    assert added.class_name == "MaxPooling2D"
    assert (added.id, "conv") in bench.wires
    assert added.y + 54 < 300


def test_a_large_selection_is_spoken_in_short(bench):
    for _ in range(20):
        bench.view.insert_layer("Dense")
    bench.view.selecting.all()
    assert bench.view.accessibleDescription().endswith("and 11 more")


def test_f_shows_the_whole_graph(bench):
    bench.view.set_zoom(2.0)
    bench.view.centerOn(QPointF(3000, 3000))
    bench.key(Qt.Key.Key_F)
    visible = bench.view.viewport().rect()
    assert all(visible.contains(bench.middle(node)) for node in bench.scene.nodes)


def test_control_wheel_zooms_at_the_cursor(bench):
    at = QPointF(bench.input("mid"))
    event = QWheelEvent(
        at,
        bench.view.viewport().mapToGlobal(at),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        _CONTROL,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    before = bench.view.zoom
    QApplication.sendEvent(bench.view.viewport(), event)
    assert bench.view.zoom > before * 1.2
    assert (bench.input("mid") - at.toPoint()).manhattanLength() <= 3


def test_double_click_activates_a_node_and_asks_on_empty_canvas(bench, qtbot):
    viewport, button = bench.view.viewport(), Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(bench.view.node_activated) as told:
        QTest.mouseDClick(viewport, button, none, bench.middle("mid"))
    assert told.args == ["mid"]
    QTest.mouseDClick(viewport, button, none, QPoint(200, 300))
    _type_and_confirm(bench, "flatten")
    added = bench.graph.nodes[-1]
    assert (bench.middle(added.id) - QPoint(200, 300)).manhattanLength() <= 2
    assert bench.graph.incoming[added.id] == ()


def test_o_makes_a_layer_that_others_read_an_output_too(bench):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_O)
    assert bench.graph.by_id["mid"].output
    assert [node.id for node in bench.graph.outputs] == ["mid", "out"]
    assert bench.document.undo_text == "Make hidden an output"
    bench.key(Qt.Key.Key_O)
    assert not bench.graph.by_id["mid"].output
