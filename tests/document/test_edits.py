from functools import partial
from itertools import pairwise

import pytest

from kbuilder.document import edits
from kbuilder.document.document import Document, InvalidEditError
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import DataOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject


def chain(*ids: str) -> Project:
    """A project whose nodes are wired one after the other."""
    nodes = tuple(Node(id=name, class_name="Dense", name=name) for name in ids)
    edges = tuple(Edge(source=a, target=b) for a, b in pairwise(ids))
    return Project(graph=Graph(nodes=nodes, edges=edges))


def wires(project: Project) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in project.graph.edges}


def test_insert_on_edge_splits_the_wire() -> None:
    new = Node(id="n", class_name="Dropout", name="n")
    project = edits.insert_on_edge(chain("a", "b"), new, ("a", 0, "b", 0))
    assert wires(project) == {("a", "n"), ("n", "b")}


def test_connect_replaces_the_wire_at_the_same_port() -> None:
    project = edits.add_node(chain("a", "b"), Node(id="c", class_name="Dense", name="c"))
    project = edits.connect(project, Edge(source="c", target="b"))
    assert wires(project) == {("c", "b")}


def test_remove_takes_wires_and_options_along() -> None:
    project = edits.set_output(chain("a", "b"), "b", loss=KerasObject(class_name="Huber"))
    project = edits.set_data(project, DataOptions(targets={"b": ("y",)}, inputs={"a": ("x",)}))
    project = edits.set_fit(
        project, class_weights={"b": "balanced"}, sample_weights={"b": "w"}, augmentation={"a": ()}
    )
    project = edits.remove(project, ["b"])
    assert (project.fit.class_weights, project.fit.sample_weights) == ({}, {})
    assert project.fit.augmentation == {"a": ()}
    assert wires(project) == set()
    assert project.compile.outputs == {}
    assert project.data.targets == {}
    assert project.data.inputs == {"a": ("x",)}


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        (["b"], {("a", "c"), ("c", "d")}),
        (["b", "c"], {("a", "d")}),
        (["a"], {("b", "c"), ("c", "d")}),
    ],
)
def test_remove_heals_chains(gone: list[str], expected: set[tuple[str, str]]) -> None:
    assert wires(edits.remove(chain("a", "b", "c", "d"), gone, heal=True)) == expected


def test_healing_a_circle_ends() -> None:
    project = chain("a", "b", "c")
    circle = edits.connect(project, Edge(source="c", target="a"))
    assert wires(edits.remove(circle, ["a", "b"], heal=True)) == set()


def test_params_are_set_for_many_and_reset() -> None:
    project = edits.set_params(chain("a", "b"), ["a", "b"], {"units": 5})
    assert [node.params for node in project.graph.nodes] == [{"units": 5}] * 2
    project = edits.reset_params(project, ["a"], ["units"])
    assert [node.params for node in project.graph.nodes] == [{}, {"units": 5}]


def test_freeze_and_output_options() -> None:
    project = edits.freeze(chain("a", "b"), ["a"], True)
    assert [node.trainable for node in project.graph.nodes] == [False, True]
    project = edits.set_output(project, "b", loss_weight=0.5)
    assert project.compile.outputs["b"] == OutputOptions(loss_weight=0.5)


def test_one_gesture_is_one_step() -> None:
    document = Document(chain("a", "b"))
    for x in (1.0, 2.0, 3.0):
        document.apply("Move a", partial(edits.move, places={"a": (x, 0.0)}), merge_key="move a")
    document.end_merging()
    document.apply("Move a", partial(edits.move, places={"a": (9.0, 0.0)}), merge_key="move a")
    document.undo()
    assert document.project.graph.by_id["a"].x == 3.0
    document.undo()
    assert document.project.graph.by_id["a"].x == 0.0
    assert document.undo_text == ""
    assert document.redo_text == "Move a"


def test_an_edit_that_changes_nothing_leaves_no_step() -> None:
    document = Document(chain("a"))
    assert not document.apply("Freeze a", partial(edits.freeze, ids=["a"], frozen=False))
    assert document.undo_text == ""


def test_modified_follows_undo_and_saving(tmp_path) -> None:
    document = Document(chain("a"))
    assert not document.modified
    document.apply("Freeze a", partial(edits.freeze, ids=["a"], frozen=True))
    assert document.modified
    document.mark_saved(tmp_path / "p.kbuilder")
    assert not document.modified
    document.undo()
    assert document.modified
    document.redo()
    assert not document.modified


def test_a_contradiction_is_refused_and_nothing_changes() -> None:
    document = Document(chain("a"))
    with pytest.raises(InvalidEditError, match="not there"):
        document.apply("x", partial(edits.connect, edge=Edge(source="a", target="zz")))
    assert document.project == chain("a")


def test_observers_hear_what_changed_once() -> None:
    document = Document(chain("a", "b", "c"))
    heard = []
    document.observe(heard.append)
    document.apply("Delete b", partial(edits.remove, ids=["b"], heal=True))
    (changes,) = heard
    assert changes.removed == ("b",)
    assert [edge.key for edge in changes.edges_added] == [("a", 0, "c", 0)]
    assert len(changes.edges_removed) == 2
    assert not changes.changed
    assert not changes.fit
