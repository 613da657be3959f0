"""What is done differently with many boxes looks the same in the end."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QPainter
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.ui.canvas.scene import MOST_ROUTED
from tests.ui.canvas_bench import Bench

COUNT = 2 * MOST_ROUTED


@pytest.fixture
def bench(qtbot: QtBot, catalogue: Catalogue) -> Bench:
    nodes = tuple(
        Node(id=f"n{i}", class_name="ReLU", name=f"n{i}", x=214.0 * (i % 8), y=98.0 * (i // 8))
        for i in range(COUNT)
    )
    edges = tuple(Edge(source=f"n{i}", target=f"n{i + 8}") for i in range(COUNT - 8))
    made = Bench(catalogue, Graph(nodes=nodes, edges=edges))
    qtbot.addWidget(made.view)
    made.view.resize(1800, 900)
    made.view.show()
    return made


def drawn(bench: Bench) -> dict[str, tuple[float, float]]:
    return {box: item.scenePos().toTuple() for box, item in bench.scene.nodes.items()}


def in_document(bench: Bench) -> dict[str, tuple[float, float]]:
    return {node.id: (node.x, node.y) for node in bench.graph.nodes}


@pytest.mark.parametrize("zoom", [0.7, 0.3])
@pytest.mark.parametrize("left_out", [0, 1])
def test_many_boxes_follow_the_mouse_and_stay_where_it_let_go(
    bench: Bench, zoom: float, left_out: int
) -> None:
    view, scene = bench.view, bench.scene
    view.set_zoom(zoom)
    view.centerOn(scene.content_rect().center())
    chosen = [f"n{i}" for i in range(left_out, COUNT)]
    scene.select(chosen)
    before, at = in_document(bench), bench.middle("n20")
    bench.press(at)
    bench.move(at + QPoint(30, 12))
    bench.move(at + QPoint(60, 24))
    offset = QPointF(60, 24) / zoom
    line = scene.shapes.rect("n20").topLeft() if zoom < 0.5 else scene.nodes["n20"].scenePos()
    assert (line - QPointF(*before["n20"]) - offset).manhattanLength() < 2 / zoom
    bench.release(at + QPoint(60, 24))
    for node in chosen:
        moved = QPointF(*in_document(bench)[node]) - QPointF(*before[node])
        assert (moved - offset).manhattanLength() < 2 / zoom
    assert in_document(bench).get("n0") == (before["n0"] if left_out else in_document(bench)["n0"])
    assert drawn(bench) == in_document(bench)
    wire = scene.edges[("n0", 0, "n8", 0)]
    assert wire.parentItem() is None
    assert wire.end == scene.nodes["n8"].pos() + QPointF(92, 0)
    bench.document.undo()
    assert in_document(bench) == before == drawn(bench)


@pytest.mark.parametrize("zoom", [0.7, 0.3])
def test_a_drag_of_many_can_be_given_up(bench: Bench, zoom: float) -> None:
    bench.view.set_zoom(zoom)
    bench.view.centerOn(bench.scene.content_rect().center())
    bench.scene.select(bench.scene.nodes)
    before, at = in_document(bench), bench.middle("n20")
    bench.press(at)
    bench.move(at + QPoint(60, 24))
    assert bench.view.cancel_gesture()
    bench.release(at + QPoint(60, 24))
    assert drawn(bench) == before
    rect = bench.scene.shapes.rect("n20")
    assert rect == QRectF(*before["n20"], 184, 54)
    assert bench.document.undo_text == ""


def test_after_zooming_everything_is_painted_finely_again(bench: Bench, qtbot: QtBot) -> None:
    fine = QPainter.RenderHint.Antialiasing
    bench.view.zoom_in()
    assert not bench.view.renderHints() & fine
    qtbot.waitUntil(lambda: bool(bench.view.renderHints() & fine), timeout=2000)
    bench.view.zoom_out()
    bench.view.fit_all()
    assert bench.view.renderHints() & fine
