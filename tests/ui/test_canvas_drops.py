"""Layers dropped from the palette."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt

from kbuilder.document.naming import snake_case
from kbuilder.ui.palette import Palette
from tests.ui.canvas_bench import Bench
from tests.ui.drag import drag_out, drag_over, drop, layer_mime


def _between(bench: Bench, source: str, target: str) -> QPoint:
    return (bench.output(source) + bench.input(target)) / 2


def test_a_layer_dragged_from_the_palette_lands_where_it_is_dropped(bench, catalogue, qtbot):
    palette = Palette(catalogue)
    qtbot.addWidget(palette)
    data = palette.model.mimeData([palette.model.index_of("Dropout")])
    at = QPoint(120, 200)

    assert drop(bench.view.viewport(), data, at)

    added = bench.graph.nodes[-1]
    assert (added.class_name, added.name) == ("Dropout", "dropout")
    assert added.params == {"rate": 0.2}
    assert bench.middle(added.id) == at or (bench.middle(added.id) - at).manhattanLength() <= 2
    assert bench.scene.selected_ids() == [added.id]
    assert bench.document.undo_text == "Add Dropout"


def test_names_are_those_that_keras_would_give(bench):
    for x in (60, 300):
        drop(bench.view.viewport(), layer_mime("Conv2D"), QPoint(x, 60))
    names = [node.name for node in bench.graph.nodes[-2:]]
    assert names == [snake_case("Conv2D"), "conv2d_1"]


def test_a_drop_on_a_wire_inserts_the_layer_in_one_step(bench):
    before = bench.document.project
    assert drop(bench.view.viewport(), layer_mime("Dropout"), _between(bench, "in", "mid"))

    added = bench.graph.nodes[-1].id
    assert bench.wires == {("in", added), (added, "mid"), ("mid", "out")}
    assert bench.document.undo_text == "Insert Dropout between image and hidden"
    tops = [bench.graph.by_id[node].y for node in ("in", added, "mid", "out")]
    assert all(low - high >= 54 for high, low in itertools.pairwise(tops))
    bench.document.undo()
    assert bench.document.project == before


def test_the_wire_under_a_drag_lights_up_and_goes_out_again(bench):
    wire = bench.scene.edges[("in", 0, "mid", 0)]
    plain = wire.pen()
    drag_over(bench.view.viewport(), layer_mime("Dropout"), _between(bench, "in", "mid"))
    assert wire.pen() != plain
    drag_out(bench.view.viewport())
    assert wire.pen() == plain


def test_control_drops_on_a_wire_without_inserting(bench):
    at = _between(bench, "in", "mid")
    keys = Qt.KeyboardModifier.ControlModifier
    assert drop(bench.view.viewport(), layer_mime("Dropout"), at, keys)
    assert bench.wires == {("in", "mid"), ("mid", "out")}
    assert len(bench.graph.nodes) == 4


def test_an_input_dropped_on_a_wire_leaves_the_wire(bench):
    drop(bench.view.viewport(), layer_mime("Input"), _between(bench, "in", "mid"))
    assert bench.wires == {("in", "mid"), ("mid", "out")}
    assert bench.graph.nodes[-1].class_name == "Input"


def test_an_unknown_class_is_refused_with_a_hint(bench, qtbot):
    with qtbot.waitSignal(bench.view.hint) as told:
        drop(bench.view.viewport(), layer_mime("Nonsense"), QPoint(80, 80))
    assert "Nonsense" in told.args[0]
    assert len(bench.graph.nodes) == 3


def test_other_drags_are_left_to_the_window(bench):
    data = QMimeData()
    data.setText("Dense")
    assert not drop(bench.view.viewport(), data, QPoint(80, 80))
    assert len(bench.graph.nodes) == 3


def test_a_drop_is_placed_in_scene_units_when_zoomed(bench):
    bench.view.set_zoom(0.5)
    at = QPoint(100, 100)
    drop(bench.view.viewport(), layer_mime("Flatten"), at)
    added = bench.graph.nodes[-1]
    wanted = bench.view.mapToScene(at)
    assert (QPointF(added.x + 92, added.y + 27) - wanted).manhattanLength() <= 2
