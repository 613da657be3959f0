import random
import time

import keras
import msgspec
import pytest

from kbuilder.document.graph import Edge, Graph
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


@pytest.mark.parametrize(
    ("class_name", "params"),
    [
        ("LSTM", {"units": 2, "stateful": True}),
        (
            "Bidirectional",
            {"layer": {"class_name": "GRU", "params": {"units": 2, "stateful": True}}},
        ),
    ],
)
def test_stateful_layers_need_a_batch_of_one_size(catalogue, class_name, params):
    for batch, kinds in (({}, ["open-batch"]), ({"batch_size": 4}, [])):
        graph = make_graph(
            make_node("Input", "in", shape=[5, 3], **batch), make_node(class_name, "it", **params)
        )
        _, problems = Inference(catalogue).infer(graph)
        assert [problem.kind for problem in problems] == kinds


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


def shared(first: int, second: int) -> Graph:
    """One Dense layer on two inputs of these widths."""
    graph = make_graph(
        make_node("Input", "one", shape=[first]),
        make_node("Input", "two", shape=[second]),
        make_node("Dense", "here", units=3),
        make_node("Dense", "there", units=3),
        wires="one>here two>there",
    )
    nodes = (*graph.nodes[:3], msgspec.structs.replace(graph.nodes[3], shares="#here", params={}))
    return msgspec.structs.replace(graph, nodes=nodes)


def test_a_shared_layer_counts_its_weights_once_and_its_work_each_time(catalogue):
    facts, problems = Inference(catalogue).infer(shared(4, 4))
    assert problems == ()
    assert facts["#there"].outputs == facts["#here"].outputs
    assert (facts["#here"].trainable_params, facts["#here"].weight_bytes) == (15, 60)
    assert (facts["#there"].trainable_params, facts["#there"].fixed_params) == (0, 0)
    assert facts["#there"].weight_bytes == 0
    assert facts["#there"].mult_adds == facts["#here"].mult_adds == 12


def test_a_shared_layer_is_made_for_the_first_of_its_inputs(catalogue):
    facts, problems = Inference(catalogue).infer(shared(4, 5))
    assert set(facts) == {"#one", "#two", "#here"}
    assert [problem.node for problem in problems] == ["#there"]


def test_only_what_an_edit_changes_is_tried_again(catalogue, monkeypatch):
    tried = []
    real = Inference._try

    def counted(self, node, *rest):
        tried.append(node.name)
        return real(self, node, *rest)

    monkeypatch.setattr(Inference, "_try", counted)
    layers = [make_node("Dense", f"d{number}", units=10 + number) for number in range(20)]
    graph = make_graph(make_node("Input", "in", shape=[4]), *layers)
    inference = Inference(catalogue)
    inference.infer(graph)
    assert len(tried) == 20
    nodes = list(graph.nodes)
    nodes[5] = msgspec.structs.replace(nodes[5], params={"units": 99})
    nodes[9] = msgspec.structs.replace(nodes[9], x=300.0, name="moved")
    tried.clear()
    edited = inference.infer(msgspec.structs.replace(graph, nodes=tuple(nodes)))
    assert tried == ["d4", "d5"]
    assert edited == Inference(catalogue).infer(msgspec.structs.replace(graph, nodes=tuple(nodes)))


def test_freezing_and_sharing_are_seen_although_nothing_is_tried_again(catalogue):
    inference = Inference(catalogue)
    graph = make_graph(make_node("Input", "in", shape=[4]), make_node("Dense", "d", units=3))
    assert inference.infer(graph)[0]["#d"].fixed_params == 0
    frozen = msgspec.structs.replace(graph.nodes[1], trainable=False)
    graph = msgspec.structs.replace(graph, nodes=(graph.nodes[0], frozen))
    assert inference.infer(graph)[0]["#d"].fixed_params == 15


def test_after_any_edit_it_says_what_a_fresh_one_says(catalogue):
    """Wires, parameters, freezing, sharing and nodes come and go at random, also to what is wrong."""
    rng = random.Random(7)
    layers = [make_node("Dense", f"d{number}", units=3 + number % 2) for number in range(5)]
    start = make_graph(
        make_node("Input", "in", shape=[4]), *layers[:3], make_node("Add", "sum"), *layers[3:]
    )
    inference, graph, kinds = Inference(catalogue), start, set()
    for step in range(150):
        graph = graph if step % 12 else start
        nodes, edges = list(graph.nodes), list(graph.edges)
        at = rng.randrange(1, len(nodes))
        match rng.randrange(7):
            case 0:
                params = {"units": rng.choice([3, 4, -1])}
                nodes[at] = msgspec.structs.replace(nodes[at], params=params)
            case 1:
                trainable = not nodes[at].trainable
                nodes[at] = msgspec.structs.replace(nodes[at], trainable=trainable)
            case 2:
                shares = "" if nodes[at].shares else "#d1"
                if nodes[at].class_name == "Dense" and nodes[at].id != "#d1":
                    nodes[at] = msgspec.structs.replace(nodes[at], shares=shares)
            case 3 | 4:
                source, target = sorted(rng.sample(range(len(nodes)), 2))
                port = rng.randrange(2) if nodes[target].class_name == "Add" else 0
                edge = Edge(source=nodes[source].id, target=nodes[target].id, target_port=port)
                ends = (edge.target, port)
                edges = [each for each in edges if (each.target, each.target_port) != ends]
                edges.append(edge)
            case 5 if edges:
                edges.pop(rng.randrange(len(edges)))
            case 6:
                rng.shuffle(nodes)
                nodes.sort(key=lambda node: node.class_name != "Input")
        graph = msgspec.structs.replace(graph, nodes=tuple(nodes), edges=tuple(edges))
        facts, problems = inference.infer(graph)
        assert (facts, problems) == Inference(catalogue).infer(graph)
        kinds |= {(len(facts), bool(problems))}
    assert len(kinds) > 5
