"""Blocks and shared layers in the document."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from kbuilder.document import edits, group_edits, project_file
from kbuilder.document.consistency import contradiction
from kbuilder.document.document import Document, InvalidEditError
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Comment, Edge, Graph, Group, Node
from kbuilder.document.places import NODE_HEIGHT, drawn, extents
from kbuilder.document.project import Project


def chain(*names: str) -> Project:
    """Input -> Dense -> Dense ..., 100 units apart."""
    nodes = [Node(id="in", class_name="Input", name="in", params={"shape": [4]})]
    nodes += [
        Node(id=name, class_name="Dense", name=name, params={"units": 4}, y=100.0 * number)
        for number, name in enumerate(names, 1)
    ]
    edges = [Edge(source=a.id, target=b.id) for a, b in itertools.pairwise(nodes)]
    return Project(graph=Graph(nodes=tuple(nodes), edges=tuple(edges)))


def grouped(*members: str, collapsed: bool = False) -> Project:
    made = Group(id="g", name="block", collapsed=collapsed)
    return group_edits.group(chain("a", "b", "c"), made, members, ())


def test_a_selection_becomes_a_block() -> None:
    graph = grouped("a", "b").graph
    assert graph.members == {"g": ("a", "b")}
    assert [node.group for node in graph.nodes] == ["", "g", "g", ""]


def test_a_frame_covers_neither_what_is_above_nor_what_is_below() -> None:
    graph = grouped("a", "b").graph
    frame = drawn(graph, "g", extents(graph)["g"])
    assert graph.by_id["in"].y + NODE_HEIGHT < frame.top
    assert frame.bottom < graph.by_id["c"].y
    again = group_edits.group(Project(graph=graph), Group(id="h", name="x"), ["c"], []).graph
    assert again.by_id["a"] == graph.by_id["a"]
    other = drawn(again, "h", extents(again)["h"])
    assert frame.bottom < other.top


def test_blocks_nest_where_their_members_lie() -> None:
    project = grouped("a", "b")
    project = group_edits.group(project, Group(id="h", name="inner"), ["b"], [])
    assert project.graph.group_by_id["h"].parent == "g"
    project = group_edits.group(project, Group(id="o", name="outer"), ["a", "b", "c"], ["g"])
    graph = project.graph
    assert graph.group_by_id["g"].parent == "o"
    assert graph.by_id["c"].group == "o"
    assert set(graph.members["o"]) == {"a", "b", "c"}
    assert list(graph.ancestors("h")) == ["h", "g", "o"]


def test_a_block_of_two_nodes_in_different_blocks_lies_around_neither() -> None:
    project = group_edits.group(grouped("a"), Group(id="h", name="other"), ["c"], [])
    project = group_edits.group(project, Group(id="x", name="both"), ["a", "c"], [])
    assert project.graph.members == {"x": ("a", "c")}, "the blocks that are empty now are gone"
    assert project.graph.group_by_id["x"].parent == ""


def test_ungrouping_gives_the_members_to_the_block_around() -> None:
    project = group_edits.group(grouped("a", "b"), Group(id="h", name="inner"), ["b"], [])
    project = group_edits.ungroup(project, ["g"])
    assert project.graph.group_by_id["h"].parent == ""
    assert project.graph.by_id["a"].group == ""
    assert project.graph.by_id["b"].group == "h"


def test_collapsing_moves_up_what_lies_below_and_opening_puts_it_back() -> None:
    start = grouped("a", "b")
    folded = group_edits.collapse(start, ["g"], True)
    extent = extents(folded.graph)["g"]
    assert drawn(folded.graph, "g", extent).height == NODE_HEIGHT
    assert folded.graph.by_id["c"].y < start.graph.by_id["c"].y
    assert folded.graph.by_id["a"].y == start.graph.by_id["a"].y
    assert group_edits.collapse(folded, ["g"], False) == start


@pytest.mark.parametrize("copies", [1, 3])
def test_a_block_is_repeated_as_a_chain_with_numbered_names(copies: int) -> None:
    project = group_edits.repeat(grouped("a", "b"), "g", copies)
    graph = project.graph
    assert contradiction(graph) == ""
    assert len(graph.nodes) == 4 + 2 * copies
    order = [node.name for node in graph.order]
    wanted = ["in", "a", "b"]
    for number in range(1, copies + 1):
        wanted += [f"a_{number}", f"b_{number}"]
    assert order == [*wanted, "c"]
    assert all(len(graph.outgoing[node.id]) == 1 for node in graph.order[:-1])
    assert [group.name for group in graph.groups] == [
        "block",
        *(f"block_{number}" for number in range(1, copies + 1)),
    ]


def test_a_block_that_nothing_feeds_is_repeated_as_a_chain_too() -> None:
    project = grouped("a", "b")
    project = edits.remove(edits.disconnect(project, [("in", 0, "a", 0)]), ["in", "c"])
    graph = group_edits.repeat(project, "g", 2).graph
    assert [node.name for node in graph.order] == ["a", "b", "a_1", "b_1", "a_2", "b_2"]
    assert len(graph.edges) == 5


def test_a_repeated_block_leaves_no_two_boxes_on_one_place() -> None:
    graph = group_edits.repeat(grouped("a", "b"), "g", 3).graph
    tops = sorted(node.y for node in graph.nodes)
    assert all(b - a >= NODE_HEIGHT for a, b in itertools.pairwise(tops))


def test_deleting_the_last_member_deletes_the_block_but_no_comment() -> None:
    project = grouped("a")
    note = Comment(id="n", text="why", group="g")
    project = replace(project, graph=replace(project.graph, comments=(note,)))
    graph = edits.remove(project, ["a"]).graph
    assert graph.groups == ()
    assert graph.comments == (replace(note, group=""),)


def shared() -> Project:
    project = chain("a", "b")
    project = group_edits.share(project, "a", Node(id="u", class_name="", name="again"))
    return group_edits.share(project, "u", Node(id="v", class_name="", name="once_more"))


def test_a_shared_layer_is_changed_through_any_of_its_nodes() -> None:
    project = edits.set_params(shared(), ["v"], {"units": 9})
    assert project.graph.by_id["a"].params == {"units": 9}
    assert project.graph.by_id["v"].params == {}
    project = edits.freeze(project, ["u"], True)
    assert not project.graph.layer_of("v").trainable


def test_sharing_a_sharing_node_shares_its_layer() -> None:
    assert shared().graph.by_id["v"].shares == "a"


def test_the_layer_of_a_deleted_node_stays_with_the_next_that_shares_it() -> None:
    graph = edits.remove(shared(), ["a"]).graph
    assert graph.by_id["u"].params == {"units": 4}
    assert (graph.by_id["u"].shares, graph.by_id["v"].shares) == ("", "u")


def test_a_node_can_get_a_layer_of_its_own_again() -> None:
    graph = group_edits.unshare(shared(), ["u"]).graph
    assert (graph.by_id["u"].shares, graph.by_id["u"].params) == ("", {"units": 4})
    assert graph.by_id["v"].shares == "a"


def test_another_class_goes_for_all_that_share_the_layer() -> None:
    graph = edits.replace_class(
        shared(), "u", "Conv2D", {"filters": 2, "kernel_size": [3, 3]}
    ).graph
    assert {graph.by_id[node].class_name for node in "auv"} == {"Conv2D"}
    assert contradiction(graph) == ""


def wrong(change: dict[str, object]) -> Graph:
    graph = grouped("a", "b").graph
    return replace(graph, **change)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"groups": (Group(id="g", name="x", parent="h"),)}, "not there"),
        ({"groups": (Group(id="g", name="x", parent="g"),)}, "in itself"),
        ({"groups": ()}, "not there"),
        ({"groups": (Group(id="g", name="x"), Group(id="g", name="y"))}, "two groups"),
        ({"comments": (Comment(id="n", text="", group="h"),)}, "not there"),
        (
            {"nodes": (Node(id="a", class_name="Dense", name="a", shares="zz"),), "edges": ()},
            "shares",
        ),
        ({"edges": (Edge(source="in", target="zz"),)}, "not there"),
    ],
)
def test_contradictions_are_refused_in_edits_and_files(
    change: dict[str, object], word: str
) -> None:
    graph = wrong(change)
    assert word in contradiction(graph)
    document = Document(grouped("a", "b"))
    with pytest.raises(InvalidEditError):
        document.apply("Break it", lambda project: replace(project, graph=graph))
    with pytest.raises(FileRefusedError, match=word):
        project_file.decode(project_file.encode(Project(graph=graph)), "broken.kbuilder")


def test_blocks_comments_and_shared_layers_are_saved() -> None:
    project = group_edits.group(shared(), Group(id="g", name="twins", nested=True), ["a", "u"], [])
    note = Comment(id="n", text="why", x=3.0, colour="green")
    project = replace(project, graph=replace(project.graph, comments=(note,)))
    assert project_file.decode(project_file.encode(project), "x.kbuilder") == project


def test_what_follows_a_folded_block_keeps_its_distance() -> None:
    nodes = tuple(
        Node(id=name, class_name="ReLU", name=name, y=98.0 * row, group=home)
        for row, (name, home) in enumerate((("a", "g"), ("b", "g"), ("c", "")))
    )
    project = Project(graph=Graph(nodes=nodes, groups=(Group(id="g", name="block"),)))
    folded = group_edits.collapse(project, ["g"], True)
    box = drawn(folded.graph, "g", extents(folded.graph)["g"])
    assert folded.graph.by_id["c"].y - box.bottom == 98.0 - NODE_HEIGHT
    assert group_edits.collapse(folded, ["g"], False) == project
