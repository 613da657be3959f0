"""Copy, cut, paste, duplicate, and copies by Alt-drag."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QGuiApplication

from kbuilder.document import edits
from kbuilder.document.comment_edits import add_comment
from kbuilder.document.graph import Comment, Graph, Group
from kbuilder.document.group_edits import group
from kbuilder.ui.canvas.clipboard import MIME_FRAGMENT
from tests.ui.canvas_bench import Bench, chain
from tests.ui.hands import ALT, CONTROL, held, stroke


@pytest.fixture(autouse=True)
def empty_clipboard(dressed):
    QGuiApplication.clipboard().clear()


def _names(bench: Bench) -> list[str]:
    return [node.name for node in bench.graph.nodes]


def test_copy_and_paste_in_place_land_beside_the_original_and_are_selected(bench, monkeypatch):
    monkeypatch.setattr(bench.view, "underMouse", lambda: False)
    bench.scene.select(["mid", "out"])
    bench.key(Qt.Key.Key_C, CONTROL)
    bench.key(Qt.Key.Key_V, CONTROL)
    assert _names(bench) == ["image", "hidden", "last", "hidden_1", "last_1"]
    made = bench.graph.nodes[-2:]
    assert [(node.x, node.y) for node in made] == [(24, 144), (24, 264)]
    assert made[0].params == {"units": 4}
    assert (made[0].id, made[1].id) in bench.wires
    assert bench.graph.incoming[made[0].id] == ()
    assert bench.scene.selected_ids() == [node.id for node in made]
    assert bench.document.undo_text == "Paste 2 layers"
    bench.key(Qt.Key.Key_V, CONTROL)
    assert bench.graph.nodes[-1].x == 48
    bench.document.undo()
    bench.document.undo()
    assert bench.graph == chain()


def test_paste_lands_at_the_mouse(bench, monkeypatch):
    monkeypatch.setattr(bench.view, "underMouse", lambda: True)
    bench.click(bench.middle("mid"))
    bench.key(Qt.Key.Key_C, CONTROL)
    at = QPoint(700, 500)
    bench.hover(at)
    bench.key(Qt.Key.Key_V, CONTROL)
    made = bench.graph.nodes[-1]
    assert (bench.middle(made.id) - at).manhattanLength() <= 2
    assert bench.document.undo_text == "Paste hidden"


def test_cut_takes_the_layer_and_heals_the_chain(bench):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_X, CONTROL)
    assert bench.wires == {("in", "out")}
    assert bench.document.undo_text == "Cut hidden"
    bench.key(Qt.Key.Key_V, CONTROL)
    assert _names(bench) == ["image", "last", "hidden"]


def test_layers_travel_between_windows_and_as_text(bench, catalogue, qtbot):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_C, CONTROL)
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasFormat(MIME_FRAGMENT)
    text = data.text()
    assert json.loads(text)["nodes"][0]["name"] == "hidden"

    QGuiApplication.clipboard().setText(text)
    other = Bench(catalogue, Graph())
    qtbot.addWidget(other.view)
    other.view.show()
    other.view.clipboard.paste()
    assert [node.params for node in other.graph.nodes] == [{"units": 4}]


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "holds no layers"), ("Dear all,", "no layers"), ('{"format": "x"}', "no layers")],
)
def test_what_holds_no_layers_is_refused_with_a_sentence(bench, qtbot, text, told):
    data = QMimeData()
    if text:
        data.setText(text)
    QGuiApplication.clipboard().setMimeData(data)
    before = bench.document.project
    with qtbot.waitSignal(bench.view.hint) as heard:
        bench.key(Qt.Key.Key_V, CONTROL)
    assert told in heard.args[0]
    assert bench.document.project is before


def test_copy_without_a_selection_keeps_the_clipboard(bench):
    QGuiApplication.clipboard().setText("mine")
    bench.key(Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "mine"


def test_duplicate_stands_beside_and_is_fed_alike(bench):
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_D, CONTROL)
    made = bench.graph.nodes[-1]
    assert (made.name, made.x, made.y) == ("hidden_1", 214, 120)
    assert bench.wires == {("in", "mid"), ("mid", "out"), ("in", made.id)}
    assert bench.document.undo_text == "Duplicate hidden"


def test_a_copy_inside_a_block_stays_in_it(bench):
    block = Group(id="g", name="block")
    bench.document.apply("Group", lambda project: group(project, block, ["mid", "out"], []))
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_D, CONTROL)
    assert bench.graph.nodes[-1].group == "g"
    bench.scene.select(["g"])
    bench.key(Qt.Key.Key_D, CONTROL)
    assert [each.name for each in bench.graph.groups] == ["block", "block_1"]
    assert len(bench.graph.members[bench.graph.groups[1].id]) == 3


def test_alt_drag_leaves_the_original_and_drops_a_copy(bench):
    start, end = bench.middle("mid"), bench.middle("mid") + QPoint(260, 40)
    held(bench, [start, (start + end) / 2, end], ALT)
    ghosts = [item for item in bench.scene.items() if type(item).__name__ == "Ghost"]
    assert len(ghosts) == 1
    assert ghosts[0].sceneBoundingRect().contains(bench.view.mapToScene(end))
    assert len(bench.graph.nodes) == 3
    bench.release(end)
    made = bench.graph.nodes[-1]
    assert made.name == "hidden_1"
    assert (bench.middle(made.id) - end).manhattanLength() <= 2
    assert bench.graph.by_id["mid"].x == 0
    assert bench.document.undo_text == "Duplicate hidden"
    assert not [item for item in bench.scene.items() if type(item).__name__ == "Ghost"]


def test_escape_gives_up_an_alt_drag(bench):
    start = bench.middle("mid")
    held(bench, [start, start + QPoint(260, 40)], ALT)
    bench.key(Qt.Key.Key_Escape)
    bench.release(start + QPoint(260, 40))
    assert len(bench.graph.nodes) == 3
    assert not [item for item in bench.scene.items() if type(item).__name__ == "Ghost"]


def test_an_alt_click_without_a_drag_copies_nothing(bench):
    stroke(bench, [bench.middle("mid")], ALT)
    assert len(bench.graph.nodes) == 3
    assert bench.scene.selected_ids() == ["mid"]


def test_comments_are_copied_too(bench):
    note = Comment(id="n", text="look", x=300)
    bench.document.apply("Comment", lambda project: add_comment(project, note))
    bench.scene.select((), comments=["n"])
    bench.key(Qt.Key.Key_D, CONTROL)
    assert [each.text for each in bench.graph.comments] == ["look", "look"]
    assert bench.scene.selected_comments() == [bench.graph.comments[1].id]


def test_pasted_layers_are_scrolled_into_view(bench, monkeypatch):
    monkeypatch.setattr(bench.view, "underMouse", lambda: False)
    bench.document.apply("Far", lambda project: edits.move(project, {"mid": (9000.0, 9000.0)}))
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_C, CONTROL)
    bench.key(Qt.Key.Key_V, CONTROL)
    assert bench.view.viewport().rect().contains(bench.middle(bench.graph.nodes[-1].id))
