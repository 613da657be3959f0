"""Any sequence of edits undone gives the start, redone gives the end; saved equals loaded."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.document import Document
from kbuilder.document.graph import Edge
from kbuilder.document.naming import new_node
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import decode, encode
from kbuilder.document.rules import can_connect, check, free_port
from kbuilder.document.values import KerasObject

CATALOGUE = load_catalogue()
NAMES = st.text("abcXYZ_09é 层", min_size=1, max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
STEP = st.tuples(
    st.sampled_from(
        [
            "add",
            "connect",
            "insert",
            "remove",
            "heal",
            "move",
            "rename",
            "param",
            "reset",
            "freeze",
            "output",
            "optimizer",
            "loss",
            "fit",
            "data",
            "undo",
            "redo",
            "merge",
        ]
    ),
    st.integers(0, 50),
    st.integers(0, 50),
    JSON,
)


def act(document: Document, step: tuple[str, int, int, object]) -> None:
    """Do what a user could do with these numbers, if there is something to do it to."""
    kind, first, second, value = step
    graph = document.project.graph
    if kind in ("undo", "redo", "merge"):
        {"undo": document.undo, "redo": document.redo, "merge": document.end_merging}[kind]()
        return
    if kind == "add":
        spec = CATALOGUE.layers[(first * 51 + second) % len(CATALOGUE.layers)]
        document.apply("Add", partial(edits.add_node, node=new_node(graph, spec, first, second)))
        return
    if not graph.nodes:
        return
    one = graph.nodes[first % len(graph.nodes)].id
    other = graph.nodes[second % len(graph.nodes)].id
    if kind == "connect":
        port = free_port(graph, CATALOGUE, other)
        if not can_connect(graph, CATALOGUE, one, 0, other, port):
            edge = Edge(source=one, target=other, target_port=port)
            document.apply("Connect", partial(edits.connect, edge=edge))
        return
    if kind == "insert":
        if graph.edges:
            node = new_node(graph, CATALOGUE.layers[second % len(CATALOGUE.layers)])
            key = graph.edges[first % len(graph.edges)].key
            document.apply("Insert", partial(edits.insert_on_edge, node=node, key=key))
        return
    edit = {
        "remove": partial(edits.remove, ids=[one, other]),
        "heal": partial(edits.remove, ids=[one], heal=True),
        "move": partial(edits.move, places={one: (float(first), float(second))}),
        "rename": partial(edits.rename, node_id=one, name=f"n{second}"),
        "param": partial(edits.set_params, ids=[one, other], values={"units": value}),
        "reset": partial(edits.reset_params, ids=[one], names=["units"]),
        "freeze": partial(edits.freeze, ids=[one], frozen=bool(second % 2)),
        "output": partial(edits.mark_output, node_id=one, output=bool(second % 2)),
        "optimizer": partial(
            edits.set_optimizer,
            optimizer=KerasObject(class_name="SGD", params={"momentum": value}),
        ),
        "loss": lambda project: edits.set_output(
            project, one, loss=KerasObject(class_name="Huber"), loss_weight=second / 7
        ),
        "fit": lambda project: edits.set_fit(project, epochs=first + 1, seed=second),
        "data": partial(
            edits.set_data, data=DataOptions(kind="table", inputs={one: (str(value),)})
        ),
    }[kind]
    document.apply(kind, edit, merge_key=(kind, one) if kind == "move" else None)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_undo_all_is_the_start_and_redo_all_the_end(steps) -> None:
    document = Document(Project())
    for step in steps:
        act(document, step)
    end = document.project
    while document.undo_text:
        document.undo()
    assert document.project == Project()
    while document.redo_text:
        document.redo()
    # Steps that were undone on the way are redone too, so the end is at least as far.
    if not any(step[0] in ("undo", "redo") for step in steps):
        assert document.project == end


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_saved_equals_loaded_and_checking_never_raises(steps) -> None:
    document = Document(Project())
    for step in steps:
        act(document, step)
    check(document.project, CATALOGUE)
    content = encode(document.project)
    again = decode(content, "p.kbuilder")
    assert again == document.project
    assert encode(again) == content
