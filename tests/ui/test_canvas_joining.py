"""Frames take in what is dropped in them, and let go with Ctrl or by command."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QGraphicsRectItem, QLabel
from pytestqt.qtbot import QtBot

from kbuilder.document import comment_edits, edits, group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Comment, Edge, Graph, Group, Node
from tests.ui.canvas_bench import Bench
from tests.ui.drag import drag_out, drag_over, drop, layer_mime
from tests.ui.hands import CONTROL, LEFT, NONE, choose, double_click, menu_at


@pytest.fixture
def bench(qtbot: QtBot, catalogue: Catalogue) -> Bench:
    """Two blocks of two layers side by side, a layer in none, a comment in none."""
    places = {"a": (0, 0), "b": (0, 300), "c": (400, 0), "d": (400, 300), "free": (0, 500)}
    nodes = tuple(
        Node(id=name, class_name="ReLU", name=name, x=x, y=y) for name, (x, y) in places.items()
    )
    wires = (Edge(source="a", target="b"), Edge(source="c", target="d"))
    note = Comment(id="note", text="why", x=400.0, y=500.0)
    bench = Bench(catalogue, Graph(nodes=nodes, edges=wires, comments=(note,)))
    qtbot.addWidget(bench.view)
    bench.view.show()
    for name, members in (("left", ["a", "b"]), ("right", ["c", "d"])):
        made = Group(id=name, name=name)
        bench.document.apply("Group", lambda p, m=members, g=made: group_edits.group(p, g, m, []))
    bench.view.fit()
    return bench


def inside(bench: Bench, block: str) -> QPoint:
    """A free place in the middle of a frame, beside the wire."""
    frame = bench.scene.projection.frames[block]
    return bench.point(QPointF(frame.right - 40, (frame.top + frame.bottom) / 2))


def carry(
    bench: Bench, start: QPoint, end: QPoint, keys: Qt.KeyboardModifier = NONE
) -> tuple[str, int]:
    """Drag with the mouse; answers the tip and the number of marked frames before letting go.

    The keys are down at the end only: a move by QTest carries none.
    """
    viewport = bench.view.viewport()
    QTest.mousePress(viewport, LEFT, NONE, start)
    for at in ((start + end) / 2, end):
        QTest.mouseMove(viewport, at)
    tips = [each for each in bench.view.findChildren(QLabel) if each.property("role") == "card"]
    told = " ".join(tip.text() for tip in tips if tip.isVisible())
    marks = [item for item in bench.scene.items() if type(item) is QGraphicsRectItem]
    QTest.mouseRelease(viewport, LEFT, keys, end)
    return told, len(marks)


def group_of(bench: Bench, node: str) -> str:
    return bench.graph.by_id[node].group


def test_a_layer_dropped_inside_a_frame_joins_the_block_in_one_step(bench: Bench) -> None:
    before = bench.document.project
    told, marks = carry(bench, bench.middle("free"), inside(bench, "left"))
    assert (told, marks) == ("Joins left", 1)
    assert group_of(bench, "free") == "left"
    assert bench.document.undo_text == "Move free into left"
    assert not [item for item in bench.scene.items() if type(item) is QGraphicsRectItem]
    bench.document.undo()
    assert bench.document.project == before


def test_a_plain_drag_never_tears_a_layer_out_of_its_block(bench: Bench) -> None:
    told, marks = carry(bench, bench.middle("a"), bench.point(QPointF(-300, 150)))
    assert (told, marks) == ("Stays in left. Ctrl takes it out.", 0)
    assert group_of(bench, "a") == "left"
    assert bench.document.undo_text == "Move a"
    bench.view.fit()
    carry(bench, bench.middle("a"), inside(bench, "right"))
    assert group_of(bench, "a") == "left", "nor into a block beside its own"


def test_with_control_it_leaves_or_changes_its_block(bench: Bench) -> None:
    carry(bench, bench.middle("a"), bench.point(QPointF(-60, 520)), CONTROL)
    assert group_of(bench, "a") == ""
    assert bench.document.undo_text == "Move a out of its block"
    bench.document.undo()
    carry(bench, bench.middle("a"), inside(bench, "right"), CONTROL)
    assert group_of(bench, "a") == "right"
    assert bench.document.undo_text == "Move a into right"


def test_a_whole_block_is_nested_by_its_title(bench: Bench) -> None:
    bench.document.apply("Far", lambda p: edits.move(p, {"c": (400.0, 0.0), "d": (900.0, 900.0)}))
    bench.view.fit()
    frame = bench.scene.projection.frames["left"]
    title = bench.point(QPointF(frame.left + 20, frame.top + 8))
    told, _ = carry(bench, title, inside(bench, "right"))
    assert told == "Joins right"
    assert bench.graph.group_by_id["left"].parent == "right"
    assert [group_of(bench, node) for node in ("a", "b")] == ["left", "left"]


def test_all_layers_of_a_block_take_the_block_with_them(bench: Bench) -> None:
    bench.scene.select(["a", "b"])
    carry(bench, bench.middle("a"), inside(bench, "right"), CONTROL)
    assert bench.graph.group_by_id["left"].parent == "right"
    assert group_of(bench, "a") == "left"


def test_a_comment_joins_and_leaves(bench: Bench) -> None:
    start = bench.point(QPointF(430, 560))
    assert carry(bench, start, inside(bench, "right"))[0] == "Joins right"
    assert bench.graph.comments[0].group == "right"
    assert bench.document.undo_text == "Move a comment into right"
    note = bench.graph.comments[0]
    at = bench.point(QPointF(note.x + note.width - 40, note.y + 10))
    bench.scene.select(())
    carry(bench, at, bench.point(QPointF(250, 560)), CONTROL)
    assert bench.graph.comments[0].group == ""


def test_a_drag_given_up_joins_nothing(bench: Bench) -> None:
    before = bench.document.project
    bench.press(bench.middle("free"))
    bench.move(inside(bench, "left"))
    bench.key(Qt.Key.Key_Escape)
    assert not [item for item in bench.scene.items() if type(item) is QGraphicsRectItem]
    bench.release(inside(bench, "left"))
    assert bench.document.project == before


def test_a_layer_from_the_palette_joins_the_frame_it_is_dropped_in(bench: Bench) -> None:
    at = inside(bench, "left")
    drag_over(bench.view.viewport(), layer_mime("Dropout"), at)
    marks = [item for item in bench.scene.items() if type(item) is QGraphicsRectItem]
    assert len(marks) == 1
    drag_out(bench.view.viewport())
    assert not [item for item in bench.scene.items() if type(item) is QGraphicsRectItem]
    drop(bench.view.viewport(), layer_mime("Dropout"), at)
    assert bench.graph.nodes[-1].group == "left"
    drop(bench.view.viewport(), layer_mime("Dropout"), bench.point(QPointF(250, 560)))
    assert bench.graph.nodes[-1].group == ""


def test_what_is_asked_for_or_pasted_inside_a_frame_joins_it(bench: Bench) -> None:
    double_click(bench, inside(bench, "left"))
    QTest.keyClicks(bench.view.inserter.quick.search, "dropout")
    QTest.keyClick(bench.view.inserter.quick.search, Qt.Key.Key_Return)
    assert bench.graph.nodes[-1].group == "left"
    bench.scene.select(["free"])
    bench.view.clipboard.copy()
    bench.view.clipboard.paste(bench.view.mapToScene(inside(bench, "right")))
    assert bench.graph.nodes[-1].group == "right"


def test_a_layer_put_into_a_wire_joins_the_block_of_the_wire(bench: Bench) -> None:
    at = (bench.output("a") + bench.input("b")) / 2
    carry(bench, bench.middle("free"), at)
    assert ("a", "free") in bench.wires
    assert group_of(bench, "free") == "left"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_menu_takes_a_layer_out_to_beside_the_frame(bench: Bench, qtbot: QtBot) -> None:
    made = Node(id="e", class_name="ReLU", name="e", x=0.0, y=150.0, group="left")
    bench.document.apply("Add", lambda p: edits.add_node(p, made))
    choose(menu_at(bench, bench.middle("e")), "take_out")
    assert group_of(bench, "e") == ""
    frame = bench.scene.projection.frames["left"]
    assert bench.graph.by_id["e"].x > frame.right
    assert bench.document.undo_text == "Take e out of its block"
    menu = menu_at(bench, bench.middle("e"))
    assert not bench.view.commands["take_out"].isEnabled()
    menu.close()
    with qtbot.waitSignal(bench.view.hint) as hint:
        bench.view.grouping.take_out()
    assert hint.args == ["Nothing that is selected lies in a block."]


def test_a_comment_written_inside_a_frame_is_part_of_the_block(bench: Bench) -> None:
    bench.view.commenting.add(bench.view.mapToScene(inside(bench, "left")))
    assert bench.graph.comments[-1].group == "left"
    bench.view.commenting.cancel()
    bench.document.apply("No", lambda p: comment_edits.remove_comments(p, ["note"]))
    assert bench.graph.comments == ()
