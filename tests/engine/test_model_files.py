"""Model files written and read with the real Keras."""

from __future__ import annotations

import os
import resource as limits
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.errors import FileRefusedError, KBuilderError, SaveError
from kbuilder.document.options import CompileOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import load as load_project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.doctor import check_file
from kbuilder.engine.model_files import load_weights, write_model
from kbuilder.resources import resource
from tests.engine.conftest import read_model
from tests.engine.sample_layers import model_with

layers = keras.layers
RNG = np.random.default_rng(0)
X = RNG.random((24, 6)).astype("float32")
Y = RNG.random((24, 2)).astype("float32")


def small_model(name: str = "") -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6,), name=f"{name}in")
    hidden = layers.Dense(5, activation="tanh", name=f"{name}hidden")(inputs)
    dropped = layers.Dropout(0.5, name=f"{name}dropped")(hidden)
    normal = layers.BatchNormalization(name=f"{name}normal")(dropped)
    return keras.Model(inputs, layers.Dense(2, name=f"{name}out")(normal))


def fit(model: keras.Model, epochs: int = 1) -> list[float]:
    """Losses of some epochs; step by step, because making a graph takes longer than these steps."""
    model.run_eagerly = True
    history = model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)
    return list(history.history["loss"])


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    return all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    )


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
    ("Ftrl", {}),
    ("Lamb", {}),
    ("Lion", {}),
    ("Muon", {}),
    ("ScheduleFreeAdamW", {}),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 2, "clipnorm": 1.0}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params"), OPTIMIZERS)
def test_training_goes_on_bit_for_bit(tmp_path: Path, name: str, params: dict[str, Any]) -> None:
    model = small_model()
    optimizer = getattr(keras.optimizers, name)(**params)
    model.compile(optimizer, loss=keras.losses.MeanSquaredError())
    fit(model)
    ending = ".keras" if name in ("SGD", "Adafactor") else ".hdf5"
    write_model(model, tmp_path / f"m{ending}")
    opened = read_model(tmp_path / f"m{ending}")
    assert opened.notes == ()
    assert same_weights(model, opened.model)
    assert fit(model, 2) == fit(opened.model, 2)
    assert same_weights(model, opened.model)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["hdf5", "keras"])
def test_schedule_names_and_frozen_layers_go_on_too(tmp_path: Path, ending: str) -> None:
    model = small_model()
    model.get_layer("hidden").trainable = False
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    model.compile(keras.optimizers.Adam(schedule), loss="mse", metrics=["mae"])
    fit(model)
    path = tmp_path / f"m.{ending}"
    write_model(model, path)
    opened = read_model(path)
    assert opened.project.graph.by_id["hidden"].trainable is False
    assert opened.project.compile.optimizer.params["learning_rate"] == {
        "class_name": "ExponentialDecay",
        "params": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5},
    }
    assert fit(model, 2) == fit(opened.model, 2)
    assert "mae" in opened.model.evaluate(X, Y, verbose=0, return_dict=True)


PLAIN_SCRIPT = """
import sys, keras, numpy as np
for path in sys.argv[2:]:
    data = np.load(path + ".npz")
    model = keras.models.load_model(path)
    inputs = [data[f"x{i}"] for i in range(len(model.inputs))]
    wanted = [data[f"p{i}"] for i in range(len(model.outputs))]
    targets = [data[f"y{i}"] for i in range(len(model.outputs))]
    found = keras.tree.flatten(model.predict(inputs, verbose=0))
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True)), path
    assert model.compiled, path
    before = model.get_weights()
    history = model.fit(inputs, targets, verbose=0).history
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights())), path
    print(path.rpartition("/")[2], sorted(history))
"""


@pytest.mark.slow
def test_plain_keras_in_a_clean_process_predicts_and_fits(tmp_path: Path) -> None:
    written = []
    for number, model in enumerate((two_outputs(), masked(), attention(), small_compiled())):
        inputs = [RNG.integers(0, 5, (8, *t.shape[1:])).astype("float32") for t in model.inputs]
        outputs = keras.tree.flatten(model.predict(inputs, verbose=0))
        arrays = {f"x{i}": values for i, values in enumerate(inputs)}
        arrays |= {f"p{i}": values for i, values in enumerate(outputs)}
        arrays |= {f"y{i}": np.ones_like(values) for i, values in enumerate(outputs)}
        for ending in ("hdf5", "keras") if number in (0, 2) else ("hdf5",):
            path = tmp_path / f"{number}.{ending}"
            write_model(model, path)
            np.savez(f"{path}.npz", **arrays)
            written.append(str(path))
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_SCRIPT, "-", *written],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.split("\n")
    assert len(lines) == len(written) + 1
    assert "0.hdf5 ['a_loss', 'a_mae', 'b_loss', 'b_q', 'loss']" in lines
    assert "3.hdf5 ['accuracy', 'loss', 'mse']" in lines


def small_compiled() -> keras.Model:
    model = small_model()
    model.compile("adafactor", loss="mse", metrics=["mse", "accuracy"])
    return model


def two_outputs() -> keras.Model:
    one, two = keras.Input((3,), name="one"), keras.Input((4,), name="two")
    joined = layers.Concatenate(name="joined")([two, one])
    outputs = [layers.Dense(2, name="a")(joined), layers.Dense(1, name="b")(joined)]
    model = keras.Model([one, two], outputs)
    model.compile(
        "rmsprop",
        loss=["mse", keras.losses.Huber(delta=0.5)],
        loss_weights=[1.0, 0.5],
        metrics=[["mae"], [keras.metrics.MeanSquaredError(name="q")]],
    )
    return model


def masked() -> keras.Model:
    words = keras.Input((5,), name="words")
    embedded = layers.Embedding(6, 4, mask_zero=True, name="embedded")(words)
    read = layers.Bidirectional(layers.LSTM(3), name="read")(embedded)
    model = keras.Model(words, layers.Dense(1, name="out")(read))
    model.compile("sgd", loss="mae")
    return model


def attention() -> keras.Model:
    steps = keras.Input((4, 6), name="steps")
    seen = layers.MultiHeadAttention(2, 3, name="seen")(steps, steps)
    asked = layers.Attention(name="asked")([seen, steps])
    cells = layers.RNN(layers.LSTMCell(3), return_sequences=True, name="cells")(asked)
    each = layers.TimeDistributed(layers.Dense(2), name="each")(cells)
    pooled = layers.GlobalAveragePooling1D(name="pooled")(each)
    spectral = layers.SpectralNormalization(layers.Dense(3), name="spectral")(pooled)
    model = keras.Model(steps, layers.PReLU(name="prelu")(spectral))
    model.compile("adam", loss="log_cosh")
    return model


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("make", [two_outputs, attention, masked, small_compiled])
def test_files_of_plain_keras_open_as_projects(tmp_path: Path, make: Any, ending: str) -> None:
    model = make()
    path = tmp_path / f"plain.{ending}"
    if ending == "h5":
        config = model.get_config()
        if any(layer["class_name"] == "NotEqual" for layer in config["layers"]):
            pytest.skip("Keras cannot read back its own .h5 of such a model")
        if make is small_compiled:
            model.compile("adam", loss="mse", metrics=["mse", "accuracy"])
    model.save(path)
    opened = read_model(path)
    inputs = [RNG.integers(0, 5, (8, *t.shape[1:])).astype("float32") for t in model.inputs]
    wanted = keras.tree.flatten(model.predict(inputs, verbose=0))
    found = keras.tree.flatten(opened.model.predict(inputs, verbose=0))
    assert all(np.array_equal(a, b) for a, b in zip(wanted, found, strict=True))
    assert [node.name for node in opened.project.graph.inputs] == [t.name for t in model.inputs]
    assert opened.model.compiled
    spots = {(node.x, node.y) for node in opened.project.graph.nodes}
    assert len(spots) == len(opened.project.graph.nodes)
    for edge in opened.project.graph.edges:
        by_id = opened.project.graph.by_id
        assert by_id[edge.source].y < by_id[edge.target].y


def test_optimizer_state_of_plain_keras_files_goes_on(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Dense(2)])
    model.compile("adam", loss="mse")
    fit(model)
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    after = fit(model, 2)
    for name in ("m.keras", "m.h5"):
        opened = read_model(tmp_path / name)
        if name == "m.keras":
            assert fit(opened.model, 2) == after
        assert [node.class_name for node in opened.project.graph.order] == [
            "Input",
            "Dense",
            "Dense",
        ]


def test_project_travels_with_the_model(tmp_path: Path) -> None:
    project = load_project(resource("samples", "wine-two-in-two-out.kbuilder"))
    built = build(project, load_catalogue())
    compile_model(built, project, load_catalogue())
    for ending in ("hdf5", "keras"):
        path = tmp_path / f"m.{ending}"
        write_model(built.model, path, project=project)
        opened = read_model(path)
        assert opened.project == project
        assert opened.notes == ()
        facts = check_file(path)
        assert (facts.layers, facts.parameters) == (10, built.model.count_params())
        assert facts.compiled
        assert facts.project
        assert facts.keras_version == keras.__version__
        assert facts.dangers == ()


def test_project_that_draws_another_model_is_not_believed(tmp_path: Path) -> None:
    other = load_project(resource("samples", "digits-mlp.kbuilder"))
    write_model(small_model(), tmp_path / "m.hdf5", project=other)
    assert "hidden" in read_model(tmp_path / "m.hdf5").project.graph.by_id


def test_a_single_changed_bit_in_the_weights_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.hdf5"
    write_model(small_compiled(), path)
    with h5py.File(path, "r+") as file:
        bias = file["model_weights/out/out/bias"]
        bias[0] = np.nextafter(bias[0], np.float32(1))
    with pytest.raises(FileRefusedError, match="SHA-256"):
        read_model(path)


def test_uncompiled_model_says_so(tmp_path: Path) -> None:
    write_model(small_model(), tmp_path / "m.hdf5")
    opened = read_model(tmp_path / "m.hdf5")
    assert not opened.model.compiled
    assert "not compiled" in opened.notes[0]


def test_names_become_classes_of_the_catalogue(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax", name="y")])
    model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy", "mae"])
    model.save(tmp_path / "m.keras")
    options = read_model(tmp_path / "m.keras").project.compile
    assert options == CompileOptions(
        optimizer=options.optimizer,
        outputs={
            "y": OutputOptions(
                loss=KerasObject(class_name="SparseCategoricalCrossentropy"),
                metrics=(
                    KerasObject(
                        class_name="SparseCategoricalAccuracy", params={"name": "accuracy"}
                    ),
                    KerasObject(class_name="MeanAbsoluteError", params={"name": "mae"}),
                ),
            )
        },
    )


@pytest.mark.parametrize(
    "spec",
    [
        s
        for s in load_catalogue().layers
        if not (s.hidden or s.is_operation or s.class_name == "Input")
    ],
    ids=lambda s: s.class_name,
)
def test_hdf5_of_every_layer_opens_in_keras_and_here(tmp_path: Path, spec: ClassSpec) -> None:
    model = model_with(spec)
    path = tmp_path / "m.hdf5"
    write_model(model, path)
    assert same_weights(keras.models.load_model(path, compile=False), model)
    opened = read_model(path)
    assert same_weights(opened.model, model)
    assert opened.model.get_layer("it").get_config().keys() == (
        model.get_layer("it").get_config().keys()
    )


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["w.weights.h5", "x_model_weights.h5", "x_weights.hdf5", "w.h5"])
def test_weights_alone_come_back(tmp_path: Path, name: str) -> None:
    model, other = small_model(), small_model()
    other.set_weights([values + 1 for values in other.get_weights()])
    write_model(model, tmp_path / name, weights_only=True)
    loaded, left = load_weights(other, tmp_path / name)
    assert loaded == ("hidden", "normal", "out")
    assert left == ()
    assert same_weights(model, other)
    plain = small_model()
    plain.set_weights([values * 0 for values in plain.get_weights()])
    plain.load_weights(tmp_path / name)
    assert same_weights(model, plain)


def test_weights_come_out_of_whole_models_and_by_order(tmp_path: Path) -> None:
    model, other = small_model(), small_model("renamed_")
    other.set_weights([values + 1 for values in other.get_weights()])
    for name in ("m.hdf5", "m.keras"):
        write_model(model, tmp_path / name)
    assert load_weights(other, tmp_path / "m.hdf5")[1] == ()
    assert same_weights(model, other)
    again = small_model()
    again.set_weights([values + 1 for values in again.get_weights()])
    assert load_weights(again, tmp_path / "m.keras")[1] == ()
    assert same_weights(model, again)


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5"])
def test_layers_that_do_not_fit_are_left_as_they_were(tmp_path: Path, name: str) -> None:
    write_model(small_model(), tmp_path / name, weights_only=True)
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, name="hidden")(inputs)
    wider = keras.Model(inputs, layers.Dense(3, name="out")(hidden))
    before = wider.get_layer("out").get_weights()
    loaded, left = load_weights(wider, tmp_path / name)
    assert (loaded, left) == (("hidden",), ("out",))
    assert np.array_equal(wider.get_layer("out").get_weights()[0], before[0])


def test_weights_of_frozen_layers_are_told_by_name(tmp_path: Path) -> None:
    model = small_model()
    model.get_layer("normal").trainable = False
    model.set_weights([RNG.random(values.shape) for values in model.get_weights()])
    write_model(model, tmp_path / "w.h5", weights_only=True)
    other = small_model()
    load_weights(other, tmp_path / "w.h5")
    assert same_weights(model, other)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    write_model(small_model(), tmp_path / "w.h5", weights_only=True)
    other = keras.Sequential([keras.Input((3,)), layers.Dense(9)])
    with pytest.raises(FileRefusedError, match="fit this network"):
        load_weights(other, tmp_path / "w.h5")
    with pytest.raises(FileRefusedError, match="weights alone"):
        read_model(tmp_path / "w.h5")


def test_many_layers_need_names_in_pieces(tmp_path: Path) -> None:
    names = [f"layer_with_a_very_long_name_{'x' * 150}_{number}" for number in range(600)]
    inputs = keras.Input((1,))
    tensor = inputs
    for name in names:
        tensor = layers.Dense(1, use_bias=False, name=name)(tensor)
    model = keras.Model(inputs, tensor)
    write_model(model, tmp_path / "w.h5", weights_only=True)
    with h5py.File(tmp_path / "w.h5") as file:
        assert "layer_names1" in file.attrs
    assert len(load_weights(model, tmp_path / "w.h5")[0]) == 600


# --- saving that fails --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.hdf5", "m.keras", "m.weights.h5", "m_weights.h5"])
def test_full_disk_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    big = keras.Sequential([keras.Input((300,)), layers.Dense(300)])
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits.setrlimit(limits.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(SaveError, match=name):
            write_model(big, path)
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [name]


KILLED_SCRIPT = """
import os, sys, signal, pathlib, h5py, keras
from kbuilder.engine.model_files import write_model
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
h5py.File.flush = die
h5py.File.close = die
write_model(model, pathlib.Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_killed_while_saving_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.hdf5"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", KILLED_SCRIPT, str(path)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "weights_only"), [("m.txt", False), ("m", False), ("m.keras", True)]
)
def test_other_endings_are_refused(tmp_path: Path, name: str, weights_only: bool) -> None:
    with pytest.raises(KBuilderError, match="expected"):
        write_model(small_model(), tmp_path / name, weights_only=weights_only)
    assert not os.listdir(tmp_path)


def test_project_alone_is_enough_for_the_same_model(tmp_path: Path) -> None:
    """A project from a file rebuilds without the file."""
    model = small_model()
    model.compile("sgd", loss="mse")
    write_model(model, tmp_path / "m.hdf5")
    project: Project = read_model(tmp_path / "m.hdf5").project
    rebuilt = build(project, load_catalogue()).model
    assert [v.shape for v in rebuilt.weights] == [v.shape for v in model.weights]
