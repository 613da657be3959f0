from __future__ import annotations

import random
from itertools import combinations

import graphlay
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kbuilder.document import layout as layout_module
from kbuilder.document.graph import Comment, Edge, Graph, Group, Node
from kbuilder.document.layered import layered
from kbuilder.document.layout import layout
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH, Box, drawn, extents


def graph_of(wires: str, *groups: Group, inside: dict[str, str] | None = None) -> Graph:
    """Nodes in the order they are named in ``"a>b a>c"``; ``inside`` tells the group of some."""
    pairs = [tuple(wire.split(">")) for wire in wires.split()]
    names = dict.fromkeys(name for pair in pairs for name in pair)
    group = inside or {}
    nodes = tuple(
        Node(id=name, class_name="Dense", name=name, group=group.get(name, "")) for name in names
    )
    return Graph(
        nodes=nodes, edges=tuple(Edge(source=a, target=b) for a, b in pairs), groups=groups
    )


def placed(graph: Graph, only: tuple[str, ...] = ()) -> Graph:
    places = layout(graph, only)
    nodes = (
        replace(n, x=places[n.id][0], y=places[n.id][1]) if n.id in places else n
        for n in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def box(graph: Graph, node: str) -> Box:
    found = graph.by_id[node]
    return Box(found.x, found.y, found.x + NODE_WIDTH, found.y + NODE_HEIGHT)


def overlap(one: Box, two: Box) -> bool:
    return (
        one.left < two.right
        and two.left < one.right
        and one.top < two.bottom
        and two.top < one.bottom
    )


def crossings(graph: Graph) -> int:
    """Pairs of straight wires without a common end that cross."""
    lines = [
        (
            (
                box(graph, e.source).left,
                box(graph, e.source).bottom,
                box(graph, e.target).left,
                box(graph, e.target).top,
            ),
            e,
        )
        for e in graph.edges
    ]
    return sum(
        _cross(one, two)
        for (one, a), (two, b) in combinations(lines, 2)
        if len({a.source, a.target, b.source, b.target}) == 4
    )


def _cross(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    def side(line: tuple[float, ...], x: float, y: float) -> float:
        return (line[2] - line[0]) * (y - line[1]) - (line[3] - line[1]) * (x - line[0])

    return (
        side(one, *two[:2]) * side(one, *two[2:]) < 0
        and side(two, *one[:2]) * side(two, *one[2:]) < 0
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Wires that only go on from earlier nodes, in groups that may nest, be open or collapsed."""
    count = draw(st.integers(1, 14))
    pairs = draw(st.sets(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=24))
    parents = draw(st.sampled_from([(), ("",), ("", ""), ("", "g0"), ("", "g0", "g1")]))
    groups = tuple(
        Group(id=f"g{n}", name=f"g{n}", parent=parent, collapsed=draw(st.booleans()))
        for n, parent in enumerate(parents)
    )
    homes = st.sampled_from(["", *(group.id for group in groups)])
    place = st.integers(-400, 400)
    nodes = tuple(
        Node(
            id=str(n),
            class_name="Dense",
            name=f"n{n}",
            group=draw(homes),
            x=draw(place),
            y=draw(place),
        )
        for n in range(count)
    )
    edges = tuple(Edge(source=str(a), target=str(b)) for a, b in sorted(pairs) if a < b < count)
    return Graph(nodes=nodes, edges=edges, groups=groups)


def parts(graph: Graph, room: str) -> list[Box]:
    """What is drawn right inside a group: nodes, boxes and frames."""
    found = extents(graph)
    return [box(graph, node.id) for node in graph.nodes if node.group == room] + [
        drawn(graph, group.id, found[group.id])
        for group in graph.groups
        if group.parent == room and group.id in found
    ]


@pytest.mark.parametrize("engine", ["graphlay", "own"])
@given(graph=graphs())
def test_nothing_covers_anything(engine: str, graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if engine == "own":
            patch.setattr(layout_module, "graphlay", None)
        done = placed(graph)
    hidden = {
        g.id
        for g in done.groups
        if any(done.group_by_id[a].collapsed for a in done.ancestors(g.id))
    }
    for room in ("", *(group.id for group in done.groups if group.id not in hidden)):
        assert not any(overlap(one, two) for one, two in combinations(parts(done, room), 2))


@given(graph=graphs(), data=st.data())
def test_a_layout_of_some_moves_nothing_else_and_covers_nothing(
    graph: Graph, data: st.DataObject
) -> None:
    graph = placed(graph)
    free = [node.id for node in graph.nodes if not node.group]
    only = tuple(data.draw(st.sets(st.sampled_from(free)))) if free else ()
    done = placed(graph, only) if only else graph
    moved = {node.id for node in graph.nodes if node != done.by_id[node.id]}
    assert moved <= set(only)
    assert not any(overlap(one, two) for one, two in combinations(parts(done, ""), 2))


@given(graph=graphs())
def test_done_twice_it_changes_nothing(graph: Graph) -> None:
    once = placed(graph)
    assert layout(once) == layout(once)
    assert placed(once) == once


@given(graph=graphs())
def test_wires_point_down_where_there_are_no_groups(graph: Graph) -> None:
    done = placed(replace(graph, groups=(), nodes=tuple(replace(n, group="") for n in graph.nodes)))
    assert all(box(done, e.source).bottom < box(done, e.target).top for e in done.edges)


def test_a_chain_is_a_column_with_room_for_the_shapes() -> None:
    done = placed(graph_of("a>b b>c"))
    assert [(node.x, node.y) for node in done.nodes] == [(0, 0), (0, 98), (0, 196)]


def test_branches_stand_side_by_side_and_keep_the_order_that_the_user_gave_them() -> None:
    graph = graph_of("a>b a>c b>d c>d")
    for order in (("b", "c"), ("c", "b")):
        drawn_so = {name: number * 300.0 for number, name in enumerate(order)}
        nodes = tuple(replace(node, x=drawn_so.get(node.id, 150.0)) for node in graph.nodes)
        done = placed(replace(graph, nodes=nodes)).by_id
        assert done["b"].y == done["c"].y
        assert done[order[1]].x - done[order[0]].x == 214


def test_the_top_middle_stays_where_it_was() -> None:
    nodes = tuple(replace(node, x=1000.0, y=500.0) for node in graph_of("a>b b>c").nodes)
    done = placed(replace(graph_of("a>b b>c"), nodes=nodes))
    assert (done.by_id["a"].x, done.by_id["a"].y) == (1000, 500)


def test_a_collapsed_group_is_one_box_and_its_members_go_with_it() -> None:
    group = Group(id="g", name="block", collapsed=True)
    inside = {"b": "g", "c": "g"}
    graph = graph_of("a>b b>c c>d", group, inside=inside)
    shifts = {"b": (40.0, 700.0), "c": (300.0, 900.0)}
    nodes = tuple(
        replace(n, x=shifts[n.id][0], y=shifts[n.id][1]) if n.id in shifts else n
        for n in graph.nodes
    )
    done = placed(replace(graph, nodes=nodes))
    block = drawn(done, "g", extents(done)["g"])
    assert box(done, "a").bottom + 44 == block.top
    assert block.bottom + 44 == box(done, "d").top
    assert done.by_id["c"].x - done.by_id["b"].x == 260
    assert done.by_id["c"].y - done.by_id["b"].y == 200


def test_an_open_group_keeps_its_members_in_its_frame() -> None:
    group = Group(id="g", name="block")
    done = placed(graph_of("a>b b>c a>d d>e c>f e>f", group, inside={"b": "g", "c": "g"}))
    frame = drawn(done, "g", extents(done)["g"])
    assert not any(overlap(frame, box(done, outside)) for outside in "adef")


def test_comments_stay() -> None:
    graph = replace(graph_of("a>b"), comments=(Comment(id="n", text="note"),))
    assert set(layout(graph)) == {"a", "b"}


def test_circles_and_loose_nodes_get_a_place() -> None:
    assert len(set(layout(graph_of("a>b b>c c>a d>d")).values())) == 4


def test_an_empty_graph_has_no_places() -> None:
    assert layout(Graph()) == {}


class Broken:
    GraphlayError = graphlay.GraphlayError

    def layout(self, *_: object, **__: object) -> object:
        raise graphlay.GraphlayError("a limit exceeded")


def test_where_graphlay_fails_our_own_layout_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_module, "graphlay", Broken())
    done = placed(graph_of("a>b a>c b>d c>d"))
    assert done.by_id["b"].y == done.by_id["c"].y == 98
    assert done.by_id["b"].x != done.by_id["c"].x


def random_graph(seed: int) -> Graph:
    """Four rows of five; wires to the next row or the one after."""
    rng = random.Random(seed)
    wires = {
        f"{row}{rng.randrange(5)}>{row + rng.choice((1, 1, 2))}{rng.randrange(5)}"
        for row in range(3)
        for _ in range(6)
    }
    return graph_of(" ".join(sorted(wires)))


def test_graphlay_crosses_no_more_wires_than_our_own_layout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = [random_graph(seed) for seed in range(25)]
    by_graphlay = sum(crossings(placed(graph)) for graph in samples)
    monkeypatch.setattr(layout_module, "graphlay", None)
    by_ours = sum(crossings(placed(graph)) for graph in samples)
    assert 0 < by_graphlay <= by_ours


def test_our_own_layout_untangles() -> None:
    graph = graph_of("a>x b>y c>z x>p y>q z>r")
    names = [node.id for node in graph.nodes]
    tangled = ["a", "b", "c", "z", "x", "y", "q", "r", "p"]
    links = [(tangled.index(e.source), tangled.index(e.target)) for e in graph.edges]
    corners = dict(zip(tangled, layered([(NODE_WIDTH, NODE_HEIGHT)] * 9, links), strict=True))
    nodes = tuple(replace(graph.by_id[n], x=corners[n][0], y=corners[n][1]) for n in names)
    assert crossings(replace(graph, nodes=nodes)) == 0
