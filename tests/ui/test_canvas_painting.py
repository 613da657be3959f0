"""Painting: cheap for large graphs, readable for small ones, speakable for those who do not see."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPointF

from kbuilder.document import edits
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.ui.canvas.labels import summary
from kbuilder.ui.canvas.node_item import NodeItem
from tests.ui.canvas_bench import Bench

_COLUMNS = 40


def _large(count: int) -> Graph:
    nodes = tuple(
        Node(
            id=f"n{i}",
            class_name="Dense",
            name=f"dense_{i}",
            params={"units": 8},
            x=i % _COLUMNS * 214.0,
            y=i // _COLUMNS * 98.0,
        )
        for i in range(count)
    )
    edges = tuple(Edge(source=f"n{i}", target=f"n{i + _COLUMNS}") for i in range(count - _COLUMNS))
    return Graph(nodes=nodes, edges=edges)


@pytest.fixture
def large(dressed, catalogue, qtbot):
    bench = Bench(catalogue, _large(1000))
    qtbot.addWidget(bench.view)
    bench.view.show()
    return bench


def _count_paints(monkeypatch) -> list[str]:
    painted: list[str] = []
    paint = NodeItem.paint

    def counted(self, painter, option, widget=None):
        painted.append(self.node.id)
        paint(self, painter, option, widget)

    monkeypatch.setattr(NodeItem, "paint", counted)
    return painted


def test_only_what_is_in_view_is_painted_and_only_once(large, monkeypatch):
    painted = _count_paints(monkeypatch)
    large.view.set_zoom(1.0)
    large.view.centerOn(QPointF(4000, 1000))
    large.view.viewport().repaint()
    assert 10 < len(set(painted)) < 100
    painted.clear()
    large.view.viewport().repaint()
    assert painted == []


def test_moving_one_node_repaints_no_other(large, monkeypatch):
    large.view.set_zoom(1.0)
    large.view.centerOn(large.scene.nodes["n420"])
    large.view.viewport().repaint()
    painted = _count_paints(monkeypatch)
    large.document.apply("Move", lambda project: edits.move(project, {"n420": (4285.0, 990.0)}))
    large.view.viewport().repaint()
    assert set(painted) <= {"n420"}


def test_far_out_no_item_paints_at_all(large, monkeypatch):
    painted = _count_paints(monkeypatch)
    large.view.fit()
    assert large.scene.in_overview
    large.view.viewport().repaint()
    assert painted == []


def test_a_thousand_nodes_are_there_at_once(dressed, catalogue, qtbot):
    graph = _large(1000)
    began = time.perf_counter()
    bench = Bench(catalogue, graph)
    qtbot.addWidget(bench.view)
    bench.view.show()
    bench.view.viewport().repaint()
    assert time.perf_counter() - began < 3.0


@pytest.mark.parametrize(
    ("class_name", "params", "inputs", "text"),
    [
        ("Input", {"shape": [28, 28, 1]}, 0, "28 × 28 × 1 · float32"),
        ("Input", {"shape": [None, 8], "dtype": "int32"}, 0, "? × 8 · int32"),
        (
            "Conv2D",
            {"filters": 32, "kernel_size": [3, 3], "activation": "relu", "padding": "same"},
            1,
            "32 · 3×3 · relu · same",
        ),
        ("Dense", {"units": 10, "activation": "softmax"}, 1, "10 · softmax"),
        ("LSTM", {"units": 64}, 1, "64 units"),
        ("MaxPooling2D", {}, 1, "2×2"),
        ("BatchNormalization", {}, 1, "momentum 0.99"),
        ("Dropout", {"rate": 0.25}, 1, "rate 0.25"),
        ("Add", {}, 2, "2 inputs"),
        ("Flatten", {}, 1, ""),
        ("NoSuchLayer", {"x": 1}, 1, "unknown class"),
    ],
)
def test_a_node_tells_the_parameters_that_matter(
    dressed, catalogue, class_name, params, inputs, text
):
    node = Node(id="a", class_name=class_name, name="a", params=params)
    assert summary(node, catalogue.layer(class_name), inputs, None) == text


def test_the_selection_is_spoken(bench):
    facts = NodeFacts(outputs=(TensorFacts((None, 4), "float32"),))
    bench.scene.set_facts({"mid": facts}, (Problem(severity="error", text="Bad.", node="mid"),))
    bench.document.apply("Freeze", lambda project: edits.freeze(project, ["mid"], True))
    bench.scene.select(["mid"])
    assert bench.view.accessibleDescription() == "hidden, Dense, 4, frozen, Bad."
    bench.scene.select(())
    assert "Space" in bench.view.accessibleDescription()


def test_an_empty_canvas_says_how_to_begin(bench):
    from PySide6.QtWidgets import QLabel

    labels = [each for each in bench.view.findChildren(QLabel) if "Drag" in each.text()]
    assert [each.isVisible() for each in labels] == [False]
    bench.view.selecting.all()
    bench.view.delete_selection()
    assert [each.isVisible() for each in labels] == [True]
    assert not bench.view.minimap.isVisible()
    bench.document.undo()
    assert [each.isVisible() for each in labels] == [False]


def test_a_press_on_the_minimap_moves_the_view(large, qtbot):
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    large.view.set_zoom(1.0)
    large.view.viewport().repaint()
    large.view.minimap.repaint()
    corner = QPoint(large.view.minimap.width() - 12, large.view.minimap.height() // 2)
    QTest.mouseClick(
        large.view.minimap, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, corner
    )
    middle = large.view.mapToScene(large.view.viewport().rect().center())
    assert middle.x() > 6000
