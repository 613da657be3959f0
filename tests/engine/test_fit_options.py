"""Each argument of fit: the batches that we cut train a model to what plain Keras makes of it."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from msgspec.structs import replace

from kbuilder.document.options import CompileOptions, DataOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine import data
from kbuilder.engine.batches import Batches, shuffled_batches
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.fit_data import fit_data
from kbuilder.engine.matching import check_fit
from kbuilder.engine.sample_weights import balanced
from tests.document.mended import assert_fixes_mend, the_problem
from tests.engine.conftest import loss, make_graph, make_node

SPARSE = "SparseCategoricalCrossentropy"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(26, 4)).astype("float32")
CODES = RNG.integers(0, 3, 26)
WEIGHTS = RNG.uniform(0, 2, 26).astype("float32")
BY_HAND = {0: 2.0, 2: 0.25}  # class 1 keeps 1


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the fields ``x``, ``y``, ``value`` and ``weight``, and validation data beside it."""
    folder = tmp_path_factory.mktemp("fit")
    fields = {"x": X, "y": CODES, "value": X.sum(1, keepdims=True), "weight": WEIGHTS}
    np.savez(folder / "train.npz", **fields)
    np.savez(folder / "held.npz", **{name: values[:10] for name, values in fields.items()})
    return folder


@pytest.fixture
def project(place):
    """One input, an output for classes."""
    return Project(
        graph=make_graph(
            make_node("Input", "in", shape=[4]),
            make_node("Dense", "hidden", units=5, activation="tanh"),
            make_node("Dense", "label", units=3, activation="softmax"),
        ),
        compile=CompileOptions(outputs={"#label": loss(SPARSE)}),
        fit=FitOptions(epochs=3, batch_size=8, validation_split=0.0),
        data=DataOptions(
            kind="arrays",
            path=str(place / "train.npz"),
            inputs={"#in": ("x",)},
            targets={"#label": ("y",), "#value": ("value",)},
        ),
    )


@pytest.fixture
def two_ends(project):
    """A second output, for a quantity."""
    graph = make_graph(
        *project.graph.nodes,
        make_node("Dense", "value", units=1),
        wires="in>hidden hidden>label hidden>value",
    )
    outputs = {"#label": loss(SPARSE), "#value": loss("MeanSquaredError", weight=0.5)}
    return replace(project, graph=graph, compile=CompileOptions(outputs=outputs))


def with_fit(project, **changes):
    return replace(project, fit=replace(project.fit, **changes))


def made(project, catalogue):
    """The compiled model with its first weights, and its batches."""
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph, "", project.fit.sample_weights)
    return built.model, fit_data(built, project, dataset, catalogue)


def trained(project, catalogue):
    """The model after its epochs, by our batches in Keras's own steps."""
    model, batches = made(project, catalogue)
    for epoch in range(project.fit.epochs):
        order = batches.train.order(epoch)
        for step in range(batches.train.steps):
            x, y, weights = batches.train.cut(step, order)
            model.train_on_batch(x, y, sample_weight=weights)
    return model


def fitted(project, catalogue, y=CODES, **arguments):
    """The model after Keras's own fit."""
    compile_model(built := build(project, catalogue), project, catalogue)
    model, fit = built.model, project.fit
    model.fit(X, y, batch_size=fit.batch_size, epochs=fit.epochs, verbose=0, **arguments)
    return model


def assert_same(one, other, rtol=1e-6):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-7)


@pytest.mark.parametrize(
    ("changes", "arguments"),
    [
        ({}, {}),
        ({"shuffle": False}, {"shuffle": False}),
        ({"shuffle": "batch"}, {"shuffle": "batch"}),
        ({"steps_per_epoch": 2, "epochs": 2}, {"steps_per_epoch": 2}),
        ({"class_weights": {"#label": BY_HAND}}, {"class_weight": BY_HAND}),
        ({"class_weights": {"#label": "balanced"}}, {"class_weight": balanced(CODES)}),
        ({"sample_weights": {"#label": "weight"}}, {"sample_weight": WEIGHTS}),
        ({"validation_data": DataOptions(kind="arrays", path="held.npz")}, {}),
    ],
)
def test_an_option_does_what_the_argument_of_fit_does(
    project, catalogue, place, changes, arguments
):
    if held := changes.get("validation_data"):
        changes = {"validation_data": replace(held, path=str(place / held.path))}
    changed = with_fit(project, **changes)
    assert_same(trained(changed, catalogue), fitted(changed, catalogue, **arguments))


def test_class_weights_of_several_outputs_are_sample_weights(two_ends, catalogue):
    """Keras 3 refuses them; as sample weights they give what Keras 2 gave."""
    changed = with_fit(
        two_ends,
        class_weights={"#label": BY_HAND},
        sample_weights={"#label": "weight"},
    )
    weights = np.array([BY_HAND.get(int(code), 1.0) for code in CODES], "float32") * WEIGHTS
    ones = np.ones(len(X), "float32")
    plain = fitted(
        changed, catalogue, y=[CODES, X.sum(1, keepdims=True)], sample_weight=[weights, ones]
    )
    assert_same(trained(changed, catalogue), plain)


def test_weights_of_0_count_as_in_keras_2_if_asked(project, catalogue):
    """``sum(w * l) / count(w != 0)``: the steps are as those on the samples with weight alone."""
    changed = with_fit(
        project, class_weights={"#label": {0: 0.0}}, weighting="keras 2", epochs=1, shuffle=False
    )
    changed = with_fit(changed, batch_size=len(X))
    model = trained(changed, catalogue)
    compile_model(alone := build(project, catalogue), project, catalogue)
    alone.model.train_on_batch(X[CODES != 0], CODES[CODES != 0])
    assert_same(model, alone.model, rtol=1e-5)
    assert "Keras2" not in str(model.get_compile_config())
    keras_3 = trained(with_fit(changed, weighting="keras 3"), catalogue)
    assert not np.allclose(keras_3.get_weights()[0], model.get_weights()[0], rtol=1e-5, atol=1e-7)


def test_weights_of_time_steps(catalogue, tmp_path):
    x, y = RNG.normal(size=(6, 5, 2)), RNG.normal(size=(6, 5, 1))
    weights = RNG.uniform(0, 1, (6, 5))
    np.savez(tmp_path / "steps.npz", x=x, y=y, weight=weights)
    project = Project(
        graph=make_graph(
            make_node("Input", "in", shape=[5, 2]), make_node("Dense", "out", units=1)
        ),
        compile=CompileOptions(outputs={"#out": loss("MeanSquaredError")}),
        fit=FitOptions(
            epochs=1, batch_size=6, validation_split=0.0, sample_weights={"#out": "weight"}
        ),
        data=DataOptions(kind="arrays", path=str(tmp_path / "steps.npz")),
    )
    model = trained(project, catalogue)
    compile_model(plain := build(project, catalogue), project, catalogue)
    plain.model.train_on_batch(x, y, sample_weight=weights)
    assert_same(model, plain.model)


def test_whole_batches_change_places_as_in_keras_2():
    rows = shuffled_batches(26, 8, (0, 1)).numpy()
    assert rows[24:].tolist() == [24, 25]
    starts = rows[:24].reshape(3, 8)
    assert (np.diff(starts) == 1).all()
    assert sorted(starts[:, 0].tolist()) == [0, 8, 16]
    batches = Batches([X], [CODES], 8, shuffle="batch order")
    orders = {tuple(batches.order(epoch).rows.numpy().tolist()) for epoch in range(12)}
    assert 1 < len(orders) <= 6
    again = Batches([X], [CODES], 8, shuffle="batch order")
    assert again.order(3).rows.numpy().tolist() == batches.order(3).rows.numpy().tolist()


@pytest.mark.parametrize("shuffle", [False, True, "batch", "batch order"])
@pytest.mark.parametrize("epoch_steps", [0, 3])
def test_numbers_are_those_of_the_samples_that_are_cut(shuffle, epoch_steps):
    batches = Batches([X], [None], 8, shuffle=shuffle, epoch_steps=epoch_steps, first_sample=100)
    for epoch in range(3):
        order = batches.order(epoch)
        for step in range(batches.steps):
            x, _, weights = batches.cut(step, order)
            rows = batches.numbers(step, order) - 100
            np.testing.assert_array_equal(X[rows], x)
            assert weights is None


def test_shorter_epochs_go_on_where_they_stopped_and_begin_again():
    batches = Batches([X], [None], 8, epoch_steps=3)  # 4 batches in all
    first = [
        batches.numbers(step, batches.order(epoch))[0] for epoch in range(3) for step in range(3)
    ]
    assert first == [0, 8, 16, 24, 0, 8, 16, 24, 0]


def test_another_batch_size_holds_the_same_samples():
    batches = Batches([X], [CODES], 8, shuffle=True).with_batch_size(5)
    order = batches.order(0)
    rows = np.concatenate([batches.numbers(step, order) for step in range(batches.steps)])
    assert (batches.steps, sorted(rows.tolist())) == (6, list(range(26)))


def test_validation_takes_the_fields_of_training_its_own_batch_size_and_its_weights(
    project, catalogue, place
):
    changed = with_fit(
        project,
        validation_data=DataOptions(kind="arrays", path="held.npz"),
        validation_batch_size=4,
        validation_steps=2,
        sample_weights={"#label": "weight"},
        class_weights={"#label": BY_HAND},
    )
    built = build(changed, catalogue)
    dataset = data.load(changed.data, changed.graph, "", changed.fit.sample_weights)
    found = fit_data(built, changed, dataset, catalogue, str(place)).validation
    assert (found.samples, found.batch_size, found.steps) == (10, 4, 2)
    x, y, weights = found.cut(1, None)
    np.testing.assert_array_equal(x, X[4:8])
    np.testing.assert_array_equal(y, CODES[4:8])
    np.testing.assert_array_equal(weights, WEIGHTS[4:8])  # classes weigh in training alone


def test_a_split_shares_the_weights_out(project, catalogue):
    changed = with_fit(project, validation_split=0.5, sample_weights={"#label": "weight"})
    _, found = made(changed, catalogue)
    np.testing.assert_array_equal(found.validation.cut(0, None)[2], WEIGHTS[13:21])
    assert found.validation.numbers(0, None).tolist() == list(range(13, 21))


def test_classes_of_validation_data_have_the_numbers_of_training(catalogue, tmp_path):
    (tmp_path / "train.csv").write_text("a,kind\n1,cat\n2,dog\n3,fox\n")
    (tmp_path / "held.csv").write_text("a,kind\n4,fox\n5,dog\n")
    (tmp_path / "odd.csv").write_text("a,kind\n4,fox\n5,hen\n")
    graph = make_graph(make_node("Input", "in", shape=[1]), make_node("Dense", "out", units=3))
    training = data.load(DataOptions(kind="table", path="train.csv"), graph, tmp_path)
    held = data.load_beside(
        DataOptions(kind="table", path="held.csv"), graph, tmp_path, {}, training
    )
    assert held.targets["#out"].tolist() == [2, 1]
    with pytest.raises(Exception, match="class “hen”, which the training data does not have"):
        data.load_beside(DataOptions(kind="table", path="odd.csv"), graph, tmp_path, {}, training)


FLIP = KerasObject(class_name="RandomFlip")
NOISE = KerasObject(class_name="RandomContrast", params={"factor": 0.5, "seed": 7})


def pictures(**fit):
    return Project(
        graph=make_graph(
            make_node("Input", "in", shape=[6, 6, 1]),
            make_node("Flatten", "flat"),
            make_node("Dense", "out", units=1),
        ),
        compile=CompileOptions(outputs={"#out": loss("MeanSquaredError")}),
        fit=FitOptions(batch_size=4, validation_split=0.5, shuffle=False, **fit),
    )


def picture_data(project, catalogue):
    x = np.random.default_rng(3).integers(0, 255, (16, 6, 6, 1), dtype="uint8")
    dataset = data.Dataset({"#in": x}, {"#out": np.zeros((16, 1), "float32")}, 16, {})
    return x, fit_data(build(project, catalogue), project, dataset, catalogue)


def test_augmentation_is_that_of_the_layers_and_for_training_alone(catalogue):
    x, found = picture_data(pictures(augmentation={"#in": (FLIP, NOISE)}), catalogue)
    flip = keras.layers.RandomFlip(seed=0)
    noise = keras.layers.RandomContrast(0.5, seed=7)
    for step in range(2):
        rows = x[4 * step : 4 * step + 4].astype("float32")
        expected = noise(flip(rows, training=True), training=True)
        np.testing.assert_allclose(found.train.cut(step, None)[0], expected, rtol=1e-6)
        np.testing.assert_array_equal(found.validation.cut(step, None)[0], x[8:][4 * step :][:4])
    assert len(found.train.variables) == 2


def test_augmentation_can_be_turned_off_without_a_new_trace_and_goes_on_from_a_kept_state(
    catalogue,
):
    x, found = picture_data(pictures(augmentation={"#in": (FLIP,)}), catalogue)
    traced = tf.function(lambda step: found.train.cut(step, None)[0])
    kept = [variable.numpy() for variable in found.train.variables]
    first = traced(tf.constant(0)).numpy()
    assert not np.array_equal(first, x[:4])
    found.train.set_augmenting(False)
    np.testing.assert_array_equal(traced(tf.constant(0)), x[:4])
    found.train.set_augmenting(True)
    for variable, values in zip(found.train.variables, kept, strict=True):
        variable.assign(values)
    np.testing.assert_array_equal(traced(tf.constant(0)), first)
    assert traced.experimental_get_tracing_count() == 1


def problems_of(catalogue):
    """A judge that makes the batches of a project."""

    def judge(changed):
        try:
            check_fit(changed.fit, catalogue)
            if changed.data.kind:
                made(changed, catalogue)
            else:
                picture_data(changed, catalogue)
        except BuildError as error:
            return error.problems
        return ()

    return judge


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("class-weights", {"class_weights": {"#label": {5: 2.0}}}, "no class 5, only 0 to 2"),
        ("class-weights", {"class_weights": {"#label": {1: -1.0}}}, "class 1 is -1.0"),
        ("class-weights", {"class_weights": {"#value": "balanced"}}, "no class numbers"),
        ("sample-weights", {"sample_weights": {"#label": "x"}}, r"\(26, 4\), where \(26,\)"),
        ("fit-value", {"steps_per_epoch": 5}, "only 4 batches"),
        ("fit-value", {"validation_split": 0.5, "validation_steps": 9}, "only 2 batches"),
        ("fit-value", {"initial_epoch": 3}, "over before it begins"),
        ("fit-value", {"shuffle": "batches"}, "shuffle must be"),
        ("fit-value", {"class_weights": {"#label": "evenly"}}, "balanced"),
        (
            "fit-value",
            {"augmentation": {"#in": (KerasObject(class_name="Flip"),)}},
            "called “Flip”",
        ),
        ("fit-value", {"callbacks": (KerasObject(class_name="History"),)}, "cannot be used here"),
    ],
)
def test_what_cannot_be_used_is_named_and_mended(two_ends, catalogue, kind, changes, words):
    changed = with_fit(two_ends, **changes)
    judge = problems_of(catalogue)
    problem = the_problem(judge(changed), kind)
    assert re.search(words, problem.text), problem.text
    assert_fixes_mend(changed, problem, judge, catalogue)


def test_negative_weights_of_a_field_are_refused(project, catalogue):
    changed = with_fit(project, sample_weights={"#label": "value"})
    problem = the_problem(problems_of(catalogue)(changed), "sample-weights")
    assert "no weights; expected are numbers from 0 on" in problem.text


@pytest.mark.parametrize(
    ("layer", "params"),
    [("RandomCrop", {"height": 3, "width": 3}), ("Reshape", {"target_shape": [5]})],
)
def test_a_layer_that_cannot_augment_is_left_out(catalogue, layer, params):
    wrong = KerasObject(class_name=layer, params=params)
    project = pictures(augmentation={"#in": (FLIP, wrong)})
    judge = problems_of(catalogue)
    problem = the_problem(judge(project), "augmentation")
    assert layer in problem.text
    assert_fixes_mend(project, problem, judge, catalogue)


def test_a_column_of_weights_is_no_input(catalogue, tmp_path):
    (tmp_path / "d.csv").write_text("a,b,weight,kind\n1,2,0.5,0\n3,4,2,1\n")
    graph = make_graph(make_node("Input", "in", shape=[2]), make_node("Dense", "kind", units=1))
    table = DataOptions(kind="table", path="d.csv")
    found = data.load(table, graph, tmp_path, {"#kind": "weight"})
    assert found.inputs["#in"].tolist() == [[1, 2], [3, 4]]
    assert found.weights["#kind"].tolist() == [0.5, 2.0]
    shown = data.preview(table, graph, tmp_path, weights=("weight",))
    assert shown.inputs == {"#in": ("a", "b")}
