"""``.hdf5`` for tf.keras 2.x, proved by the package tf-keras in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.tf_keras import folder, table
from kbuilder.engine.exports.proof import Answer, Proof, ProofError, ask, compared, difference
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.exports.tf_keras_config import (
    in_every_version,
    model_config,
    training_config,
)
from kbuilder.engine.weight_files import write_older_layout

BY_KIND = ("Adam", "Adamax", "Adadelta")
"""Optimizers that keep pairs for each variable, in an order that has changed."""


def write(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """The file: its outputs and the state of its optimizer are those of ours."""
    del catalogue
    model = subject.model
    state = optimizer_state(model)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = table().version
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(model_config(model))
        weights = file.create_group("model_weights")
        write_older_layout(weights, model)
        weights.attrs["keras_version"] = table().version
        if model.compiled and model.optimizer is not None:
            file.attrs["training_config"] = json.dumps(training_config(model))
            if state:
                _write_state(file.create_group("optimizer_weights"), state)
    place = folder()
    answer = ask(
        "plain_tf_keras.py",
        [path],
        subject.inputs,
        path=[place] if place else [],
        check=subject.check,
    )
    count = len(subject.outputs)
    _refuse_other_state([values for _, values in state], answer.arrays[count:])
    notes = []
    if state and not in_every_version(model.optimizer):
        notes.append(
            "The optimizer needs tf.keras 2.11 or later; load it in older ones with compile=False."
        )
    if state and type(model.optimizer).__name__ == "Nadam":
        notes.append("Nadam begins its schedule of momenta again; tf.keras does not save it.")
    return compared(subject, Answer(answer.program, answer.arrays[:count]), notes)


def optimizer_state(model: keras.Model) -> list[tuple[str, np.ndarray]]:
    """Names and values of the optimizer's variables in the order of tf.keras.

    The learning rate is no variable there. Optimizers that all versions have keep one kind of state
    after the other; those of 2.11 keep all kinds variable by variable, as Keras 3 does.
    """
    optimizer: Any = model.optimizer if model.compiled else None
    if optimizer is None or not optimizer.built:
        return []
    first, *rest = [
        variable for variable in optimizer.variables if not variable.path.endswith("learning_rate")
    ]
    pairs, name = 2 * len(model.trainable_variables), type(optimizer).__name__
    if in_every_version(optimizer) and name in BY_KIND:
        rest = [*rest[0:pairs:2], *rest[1:pairs:2], *rest[pairs:]]
    if name == "Nadam":
        rest.pop()  # the product of its momenta, which tf.keras does not save
    state = [("iteration:0", np.asarray(first.numpy(), np.int64))]
    return [
        *state,
        *((f"{number}/{each.path}:0", each.numpy()) for number, each in enumerate(rest)),
    ]


def _write_state(group: h5py.Group, state: list[tuple[str, np.ndarray]]) -> None:
    group.attrs["weight_names"] = [name.encode() for name, _ in state]
    for name, values in state:
        group.create_dataset(name, data=values)


def _refuse_other_state(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    same = [values.shape for values in ours] == [values.shape for values in theirs]
    if ours and not (same and all(not difference(*p) for p in zip(ours, theirs, strict=True))):
        raise ProofError("the state of the optimizer is not that of ours")
