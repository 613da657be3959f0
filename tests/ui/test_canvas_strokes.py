"""Lasso, cut stroke, a dragged node dropped on a wire."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt

from kbuilder.document import edits
from kbuilder.document.graph import Edge, Node
from tests.ui.canvas_bench import Bench
from tests.ui.hands import ALT, CONTROL, RIGHT, SHIFT, held, stroke


def _around(bench: Bench, *nodes: str, margin: int = 130) -> list[QPoint]:
    """A loop that runs around these nodes, beginning on empty canvas."""
    middles = [bench.middle(node) for node in nodes]
    left, right = min(m.x() for m in middles) - margin, max(m.x() for m in middles) + margin
    top, bottom = min(m.y() for m in middles) - 45, max(m.y() for m in middles) + 45
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 4)]
    return [QPoint(*corner) for corner in corners]


def _add(bench: Bench, node: str, class_name: str, x: float, y: float) -> None:
    added = Node(id=node, class_name=class_name, name=node, x=x, y=y)
    bench.document.apply("Add", lambda project: edits.add_node(project, added))


def test_the_lasso_selects_what_it_runs_around(bench):
    _add(bench, "side", "Dense", 260, 180)
    stroke(bench, _around(bench, "mid", "out"), ALT)
    assert bench.scene.selected_ids() == ["mid", "out"]
    assert len(bench.scene.items()) == 4 + 2 * 2


def test_shift_keeps_what_was_selected(bench):
    bench.scene.select(["in"])
    stroke(bench, _around(bench, "out"), ALT | SHIFT)
    assert bench.scene.selected_ids() == ["in", "out"]


def test_escape_in_a_lasso_selects_what_was_selected(bench):
    bench.scene.select(["in"])
    held(bench, _around(bench, "mid", "out"), ALT)
    assert bench.scene.selected_ids() == ["mid", "out"]
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.selected_ids() == ["in"]
    bench.release(QPoint(5, 5))


def _cut(bench: Bench) -> list[QPoint]:
    """From beside the first wire down across it, then across the second one."""
    first = (bench.output("in") + bench.input("mid")) / 2
    second = (bench.output("mid") + bench.input("out")) / 2
    aside = QPoint(140, 0)
    return [first - aside, first + aside, second + aside, second - aside]


def test_a_cut_stroke_removes_the_wires_it_crosses_in_one_step(bench):
    before = bench.document.project
    stroke(bench, _cut(bench), CONTROL, RIGHT)
    assert bench.wires == set()
    assert bench.document.undo_text == "Disconnect 2 wires"
    bench.document.undo()
    assert bench.document.project == before


def test_a_cut_stroke_fades_the_wires_until_escape(bench):
    wire = bench.scene.edges[("in", 0, "mid", 0)]
    held(bench, _cut(bench), CONTROL, RIGHT)
    assert wire.opacity() < 0.5
    bench.key(Qt.Key.Key_Escape)
    assert wire.opacity() == 1.0
    assert len(bench.wires) == 2


def test_a_cut_through_nothing_changes_nothing(bench):
    before = bench.document.project
    stroke(bench, [QPoint(10, 10), QPoint(40, 400)], CONTROL, RIGHT)
    assert bench.document.project is before


def test_a_lone_node_dropped_on_a_wire_goes_into_it(bench):
    _add(bench, "side", "Dropout", 400, 150)
    wire = bench.scene.edges[("in", 0, "mid", 0)]
    plain = wire.pen()
    target = (bench.output("in") + bench.input("mid")) / 2
    held(bench, [bench.middle("side"), target - QPoint(60, 0), target])
    assert wire.pen() != plain
    bench.release(target)
    assert bench.wires == {("in", "side"), ("side", "mid"), ("mid", "out")}
    assert bench.document.undo_text == "Insert side between image and hidden"
    assert (bench.middle("side") - target).manhattanLength() <= 2
    bench.document.undo()
    assert bench.graph.by_id["side"].x == 400
    assert bench.wires == {("in", "mid"), ("mid", "out")}


def test_escape_leaves_node_and_wire(bench):
    _add(bench, "side", "Dropout", 400, 150)
    before = bench.document.project
    target = (bench.output("in") + bench.input("mid")) / 2
    held(bench, [bench.middle("side"), target])
    bench.key(Qt.Key.Key_Escape)
    bench.release(target)
    assert bench.document.project is before
    assert bench.scene.nodes["side"].pos().x() == 400


def test_a_wired_node_or_an_input_dropped_on_a_wire_only_moves(bench):
    _add(bench, "side", "Dropout", 400, 150)
    _add(bench, "end", "Dropout", 400, 300)
    wire = Edge(source="side", target="end")
    bench.document.apply("Wire", lambda project: edits.connect(project, wire))
    _add(bench, "other", "Input", 400, -100)
    target = (bench.output("in") + bench.input("mid")) / 2
    for node in ("side", "other"):
        bench.drag(bench.middle(node), target)
        assert ("in", "mid") in bench.wires
        bench.document.undo()
