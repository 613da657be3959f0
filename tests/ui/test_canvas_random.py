"""Random gestures and edits: the scene equals the document after each, and undo leads to the start."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication

from kbuilder.document.comment_edits import add_comment
from kbuilder.document.graph import Comment, Graph, Group
from kbuilder.document.group_edits import collapse, group
from kbuilder.document.naming import new_id
from kbuilder.ui.canvas.projection import project
from tests.ui.canvas_bench import Bench, chain
from tests.ui.drag import drop, layer_mime
from tests.ui.hands import ALT, CONTROL, NONE, RIGHT, SHIFT, stroke

_CLASSES = ("Dense", "Add", "Input", "MultiHeadAttention", "Dropout", "NoSuchLayer")
_KEYS = (
    (Qt.Key.Key_Delete, NONE),
    (Qt.Key.Key_Delete, CONTROL),
    (Qt.Key.Key_C, CONTROL),
    (Qt.Key.Key_X, CONTROL),
    (Qt.Key.Key_V, CONTROL),
    (Qt.Key.Key_D, CONTROL),
    (Qt.Key.Key_A, CONTROL),
    (Qt.Key.Key_I, CONTROL),
    (Qt.Key.Key_Up, CONTROL | SHIFT),
    (Qt.Key.Key_Down, NONE),
    (Qt.Key.Key_Right, ALT),
    (Qt.Key.Key_Left, SHIFT),
    (Qt.Key.Key_Escape, NONE),
    (Qt.Key.Key_H, NONE),
    (Qt.Key.Key_F, NONE),
)
_MOST_NODES = 60


def assert_mirrors(bench: Bench) -> None:
    """Each item is where and what the document says, and there is no other."""
    scene, graph = bench.scene, bench.graph
    drawn = project(graph, scene.catalogue, scene.root)
    assert set(scene.nodes) == set(drawn.boxes)
    assert set(scene.edges) == set(drawn.wires)
    assert set(scene.frames) == set(drawn.frames)
    for box, place in drawn.boxes.items():
        item = scene.nodes[box]
        assert (item.pos().x(), item.pos().y()) == place
        if box in graph.by_id:
            assert item.node == graph.by_id[box]
        else:
            assert item.node.name == graph.group_by_id[box].name
    for key, edge in drawn.wires.items():
        wire = scene.edges[key]
        source, target = scene.nodes[edge.source], scene.nodes[edge.target]
        assert wire.start == source.pos() + source.ports.outputs[edge.source_port]
        assert wire.end == target.pos() + target.ports.inputs[edge.target_port]
        assert wire.isVisible()
        assert wire.opacity() == 1.0
    for comment in graph.comments:
        if comment.id in scene.comments:
            item = scene.comments[comment.id]
            assert item.comment == comment
            assert (item.pos().x(), item.pos().y()) == (comment.x, comment.y)
            assert (item.rect.width(), item.rect.height()) == (comment.width, comment.height)
    items = len(drawn.boxes) + 2 * len(drawn.wires) + len(drawn.frames) + len(scene.comments)
    assert len(scene.items()) == items
    assert set(scene.selected_ids()) <= set(graph.by_id)
    assert set(scene.selected_edges()) <= {edge.key for edge in graph.edges}


class Hand:
    """Does one random thing after another, as a user could."""

    def __init__(self, bench: Bench, data: st.DataObject) -> None:
        self._bench = bench
        self._data = data
        self._does: tuple[Callable[[], None], ...] = (
            self._drag,
            self._drag,
            self._drop,
            self._key,
            self._key,
            self._click,
            self._block,
            self._comment,
            self._undo,
        )

    def act(self) -> None:
        """One thing; what it was can be seen in Hypothesis's report."""
        self._data.draw(st.sampled_from(self._does), label="does")()

    def _point(self) -> QPoint:
        """Somewhere on the canvas, more often where something is."""
        bench = self._bench
        boxes = sorted(bench.scene.nodes)
        if boxes and self._data.draw(st.booleans(), label="on a box"):
            item = bench.scene.nodes[boxes[self._number("box") % len(boxes)]]
            spots = [QPointF(92, 27), QPointF(10, 10), *item.ports.points]
            return bench.point(item.pos() + spots[self._number("spot") % len(spots)])
        x = self._data.draw(st.integers(5, 890), label="x")
        return QPoint(x, self._data.draw(st.integers(5, 690), label="y"))

    def _number(self, label: str) -> int:
        return self._data.draw(st.integers(0, 99), label=label)

    def _drag(self) -> None:
        start, end = self._point(), self._point()
        middle = self._point()
        keys = self._data.draw(st.sampled_from([NONE, NONE, ALT, SHIFT, CONTROL]))
        if len(self._bench.graph.nodes) > _MOST_NODES:
            keys = NONE
        button = RIGHT if keys == CONTROL else Qt.MouseButton.LeftButton
        if self._data.draw(st.integers(0, 5), label="escape") == 0:
            stroke(self._bench, [start], keys, button)
            self._bench.key(Qt.Key.Key_Escape)
        stroke(self._bench, [start, middle, end], keys, button)
        self._bench.view.inserter.quick.hide()
        self._bench.view.setFocus()

    def _drop(self) -> None:
        if len(self._bench.graph.nodes) <= _MOST_NODES:
            name = self._data.draw(st.sampled_from(_CLASSES), label="class")
            drop(self._bench.view.viewport(), layer_mime(name), self._point())

    def _key(self) -> None:
        key, keys = self._data.draw(st.sampled_from(_KEYS), label="key")
        large = len(self._bench.graph.nodes) > _MOST_NODES
        if not (large and key in (Qt.Key.Key_V, Qt.Key.Key_D)):
            self._bench.key(key, keys)

    def _click(self) -> None:
        keys = self._data.draw(st.sampled_from([NONE, CONTROL]))
        self._bench.click(self._point(), keys)

    def _block(self) -> None:
        """Put what is selected into a block, or fold and unfold one; enter and leave one."""
        bench = self._bench
        groups = [each.id for each in bench.graph.groups]
        if groups and self._data.draw(st.booleans(), label="fold"):
            chosen = groups[self._number("block") % len(groups)]
            if self._data.draw(st.integers(0, 3)) == 0:
                bench.scene.enter("" if bench.scene.root else chosen)
                return
            folded = not bench.graph.group_by_id[chosen].collapsed
            bench.document.apply("Fold", lambda p: collapse(p, [chosen], folded))
            return
        nodes = bench.scene.selected_ids()
        inner = bench.scene.selected_groups()
        if nodes:
            made = Group(id=new_id(), name="block")
            bench.document.apply("Group", lambda p: group(p, made, nodes, inner))

    def _comment(self) -> None:
        place = self._bench.view.mapToScene(self._point())
        made = Comment(id=new_id(), text="note", x=round(place.x()), y=round(place.y()))
        made = replace(made, group=self._bench.scene.root)
        self._bench.document.apply("Comment", lambda p: add_comment(p, made))

    def _undo(self) -> None:
        if self._data.draw(st.booleans(), label="redo"):
            self._bench.document.redo()
        else:
            self._bench.document.undo()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_scene_equals_the_document_and_undo_leads_to_the_start(dressed, catalogue, data):
    QGuiApplication.clipboard().clear()
    start: Graph = chain()
    bench = Bench(catalogue, start)
    bench.view.show()
    bench.view.activateWindow()
    bench.view.setFocus()
    hand = Hand(bench, data)
    try:
        # Ids that are the same in each run, so that Hypothesis can repeat one.
        ids = count()
        with patch("secrets.token_hex", lambda _: f"{next(ids):08x}"):
            for _ in range(data.draw(st.integers(1, 15), label="steps")):
                hand.act()
                assert_mirrors(bench)
        while bench.document.undo_text:
            bench.document.undo()
            assert_mirrors(bench)
        assert bench.graph == start
    finally:
        bench.view.close()
        bench.view.deleteLater()
