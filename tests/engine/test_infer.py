import time

import keras
import msgspec
import pytest

from kbuilder.document.project import Project
from kbuilder.engine.build import build
from kbuilder.engine.infer import Inference
from tests.engine.conftest import make_graph, make_node


def test_facts_equal_those_of_the_built_model(classifier, catalogue):
    facts, problems = Inference(catalogue).infer(classifier.graph)
    built = build(classifier, catalogue)
    assert problems == ()
    for node in classifier.graph.nodes:
        layer = built.model.get_layer(node.name)
        assert facts[node.id].outputs[0].shape == tuple(built.tensors[node.id][0].shape)
        trainable = sum(v.value.shape.num_elements() for v in layer.trainable_weights)
        assert facts[node.id].trainable_params == trainable
        assert facts[node.id].trainable_params + facts[node.id].fixed_params == layer.count_params()
    assert facts["#fixed"].trainable_params == 0
    assert facts["#fixed"].fixed_params == 8 * 12 + 12


def test_statistics_that_never_train_are_counted_as_fixed(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[10]), make_node("BatchNormalization", "norm")
    )
    facts, _ = Inference(catalogue).infer(graph)
    assert (facts["#norm"].trainable_params, facts["#norm"].fixed_params) == (20, 20)


def test_no_weights_are_made(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[50_000]), make_node("Dense", "huge", units=600_000)
    )
    facts, _ = Inference(catalogue).infer(graph)  # 120 GB, if they were
    assert facts["#huge"].trainable_params == 50_001 * 600_000


def test_nodes_behind_a_broken_one_have_no_facts_and_no_problem(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4]),
        make_node("Reshape", "broken", target_shape=[3, 3]),
        make_node("Dense", "behind", units=1),
    )
    facts, problems = Inference(catalogue).infer(graph)
    assert set(facts) == {"#in"}
    assert [problem.node for problem in problems] == ["#broken"]


def test_a_wire_from_an_output_that_is_gone_names_both_ends(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4, 2]),
        make_node("LSTM", "reader", units=3, return_state=False),
        make_node("Dense", "state", units=1),
    )
    edges = (graph.edges[0], msgspec.structs.replace(graph.edges[1], source_port=2))
    _, problems = Inference(catalogue).infer(msgspec.structs.replace(graph, edges=edges))
    assert [problem.node for problem in problems] == ["#state"]
    assert "“state” starts at output 3 of “reader”, which has 1" in problems[0].text


def test_an_inner_layer_that_does_not_fit_is_told_by_its_cause(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4, 2]),
        make_node("Bidirectional", "both", layer={"class_name": "Dense", "params": {"units": 3}}),
    )
    _, (problem,) = Inference(catalogue).infer(graph)
    assert problem.node == "#both"
    assert "go_backwards" in problem.text
    assert "get_config" not in problem.text


@pytest.mark.parametrize(
    "graph",
    [
        make_graph(),
        make_graph(make_node("Dense", "alone", units=3)),
        make_graph(make_node("Input", "in"), make_node("Dense", "d", units=3)),
        make_graph(make_node("Input", "in", shape="wide"), make_node("Dense", "d", units=3)),
        make_graph(make_node("Input", "in", shape=[3]), make_node("Dense", "d", units="many")),
        make_graph(make_node("Input", "in", shape=[3]), make_node("Dense", "d", nonsense=1)),
        make_graph(make_node("Input", "in", shape=[3]), make_node("Unheard", "of")),
        make_graph(make_node("Input", "in", shape=[3]), make_node("Add", "sum")),
        make_graph(
            make_node("Dense", "a", units=1), make_node("Dense", "b", units=1), wires="a>b b>a"
        ),
    ],
)
def test_mistakes_are_never_raised(catalogue, graph):
    facts, _ = Inference(catalogue).infer(graph)
    assert all(graph.by_id[node].class_name == "Input" for node in facts)


def test_a_changed_parameter_is_seen_although_layers_are_remembered(catalogue):
    inference = Inference(catalogue)
    for units in (3, 5, 3):
        graph = make_graph(
            make_node("Input", "in", shape=[4]), make_node("Dense", "d", units=units)
        )
        assert inference.infer(graph)[0]["#d"].outputs[0].shape == (None, units)


def test_editing_a_deep_net_takes_well_below_a_second(catalogue):
    layers = [make_node("Dense", f"d{i}", units=16 + i % 7) for i in range(500)]
    graph = make_graph(make_node("Input", "in", shape=[16]), *layers)
    inference = Inference(catalogue)
    inference.infer(graph)
    begun = time.perf_counter()
    facts, _ = inference.infer(graph)
    assert len(facts) == 501
    assert time.perf_counter() - begun < 1.0


def test_a_layer_tried_here_leaves_no_trace_in_keras(catalogue, classifier):
    keras.utils.set_random_seed(3)
    before = keras.random.uniform((2,)).numpy().tolist()
    keras.utils.set_random_seed(3)
    Inference(catalogue).infer(classifier.graph)
    built = build(Project(graph=classifier.graph), catalogue)
    assert all(v.value is not None for v in built.model.variables)
    keras.utils.set_random_seed(3)
    assert keras.random.uniform((2,)).numpy().tolist() == before
