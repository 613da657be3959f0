"""What the doctor says of model files, among them harmless versions of known attacks."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.engine.dangers import findings
from kbuilder.engine.doctor import check_file
from tests.engine.legacy.conftest import old_files  # noqa: F401 - a fixture

CATALOGUE = load_catalogue()


def named(module: str, name: str) -> dict[str, Any]:
    """A function by its name, as Keras writes it."""
    return {"module": module, "class_name": "function", "config": name}


def dangers(layer: dict[str, Any]) -> str:
    return " ".join(findings(CATALOGUE, {"config": {"layers": [layer]}}).dangers)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (
            {"class_name": "TFSMLayer", "config": {"name": "a", "filepath": "/tmp/m"}},
            "“a” is a TFSMLayer, which runs a program",
        ),
        (
            {"class_name": "StringLookup", "config": {"name": "a", "vocabulary": "/etc/passwd"}},
            "names the file “/etc/passwd”",
        ),
        (
            {"class_name": "Dense", "config": {"name": "a", "note": "http://example.org/x"}},
            "names the address “http://example.org/x”",
        ),
        (
            {"class_name": "Dense", "config": {"name": "a", "activation": named("os", "mkdir")}},
            "the function “os.mkdir” of another program",
        ),
        (
            {
                "class_name": "Lambda",
                "config": {
                    "name": "a",
                    "function": named("keras.config", "set_floatx"),
                },
            },
            "“keras.config.set_floatx”, which is no part of a model",
        ),
        (
            {
                "class_name": "Dense",
                "config": {"name": "a", "spec": {"class_name": "__typespec__"}},
            },
            "the type “__typespec__”",
        ),
    ],
)
def test_dangers_are_named_with_their_place(layer: dict[str, Any], reason: str) -> None:
    assert reason in dangers(layer)


def test_a_model_of_keras_has_no_dangers() -> None:
    inputs = keras.Input((4, 3))
    tensor = keras.layers.Bidirectional(keras.layers.LSTM(3))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, kernel_regularizer="l2")(tensor))
    model.compile("adam", loss=keras.losses.Huber(), metrics=["mae"])
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    found = findings(CATALOGUE, config, config["compile_config"])
    assert (found.dangers, found.custom) == ((), ())


def test_classes_of_programs_are_named() -> None:
    layer = {"class_name": "MyLayer", "module": "mine.layers", "config": {"name": "a"}}
    assert findings(CATALOGUE, {"layers": [layer]}).custom == ("mine.layers.MyLayer",)


def test_the_family_of_old_files_is_told(old_files: Path) -> None:  # noqa: F811
    facts = check_file(old_files / "keras21" / "two_outputs.h5")
    assert (facts.keras_version, facts.family) == ("2.1.0", "Keras 2 (a package of its own)")
    assert (facts.compiled, facts.optimizer, facts.optimizer_class) == (True, True, "Adam")
    assert facts.memory_bytes > 3 * 4 * facts.parameters - 1
    later = check_file(old_files / "tfkeras24" / "opt_adam.h5")
    assert (later.keras_version, later.family) == ("2.4.0", "tf.keras 2")


def test_lambdas_and_functions_are_told(old_files: Path) -> None:  # noqa: F811
    facts = check_file(old_files / "keras21" / "lambda_siamese.h5")
    assert facts.lambdas["lambda_2"] == "ops.absolute((x[0] - x[1]))"
    assert facts.dangers == ()
    facts = check_file(old_files / "keras21" / "custom_functions.h5")
    assert facts.custom == ("focal_loss", "fbeta")
    assert "needs: focal_loss, fbeta" in facts.notes[0]


def test_nothing_in_a_checked_file_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a")])
    path = tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "name": "a",
            "function": named("os", "mkdir"),
            "arguments": {"path": str(mark)},
        },
    }
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    facts = check_file(path)
    assert "os.mkdir" in facts.dangers[0]
    assert not mark.exists()
