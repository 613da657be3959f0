"""The doctor of trainings: each disease made on purpose is found, and health is not called a disease."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document import project_file
from kbuilder.document.fixes import AddCallback, InsertBefore, SetFit, SetOptimizer, SetParams
from kbuilder.document.mending import apply_fix
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine import data
from kbuilder.engine.arrays import bare, to_array
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.matching import match, split
from kbuilder.engine.monitors.looking import Look
from kbuilder.engine.symptoms.doubles import doubled_rows
from kbuilder.engine.symptoms.spikes import Spikes
from kbuilder.engine.training_doctor import diagnose
from kbuilder.link.run_events import Confusion, LayerHealth, Monitored
from kbuilder.resources import resource
from tests.engine.conftest import loss, make_graph, make_node

GRAPH = make_graph(
    make_node("Input", "points", shape=[8]),
    make_node("Dense", "first", units=12, activation="tanh"),
    make_node("Dense", "second", units=6, activation="relu"),
    make_node("Dense", "label", units=3, activation="softmax"),
)
PROJECT = Project(
    graph=GRAPH,
    compile=CompileOptions(
        optimizer=KerasObject(class_name="Adam", params={"learning_rate": 0.01}),
        outputs={"#label": loss("SparseCategoricalCrossentropy")},
    ),
)
FALLING = [1.0, 0.7, 0.5, 0.4, 0.33, 0.28, 0.24, 0.21, 0.19, 0.17]


def logs(train, validation=None, **others):
    """The logs of a training with these losses by epoch."""
    columns = {"loss": train, **({"val_loss": validation} if validation else {}), **others}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def look(epoch, confusion=None, **layers):
    """A look at layers as (weight, gradient, update, dead)."""
    names = ("weight", "gradient", "update", "dead")
    found = {
        f"#{node}": LayerHealth(**dict(zip(names, values, strict=False)))
        for node, values in layers.items()
    }
    taken = {}
    if confusion is not None:
        counts = to_array(np.array(confusion, np.int32))
        taken = {"#label": Confusion(counts=counts, classes=("a", "b", "c"))}
    return Monitored(request=1, epoch=epoch, step=epoch, layers=found, confusion=taken)


HEALTHY = [
    look(
        epoch,
        [[8, 1, 1], [1, 9, 0], [0, 2, 8]],
        first=(3.0, 0.2, 0.1),
        second=(2.0, 0.3, 0.1, 0.1),
        label=(2.0, 0.4, 0.1),
    )
    for epoch in range(10)
]


def named(history, looks=HEALTHY, project=PROJECT, **more):
    return {problem.kind: problem for problem in diagnose(project, history, looks, **more)}


def test_a_healthy_training_is_left_alone() -> None:
    validation = [value * 1.1 for value in FALLING]
    for epochs in range(11):
        assert not named(logs(FALLING[:epochs], validation[:epochs]), HEALTHY[:epochs])


FROZEN = replace(
    PROJECT,
    graph=replace(GRAPH, nodes=tuple(replace(n, trainable=n.name != "first") for n in GRAPH.nodes)),
)

DISEASES = {
    "over-fitting": (logs(FALLING, [1.1, 0.8, 0.6, 0.55, 0.6, 0.7, 0.8, 0.85, 0.9, 1.0]), HEALTHY),
    "plateau": (logs([1.0, 0.8, *[0.6] * 10]), HEALTHY),
    "rate-high": (logs([1.0, 0.8, 1.6, 2.0]), HEALTHY),
    "rate-low": (logs([1.0 - 0.004 * epoch for epoch in range(8)]), HEALTHY),
    "guessing": (logs([1.11, 1.1, 1.099, 1.0985, 1.0986]), HEALTHY),
    "loss-negative": (logs([0.5, -2.0, -4.0]), HEALTHY),
    "leakage": (logs(FALLING[:3], FALLING[:3], val_accuracy=[1.0, 1.0, 1.0]), HEALTHY),
    "one-class": (
        logs(FALLING[:4]),
        [look(epoch, [[10, 0, 0], [10, 0, 0], [10, 0, 0]], label=(1, 1, 1)) for epoch in range(4)],
    ),
    "gradients-exploding": (
        logs(FALLING[:5]),
        [*HEALTHY[:4], look(4, first=(3.0, 900.0, 1.0), label=(2.0, 4.0, 1.0))],
    ),
    "gradients-vanishing": (
        logs(FALLING[:3]),
        [
            look(epoch, first=(3.0, 1e-8, 0.1), second=(2.0, 0.01, 0.1), label=(2.0, 0.4, 0.1))
            for epoch in range(3)
        ],
    ),
    "units-dead": (
        logs(FALLING[:3]),
        [look(epoch, second=(2.0, 0.1, 0.1, 0.5), label=(2.0, 0.4, 0.1)) for epoch in range(2)],
    ),
    "nothing-learns": (
        logs([1.0, 1.0]),
        [look(epoch, first=(3.0,), label=(2.0,)) for epoch in range(2)],
    ),
}


@pytest.mark.parametrize("kind", DISEASES)
def test_each_disease_is_found_alone_with_evidence_and_remedies_that_work(kind, catalogue) -> None:
    history, looks = DISEASES[kind]
    found = named(history, looks, rate=0.01)
    assert list(found) == [kind]
    assert any(character.isdigit() for character in found[kind].text) or kind == "nothing-learns"
    for fix in found[kind].fixes:
        assert apply_fix(PROJECT, fix, catalogue) != PROJECT


def test_the_remedies_are_those_that_help() -> None:
    def steps(kind):
        fixes = named(*DISEASES[kind], rate=0.01)[kind].fixes
        return [type(step) for fix in fixes for step in fix.steps]

    assert steps("over-fitting") == [AddCallback, InsertBefore]
    assert steps("plateau") == [AddCallback, SetParams]
    assert steps("rate-high") == [SetOptimizer, SetOptimizer]
    assert steps("one-class") == [SetFit]
    fix = named(*DISEASES["rate-high"], rate=0.01)["rate-high"].fixes[0]
    assert fix.steps == (SetOptimizer(values={"learning_rate": 0.001}),)
    assert fix.text == "Set the learning rate to 0.001"


def test_names_of_layers_are_in_the_evidence() -> None:
    assert "“first”" in named(*DISEASES["gradients-vanishing"])["gradients-vanishing"].text
    assert "50% of “second”" in named(*DISEASES["units-dead"])["units-dead"].text
    (unfreeze,) = named(*DISEASES["nothing-learns"], project=FROZEN)["nothing-learns"].fixes
    assert unfreeze.steps[0].nodes == ("#first",)
    frozen = [look(epoch, first=(3.0, 0.2, 0.0), label=(2.0, 0.1, 0.0)) for epoch in range(3)]
    assert "no weight has moved" in named(logs([1.0] * 3), frozen)["nothing-learns"].text


@pytest.mark.parametrize(
    ("activation", "class_name", "params", "kind"),
    [
        ("softmax", "BinaryCrossentropy", {}, "softmax-binary"),
        ("softmax", "CategoricalCrossentropy", {"from_logits": True}, "logits-doubled"),
        ("linear", "SparseCategoricalCrossentropy", {}, "logits-missing"),
    ],
)
def test_losses_that_do_not_fit_the_outputs(activation, class_name, params, kind) -> None:
    nodes = (*GRAPH.nodes[:-1], make_node("Dense", "label", units=3, activation=activation))
    judged = OutputOptions(loss=KerasObject(class_name=class_name, params=params))
    project = Project(
        graph=replace(GRAPH, nodes=nodes), compile=CompileOptions(outputs={"#label": judged})
    )
    found = named(logs(FALLING[:2]), project=project)
    assert list(found) == [kind]
    assert "After 2 epochs the loss is 0.7" in found[kind].text


def test_doubled_rows_and_spikes_are_told() -> None:
    rng = np.random.default_rng(0)
    train, other = rng.normal(size=(50, 4)), rng.normal(size=(20, 4))
    assert doubled_rows([train], [np.concatenate([other, train[:15]])]) == 15
    assert doubled_rows([train, train[:, :1]], [train[5:9], train[5:9, :1] + 1]) == 0
    texts = np.array(["one", "two"], object)
    assert doubled_rows([texts], [np.array(["tw" + "o", "three"], object)]) == 1
    history = logs(FALLING[:2], FALLING[:2])
    assert "15 of 35" in named(history, doubled=15, validated=35)["leakage"].text
    found = named(history, spikes=[7, 23], steps_per_epoch=10)["loss-spikes"]
    assert "2 times, last at step 4 of epoch 3" in found.text


def test_the_batches_show_a_rate_that_is_too_high_in_the_first_epoch() -> None:
    losses = np.linspace(1, 5, 100)
    assert "grew from" in named(logs([3.0]), losses=losses, rate=1.0)["rate-high"].text


def test_planted_spikes_are_found_and_healthy_batches_are_not_called_spikes() -> None:
    """P28: at least 95 % of the planted, at most one false in 100,000 healthy batches."""
    rng = np.random.default_rng(11)
    steps = np.arange(200_000)
    trend = 0.1 + 2 * np.exp(-steps / 8000)
    healthy = {
        "normal": trend * (1 + 0.12 * rng.normal(size=steps.size)).clip(0.1),
        "skewed": trend * np.exp(0.35 * rng.normal(size=steps.size)),
        "gamma": trend * rng.gamma(4, 0.25, steps.size),
    }
    for name, series in healthy.items():
        assert len(Spikes().add(series)) <= 2, name
    planted = np.sort(rng.choice(np.arange(2, 1900), 300, replace=False) * 100 + 60)
    series = healthy["normal"].copy()
    for start in planted:
        series[start : start + rng.integers(1, 8)] *= rng.uniform(4, 30)
    spikes = Spikes()
    found = [step for part in np.array_split(series, 999) for step in spikes.add(part)]
    assert found == spikes.found
    hit = sum(any(0 <= step - start < 8 for step in found) for start in planted)
    assert hit >= 0.95 * len(planted)
    assert len(found) - hit <= 2


def test_the_small_last_batch_of_an_epoch_is_no_spike() -> None:
    losses = np.ones(1000)
    losses[9::10] = 5
    assert Spikes(period=10).add(losses) == []
    assert Spikes().add(losses)
    assert Spikes().add(np.full(300, np.nan)) == []


@pytest.mark.parametrize("name", ["digits-mlp", "wine-two-in-two-out"])
def test_the_bundled_samples_are_healthy(name, catalogue) -> None:
    project = project_file.load(Path(resource(f"samples/{name}.kbuilder")))
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    dataset = data.load(project.data, project.graph)
    train, held = split(match(built, project, dataset.inputs, dataset.targets), project.fit)
    eye, looks, losses = Look(built, held.x, held.y, None, dataset.classes), [], []
    doubled = doubled_rows(train.x, held.x)

    class Watcher(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])

        def on_epoch_end(self, epoch, logs=None):
            looks.append(eye.look(1, epoch, 0))
            history.append({key: float(value) for key, value in logs.items()})
            assert not diagnose(project, history, looks, losses=losses, doubled=doubled)

    history = []
    built.model.fit(
        bare(train.x),
        bare(train.y),
        validation_data=(bare(held.x), bare(held.y)),
        batch_size=project.fit.batch_size,
        epochs=6,
        verbose=0,
        callbacks=[Watcher()],
    )
    assert len(history) == 6
    assert math.isfinite(history[-1]["loss"])


@pytest.mark.parametrize(
    ("rate", "kinds"),
    [(0.0, {"nothing-learns"}), (30.0, {"rate-high"})],
    ids=["no rate", "huge rate"],
)
def test_sick_trainings_are_recognised(rate, kinds, catalogue) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 8)).astype("float32")
    y = rng.integers(0, 3, 120)
    optimizer = KerasObject(class_name="SGD", params={"learning_rate": rate})
    project = replace(PROJECT, compile=replace(PROJECT.compile, optimizer=optimizer))
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    eye = Look(built, [x], [y], None, {"#label": ("a", "b", "c")})
    history, looks = [], []
    for epoch in range(4):
        values = [
            built.model.train_on_batch(x[i : i + 20], y[i : i + 20]) for i in range(0, 120, 20)
        ]
        history.append({"loss": float(np.mean(values))})
        looks.append(eye.look(1, epoch, epoch))
    assert kinds <= set(named(history, looks, project=project, rate=rate))
