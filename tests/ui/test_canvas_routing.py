"""Long wires pass beside the boxes between their ends."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.ui.canvas.routing import Obstacles, free_lane, wire_path
from tests.ui.canvas_bench import Bench

TOP, BOTTOM = QPointF(92, 54), QPointF(92, 500)


def column(*tops: float) -> list[QRectF]:
    return [QRectF(0, top, 184, 54) for top in tops]


def lane(start: QPointF, end: QPointF, boxes: list[QRectF]) -> float | None:
    return free_lane(start, end, Obstacles((box.x(), box.y()) for box in boxes))


def runs_behind(path: QPainterPath, boxes: list[QRectF]) -> bool:
    points = [path.pointAtPercent(step / 500) for step in range(501)]
    inner = [box.adjusted(1, 1, -1, -1) for box in boxes]
    return any(box.contains(point) for box in inner for point in points)


def crosses(at: float | None, boxes: list[QRectF]) -> bool:
    return runs_behind(wire_path(TOP, BOTTOM, at), boxes)


def test_a_wire_with_nothing_between_runs_straight() -> None:
    assert lane(TOP, BOTTOM, []) is None
    assert lane(TOP, BOTTOM, [QRectF(300, 100, 184, 54)]) is None


def test_a_wire_with_boxes_between_runs_beside_them() -> None:
    boxes = column(100, 200, 300, 400)
    assert crosses(None, boxes)
    found = lane(TOP, BOTTOM, boxes)
    assert found is not None
    assert not crosses(found, boxes)


def test_a_longer_wire_runs_farther_outside() -> None:
    inner = lane(QPointF(92, 154), QPointF(92, 400), column(200, 300))
    outer = lane(TOP, BOTTOM, column(100, 200, 300, 400))
    assert inner is not None
    assert outer is not None
    assert abs(outer - 92) > abs(inner - 92)


def test_a_second_column_is_passed_too() -> None:
    boxes = [*column(200, 300), QRectF(-194, 200, 184, 54), QRectF(194, 300, 184, 54)]
    found = lane(TOP, BOTTOM, boxes)
    assert found is not None
    assert not crosses(found, boxes)


def skip() -> Graph:
    names = ("in", "a", "b", "c", "add")
    nodes = tuple(
        Node(id=name, class_name="Add" if name == "add" else "ReLU", name=name, y=98.0 * row)
        for row, name in enumerate(names)
    )
    pairs = ("in a 0", "a b 0", "b c 0", "c add 0", "in add 1")
    return Graph(
        nodes=nodes,
        edges=tuple(
            Edge(source=a, target=b, target_port=int(port))
            for a, b, port in (pair.split() for pair in pairs)
        ),
    )


@pytest.fixture
def bench(qtbot: QtBot, catalogue: Catalogue) -> Bench:
    bench = Bench(catalogue, skip())
    qtbot.addWidget(bench.view)
    return bench


def test_a_skip_connection_is_seen_beside_the_path_it_skips(bench: Bench) -> None:
    wire = bench.scene.edges[("in", 0, "add", 1)]
    places = [bench.scene.nodes[name].pos() for name in ("a", "b", "c")]
    assert not runs_behind(wire.path(), [QRectF(at, at + QPointF(184, 54)) for at in places])
    assert bench.scene.edges[("a", 0, "b", 0)].lane is None


def test_a_box_moved_into_the_way_moves_the_wire(bench: Bench) -> None:
    wire = bench.scene.edges[("in", 0, "add", 1)]
    before = wire.lane
    assert before is not None
    bench.document.apply("Move", lambda p: edits.move(p, {"b": (before - 92, 196.0)}))
    assert wire.lane != before
    bench.document.undo()
    assert wire.lane == before
