"""Rows of what differs, the settings of runs, and the digest over the meaning."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.document import Document
from kbuilder.document.graph import Comment, Graph
from kbuilder.document.meaning import project_digest
from kbuilder.document.project import Project
from kbuilder.document.project_file import decode, encode, load
from kbuilder.document.run_difference import Difference, differences
from kbuilder.document.run_settings import differing, setting_text, settings_of
from kbuilder.document.values import KerasObject
from kbuilder.resources import resource
from tests.document.test_undo_property import STEP, act

WINE = load(resource("samples", "wine-two-in-two-out.kbuilder"))
HIDDEN = next(node for node in WINE.graph.nodes if node.class_name == "Dense")


def rows(after: Project) -> list[tuple[str, str, str, str]]:
    return [(d.part, d.what, d.before, d.after) for d in differences(WINE, after)]


def test_options_differ_by_their_names() -> None:
    after = edits.set_optimizer(
        edits.set_fit(WINE, batch_size=7),
        KerasObject(class_name="SGD", params={"learning_rate": 0.1}),
    )
    assert rows(after) == [
        ("setting", "optimizer", "Adam", "SGD"),
        ("setting", "optimizer.learning_rate", "0.003", "0.1"),
        ("setting", "fit.batch_size", "16", "7"),
    ]


def test_layers_and_wires_differ() -> None:
    node = WINE.graph.by_id[HIDDEN.id]
    changed = edits.set_params(WINE, [node.id], {"units": 99})
    assert rows(edits.freeze(changed, [node.id], True)) == [
        ("layer", f"{node.name}.trainable", "on", "off"),
        ("layer", f"{node.name}.units", str(node.params["units"]), "99"),
    ]
    assert rows(edits.rename(WINE, node.id, "other")) == [
        ("layer", node.name, node.name, "other"),
    ]
    gone = rows(edits.remove(WINE, [node.id]))
    assert ("layer", node.name, "Dense", "") in gone
    assert {row[2:] for row in gone if row[0] == "wire"} == {("there", "")}


def test_an_output_that_is_gone_is_one_row() -> None:
    output = WINE.graph.outputs[0]
    told = [row for row in rows(edits.remove(WINE, [output.id])) if row[0] == "setting"]
    assert [name for _, name, _, _ in told if name.startswith(output.name)] == [
        f"{output.name}.loss"
    ]


def test_the_same_names_with_other_ids_are_the_same_layers() -> None:
    graph = WINE.graph
    other = Graph(
        nodes=tuple(replace(node, id=f"new {node.id}") for node in graph.nodes),
        edges=tuple(
            replace(edge, source=f"new {edge.source}", target=f"new {edge.target}")
            for edge in graph.edges
        ),
    )
    assert differences(Project(graph=graph), Project(graph=other)) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=8))
def test_edits_undone_leave_no_row_and_others_change_the_digest(steps: list) -> None:
    document = Document(WINE)
    for step in steps:
        act(document, step)
    found = differences(WINE, document.project)
    assert all(isinstance(row, Difference) and row.before != row.after for row in found)
    if found:
        assert project_digest(document.project) != project_digest(WINE)
    while document.undo_text:
        document.undo()
    assert differences(WINE, document.project) == ()
    assert project_digest(document.project) == project_digest(WINE)


def test_what_is_only_drawn_is_no_difference() -> None:
    moved = edits.move(WINE, {HIDDEN.id: (1234.5, -7.0)})
    graph = Graph(
        nodes=moved.graph.nodes,
        edges=tuple(reversed(moved.graph.edges)),
        groups=moved.graph.groups,
        comments=(Comment(id="c", text="hello"),),
    )
    drawn = Project(
        graph=graph,
        compile=moved.compile,
        fit=moved.fit,
        data=moved.data,
        notes="something",
    )
    assert differences(WINE, drawn) == ()
    assert project_digest(drawn) == project_digest(WINE)


def test_the_digest_knows_no_order_of_keys_and_no_way_to_write_a_number() -> None:
    content = json.loads(encode(WINE))
    upside_down = json.dumps(dict(reversed(content.items())), indent=7)
    assert '"learning_rate": 0.003' in upside_down
    written = upside_down.replace('"learning_rate": 0.003', '"learning_rate": 3.0e-3')
    written = written.replace('"units": 16', '"units": 16.0')
    assert project_digest(decode(written.encode(), "w")) == project_digest(WINE)
    other = written.replace("3.0e-3", "3.1e-3")
    assert project_digest(decode(other.encode(), "w")) != project_digest(WINE)


def test_settings_that_differ_between_runs() -> None:
    catalogue = load_catalogue()
    plain = Project()
    slow = edits.set_optimizer(
        plain, KerasObject(class_name="Adam", params={"learning_rate": 1e-4})
    )
    found = [settings_of(each, catalogue) for each in (plain, slow, slow)]
    assert differing(found) == ("optimizer.learning_rate",)
    assert [s["optimizer.learning_rate"] for s in found] == [0.001, 1e-4, 1e-4]


def test_settings_are_short_texts() -> None:
    loss = {"class_name": "Huber", "params": {"delta": 0.5}}
    assert setting_text(loss) == "Huber(delta=0.5)"
    assert setting_text({"class_name": "Huber"}) == "Huber"
    assert setting_text(0.1 + 0.2) == "0.3"
    assert setting_text([True, None]) == "on, –"
    assert setting_text({"a": 1}) == "a=1"
