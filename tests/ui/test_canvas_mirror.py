"""The scene shows what the document holds, whatever was done to it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF

from kbuilder.document import edits
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.rules import can_connect
from kbuilder.ui import theme
from kbuilder.ui.canvas.scene import CanvasScene
from tests.ui.canvas_bench import Bench

_CLASSES = ("Dense", "Add", "Input", "MultiHeadAttention", "NoSuchLayer")


def assert_mirrors(scene: CanvasScene, graph: Graph) -> None:
    assert set(scene.nodes) == set(graph.by_id)
    assert set(scene.edges) == {edge.key for edge in graph.edges}
    on_canvas = set(scene.items())
    for node in graph.nodes:
        item = scene.nodes[node.id]
        assert item in on_canvas
        assert item.node == node
        assert (item.pos().x(), item.pos().y()) == (node.x, node.y)
        assert bool(item.look.output) == (node in graph.outputs)
    for edge in graph.edges:
        item = scene.edges[edge.key]
        source, target = scene.nodes[edge.source], scene.nodes[edge.target]
        assert item.start == source.pos() + source.ports.outputs[edge.source_port]
        assert item.end == target.pos() + target.ports.inputs[edge.target_port]
    assert len(on_canvas) == len(graph.nodes) + 2 * len(graph.edges)
    assert set(scene.selected_ids()) <= set(graph.by_id)


class Editor:
    """Draws one random edit after another."""

    def __init__(self, bench: Bench, draw: st.DataObject) -> None:
        self.bench = bench
        self.draw = draw
        self.count = 0

    def node(self) -> str:
        return self.draw.draw(st.sampled_from(sorted(self.bench.graph.by_id)))

    def step(self) -> None:
        document, graph = self.bench.document, self.bench.graph
        kind = self.draw.draw(
            st.sampled_from(["add", "wire", "move", "remove", "cut", "undo", "redo", "select"])
        )
        if kind == "add" or not graph.nodes:
            self.count += 1
            new = Node(
                id=f"n{self.count}",
                class_name=self.draw.draw(st.sampled_from(_CLASSES)),
                name=f"n{self.count}",
                x=float(self.draw.draw(st.integers(-9000, 9000))),
            )
            document.apply("Add", lambda project: edits.add_node(project, new))
        elif kind == "wire":
            wire = Edge(source=self.node(), target=self.node(), target_port=self.count % 3)
            if not can_connect(graph, self.bench.scene.catalogue, wire.source, 0, wire.target, 0):
                document.apply("Wire", lambda project: edits.connect(project, wire))
        elif kind == "move":
            place = {self.node(): (float(self.draw.draw(st.integers(-500, 500))), 7.0)}
            document.apply("Move", lambda project: edits.move(project, place))
        elif kind == "remove":
            gone = [self.node()]
            document.apply("Delete", lambda project: edits.remove(project, gone, heal=True))
        elif kind == "cut" and graph.edges:
            keys = [graph.edges[0].key]
            document.apply("Cut", lambda project: edits.disconnect(project, keys))
        elif kind == "select":
            self.bench.scene.select([self.node()])
        elif kind == "undo":
            document.undo()
        else:
            document.redo()


@given(draw=st.data())
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_scene_equals_the_document_after_any_edits(dressed, catalogue, draw):
    bench = Bench(catalogue, Graph())
    editor = Editor(bench, draw)
    for _ in range(draw.draw(st.integers(1, 25))):
        editor.step()
        assert_mirrors(bench.scene, bench.graph)
    bench.view.deleteLater()


def test_opening_another_project_shows_it_and_selects_nothing(bench, qtbot):
    bench.scene.select(["mid"])
    other = Graph(nodes=(Node(id="mid", class_name="Input", name="x", x=5000.0, y=9000.0),))
    with qtbot.waitSignal(bench.scene.replaced):
        bench.document.open(Project(graph=other), None)
    assert_mirrors(bench.scene, other)
    assert bench.scene.selected_ids() == []
    assert bench.view.viewport().rect().contains(bench.middle("mid"))


def test_what_was_opened_before_the_first_show_is_in_view_then(dressed, catalogue, qtbot):
    far = Graph(nodes=(Node(id="far", class_name="Input", name="x", x=9000.0, y=70000.0),))
    bench = Bench(catalogue, far)
    qtbot.addWidget(bench.view)
    bench.view.show()
    assert bench.view.viewport().rect().contains(bench.middle("far"))


def test_facts_and_problems_are_shown_and_outlive_edits(bench):
    facts = {"in": NodeFacts(outputs=(TensorFacts((None, 28, 28, 1), "float32"),))}
    problems = (
        Problem(severity="error", text="first", node="mid"),
        Problem(severity="error", text="second", node="mid"),
        Problem(severity="warning", text="careful", node="out"),
        Problem(severity="error", text="the whole project"),
    )
    bench.scene.set_facts(facts, problems)
    assert bench.scene.edges[("in", 0, "mid", 0)].pill.text == "28 × 28 × 1"
    assert bench.scene.edges[("mid", 0, "out", 0)].pill.text == ""
    assert bench.scene.nodes["mid"].look.errors == 2
    assert bench.scene.nodes["out"].look.warnings == 1
    assert bench.scene.tip_of("mid") == "first\nsecond"
    bench.document.apply("Move", lambda project: edits.move(project, {"mid": (40.0, 120.0)}))
    assert bench.scene.nodes["mid"].look.errors == 2
    assert bench.scene.edges[("in", 0, "mid", 0)].pill.text == "28 × 28 × 1"


def test_facts_that_arrive_during_a_drag_leave_the_node_under_the_mouse(bench):
    start = bench.middle("mid")
    bench.press(start)
    bench.move(start * 1.2)
    held = bench.scene.nodes["mid"].pos()
    bench.scene.set_facts({}, (Problem(severity="error", text="x", node="mid"),))
    assert bench.scene.nodes["mid"].pos() == held
    bench.release(start * 1.2)


def test_a_node_whose_wires_are_gone_has_its_ports_in_the_middle_again(bench):
    bench.document.apply(
        "Add",
        lambda project: edits.add_node(project, Node(id="sum", class_name="Add", name="sum")),
    )
    for port, source in enumerate(("in", "mid")):
        wire = Edge(source=source, target="sum", target_port=port)
        bench.document.apply("Wire", lambda project, wire=wire: edits.connect(project, wire))
    assert [point.x() for point in bench.scene.nodes["sum"].ports.inputs.values()] == [72, 112, 152]
    bench.document.undo()
    bench.document.undo()
    assert [point.x() for point in bench.scene.nodes["sum"].ports.inputs.values()] == [92]


@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.2])
def test_every_level_of_detail_paints_nodes_in_both_themes(bench, dressed, zoom):
    pictures = []
    for choice in ("light", "dark"):
        theme.apply_theme(dressed, choice)
        bench.view.set_zoom(zoom)
        bench.view.centerOn(bench.scene.nodes["mid"])
        picture = bench.view.viewport().grab().toImage()
        bar = bench.point(bench.scene.nodes["mid"].pos() + QPointF(2.5, 20.0))
        colour = picture.pixelColor(bar)
        wanted = theme.current().family("Core")
        assert abs(colour.hue() - wanted.hue()) < 12
        pictures.append(picture)
    assert pictures[0] != pictures[1]


def test_far_out_the_blocks_follow_the_nodes(bench):
    bench.view.set_zoom(0.2)
    bench.document.apply("Move", lambda project: edits.move(project, {"mid": (700.0, 120.0)}))
    bench.document.apply("Delete", lambda project: edits.remove(project, ["in"]))
    assert bench.scene.shapes.bounds().right() == 700 + 184
    assert bench.scene.shapes.bounds().top() == 120
    bench.view.set_zoom(1.0)
    assert_mirrors(bench.scene, bench.graph)
