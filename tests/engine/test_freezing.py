import numpy as np

from kbuilder.document.options import CompileOptions
from kbuilder.document.project import Project
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.freezing import frozen_digests
from tests.engine.conftest import loss, make_graph, make_node


def fit(project, catalogue):
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    before = built.model.get_weights()
    digests = frozen_digests(built.layers, project.graph)
    rng = np.random.default_rng(0)
    x, y = rng.normal(3.0, 2.0, (64, 8)), rng.integers(0, 3, 64)
    built.model.fit(x, y, epochs=1, verbose=0)
    return built, before, digests


def test_frozen_weights_stay_and_the_others_move(classifier, catalogue):
    built, _, digests = fit(classifier, catalogue)
    assert list(digests) == ["#fixed"]
    assert frozen_digests(built.layers, classifier.graph) == digests
    fresh = build(classifier, catalogue)
    assert not np.array_equal(
        fresh.layers["#hidden"].get_weights()[0], built.layers["#hidden"].get_weights()[0]
    )


def test_the_digest_sees_the_smallest_change(classifier, catalogue):
    built = build(classifier, catalogue)
    before = frozen_digests(built.layers, classifier.graph)
    kernel = built.layers["#fixed"].kernel
    values = kernel.numpy()
    values[0, 0] = np.nextafter(values[0, 0], np.float32(1))
    kernel.assign(values)
    assert frozen_digests(built.layers, classifier.graph) != before


def test_frozen_batch_normalization_runs_in_inference_mode(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[8]),
        make_node("BatchNormalization", "norm", trainable=False),
        make_node("Dense", "out", units=3, activation="softmax"),
    )
    judged = CompileOptions(outputs={"#out": loss("SparseCategoricalCrossentropy")})
    project = Project(graph=graph, compile=judged)
    built, _, digests = fit(project, catalogue)
    assert frozen_digests(built.layers, graph) == digests
    np.testing.assert_array_equal(built.layers["#norm"].moving_mean.numpy(), np.zeros(8))
