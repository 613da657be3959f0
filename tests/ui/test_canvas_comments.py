"""Comments on the canvas: adding, writing, moving, resizing, colours, painting."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from kbuilder.document.comment_edits import add_comment
from kbuilder.document.graph import Comment
from kbuilder.ui import theme
from kbuilder.ui.canvas.comment_item import CommentItem, comment_colour
from tests.ui.canvas_bench import Bench
from tests.ui.hands import CONTROL, SHIFT, choose, double_click, held, menu_at


@pytest.fixture
def note(bench: Bench) -> Comment:
    made = Comment(id="n", text="why so deep?", x=240.0, y=20.0, width=160.0, height=90.0)
    bench.document.apply("Add", lambda project: add_comment(project, made))
    return made


def _middle(bench: Bench) -> QPoint:
    item = bench.scene.comments["n"]
    return bench.point(item.pos() + item.rect.center())


def _corner(bench: Bench) -> QPoint:
    item = bench.scene.comments["n"]
    return bench.point(item.pos() + item.rect.bottomRight()) - QPoint(4, 4)


def _value(bench: Bench) -> Comment:
    return bench.graph.comments[0]


def test_c_adds_a_comment_to_write_in_and_control_enter_keeps_it(bench):
    before = bench.document.project
    bench.key(Qt.Key.Key_C)
    editor = bench.view.commenting.editor
    assert editor.hasFocus()
    QTest.keyClicks(editor, "first line")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.keyClicks(editor, "second")
    QTest.keyClick(editor, Qt.Key.Key_Return, CONTROL)
    assert not editor.isVisible()
    assert bench.view.hasFocus()
    assert _value(bench).text == "first line\nsecond"
    assert bench.document.undo_text == "Add a comment"
    bench.document.undo()
    assert bench.document.project == before


def test_escape_in_a_new_comment_takes_it_away(bench):
    before = bench.document.project
    bench.key(Qt.Key.Key_C)
    editor = bench.view.commenting.editor
    QTest.keyClicks(editor, "no")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert bench.document.project == before
    assert not editor.isVisible()


def test_a_double_click_writes_and_leaving_keeps(bench, note):
    double_click(bench, _middle(bench))
    editor = bench.view.commenting.editor
    assert editor.toPlainText() == "why so deep?"
    QTest.keyClicks(editor, "because")
    bench.view.setFocus()
    assert _value(bench).text == "because"
    assert bench.document.undo_text == "Edit a comment"


def test_enter_writes_and_escape_forgets(bench, note):
    bench.click(_middle(bench))
    assert bench.scene.selected_comments() == ["n"]
    bench.key(Qt.Key.Key_Return)
    editor = bench.view.commenting.editor
    QTest.keyClicks(editor, "never mind")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert _value(bench) == note


def test_the_field_follows_the_canvas(bench, note):
    double_click(bench, _middle(bench))
    editor = bench.view.commenting.editor
    before = editor.pos()
    bench.view.scroll_by(QPointF(-40, 25))
    assert editor.pos() - before == QPoint(-40, 25)
    assert editor.isVisible()


def test_a_drag_moves_and_escape_puts_back(bench, note):
    start = _middle(bench)
    held(bench, [start, start + QPoint(50, 30)])
    assert bench.scene.comments["n"].pos() == QPointF(290, 50)
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.comments["n"].pos() == QPointF(240, 20)
    bench.release(start)
    bench.drag(start, start + QPoint(50, 30))
    assert (_value(bench).x, _value(bench).y) == (290, 50)
    assert bench.document.undo_text == "Move a comment"


def test_layers_and_comments_move_together(bench, note):
    bench.click(bench.middle("mid"))
    bench.click(_middle(bench), SHIFT)
    start = bench.middle("mid")
    bench.drag(start, start + QPoint(40, 0))
    assert bench.graph.by_id["mid"].x == 40
    assert _value(bench).x == 280
    bench.document.undo()
    assert (bench.graph.by_id["mid"].x, _value(bench).x) == (0, 240)


def test_the_corner_resizes_and_never_too_small(bench, note):
    start = _corner(bench)
    bench.drag(start, start + QPoint(60, 40))
    assert (_value(bench).width, _value(bench).height) == (220, 130)
    assert bench.document.undo_text == "Resize a comment"
    start = _corner(bench)
    held(bench, [start, start - QPoint(600, 600)])
    assert bench.scene.comments["n"].rect.width() == 80
    bench.key(Qt.Key.Key_Escape)
    assert bench.scene.comments["n"].rect.width() == 220
    bench.release(start)
    assert _value(bench).width == 220


def test_delete_and_undo(bench, note):
    bench.click(_middle(bench))
    bench.key(Qt.Key.Key_Delete)
    assert bench.graph.comments == ()
    assert bench.scene.comments == {}
    assert bench.document.undo_text == "Delete a comment"
    bench.document.undo()
    assert set(bench.scene.comments) == {"n"}


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_colour_is_chosen_in_the_menu(bench, note):
    menu = menu_at(bench, _middle(bench))
    choose(menu, "colour_green")
    assert _value(bench).colour == "green"
    assert bench.document.undo_text == "Colour a comment"


def test_alt_arrows_nudge_a_comment(bench, note):
    bench.click(_middle(bench))
    bench.key(Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert _value(bench).x == 248


def test_nodes_lie_above_comments(bench):
    made = Comment(id="n", text="x", x=-40.0, y=80.0, width=300.0, height=200.0)
    bench.document.apply("Add", lambda project: add_comment(project, made))
    bench.click(bench.middle("mid"))
    assert bench.scene.selected_ids() == ["mid"]
    assert bench.scene.selected_comments() == []


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_card_is_painted_in_its_colour_with_as_much_text_as_fits(bench, dressed, choice):
    theme.apply_theme(dressed, choice)
    text = "word " * 200
    made = Comment(id="n", text=text, x=240.0, y=20.0, width=160.0, height=90.0, colour="red")
    bench.document.apply("Add", lambda project: add_comment(project, made))
    item = bench.scene.comments["n"]
    picture = bench.view.viewport().grab().toImage()
    inside = picture.pixelColor(bench.point(item.pos() + QPointF(4, 80)))
    wanted = comment_colour("red")
    assert min(abs(inside.hue() - wanted.hue()), 360 - abs(inside.hue() - wanted.hue())) < 15
    lines = item._wrapped()
    assert 3 <= len(lines) <= 5
    assert lines[-1][1].endswith("…")
    theme.apply_theme(dressed, "dark")


def test_an_endless_text_costs_no_more_than_what_is_seen(dressed, bench):
    item = CommentItem(Comment(id="x", text="word " * 400_000), bench.scene.canvas_style)
    assert len(item._wrapped()) < 10
    item = CommentItem(Comment(id="x", text="\n" * 1000 + "w" * 500), bench.scene.canvas_style)
    assert len(item._wrapped()) < 10
    QApplication.processEvents()


def test_a_comment_asked_for_over_layers_goes_beside_them(bench):
    for number, place in enumerate((QPointF(20, 130), QPointF(-150, 250))):
        bench.view.commenting.add(place)
        bench.view.commenting.cancel()
        bench.view.commenting.add(place)
        QTest.keyClicks(bench.view.commenting.editor, "why")
        bench.view.commenting.commit()
        item = bench.scene.comments[bench.graph.comments[number].id]
        boxes = [bench.scene.content_rect([node]) for node in bench.scene.nodes]
        assert not any(box.intersects(item.sceneBoundingRect()) for box in boxes)
