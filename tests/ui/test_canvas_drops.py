"""Layers dropped from the palette."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtWidgets import QGraphicsPathItem, QLabel

from kbuilder.document import fragment_json
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.fragment import End, Fragment, Inlet
from kbuilder.document.graph import Edge, Node
from kbuilder.document.naming import snake_case
from kbuilder.ui.canvas.clipboard import MIME_FRAGMENT, fragment_mime
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


# --- on a node, near a port, of a piece of a graph -------------------------------------------


def _tip(bench: Bench) -> str:
    tips = [each for each in bench.view.findChildren(QLabel) if each.property("role") == "card"]
    return " ".join(tip.text() for tip in tips if tip.isVisible())


def test_a_drop_on_a_node_replaces_its_class_and_keeps_wires_and_parameters(bench):
    before = bench.document.project
    data = layer_mime("EinsumDense")
    drag_over(bench.view.viewport(), data, bench.middle("mid"))
    assert _tip(bench) == "Replace hidden"
    drag_out(bench.view.viewport())
    assert _tip(bench) == ""
    assert drop(bench.view.viewport(), layer_mime("LSTM"), bench.middle("mid"))
    node = bench.graph.by_id["mid"]
    assert (node.class_name, node.name, node.params["units"]) == ("LSTM", "hidden", 4)
    assert bench.wires == {("in", "mid"), ("mid", "out")}
    assert bench.document.undo_text == "Replace hidden by LSTM"
    assert bench.scene.selected_ids() == ["mid"]
    bench.document.undo()
    assert bench.document.project == before


def test_a_drop_near_a_free_port_connects_with_a_dashed_preview(bench):
    at = bench.output("out") + QPoint(8, 34)
    drag_over(bench.view.viewport(), layer_mime("Dropout"), at)
    assert _tip(bench) == "Feed from last"
    lines = [item for item in bench.scene.items() if type(item) is QGraphicsPathItem]
    assert [line.pen().style() for line in lines] == [Qt.PenStyle.CustomDashLine]
    assert drop(bench.view.viewport(), layer_mime("Dropout"), at)
    assert ("out", bench.graph.nodes[-1].id) in bench.wires
    assert not [item for item in bench.scene.items() if type(item) is QGraphicsPathItem]
    bench.document.undo()
    assert len(bench.graph.nodes) == 3


def test_a_drop_near_an_open_input_feeds_it(bench):
    drop(bench.view.viewport(), layer_mime("Dense"), QPoint(150, 400))
    first = bench.graph.nodes[-1].id
    drop(bench.view.viewport(), layer_mime("Dropout"), bench.input(first) - QPoint(0, 34))
    assert (bench.graph.nodes[-1].id, first) in bench.wires


def test_a_drop_near_a_taken_port_or_far_from_one_connects_nothing(bench):
    for at in (bench.output("out") + QPoint(0, 60), bench.output("mid") + QPoint(38, 2)):
        drop(bench.view.viewport(), layer_mime("Dropout"), at)
        assert bench.wires == {("in", "mid"), ("mid", "out")}


def test_a_layer_that_cannot_take_the_rank_is_not_wired_to_the_port(bench):
    facts = NodeFacts(outputs=(TensorFacts((None, 8), "float32"),))
    bench.scene.set_facts({"out": facts}, ())
    drop(bench.view.viewport(), layer_mime("Conv2D"), bench.output("out") + QPoint(0, 34))
    assert bench.wires == {("in", "mid"), ("mid", "out")}
    assert len(bench.graph.nodes) == 4


def _block() -> QMimeData:
    nodes = tuple(
        Node(id=name, class_name="Dense", name=name, params={"units": 3}, y=98.0 * row)
        for row, name in enumerate(("one", "two"))
    )
    piece = Fragment(
        nodes=nodes,
        edges=(Edge(source="one", target="two"),),
        inputs=(Inlet(ends=(End(node="one"),)),),
        outputs=(End(node="two"),),
    )
    return fragment_mime(fragment_json.encode(piece))


def test_a_block_dropped_on_empty_canvas_on_a_wire_and_at_a_port(bench):
    viewport = bench.view.viewport()
    at = QPoint(150, 300)
    assert drop(viewport, _block(), at)
    one, two = bench.graph.nodes[-2:]
    assert bench.wires == {("in", "mid"), ("mid", "out"), (one.id, two.id)}
    middle = (bench.middle(one.id) + bench.middle(two.id)) / 2
    assert (middle - at).manhattanLength() <= 3
    bench.document.undo()

    assert drop(viewport, _block(), _between(bench, "in", "mid"))
    one, two = bench.graph.nodes[-2:]
    assert bench.wires == {("in", one.id), (one.id, two.id), (two.id, "mid"), ("mid", "out")}
    bench.document.undo()

    assert drop(viewport, _block(), bench.output("out") + QPoint(0, 34))
    one = bench.graph.nodes[-2]
    assert ("out", one.id) in bench.wires
    bench.document.undo()
    assert len(bench.graph.nodes) == 3


def test_a_block_that_is_junk_is_refused(bench, qtbot):
    data = QMimeData()
    data.setData(MIME_FRAGMENT, b"{}")
    with qtbot.waitSignal(bench.view.hint):
        drop(bench.view.viewport(), data, QPoint(80, 80))
    assert len(bench.graph.nodes) == 3
