"""Real files of Keras 2 open as graphs, predict what they did, and train on as they did.

How the files were made is in ``make_old_files.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from kbuilder.document.project_file import load, save
from kbuilder.engine.model_files import OpenedModel, write_model
from tests.engine.conftest import read_model
from tests.engine.legacy.conftest import BY_TF_KERAS, stored_names
from tests.sparse import sparse

TOLERANCE = 1e-5
OTHER_TRAINING = {
    "loss_hinge": "targets 0 and 1",  # what each of these says in its notes
    "normalized": "variance of a batch",
}
NEEDS_CODE = {"custom_functions"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    keras.backend.clear_session()


def arrays(path: Path, start: str) -> list[np.ndarray]:
    with np.load(path.with_suffix(".npz")) as found:
        return [found[key] for key in sorted(found.files) if key.startswith(start)]


def difference(model: keras.Model, path: Path, start: str) -> float:
    inputs = arrays(path, "x")
    outputs = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0]))
    pairs = zip(arrays(path, start), outputs, strict=True)
    return max(float(np.abs(one - np.asarray(two)).max()) for one, two in pairs)


def fit(opened: OpenedModel, path: Path) -> list[float]:
    x, y = arrays(path, "x"), arrays(path, "y")
    opened.model.run_eagerly = True  # tracing takes longer than these few steps
    history = opened.model.fit(
        x if len(x) > 1 else x[0],
        y if len(y) > 1 else y[0],
        batch_size=4,
        epochs=3,
        shuffle=False,
        verbose=0,
    )
    losses: list[float] = history.history["loss"]
    return losses


@pytest.mark.parametrize("name", sparse(stored_names("keras21"), 2))
def test_files_of_keras_2_1(old_files: Path, name: str) -> None:
    check(old_files / "keras21" / f"{name}.h5")


@pytest.mark.parametrize("name", sparse(stored_names("tfkeras24"), 4))
def test_files_of_tensorflow_2_3(old_files: Path, name: str) -> None:
    check(old_files / "tfkeras24" / f"{name}.h5")


@pytest.mark.parametrize("name", sparse(BY_TF_KERAS, 5))
def test_files_of_tf_keras(tf_keras_files: Path, name: str) -> None:
    check(tf_keras_files / f"{name}.h5")


@pytest.mark.parametrize("name", sparse(BY_TF_KERAS, 5))
def test_archives_of_tf_keras(tf_keras_files: Path, name: str) -> None:
    path = tf_keras_files / f"{name}.keras"
    assert difference(read_model(path).model, path, "after" if arrays(path, "after") else "p") < (
        TOLERANCE
    )


def check(path: Path) -> None:
    opened = read_model(path)
    assert difference(opened.model, path, "p") < TOLERANCE
    if not arrays(path, "losses") or path.stem in NEEDS_CODE:
        assert not opened.model.compiled
    elif path.stem in OTHER_TRAINING:
        assert OTHER_TRAINING[path.stem] in " ".join(opened.notes)
    else:
        np.testing.assert_allclose(fit(opened, path), arrays(path, "losses")[0], atol=TOLERANCE)
        assert difference(opened.model, path, "after") < TOLERANCE


# --- what else is kept --------------------------------------------------------------------------


def test_metrics_keep_the_names_of_their_history(old_files: Path) -> None:
    opened = read_model(old_files / "keras21" / "two_outputs.h5")
    first, second = opened.project.compile.outputs.values()
    assert [(m.class_name, m.params) for m in first.metrics] == [
        ("BinaryAccuracy", {"name": "acc"})
    ]
    assert [m.params.get("name", m.class_name) for m in second.metrics] == [
        "MeanAbsoluteError",
        "acc",
    ]
    assert (first.loss_weight, second.loss_weight) == (1.0, 0.3)
    later = read_model(old_files / "tfkeras24" / "two_outputs.h5")
    assert [
        m.params["name"] for o in later.project.compile.outputs.values() for m in o.metrics
    ] == ["accuracy", "mae", "acc"]


def test_functions_of_a_program_are_named(old_files: Path) -> None:
    opened = read_model(old_files / "keras21" / "custom_functions.h5")
    assert "needs: focal_loss, fbeta" in opened.notes[0]
    (options,) = opened.project.compile.outputs.values()
    assert options.loss is not None
    assert options.loss.class_name == "focal_loss"
    assert [metric.class_name for metric in options.metrics] == ["BinaryAccuracy", "fbeta"]


def test_lambdas_wait_for_approval(old_files: Path) -> None:
    opened = read_model(old_files / "keras21" / "lambda_siamese.h5")
    nodes = [node for node in opened.project.graph.nodes if node.class_name == "Expression"]
    assert [node.params["approved"] for node in nodes] == [False, False]
    assert nodes[1].params["expression"] == "ops.absolute((x[0] - x[1]))"
    assert any("was a Lambda" in note for note in opened.notes)


@pytest.mark.parametrize("name", ["local", "lstm_hard", "opt_nadam", "lambda_siamese"])
def test_what_keras_3_lacks_is_saved_and_opened_again(
    old_files: Path, tmp_path: Path, name: str
) -> None:
    path = old_files / "keras21" / f"{name}.h5"
    opened = read_model(path)
    save(opened.project, tmp_path / "p.kbuilder")
    assert load(tmp_path / "p.kbuilder") == opened.project
    for ending in (".keras", ".hdf5"):
        write_model(opened.model, tmp_path / f"m{ending}", opened.project)
        again = read_model(tmp_path / f"m{ending}")
        assert again.project == opened.project
        assert difference(again.model, path, "p") < TOLERANCE
        if opened.model.compiled:
            np.testing.assert_allclose(fit(again, path), arrays(path, "losses")[0], atol=TOLERANCE)
