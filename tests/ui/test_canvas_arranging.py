"""Automatic layout in the window: asked of the engine, applied as one edit, shown in motion."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QStyle

from kbuilder.document import edits
from kbuilder.link.events import Arranged, Failed
from kbuilder.link.requests import Arrange
from kbuilder.ui.canvas import arranging as module
from kbuilder.ui.canvas.arranging import Arranging
from tests.ui.canvas_bench import Bench
from tests.ui.fake_engine import FakeEngine
from tests.ui.hands import CONTROL

_PLACES = {"in": (0.0, 0.0), "mid": (500.0, 100.0), "out": (0.0, 200.0)}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def arranging(bench: Bench, engine: FakeEngine) -> Arranging:
    made = Arranging(bench.scene, engine, bench.view)  # type: ignore[arg-type]
    bench.view.arrange_wanted.connect(made.arrange)
    return made


def _answer(engine: FakeEngine) -> None:
    engine.say(Arranged(request=engine.last(Arrange).request, places=_PLACES))


def test_control_l_asks_for_all_and_applies_the_answer_as_one_edit(bench, engine, arranging):
    before = bench.document.project
    bench.key(Qt.Key.Key_L, CONTROL)
    asked = engine.last(Arrange)
    assert asked.graph == before.graph
    assert asked.only == ()
    _answer(engine)
    assert (bench.graph.by_id["mid"].x, bench.graph.by_id["mid"].y) == (500, 100)
    assert bench.document.undo_text == "Arrange the layers"
    bench.document.undo()
    assert bench.document.project == before


def test_with_two_selected_only_these_are_asked_for(bench, engine, arranging):
    bench.scene.select(["mid", "out"])
    bench.key(Qt.Key.Key_L, CONTROL)
    assert engine.last(Arrange).only == ("mid", "out")
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_L, CONTROL)
    assert engine.last(Arrange).only == ()


def test_an_answer_for_another_graph_is_dropped_with_a_word(bench, engine, arranging, qtbot):
    bench.key(Qt.Key.Key_L, CONTROL)
    bench.document.apply("Move", lambda project: edits.move(project, {"in": (5.0, 5.0)}))
    before = bench.document.project
    with qtbot.waitSignal(arranging.told) as told:
        _answer(engine)
    assert "changed" in told.args[0]
    assert bench.document.project is before


def test_only_the_last_request_counts(bench, engine, arranging):
    bench.key(Qt.Key.Key_L, CONTROL)
    first = engine.last(Arrange).request
    bench.key(Qt.Key.Key_L, CONTROL)
    engine.say(Arranged(request=first, places=_PLACES))
    assert bench.graph.by_id["mid"].x == 0
    _answer(engine)
    assert bench.graph.by_id["mid"].x == 500


def test_a_failure_is_told(bench, engine, arranging, qtbot):
    bench.key(Qt.Key.Key_L, CONTROL)
    with qtbot.waitSignal(arranging.told) as told:
        engine.say(Failed(request=engine.last(Arrange).request, text="No layout."))
    assert told.args == ["No layout."]


def test_boxes_glide_from_the_old_to_the_new_places(bench, engine, arranging, qtbot):
    bench.key(Qt.Key.Key_L, CONTROL)
    seen = []
    bench.scene.shapes_changed.connect(lambda: seen.append(bench.scene.nodes["mid"].pos().x()))
    _answer(engine)
    assert arranging.gliding
    qtbot.waitUntil(lambda: not arranging.gliding)
    assert bench.scene.nodes["mid"].pos() == QPointF(500, 100)
    assert seen[:2] == [500, 0], "the document has it first, then the boxes begin"
    assert seen[1:] == sorted(seen[1:])
    wire = bench.scene.edges[("in", 0, "mid", 0)]
    assert wire.end == QPointF(592, 100)


def test_an_edit_during_the_motion_ends_it_at_the_right_places(bench, engine, arranging):
    bench.key(Qt.Key.Key_L, CONTROL)
    _answer(engine)
    assert arranging.gliding
    bench.document.apply("Move", lambda project: edits.move(project, {"in": (7.0, 7.0)}))
    assert not arranging.gliding
    for node in bench.graph.nodes:
        assert bench.scene.nodes[node.id].pos() == QPointF(node.x, node.y)


def test_nothing_moves_where_the_desktop_wants_it_still(bench, engine, arranging, monkeypatch):
    monkeypatch.setattr(module, "motion_wanted", lambda: False)
    bench.key(Qt.Key.Key_L, CONTROL)
    _answer(engine)
    assert not arranging.gliding
    assert bench.scene.nodes["mid"].pos() == QPointF(500, 100)


def test_the_style_says_whether_motion_is_wanted(dressed, monkeypatch):
    hint = QStyle.StyleHint.SH_Widget_Animation_Duration
    assert module.motion_wanted() == (dressed.style().styleHint(hint) > 0)


def test_undo_during_the_motion_goes_back(bench, engine, arranging):
    bench.key(Qt.Key.Key_L, CONTROL)
    _answer(engine)
    bench.document.undo()
    assert bench.scene.nodes["mid"].pos() == QPointF(0, 120)
