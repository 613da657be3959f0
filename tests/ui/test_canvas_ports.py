"""Ports for masks and states, second outputs, and masks that go along wires."""

from __future__ import annotations

import pytest

from kbuilder.document import edits
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.ui.canvas.ports import Port
from tests.ui.canvas_bench import Bench


def network() -> Graph:
    return Graph(
        nodes=(
            Node(id="in", class_name="Input", name="words", params={"shape": [5, 4]}),
            Node(
                id="one",
                class_name="LSTM",
                name="encoder",
                params={"units": 3, "return_state": True},
                y=120,
            ),
            Node(id="two", class_name="LSTM", name="decoder", params={"units": 3}, x=300, y=240),
        ),
        edges=(
            Edge(source="in", target="one"),
            Edge(source="one", source_port=1, target="two", target_port=2),
        ),
    )


@pytest.fixture
def states(dressed, catalogue, qtbot):
    bench = Bench(catalogue, network())
    qtbot.addWidget(bench.view)
    bench.view.show()
    bench.view.fit()
    return bench


def test_states_have_ports_with_names(states):
    encoder = states.scene.nodes["one"].ports
    assert [encoder.name(n, output=True) for n in encoder.outputs] == [
        "output",
        "state_h",
        "state_c",
    ]
    assert [encoder.name(n, output=False) for n in sorted(encoder.inputs)] == [
        "input",
        "mask",
        "initial_state_h",
        "initial_state_c",
    ]
    assert len(encoder.aside) == 3
    assert len(states.scene.nodes["two"].ports.aside) == 2  # the wired one stands in the row


def test_a_wire_can_be_drawn_to_a_state(states):
    editing = states.view.editing
    wire = Edge(source="one", source_port=2, target="two", target_port=3)
    assert editing.why_not([wire]) == ""
    assert "takes 4 inputs" in editing.why_not(
        [Edge(source="one", source_port=2, target="two", target_port=4)]
    )


def test_a_port_says_its_name_under_the_mouse(states):
    place = states.scene.port_place(Port("one", 3, False))
    states.scene.set_zoom(2.0)
    assert states.scene.tip_at(place) == "initial_state_c"


def test_ports_that_come_move_the_wires(states):
    before = states.scene.edges[("one", 1, "two", 2)].start
    states.document.apply(
        "x", lambda project: edits.set_params(project, ["one"], {"return_state": False})
    )
    assert len(states.scene.nodes["one"].ports.outputs) == 2  # the wired one is still shown
    assert states.scene.edges[("one", 1, "two", 2)].start != before


def test_a_mask_is_seen_beside_its_wire_and_said(states):
    masked = NodeFacts(outputs=(TensorFacts((None, 5, 4), "float32", True),))
    states.scene.set_facts({"in": masked}, ())
    wire = states.scene.edges[("in", 0, "one", 0)]
    assert wire.is_masked
    assert states.scene.spoken_wire(wire.key) == "words → encoder · 5 × 4 · mask"
    assert "gives a mask" in states.scene.spoken("in")
    with_dots = wire.boundingRect().width()
    states.scene.set_facts({"in": NodeFacts(outputs=(TensorFacts((None, 5, 4), "float32"),))}, ())
    assert not wire.is_masked
    assert wire.boundingRect().width() < with_dots


def test_a_fixed_training_is_on_the_node(states):
    states.document.apply("x", lambda project: edits.set_call(project, ["one"], "training", False))
    assert states.scene.nodes["one"].look.training == "training off"
    assert "training off" in states.scene.spoken("one")
    states.document.apply("x", lambda project: edits.set_call(project, ["one"], "training", None))
    assert states.scene.nodes["one"].look.training == ""
