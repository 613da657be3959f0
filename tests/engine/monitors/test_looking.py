"""Looks into models: right numbers, and not a bit of the training changed by them."""

import time

import keras
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.graph import Edge, Graph, Group, Node
from kbuilder.document.options import CompileOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.monitors import looking
from kbuilder.engine.monitors.looking import Look, touched
from tests.engine.conftest import loss, make_graph, make_node

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 8)).astype("float32")
Y = RNG.integers(0, 3, 40)
CLASSES = {"#label": ("a", "b", "c")}


def made(project, catalogue):
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    return built


def two_outputs():
    """Dropout, batch statistics, a shared layer, a frozen one, a block that is a model, two outputs."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "fixed", units=8, activation="relu", trainable=False),
        make_node("Dropout", "drop", rate=0.3),
        make_node("BatchNormalization", "norm"),
        make_node("Dense", "inner", units=8, activation="relu"),
        make_node("Dense", "inner_2", units=8, activation="tanh"),
        make_node("Dense", "label", units=3, activation="softmax"),
        make_node("Dense", "yes", units=1, activation="sigmoid"),
        wires="points>fixed fixed>drop drop>norm norm>inner inner>inner_2 again>label again>yes",
    )
    again = Node(id="#again", class_name="Dense", name="again", shares="#fixed")
    inside = tuple(
        replace(node, group="#block") if node.name.startswith("inner") else node
        for node in graph.nodes
    )
    block = Group(id="#block", name="block", nested=True)
    edges = (*graph.edges, Edge(source="#inner_2", target="#again"))
    return Project(
        graph=Graph(nodes=(*inside, again), edges=edges, groups=(block,)),
        compile=CompileOptions(
            outputs={
                "#label": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"),
                "#yes": loss("BinaryCrossentropy", weight=0.5),
            }
        ),
        fit=FitOptions(seed=4),
    )


def trained(catalogue, *, look):
    """All numbers of a model, its optimizer and its metrics after some steps."""
    built = made(two_outputs(), catalogue)
    targets = [Y, (Y > 0).astype("float32")]
    looker = Look(built, [X], targets, None, CLASSES) if look else None
    for step in range(3):
        built.model.train_on_batch(X, targets)
        if looker:
            looked = looker.look(1, step, step)
    state = [*built.model.variables, *built.model.optimizer.variables]
    state += built.model.metrics_variables
    return [variable.numpy() for variable in state], looked if looker else None


def test_a_training_is_the_same_bit_for_bit_with_looks(catalogue) -> None:
    plain, _ = trained(catalogue, look=False)
    watched, looked = trained(catalogue, look=True)
    assert len(plain) == len(watched)
    assert all(np.array_equal(one, two) for one, two in zip(plain, watched, strict=True))
    assert set(looked.layers) == {"#fixed", "#norm", "#inner", "#inner_2", "#label", "#yes"}
    frozen = looked.layers["#fixed"]
    assert frozen.weight > 0
    assert frozen.gradient is None
    assert frozen.update is None
    assert frozen.dead is not None  # of both calls of the shared layer
    assert looked.layers["#inner"].gradient > 0
    assert looked.layers["#inner"].update > 0
    assert looked.layers["#inner_2"].dead is None
    assert set(looked.confusion) == {"#label", "#yes"}
    assert to_numpy(looked.confusion["#yes"].counts).sum() == 40


@pytest.fixture(scope="module")
def plain(catalogue):
    """A net without anything random, half of whose hidden units are dead; its look, twice."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "hidden", units=4, activation="relu"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    project = Project(
        graph=graph, compile=CompileOptions(outputs={"#label": loss("CategoricalCrossentropy")})
    )
    built = made(project, catalogue)
    kernel, bias = built.layers["#hidden"].get_weights()
    bias[:2] = -100
    built.layers["#hidden"].set_weights([kernel, bias])
    one_hot = np.eye(3, dtype="float32")[Y]
    look = Look(built, [X], [one_hot], None, CLASSES, rows=range(100, 140))
    first = look.look(5, 0, 10)
    built.layers["#hidden"].set_weights([kernel, bias + 1])
    return built, one_hot, look, first, look.look(5, 1, 20)


def test_norms_are_those_of_weights_gradients_and_changes(plain) -> None:
    built, one_hot, _, first, second = plain
    import tensorflow as tf

    layer = built.layers["#hidden"]
    with tf.GradientTape() as tape:
        value = keras.losses.CategoricalCrossentropy()(one_hot, built.model(X))
    slopes = tape.gradient(value, [weight.value for weight in layer.trainable_weights])
    size = np.sqrt(sum(float(tf.reduce_sum(slope**2)) for slope in slopes))
    assert second.layers["#hidden"].gradient == pytest.approx(size, rel=1e-5)
    weights = np.sqrt(sum((weight**2).sum() for weight in layer.get_weights()))
    assert second.layers["#hidden"].weight == pytest.approx(weights, rel=1e-5)
    assert first.layers["#hidden"].update is None
    assert second.layers["#hidden"].update == pytest.approx(2.0, rel=1e-4)  # four biases, 1 each
    assert second.layers["#label"].update == 0


def test_dead_units_and_taken_classes_are_counted(plain) -> None:
    built, _, _, first, second = plain
    assert first.layers["#hidden"].dead >= 0.5
    assert first.layers["#label"].dead is None
    found = second.confusion["#label"]
    taken = built.model.predict(X, verbose=0).argmax(1)
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (Y, taken), 1)
    assert to_numpy(found.counts).tolist() == counts.tolist()
    assert found.classes == ("a", "b", "c")
    wrong = np.flatnonzero(taken != Y)
    assert found.samples == tuple(wrong + 100)
    assert found.cells == tuple(zip(Y[wrong].tolist(), taken[wrong].tolist(), strict=True))


def test_looks_are_rare_when_they_take_long(plain, monkeypatch) -> None:
    _, _, look, _, second = plain
    assert (second.request, second.epoch, second.step) == (5, 1, 20)
    monkeypatch.setattr(look, "_spent", 10.0)
    assert not look.due()
    assert look.due(last=True)
    monkeypatch.setattr(look, "_spent", 1e-9)
    monkeypatch.setattr(look, "_since", look._since - 10)
    assert look.due()
    monkeypatch.setattr(look, "_begun", look._begun - 1e6)
    assert look.due()
    monkeypatch.setattr(look, "_since", time.perf_counter() + 60)
    assert not look.due()


def test_half_precision_and_newly_frozen_layers_are_seen(catalogue, classifier) -> None:
    options = replace(classifier.compile, dtype_policy="mixed_float16")
    built = made(replace(classifier, compile=options), catalogue)
    look = Look(built, [X], [Y], None, CLASSES)
    before = look.look(1, 0, 0).layers["#hidden"]
    assert np.isfinite(before.gradient)
    assert before.gradient > 0
    built.layers["#hidden"].trainable = False
    compile_model(built, classifier, catalogue)
    after = look.look(1, 1, 1).layers
    assert after["#hidden"].gradient is None
    assert after["#hidden"].weight > 0
    assert after["#label"].gradient > 0


def test_large_activations_and_fixed_batches_take_fewer_samples(
    catalogue, classifier, monkeypatch
) -> None:
    built = made(classifier, catalogue)
    assert looking.probe_size(built, 1000) == 256
    monkeypatch.setattr(looking, "MOST_VALUES", 410)
    assert looking.probe_size(built, 1000) == 10  # 8 + 12 + 12 + 6 + 3 values each
    inputs = classifier.graph.nodes[0]
    fixed = replace(inputs, params={"shape": [8], "batch_size": 16})
    nodes = (fixed, *classifier.graph.nodes[1:])
    built = made(replace(classifier, graph=replace(classifier.graph, nodes=nodes)), catalogue)
    assert looking.probe_size(built, 1000) == 16
    assert looking.probe_size(built, 15) == 0
    assert not Look(built, [X[:15]], [Y[:15]]).due(last=True)
    kinds = {variable.path.split("/")[-1] for variable in touched(built.model)}
    assert "kernel" not in kinds
    assert "seed_generator_state" in kinds
