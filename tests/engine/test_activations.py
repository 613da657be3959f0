import keras
import numpy as np
import pytest

from kbuilder.document.errors import KBuilderError
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.activations import Probe
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build import build
from tests.engine.conftest import make_graph, make_node


@pytest.fixture
def probed(classifier, catalogue):
    built = build(classifier, catalogue)
    dataset = data.load(classifier.data, classifier.graph)
    return built, dataset, Probe(built, dataset.inputs, dataset.targets)


@pytest.mark.parametrize("node", ["#points", "#fixed", "#drop", "#label"])
@pytest.mark.parametrize("samples", [(5,), (9, 0, 9), tuple(range(70))])
def test_equal_to_predict_of_a_model_cut_at_the_layer(probed, node, samples):
    built, dataset, probe = probed
    found = probe.compute(4, node, samples)
    x = dataset.inputs["#points"][list(samples)]
    cut = keras.Model(
        built.model.inputs, built.model.get_layer(built.graph.by_id[node].name).output
    )
    np.testing.assert_array_equal(to_numpy(found.activations), cut.predict(x, verbose=0))
    np.testing.assert_array_equal(
        to_numpy(found.outputs["#label"]), built.model.predict(x, verbose=0)
    )
    np.testing.assert_array_equal(to_numpy(found.inputs["#points"]), x)
    np.testing.assert_array_equal(
        to_numpy(found.truth["#label"]), dataset.targets["#label"][list(samples)]
    )
    assert (found.request, found.node, found.samples, found.epoch) == (4, node, samples, None)


def test_moved_weights_are_seen_by_a_probe_that_has_looked_before(probed):
    built, _, probe = probed
    before = to_numpy(probe.compute(1, "#hidden", (0,)).activations)
    layer = built.layers["#hidden"]
    layer.set_weights([values + 1 for values in layer.get_weights()])
    assert not np.array_equal(before, to_numpy(probe.compute(1, "#hidden", (0,)).activations))


def test_several_inputs_and_outputs(catalogue):
    graph = make_graph(
        make_node("Input", "a", shape=[2]),
        make_node("Input", "b", shape=[3]),
        make_node("Concatenate", "join"),
        make_node("Dense", "one", units=1),
        make_node("Dense", "two", units=2),
        wires="a>join:0 b>join:1 join>one join>two",
    )
    built = build(Project(graph=graph), catalogue)
    inputs = {"#a": np.ones((4, 2), "float32"), "#b": np.zeros((4, 3), "float32")}
    found = Probe(built, inputs, {}).compute(1, "#join", (2,))
    assert to_numpy(found.activations).tolist() == [[1, 1, 0, 0, 0]]
    assert {name: array.shape for name, array in found.outputs.items()} == {
        "#one": (1, 1),
        "#two": (1, 2),
    }
    assert found.truth == {}


@pytest.mark.parametrize(
    ("node", "samples", "words"),
    [
        ("#gone", (0,), "not in the network"),
        ("#hidden", (150,), "samples 0 to 149"),
        ("#hidden", (-1,), "samples 0 to 149"),
        ("#hidden", (), "samples 0 to 149"),
    ],
)
def test_what_is_not_there_is_said(probed, node, samples, words):
    with pytest.raises(KBuilderError, match=words):
        probed[2].compute(1, node, samples)
