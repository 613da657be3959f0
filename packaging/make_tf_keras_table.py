"""Writes ``resources/tf_keras.json``: the classes and parameters that tf.keras 2.x has.

``python packaging/make_tf_keras_table.py FOLDER`` with the folder that ``tf_keras`` is installed in; without
``--write`` the table goes to stdout. Where an activation of the same name gives other values than in
Keras 3, it is left out.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, sys.argv[1])

import keras
import numpy as np
import tensorflow as tf
import tf_keras

SECTIONS = {
    "layers": "Layer",
    "optimizers": "Optimizer",
    "losses": "Loss",
    "metrics": "Metric",
    "initializers": "Initializer",
    "regularizers": "Regularizer",
    "constraints": "Constraint",
}
OF_EVERY_LAYER = {"name": None, "dtype": None, "trainable": True, "activity_regularizer": None}
OF_RECURRENT = {"zero_output_for_mask": False}
PASSED_ON = {
    "Attention": {"dropout": 0.0},
    "AdditiveAttention": {"dropout": 0.0},
    "GlobalAveragePooling1D": {"keepdims": False},
}
"""What a class takes for the class that it derives from."""
REQUIRED = "required"


def classes(module: Any, base: str) -> dict[str, dict[str, Any]]:
    """Parameters with their defaults of every class of a section."""
    kind = getattr(module, base)
    found = {
        name: parameters(value)
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, kind)
        and value.__name__ == name
        and is_read(module, name)
    }
    return dict(sorted(found.items()))


def is_read(module: Any, name: str) -> bool:
    """Whether a file may name the class: some are there and not known when a file is read."""
    config = {"is_legacy_optimizer": False} if module is tf_keras.optimizers else {}
    try:
        module.deserialize({"class_name": name, "config": config}, use_legacy_format=True)
    except Exception as error:  # noqa: BLE001 - most complain of missing parameters
        return "Unknown" not in str(error)
    return True


def parameters(value: type) -> dict[str, Any]:
    """Names and defaults; a default that JSON cannot hold is None."""
    signature = inspect.signature(value.__init__).parameters
    found = {
        name: REQUIRED if each.default is each.empty else plain(each.default)
        for name, each in signature.items()
        if name != "self" and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }
    if issubclass(value, tf_keras.layers.Layer) and not issubclass(value, tf_keras.metrics.Metric):
        found = {**OF_EVERY_LAYER, **found}
    if issubclass(value, tf_keras.layers.RNN):
        found |= OF_RECURRENT
    return found | PASSED_ON.get(value.__name__, {})


def plain(value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else None


def equal_activations() -> list[str]:
    """Names of the activations that give the same in both."""
    values = np.linspace(-5, 5, 60).reshape(6, 10).astype("float32")
    found = []
    for name in sorted(vars(keras.activations)):
        theirs = getattr(tf_keras.activations, name, None)
        ours = getattr(keras.activations, name)
        if name in ("get", "serialize", "deserialize") or not callable(theirs):
            continue
        if np.allclose(
            np.asarray(ours(values)), np.asarray(theirs(tf.constant(values))), atol=1e-6
        ):
            found.append(name)
    return found


def table() -> str:
    """The table as JSON."""
    found: dict[str, Any] = {"version": tf_keras.__version__}
    found |= {name: classes(getattr(tf_keras, name), base) for name, base in SECTIONS.items()}
    schedules = tf_keras.optimizers.schedules
    found["schedules"] = classes(schedules, "LearningRateSchedule")
    found["activations"] = equal_activations()
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        target = Path(__file__).parent.parent / "resources" / "tf_keras.json"
        target.write_text(table(), encoding="utf-8")
    else:
        sys.stdout.write(table())
