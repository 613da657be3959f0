"""Pieces of a graph: cut out, placed, wired, and read back from text that may be junk."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kbuilder.document import fragment_json
from kbuilder.document.consistency import contradiction
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.fragment import End, Fragment, Inlet, attach, cut_out, insert, place
from kbuilder.document.graph import Comment, Edge, Graph, Group, Node
from kbuilder.document.project import Project


def _node(name: str, class_name: str = "Dense", **values: object) -> Node:
    return Node(id=name, class_name=class_name, name=name, **values)  # type: ignore[arg-type]


GRAPH = Graph(
    nodes=(
        _node("in", "Input"),
        _node("dense_1", params={"units": 4}, y=100.0, group="inner"),
        _node("dense_2", params={}, shares="dense_1", y=200.0, group="inner"),
        _node("add", "Add", y=300.0, group="outer"),
        _node("last", y=400.0),
    ),
    edges=(
        Edge(source="in", target="dense_1"),
        Edge(source="in", target="dense_2"),
        Edge(source="dense_1", target="add"),
        Edge(source="dense_2", target="add", target_port=1),
        Edge(source="add", target="last"),
    ),
    groups=(Group(id="outer", name="block"), Group(id="inner", name="pair", parent="outer")),
    comments=(
        Comment(id="note", text="look", x=-50.0, y=90.0, group="inner"),
        Comment(id="far", text="far", x=900.0),
    ),
)
PROJECT = Project(graph=GRAPH)
BLOCK = ("dense_1", "dense_2", "add")


def _by_name(graph: Graph) -> dict[str, Node]:
    return {node.name: node for node in graph.nodes}


def test_a_fragment_knows_its_inside_and_its_ends():
    piece = cut_out(GRAPH, BLOCK)
    assert [node.id for node in piece.nodes] == list(BLOCK)
    assert [edge.source for edge in piece.edges] == ["dense_1", "dense_2"]
    assert [group.id for group in piece.groups] == ["outer", "inner"]
    assert [note.id for note in piece.comments] == ["note"]
    ends = (End(node="dense_1"), End(node="dense_2"))
    assert piece.inputs == (Inlet(ends=ends, source="in"),)
    assert piece.outputs == (End(node="add"),)
    assert piece.corner == (-50.0, 90.0)


def test_a_leaf_is_an_output_too():
    assert cut_out(GRAPH, ["last"]).outputs == (End(node="last"),)


def test_a_group_comes_along_only_whole():
    piece = cut_out(GRAPH, ["dense_1", "dense_2"], comments=["far"])
    assert [(group.id, group.parent) for group in piece.groups] == [("inner", "")]
    assert [note.id for note in piece.comments] == ["note", "far"]
    assert cut_out(GRAPH, ["dense_1"]).nodes[0].group == ""


def test_a_copy_has_ids_and_names_of_its_own_and_the_groups_nested():
    placed = place(PROJECT, cut_out(GRAPH, BLOCK), at=(950.0, 90.0))
    graph = placed.project.graph
    assert contradiction(graph) == ""
    names = _by_name(graph)
    assert len(placed.nodes) == 3
    assert [graph.by_id[node].name for node in placed.nodes] == ["dense_3", "dense_4", "add_1"]
    first, second = names["dense_3"], names["dense_4"]
    assert (first.x, first.y) == (1000.0, 100.0)
    assert (second.shares, second.params) == (first.id, {})
    outer, inner = (graph.group_by_id[group] for group in placed.groups)
    assert (outer.name, inner.name, inner.parent) == ("block_1", "pair_1", outer.id)
    assert (first.group, names["add_1"].group) == (inner.id, outer.id)
    assert graph.comments[-1].group == inner.id
    assert {(edge.source, edge.target_port) for edge in graph.incoming[names["add_1"].id]} == {
        (first.id, 0),
        (second.id, 1),
    }
    assert graph.incoming[first.id] == ()


def test_a_copy_can_be_fed_as_the_original_and_put_into_a_group():
    placed = place(PROJECT, cut_out(GRAPH, ["dense_1"]), group="outer", wire=True)
    made = placed.project.graph.by_id[placed.nodes[0]]
    assert (made.group, made.y) == ("outer", 100.0)
    assert [edge.source for edge in placed.project.graph.incoming[made.id]] == ["in"]


def test_a_use_of_a_shared_layer_keeps_sharing_where_its_owner_is():
    piece = cut_out(GRAPH, ["dense_2"])
    inside = place(PROJECT, piece)
    made = inside.project.graph.by_id[inside.nodes[0]]
    assert (made.shares, made.params) == ("dense_1", {})
    elsewhere = place(Project(), piece)
    made = elsewhere.project.graph.by_id[elsewhere.nodes[0]]
    assert (made.shares, made.params) == ("", {"units": 4})
    assert contradiction(elsewhere.project.graph) == ""


def test_two_uses_without_their_owner_share_with_each_other():
    third = _node("dense_9", shares="dense_1")
    piece = cut_out(replace(GRAPH, nodes=(*GRAPH.nodes, third)), ["dense_2", "dense_9"])
    graph = place(Project(), piece).project.graph
    first, second = graph.nodes
    assert (first.shares, second.shares) == ("", first.id)
    assert first.params == {"units": 4}


def test_attach_feeds_all_ends_of_the_first_input():
    placed = attach(PROJECT, cut_out(GRAPH, BLOCK), ("last", 0))
    graph = placed.project.graph
    assert [edge.target for edge in graph.outgoing["last"]] == list(placed.nodes[:2])


def test_insert_goes_into_a_wire():
    placed = insert(PROJECT, cut_out(GRAPH, BLOCK), ("add", 0, "last", 0))
    graph = placed.project.graph
    assert [edge.target for edge in graph.outgoing["add"]] == list(placed.nodes[:2])
    assert [edge.source for edge in graph.incoming["last"]] == [placed.nodes[2]]
    assert contradiction(graph) == ""


def test_insert_of_what_takes_no_input_leaves_the_wire():
    placed = insert(PROJECT, cut_out(GRAPH, ["in"]), ("add", 0, "last", 0))
    assert [edge.source for edge in placed.project.graph.incoming["last"]] == ["add"]
    assert len(placed.nodes) == 1


def test_a_thousand_nodes_are_named_in_one_pass():
    many = Graph(nodes=tuple(_node(f"dense_{i}") for i in range(1000)))
    graph = place(Project(graph=many), cut_out(many, many.by_id)).project.graph
    assert len({node.name for node in graph.nodes}) == 2000


# --- text ---------------------------------------------------------------------------------------


def test_text_and_back():
    piece = cut_out(GRAPH, GRAPH.by_id, comments=["far"])
    text = fragment_json.encode(piece)
    assert b'"format": "kbuilder fragment"' in text
    assert fragment_json.decode(text) == piece


def test_unknown_classes_and_unknown_keys_are_kept():
    text = fragment_json.encode(Fragment(nodes=(_node("x", "NoSuchLayer", params={"a": [1]}),)))
    text = text.replace(b'"class_name"', b'"newer": 1, "class_name"')
    node = fragment_json.decode(text).nodes[0]
    assert (node.class_name, node.params, node.extra) == ("NoSuchLayer", {"a": [1]}, {"newer": 1})


def _text(**parts: object) -> bytes:
    return msgspec.json.encode({"format": fragment_json.FORMAT, "format_version": 1, **parts})


def _raw(name: str, **values: object) -> dict[str, object]:
    return {"id": name, "class_name": "Dense", "name": name, **values}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON"),
        (b"Dear all, ...", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 5000 + b"]" * 5000, ""),
        (b"[1, 2]", "format"),
        (b'{"format": "other"}', "format"),
        (b'{"format": "kbuilder fragment", "format_version": 99}', "Update kbuilder"),
        (b'{"format": "kbuilder fragment", "format_version": "1"}', "Update kbuilder"),
        (b" " * (fragment_json.LARGEST_BYTES + 1), "MB"),
        (_text(nodes=3), "array"),
        (_text(nodes=[{"id": "a"}]), "class_name"),
        (_text(nodes=[_raw("a"), _raw("a")]), "same id"),
        (_text(nodes=[_raw("")]), "without an id"),
        (_text(nodes=[_raw("a", x=1e300)]), "far away"),
        (_text(nodes=[_raw("a", group="g")]), "not there"),
        (_text(nodes=[_raw("a", shares="b"), _raw("b", shares="c"), _raw("c")]), "of its own"),
        (_text(nodes=[_raw("a")], edges=[{"source": "a", "target": "b"}]), "not there"),
        (_text(nodes=[_raw("a")], outputs=[{"node": "b"}]), "not there"),
        (_text(nodes=[_raw("a")], outputs=[{"node": "a", "port": 10**6}]), "port"),
        (_text(inputs=[{"ends": [], "source_port": -1}]), "port"),
        (_text(groups=[{"id": "g", "name": "g", "parent": "g"}]), "in itself"),
        (_text(comments=[{"id": "c", "text": "", "width": -1}]), "size"),
        (_text(groups=[{"id": f"g{i}", "name": "g"} for i in range(1001)]), "1001"),
    ],
)
def test_junk_is_refused_with_one_sentence(content, told):
    with pytest.raises(FileRefusedError) as refused:
        fragment_json.decode(content)
    text = str(refused.value)
    assert told in text
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 300


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.builds(
        _text,
        nodes=st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.sampled_from(["a", "b", "", 1]),
                    "class_name": st.sampled_from(["Dense", "?", None]),
                    "name": st.text(max_size=3),
                },
                optional={
                    "shares": st.sampled_from(["a", "b", "z"]),
                    "group": st.sampled_from(["", "g"]),
                    "x": st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=2),
                },
            ),
            max_size=3,
        ),
        groups=st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from(["g", "h"]), "name": st.just("g")},
                optional={"parent": st.sampled_from(["", "g", "h", "?"])},
            ),
            max_size=2,
        ),
        edges=st.lists(
            st.fixed_dictionaries(
                {"source": st.sampled_from("abz"), "target": st.sampled_from("abz")},
                optional={"target_port": st.integers(-1, 3)},
            ),
            max_size=3,
        ),
    )
)
def test_whatever_is_read_can_be_placed(content):
    try:
        piece = fragment_json.decode(content)
    except FileRefusedError:
        return
    project = place(place(Project(), piece).project, piece, at=(1.0, 2.0)).project
    assert contradiction(project.graph) == ""
    assert len(project.graph.nodes) == 2 * len(piece.nodes)
