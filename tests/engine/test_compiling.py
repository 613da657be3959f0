"""Compile options: what they make of the model, and that training follows them as ``fit`` does."""

import keras
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.values import KerasObject
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.link.events import EpochEnded, Failed, Finished, Inferred, ScheduleComputed
from kbuilder.link.requests import ComputeSchedule, Infer, Train


def ask(request, catalogue):
    events = []
    Session(events.append, catalogue).handle(request)
    return events


def with_compile(project, **changes):
    return replace(project, compile=replace(project.compile, **changes))


def trained(project, catalogue, folder):
    events = ask(Train(request=1, project=project, run=str(folder)), catalogue)
    assert isinstance(events[-1], Finished), events[-1]
    return Run.open(folder).state, [event.logs for event in events if isinstance(event, EpochEnded)]


def by_fit(project, catalogue, blobs):
    """The same training by ``Model.fit``."""
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    with np.load(blobs) as file:
        x, y = file["x"], file["y"]
    history = built.model.fit(
        x, y, epochs=2, batch_size=16, validation_split=0.2, verbose=0, shuffle=True
    )
    return built.model, history.history


def test_weighted_metrics_come_beside_metrics(classifier, catalogue, tmp_path):
    (node,) = classifier.compile.outputs
    accuracy = KerasObject(class_name="SparseCategoricalAccuracy", params={"name": "weighed"})
    output = replace(classifier.compile.outputs[node], weighted_metrics=(accuracy,))
    project = with_compile(classifier, outputs={node: output})
    _, logs = trained(project, catalogue, tmp_path / "run")
    assert logs[-1]["weighed"] == pytest.approx(logs[-1]["sparse_categorical_accuracy"])
    assert "val_weighed" in logs[-1]


def test_averaged_weights_are_those_of_fit(classifier, catalogue, blobs, tmp_path):
    averaging = KerasObject(class_name="SGD", params={"use_ema": True, "ema_momentum": 0.9})
    project = with_compile(classifier, optimizer=averaging)
    state, _ = trained(project, catalogue, tmp_path / "run")
    model, _ = by_fit(project, catalogue, blobs)
    kernel = model.get_layer("hidden").kernel.numpy()
    np.testing.assert_allclose(state.weights["hidden/0"], kernel, atol=1e-6)
    plain = with_compile(classifier, optimizer=KerasObject(class_name="SGD"))
    unlike, _ = trained(plain, catalogue, tmp_path / "plain")
    assert not np.allclose(unlike.weights["hidden/0"], kernel, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_fixed_number_of_steps_changes_no_weight(classifier, catalogue, tmp_path, steps):
    free, _ = trained(classifier, catalogue, tmp_path / "free")
    fixed, _ = trained(
        with_compile(classifier, steps_per_execution=steps), catalogue, tmp_path / "fixed"
    )
    for key, values in free.weights.items():
        np.testing.assert_array_equal(values, fixed.weights[key])


def test_xla_gives_the_same_training(classifier, catalogue, tmp_path):
    project = with_compile(classifier, jit_compile="always")
    # XLA rounds otherwise, and makes other random numbers for dropout.
    graph = project.graph
    nodes = tuple(
        replace(node, params={"rate": 0.0}) if node.class_name == "Dropout" else node
        for node in graph.nodes
    )
    project = replace(project, graph=replace(graph, nodes=nodes))
    xla, _ = trained(project, catalogue, tmp_path / "xla")
    plain, _ = trained(with_compile(project, jit_compile="never"), catalogue, tmp_path / "plain")
    for key, values in plain.weights.items():
        np.testing.assert_allclose(values, xla.weights[key], atol=1e-5)


def test_mixed_precision_computes_in_16_bits_and_keeps_32(classifier, catalogue, tmp_path):
    project = with_compile(classifier, dtype_policy="mixed_bfloat16")
    inferred = next(
        event
        for event in ask(
            Infer(request=1, graph=project.graph, dtype_policy="mixed_bfloat16"), catalogue
        )
        if isinstance(event, Inferred)
    )
    assert inferred.nodes["#hidden"].outputs[0].dtype == "bfloat16"
    built = build(project, catalogue)
    assert built.layers["#hidden"].compute_dtype == "bfloat16"
    assert built.layers["#hidden"].kernel.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    _, logs = trained(project, catalogue, tmp_path / "run")
    assert np.isfinite(logs[-1]["loss"])


def test_mixed_float16_scales_the_loss_and_goes_on_after_a_stop(classifier, catalogue, tmp_path):
    project = with_compile(classifier, dtype_policy="mixed_float16")
    state, _ = trained(project, catalogue, tmp_path / "run")
    assert state.optimizer_class == "LossScaleOptimizer"
    request = Train(
        request=2, project=project, run=str(tmp_path / "more"), resume=str(tmp_path / "run")
    )
    events = ask(request, catalogue)
    assert isinstance(events[-1], Finished), events[-1]
    assert not [event for event in events if getattr(event, "text", "").startswith("The optimizer")]


def test_a_schedule_is_computed_at_even_steps(catalogue):
    optimizer = KerasObject(
        class_name="Adam",
        params={
            "learning_rate": {
                "class_name": "ExponentialDecay",
                "params": {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.5},
            }
        },
    )
    events = ask(ComputeSchedule(request=1, optimizer=optimizer, last=200, points=5), catalogue)
    (computed,) = [event for event in events if isinstance(event, ScheduleComputed)]
    np.testing.assert_allclose(
        to_numpy(computed.rates), 0.1 * 0.5 ** np.array([0, 0.5, 1, 1.5, 2]), rtol=1e-6
    )
    broken = msgspec.structs.replace(
        optimizer, params={"learning_rate": {"class_name": "ExponentialDecay", "params": {}}}
    )
    assert isinstance(
        ask(ComputeSchedule(request=2, optimizer=broken, last=200), catalogue)[-1], Failed
    )
