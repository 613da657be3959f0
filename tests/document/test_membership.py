"""What lies in which block: joining, and being taken out."""

from __future__ import annotations

from kbuilder.document.graph import Comment, Graph, Group, Node
from kbuilder.document.membership import join, take_out
from kbuilder.document.places import drawn, extents
from kbuilder.document.project import Project


def project() -> Project:
    """Free layer, outer block with one layer, and in it an inner block with two and a comment."""
    homes = {"free": "", "shell": "outer", "a": "inner", "b": "inner"}
    nodes = tuple(
        Node(id=name, class_name="ReLU", name=name, group=home, y=100.0 * row)
        for row, (name, home) in enumerate(homes.items())
    )
    groups = (Group(id="outer", name="outer"), Group(id="inner", name="inner", parent="outer"))
    note = Comment(id="note", text="why", x=10.0, group="inner")
    return Project(graph=Graph(nodes=nodes, groups=groups, comments=(note,)))


def test_layers_blocks_and_comments_join_a_block() -> None:
    graph = join(project(), "outer", ["free"], [], ["note"]).graph
    assert graph.by_id["free"].group == "outer"
    assert graph.comments[0].group == "outer"
    assert set(graph.members["outer"]) == {"free", "shell", "a", "b"}
    assert join(project(), "", groups=["inner"]).graph.group_by_id["inner"].parent == ""


def test_a_block_that_lost_its_last_member_goes() -> None:
    graph = join(project(), "outer", ["a", "b"]).graph
    assert [group.id for group in graph.groups] == ["outer"]
    assert graph.comments[0].group == "outer"


def test_what_is_taken_out_lies_one_block_higher_and_beside_the_frame() -> None:
    graph = take_out(project(), ["a"], []).graph
    assert graph.by_id["a"].group == "outer"
    frame = drawn(graph, "inner", extents(graph)["inner"])
    assert graph.by_id["a"].y == 200.0, "just above the frame nothing is in the way"
    assert frame.top > 200.0
    graph = take_out(project(), ["a", "b"], []).graph
    assert {graph.by_id[node].x for node in ("a", "b")} == {0.0}, "no frame is left"


def test_a_block_taken_out_keeps_what_is_in_it_and_leaves_the_frame() -> None:
    before = project()
    graph = take_out(before, ["a", "b"], ["inner"]).graph
    assert graph.group_by_id["inner"].parent == ""
    assert [graph.by_id[node].group for node in ("a", "b")] == ["inner", "inner"]
    middle = Node(id="mid", class_name="ReLU", name="mid", group="outer", y=250.0)
    crowded = Project(
        graph=Graph(
            nodes=(*before.graph.nodes, middle),
            groups=before.graph.groups,
            comments=before.graph.comments,
        )
    )
    graph = take_out(crowded, [], ["inner"]).graph
    frame = drawn(graph, "outer", extents(graph)["outer"])
    shift = graph.by_id["a"].x
    assert shift >= frame.right
    assert graph.by_id["b"].x == shift
    assert graph.comments[0].x == 10.0 + shift
