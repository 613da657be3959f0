import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fixes import (
    AddAfter,
    AddCallback,
    Connect,
    Disconnect,
    Fix,
    Freeze,
    InsertBefore,
    Remove,
    Rename,
    ReplaceClass,
    ResetParams,
    SetFit,
    SetLoss,
    SetMetrics,
    SetOptimizer,
    SetParams,
    Unshare,
)
from kbuilder.document.graph import Edge, Graph, Group, Node
from kbuilder.document.mending import ROW, apply_fix
from kbuilder.document.options import CompileOptions, DataOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject

CATALOGUE = load_catalogue()
LOSS = OutputOptions(loss=KerasObject(class_name="MeanSquaredError"))
PROJECT = Project(
    graph=Graph(
        nodes=(
            Node(id="in", class_name="Input", name="image", params={"shape": [8]}, y=0),
            Node(id="mid", class_name="Dense", name="hidden", params={"units": 4}, y=98, group="g"),
            Node(id="out", class_name="Dense", name="last", params={"units": 2}, y=196),
        ),
        edges=(Edge(source="in", target="mid"), Edge(source="mid", target="out")),
        groups=(Group(id="g", name="block"),),
    ),
    compile=CompileOptions(outputs={"out": LOSS}),
    data=DataOptions(kind="sample", path="digits", targets={"out": ("label",)}),
)


def mended(*steps, project: Project = PROJECT) -> Project:
    return apply_fix(project, Fix(text="Mend it", steps=steps), CATALOGUE)


def new_node(project: Project) -> Node:
    (node,) = (node for node in project.graph.nodes if node.id not in PROJECT.graph.by_id)
    return node


def wires(project: Project) -> list[str]:
    names = {node.id: node.name for node in project.graph.nodes}
    return sorted(f"{names[edge.source]}>{names[edge.target]}" for edge in project.graph.edges)


def test_a_layer_is_put_into_the_wire_between_its_ends_in_their_group():
    after = mended(InsertBefore(node="mid", class_name="Dropout", params={"rate": 0.4}))
    node = new_node(after)
    assert wires(after) == ["dropout>hidden", "hidden>last", "image>dropout"]
    assert (node.class_name, node.params, node.group) == ("Dropout", {"rate": 0.4}, "g")
    assert node.y == ROW
    assert [after.graph.by_id[name].y for name in ("in", "mid", "out")] == [
        0,
        2 * ROW,
        98 + 2 * ROW,
    ]


def test_a_layer_in_front_of_an_open_port_lands_above_it():
    cut = edits.disconnect(PROJECT, [PROJECT.graph.edges[0].key])
    after = mended(InsertBefore(node="mid", class_name="Input"), project=cut)
    assert wires(after) == ["hidden>last", "input>hidden"]
    assert new_node(after).y < after.graph.by_id["mid"].y


def test_two_layers_are_put_before_the_same_port_in_order():
    first = InsertBefore(node="out", class_name="Flatten")
    after = mended(first, InsertBefore(node="out", class_name="Dropout"))
    assert "flatten>dropout" in wires(after)
    assert "dropout>last" in wires(after)


def test_all_readers_read_the_layer_that_is_added_behind():
    branched = edits.add_after(
        PROJECT, Node(id="side", class_name="Flatten", name="side", y=196), "mid"
    )
    after = mended(AddAfter(node="mid", class_name="Dropout"), project=branched)
    assert wires(after) == ["dropout>last", "dropout>side", "hidden>dropout", "image>hidden"]
    assert after.graph.by_id["out"].y == after.graph.by_id["side"].y == 98 + 2 * ROW
    assert after.graph.by_id["in"].y == 0


def test_a_layer_behind_an_output_takes_over_loss_and_target():
    after = mended(AddAfter(node="out", class_name="Softmax"))
    node = new_node(after)
    assert after.compile.outputs == {node.id: LOSS}
    assert after.data.targets == {node.id: ("label",)}


def test_what_fed_a_deleted_output_takes_over_its_loss_and_target():
    after = mended(Remove(nodes=("out",)))
    assert wires(after) == ["image>hidden"]
    assert after.compile.outputs == {"mid": LOSS}
    assert after.data.targets == {"mid": ("label",)}


def test_a_deleted_layer_leaves_a_healed_wire():
    assert wires(mended(Remove(nodes=("mid",)))) == ["image>last"]


def test_wires_are_drawn_and_removed():
    cut = mended(Disconnect(node="out", port=0, source="mid"))
    assert wires(cut) == ["image>hidden"]
    assert wires(mended(Connect(source="in", target="out"), project=cut)) == [
        "image>hidden",
        "image>last",
    ]


def test_options_are_set():
    after = mended(
        SetParams(node="mid", values={"units": 9}),
        Rename(node="mid", name="wide"),
        Freeze(nodes=("mid",), frozen=True),
        SetLoss(node="out", class_name="Huber", params={"delta": 2.0}),
        SetMetrics(node="out", metrics=(("MeanAbsoluteError", {}),)),
        SetFit(values={"batch_size": 8}),
        SetOptimizer(values={"learning_rate": 0.5}),
        AddCallback(class_name="TerminateOnNaN"),
    )
    node = after.graph.by_id["mid"]
    assert (node.params, node.name, node.trainable) == ({"units": 9}, "wide", False)
    assert after.compile.outputs["out"] == OutputOptions(
        loss=KerasObject(class_name="Huber", params={"delta": 2.0}),
        metrics=(KerasObject(class_name="MeanAbsoluteError"),),
    )
    assert after.fit.batch_size == 8
    assert after.compile.optimizer.params["learning_rate"] == 0.5
    assert [each.class_name for each in after.fit.callbacks] == ["TerminateOnNaN"]
    assert mended(ResetParams(node="mid", names=("units",))).graph.by_id["mid"].params == {}
    swapped = mended(ReplaceClass(node="mid", class_name="Flatten")).graph.by_id["mid"]
    assert (swapped.class_name, swapped.params) == ("Flatten", {})


def test_a_layer_that_was_shared_becomes_its_own():
    twin = Node(id="twin", class_name="Dense", name="twin", shares="mid")
    shared = edits.add_after(PROJECT, twin, "in")
    after = mended(Unshare(nodes=("twin",)), project=shared)
    assert (after.graph.by_id["twin"].shares, after.graph.by_id["twin"].params) == (
        "",
        {"units": 4},
    )
    wider = mended(SetParams(node="twin", values={"units": 5}), project=shared)
    assert wider.graph.by_id["mid"].params == {"units": 5}


@pytest.mark.parametrize(
    "step",
    [
        SetParams(node="gone", values={}),
        InsertBefore(node="gone", class_name="Flatten"),
        Connect(source="gone", target="out"),
        Freeze(nodes=("out", "gone"), frozen=True),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_fix_for_a_layer_that_is_gone_is_refused_in_a_sentence(step):
    with pytest.raises(KBuilderError, match="“Mend it” cannot be done any more"):
        mended(step)


def test_a_wire_that_would_close_a_circle_is_refused():
    with pytest.raises(KBuilderError, match="circle"):
        mended(Connect(source="out", target="mid"))


def test_a_class_that_this_keras_lacks_is_refused():
    with pytest.raises(KBuilderError, match="Holographic"):
        mended(InsertBefore(node="mid", class_name="Holographic"))


def test_nothing_else_is_touched():
    after = mended(SetFit(values={"batch_size": 8}))
    assert replace(after, fit=PROJECT.fit) == PROJECT
