"""The find bar, by keys."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from kbuilder.document import edits
from kbuilder.document.comment_edits import add_comment
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Comment, Group
from kbuilder.document.group_edits import group
from tests.ui.canvas_bench import Bench
from tests.ui.hands import ALT, CONTROL, NONE, SHIFT

_ENTER = Qt.Key.Key_Return


def _open(bench: Bench, text: str) -> None:
    bench.key(Qt.Key.Key_F, CONTROL)
    assert bench.view.find_bar.isVisible()
    QTest.keyClicks(bench.view.find_bar.search, text)


def _press(bench: Bench, key: Qt.Key, keys: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(bench.view.find_bar.search, key, keys)


def test_enter_walks_through_the_hits_and_centres_them(bench):
    bench.document.apply("Far", lambda project: edits.move(project, {"out": (5000.0, 4000.0)}))
    _open(bench, "dense")
    assert bench.view.find_bar.count.text() == "2 found"
    _press(bench, _ENTER)
    assert bench.scene.selected_ids() == ["mid"]
    assert bench.view.find_bar.count.text() == "1 of 2"
    _press(bench, _ENTER)
    assert bench.scene.selected_ids() == ["out"]
    middle = bench.view.viewport().rect().center()
    assert (bench.middle("out") - middle).manhattanLength() < 20
    _press(bench, _ENTER)
    assert bench.scene.selected_ids() == ["mid"]
    _press(bench, _ENTER, SHIFT)
    assert bench.scene.selected_ids() == ["out"]


def test_alt_enter_selects_all_hits_and_escape_closes(bench):
    _open(bench, "units")
    assert bench.view.find_bar.count.text() == "0 found"
    _press(bench, Qt.Key.Key_Escape)
    assert not bench.view.find_bar.isVisible()
    assert bench.view.hasFocus()
    _open(bench, "dense")
    _press(bench, _ENTER, ALT)
    assert bench.scene.selected_ids() == ["mid", "out"]
    assert not bench.view.find_bar.isVisible()


def test_shapes_are_found_by_what_the_engine_said(bench):
    bench.view.find_bar.set_facts(
        {"mid": NodeFacts(outputs=(TensorFacts((None, 28, 28), "float32"),))}
    )
    _open(bench, "28 x 28")
    _press(bench, _ENTER)
    assert bench.scene.selected_ids() == ["mid"]


def test_hits_follow_edits(bench):
    _open(bench, "units=4")
    assert bench.view.find_bar.count.text() == "1 found"
    bench.document.apply("Set", lambda project: edits.set_params(project, ["out"], {"units": 4}))
    assert bench.view.find_bar.count.text() == "2 found"


def test_a_hit_inside_a_collapsed_block_is_shown(bench):
    block = Group(id="g", name="block", collapsed=True)
    bench.document.apply("Group", lambda project: group(project, block, ["mid", "out"], []))
    _open(bench, "hidden")
    _press(bench, _ENTER)
    assert bench.scene.selected_ids() == ["mid"]
    assert bench.scene.root == "g"


def test_blocks_and_comments_are_found_after_layers(bench):
    block = Group(id="g", name="residual hidden")
    note = Comment(id="n", text="Why is HIDDEN so small?", x=3000.0, y=50.0)
    bench.document.apply("Group", lambda project: group(project, block, ["mid", "out"], []))
    bench.document.apply("Note", lambda project: add_comment(project, note))
    _open(bench, "hidden")
    assert bench.view.find_bar.count.text() == "3 found"
    _press(bench, _ENTER)
    assert (bench.scene.selected_ids(), bench.scene.selected_groups()) == (["mid"], [])
    _press(bench, _ENTER)
    assert bench.scene.selected_groups() == ["g"]
    _press(bench, _ENTER)
    assert bench.scene.selected_comments() == ["n"]
    shown = bench.point(bench.scene.comments["n"].sceneBoundingRect().center())
    assert (shown - bench.view.viewport().rect().center()).manhattanLength() < 20
    _press(bench, _ENTER, ALT)
    assert bench.scene.selected_comments() == ["n"]
    assert bench.scene.selected_groups() == ["g"]


def test_what_lies_in_a_folded_block_is_shown_where_it_is(bench):
    outer, inner = Group(id="o", name="outer", collapsed=True), Group(id="i", name="inner")
    note = Comment(id="n", text="deep down", group="i")
    bench.document.apply("Inner", lambda project: group(project, inner, ["mid"], []))
    bench.document.apply("Outer", lambda project: group(project, outer, ["out"], ["i"]))
    bench.document.apply("Note", lambda project: add_comment(project, note))
    assert bench.scene.comments == {}
    _open(bench, "deep")
    _press(bench, _ENTER)
    assert bench.scene.root == "o"
    assert bench.scene.selected_comments() == ["n"]
    bench.view.find_bar.search.clear()
    QTest.keyClicks(bench.view.find_bar.search, "outer")
    _press(bench, _ENTER)
    assert bench.scene.root == ""
    assert bench.scene.selected_groups() == ["o"]


def test_the_buttons_do_the_same(bench):
    _open(bench, "dense")
    bar = bench.view.find_bar
    buttons = {each.accessibleName().split(" (")[0]: each for each in bar.findChildren(QToolButton)}
    none = Qt.KeyboardModifier.NoModifier
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(buttons["Next"], left, none, QPoint(8, 8))
    assert bench.scene.selected_ids() == ["mid"]
    QTest.mouseClick(buttons["Previous"], left, none, QPoint(8, 8))
    assert bench.scene.selected_ids() == ["out"]
    QTest.mouseClick(buttons["Close"], left, none, QPoint(8, 8))
    assert not bar.isVisible()
