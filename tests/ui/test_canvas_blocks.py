"""Blocks on the canvas: boxes, frames, wires between them, and looking inside."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from kbuilder.document import edits, group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Comment, Edge, Graph, Group, Node
from kbuilder.document.problems import Problem
from kbuilder.ui.canvas.ports import Port
from tests.ui.canvas_bench import Bench

POINT = QPointF(92, 27)


def residual() -> Graph:
    """in -> stem -> (conv -> relu, + stem -> add) -> out, a hundred units apart."""
    names = ("in", "stem", "conv", "relu", "add", "out")
    classes = ("Input", "Dense", "Dense", "ReLU", "Add", "Dense")
    nodes = tuple(
        Node(id=name, class_name=kind, name=name, y=100.0 * row)
        for row, (name, kind) in enumerate(zip(names, classes, strict=True))
    )
    pairs = ("in stem 0", "stem conv 0", "conv relu 0", "stem add 0", "relu add 1", "add out 0")
    edges = [pair.split() for pair in pairs]
    return Graph(
        nodes=nodes,
        edges=tuple(Edge(source=a, target=b, target_port=int(port)) for a, b, port in edges),
    )


@pytest.fixture
def bench(qtbot: QtBot, catalogue: Catalogue) -> Bench:
    bench = Bench(catalogue, residual())
    qtbot.addWidget(bench.view)
    bench.view.show()
    made = Group(id="block", name="residual")
    bench.document.apply("Group", lambda p: group_edits.group(p, made, ["conv", "relu", "add"], []))
    return bench


def fold(bench: Bench, folded: bool = True) -> None:
    bench.document.apply("Fold", lambda p: group_edits.collapse(p, ["block"], folded))


def test_an_open_block_is_a_frame_around_its_members(bench: Bench) -> None:
    frame = bench.scene.frames["block"].sceneBoundingRect()
    for node in ("conv", "relu", "add"):
        assert frame.contains(bench.scene.nodes[node].pos() + POINT)
    assert not frame.contains(bench.scene.nodes["stem"].pos() + POINT)
    assert len(bench.scene.edges) == 6


def test_a_folded_block_is_one_box_with_one_port_for_each_tensor(bench: Bench) -> None:
    fold(bench)
    scene = bench.scene
    assert set(scene.nodes) == {"in", "stem", "block", "out"}
    assert scene.frames == {}
    block = scene.projection.ports["block"]
    assert block.inputs == ((("conv", 0), ("add", 0)),), "two readers of one tensor, one port"
    assert block.outputs == (("add", 0),)
    shown = {(item.edge.source, item.edge.target) for item in scene.edges.values()}
    assert shown == {("in", "stem"), ("stem", "block"), ("block", "out")}
    assert scene.ports_behind(Port("block", 0, False)) == [
        Port("conv", 0, False),
        Port("add", 0, False),
    ]


def test_opening_it_again_shows_everything_as_before(bench: Bench) -> None:
    before = {box: item.pos() for box, item in bench.scene.nodes.items()}
    fold(bench)
    fold(bench, False)
    assert {box: item.pos() for box, item in bench.scene.nodes.items()} == before
    assert len(bench.scene.edges) == 6


def test_undo_brings_the_items_back(bench: Bench) -> None:
    fold(bench)
    bench.document.undo()
    bench.document.undo()
    assert set(bench.scene.nodes) == set(residual().by_id)
    assert bench.scene.frames == {}


def test_a_box_sums_up_what_is_inside(bench: Bench) -> None:
    fold(bench)
    tensor = TensorFacts((None, 7), "float32")
    facts = {
        "conv": NodeFacts(outputs=(tensor,), trainable_params=30),
        "add": NodeFacts(outputs=(tensor,), fixed_params=4),
    }
    bench.scene.set_facts(facts, [Problem(severity="error", text="odd", node="relu")])
    look = bench.scene.nodes["block"].look
    assert look.facts is not None
    assert (look.facts.trainable_params, look.facts.fixed_params) == (30, 4)
    assert look.errors == 1
    assert look.block == "3 layers"
    assert bench.scene.edges[("add", 0, "out", 0)].pill.text == "7"
    assert "odd" in bench.scene.tip_of("block")


def test_selecting_a_block_selects_its_nodes(bench: Bench) -> None:
    fold(bench)
    bench.scene.select(["block"])
    assert bench.scene.selected_groups() == ["block"]
    assert bench.scene.selected_ids() == ["conv", "relu", "add"]


def test_deleting_a_drawn_wire_deletes_all_it_stands_for(bench: Bench) -> None:
    fold(bench)
    bench.scene.select((), [("stem", 0, "conv", 0)])
    assert bench.scene.selected_edges() == [("stem", 0, "conv", 0), ("stem", 0, "add", 0)]


def test_entering_shows_the_inside_and_where_it_is_wired_to(bench: Bench, qtbot: QtBot) -> None:
    fold(bench)
    with qtbot.waitSignal(bench.scene.root_changed, timeout=1000):
        bench.scene.enter("block")
    scene = bench.scene
    assert set(scene.nodes) == {"conv", "relu", "add", "stem", "out"}
    assert scene.projection.ghosts == {"stem", "out"}
    tops = {box: item.pos().y() for box, item in scene.nodes.items()}
    assert tops["stem"] < tops["conv"] < tops["add"] < tops["out"]
    scene.select(["stem", "conv"])
    assert scene.selected_ids() == ["conv"], "what lies outside cannot be changed from here"
    assert scene.leave()
    assert set(scene.nodes) == {"in", "stem", "block", "out"}
    assert scene.selected_groups() == ["block"]
    assert not scene.leave()


def test_undoing_the_block_that_is_entered_shows_the_whole_graph(bench: Bench) -> None:
    bench.scene.enter("block")
    bench.document.undo()
    assert bench.scene.root == ""
    assert set(bench.scene.nodes) == set(residual().by_id)


def test_a_node_in_a_folded_block_is_revealed_by_entering_it(bench: Bench) -> None:
    inner = Group(id="inner", name="path", collapsed=True)
    bench.document.apply("Group", lambda p: group_edits.group(p, inner, ["conv", "relu"], []))
    fold(bench)
    bench.scene.reveal("relu")
    assert bench.scene.root == "inner"
    bench.scene.reveal("add")
    assert "add" in bench.scene.nodes
    assert "add" not in bench.scene.projection.ghosts
    bench.scene.reveal("in")
    assert bench.scene.root == ""


def test_a_block_in_a_block_has_its_frame_inside(bench: Bench) -> None:
    inner = Group(id="inner", name="path")
    bench.document.apply("Group", lambda p: group_edits.group(p, inner, ["conv", "relu"], []))
    outer = bench.scene.frames["block"].sceneBoundingRect()
    assert outer.contains(bench.scene.frames["inner"].sceneBoundingRect())


def test_comments_are_where_their_block_is(bench: Bench) -> None:
    notes = (Comment(id="a", text="all"), Comment(id="b", text="inside", group="block"))
    bench.document.apply("Note", lambda p: replace(p, graph=replace(p.graph, comments=notes)))
    assert set(bench.scene.comments) == {"a", "b"}
    fold(bench)
    assert set(bench.scene.comments) == {"a"}
    bench.scene.enter("block")
    assert set(bench.scene.comments) == {"b"}


def test_a_shared_layer_says_whose_it_is_and_follows_it(bench: Bench) -> None:
    made = Node(id="again", class_name="", name="again", x=300)
    bench.document.apply("Share", lambda p: group_edits.share(p, "stem", made))
    assert "stem" in bench.scene.nodes["again"].look.shared
    assert bench.scene.nodes["stem"].look.lent
    (line,) = bench.scene.share_lines.items.values()
    assert line.path().elementAt(0).x == bench.scene.nodes["stem"].pos().x() + 184
    bench.document.apply("Move", lambda p: edits.move(p, {"again": (-400.0, 0.0)}))
    assert line.path().elementAt(0).x == bench.scene.nodes["stem"].pos().x()
    bench.document.apply("Own", lambda p: group_edits.unshare(p, ["again"]))
    assert bench.scene.share_lines.items == {}


def test_open_required_inputs_are_ports_of_the_box(bench: Bench) -> None:
    graph = residual()
    bare = replace(graph, edges=tuple(e for e in graph.edges if e.source != "stem"))
    bench.document.apply("Cut", lambda p: replace(p, graph=replace(p.graph, edges=bare.edges)))
    fold(bench)
    assert bench.scene.projection.ports["block"].inputs == ((("conv", 0),), (("add", 0),))


def test_the_breadcrumb_leads_back(bench: Bench) -> None:
    inner = Group(id="inner", name="path")
    bench.document.apply("Group", lambda p: group_edits.group(p, inner, ["conv", "relu"], []))
    bench.scene.enter("inner")
    words = [part.text() for part in bench.view.breadcrumb.findChildren(QLabel)]
    assert words[-1] == "path"
    back = {button.text(): button for button in bench.view.breadcrumb.findChildren(QPushButton)}
    assert list(back) == ["main graph", "residual"]
    back["residual"].click()
    assert bench.scene.root == "block"
    bench.view.breadcrumb.findChildren(QPushButton)[0].click()
    assert bench.scene.root == ""


def press(
    bench: Bench, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    bench.view.setFocus()
    QTest.keyClick(bench.view, key, keys)


def test_a_block_is_made_folded_entered_and_dissolved_by_keys(bench: Bench) -> None:
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    bench.document.undo()
    start = bench.document.project
    bench.scene.select(["conv", "relu", "add"])
    press(bench, Qt.Key.Key_G, control)
    (group,) = bench.graph.groups
    assert bench.graph.members[group.id] == ("conv", "relu", "add")
    assert bench.scene.selected_groups() == [group.id]
    press(bench, Qt.Key.Key_B)
    assert bench.scene.nodes[group.id].look.block == "3 layers"
    press(bench, Qt.Key.Key_Down, control)
    assert bench.scene.root == group.id
    press(bench, Qt.Key.Key_Escape)
    assert bench.scene.root == ""
    assert bench.scene.selected_groups() == [group.id]
    press(bench, Qt.Key.Key_B)
    assert set(bench.scene.frames) == {group.id}
    press(bench, Qt.Key.Key_G, control | shift)
    assert bench.graph.groups == ()
    while bench.document.undo_text:
        bench.document.undo()
    assert bench.document.project == start


def test_a_layer_is_used_once_more_and_gets_weights_of_its_own(bench: Bench) -> None:
    bench.scene.select(["stem"])
    bench.view.commands["share"].trigger()
    (made,) = bench.scene.selected_ids()
    assert bench.graph.by_id[made].shares == "stem"
    bench.view.commands["unshare"].trigger()
    assert bench.graph.by_id[made].shares == ""


def test_a_folded_block_is_dragged_with_all_that_is_in_it(bench: Bench) -> None:
    fold(bench)
    before = bench.graph
    middle = bench.middle("block")
    bench.press(middle)
    bench.move(middle + QPoint(60, 20))
    bench.release(middle + QPoint(60, 20))
    for node in ("conv", "relu", "add"):
        assert bench.graph.by_id[node].x == before.by_id[node].x + 60
        assert bench.graph.by_id[node].y == before.by_id[node].y + 20
    assert bench.graph.by_id["out"] == before.by_id["out"]
    assert bench.document.undo_text.startswith("Move")


def test_a_wire_from_a_folded_block_starts_at_the_node_inside(bench: Bench) -> None:
    fold(bench)
    two = Node(id="two", class_name="Dense", name="two", x=300.0, y=420.0)
    bench.document.apply("Add", lambda p: edits.add_node(p, two))
    start, end = bench.output("block"), bench.input("two")
    bench.press(start)
    bench.move(end)
    bench.release(end)
    assert ("add", "two") in bench.wires


def test_a_wire_to_a_folded_block_feeds_all_that_the_port_feeds(bench: Bench) -> None:
    fold(bench)
    two = Node(id="two", class_name="Dense", name="two", x=-400.0, y=100.0)
    bench.document.apply("Add", lambda p: edits.add_node(p, two))
    start, end = bench.output("two"), bench.input("block")
    bench.press(start)
    bench.move(end)
    bench.release(end)
    assert {("two", "conv"), ("two", "add")} <= bench.wires
    assert ("stem", "conv") not in bench.wires


def test_a_block_stays_selected_when_it_is_folded_and_looks_so(bench: Bench) -> None:
    bench.scene.select(["block"])
    bench.view.grouping.fold()
    assert bench.scene.selected_groups() == ["block"]
    assert bench.scene.nodes["block"]._selected
    bench.view.grouping.fold()
    assert bench.scene.frames["block"]._selected


def test_leaving_a_block_shows_what_one_saw_before(bench: Bench) -> None:
    bench.view.set_zoom(0.8)
    bench.view.centerOn(bench.scene.nodes["out"])
    before = bench.view.mapToScene(bench.view.viewport().rect().center())
    bench.scene.enter("block")
    bench.scene.leave()
    after = bench.view.mapToScene(bench.view.viewport().rect().center())
    assert bench.view.zoom == pytest.approx(0.8)
    assert (after - before).manhattanLength() < 4
