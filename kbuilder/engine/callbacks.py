"""Keras's callbacks in our training loop: called as ``Model.fit`` does, and kept in checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.problems import Problem
from kbuilder.document.values import KerasObject
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.objects import KERAS_ERRORS, make, problem

Logs = dict[str, float]

FILE_PARAMS = ("filepath", "filename", "log_dir", "backup_dir")
"""Parameters that name a place to write to; it lies in the run folder."""

MODES = {"auc": "max", "accuracy": "max", "acc": "max", "precision": "max", "recall": "max"}
"""What Keras cannot tell by itself for metrics whose names only hold one of these words."""

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


def make_callbacks(
    wanted: Sequence[KerasObject], catalogue: Catalogue, folder: Path
) -> list[keras.callbacks.Callback]:
    """The callbacks of a project, writing into the run folder only.

    Raises:
        BuildError: one does not take its parameters, or would write elsewhere.
    """
    made = []
    for callback in wanted:
        params = dict(callback.params)
        for name in FILE_PARAMS:
            if name in params:
                params[name] = _inside(callback.class_name, name, str(params[name]), folder)
        if callback.class_name == "TensorBoard":
            params.setdefault("log_dir", str(folder / "tensorboard"))
        if params.get("mode", "auto") == "auto" and "monitor" in _names(catalogue, callback):
            params["mode"] = mode_of(params.get("monitor", "val_loss"))
        try:
            made.append(make(catalogue, "callbacks", callback.class_name, params))
        except (ImportError, *KERAS_ERRORS) as error:
            spec = catalogue.find("callbacks", callback.class_name)
            raise BuildError((problem(error, spec, subject=callback.class_name),)) from error
    return made


def mode_of(monitor: str) -> str:
    """``"max"`` for what should grow, ``"min"`` for losses and errors; Keras 3 refuses to guess."""
    words = re.split(r"[_\W]+", monitor.lower())
    known = next((mode for word, mode in MODES.items() if word in words), None)
    grows = ("score", "fbeta", "f1", "iou", "r2", "similarity", "positives", "negatives")
    return known or ("max" if any(word in words for word in grows) else "min")


class Callbacks:
    """The callbacks of one training.

    ``each_batch`` tells whether one of them wants to be called at every batch.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model) -> None:
        self._model = model
        self._own = list(callbacks)
        self._list = keras.callbacks.CallbackList(
            self._own, add_history=False, add_progbar=False, model=model
        )
        self.each_batch = any(_wants_batches(callback) for callback in self._own)

    def begin(self, epochs: int, steps: int) -> None:
        """Before the first epoch."""
        self._list.set_params({"verbose": 0, "epochs": epochs, "steps": steps})
        self._model.stop_training = False
        self._list.on_train_begin()

    def begin_epoch(self, epoch: int) -> None:
        """Before the first step of an epoch."""
        self._list.on_epoch_begin(epoch)

    def around_batch(self, step: int, logs: Logs | None = None) -> None:
        """Before a step, or after it with its ``logs``."""
        if logs is None:
            self._list.on_train_batch_begin(step)
        else:
            self._list.on_train_batch_end(step, logs)

    def begin_validation(self) -> None:
        """Before the validation of an epoch."""
        self._list.on_test_begin()

    def end_validation(self, logs: Logs) -> None:
        """After it."""
        self._list.on_test_end(logs)

    def end_epoch(self, epoch: int, logs: Logs) -> list[str]:
        """After an epoch; ``logs`` may get more entries. Says in words what the callbacks did."""
        told = []
        for callback in self._own:
            before = self._rate()
            stopped = self._model.stop_training
            callback.on_epoch_end(epoch, logs)
            name = type(callback).__name__
            if self._rate() != before:
                told.append(f"{name}: learning rate {before:g} → {self._rate():g}")
            if self._model.stop_training and not stopped:
                told.append(f"{name} ended the training")
        return told

    def end(self, logs: Logs) -> None:
        """After the last epoch; EarlyStopping puts the best weights back here."""
        self._list.on_train_end(logs)

    @property
    def wants_end(self) -> bool:
        """Whether a callback has asked to stop."""
        return bool(self._model.stop_training)

    def state(self) -> list[dict[str, Any]]:
        """What the callbacks remember: plain values and arrays by attribute."""
        return [_plain_attributes(callback) for callback in self._own]

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Let the callbacks remember again, if they are the same ones. Call it after ``begin``."""
        if len(states) != len(self._own):
            return
        for callback, state in zip(self._own, states, strict=True):
            for name, value in state.items():
                if name in vars(callback):
                    setattr(callback, name, value)

    def _rate(self) -> float:
        return learning_rate(self._model) or 0.0


def learning_rate(model: keras.Model) -> float | None:
    """The learning rate of the next step."""
    rate = getattr(model.optimizer, "learning_rate", None)
    return None if rate is None else float(tf.convert_to_tensor(rate))


def _names(catalogue: Catalogue, callback: KerasObject) -> set[str]:
    spec = catalogue.find("callbacks", callback.class_name)
    return {param.name for param in spec.params} if spec else set()


def _inside(owner: str, name: str, wanted: str, folder: Path) -> str:
    path = PurePath(wanted)
    if path.is_absolute() or ".." in path.parts or "://" in wanted or not wanted:
        text = (
            f"{owner} would write to “{wanted}”, outside of the run folder. "
            f"Give {name} a name without a folder above it, such as “best.keras”."
        )
        raise BuildError(
            (Problem(severity="error", kind="fit-value", parameter="callbacks", text=text),)
        )
    return str(folder / path)


def _wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether it overrides what is called at batches, and would do something there."""
    if isinstance(callback, keras.callbacks.TerminateOnNaN):
        return False  # the loop itself ends at such a step
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, keras.callbacks.TensorBoard):
        return bool(callback.update_freq != "epoch" or callback.write_steps_per_second)
    base = keras.callbacks.Callback
    return any(getattr(type(callback), hook) is not getattr(base, hook) for hook in _BATCH_HOOKS)


def _plain_attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(callback).items()
        if not name.startswith("_") and name not in ("params", "model") and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(each, np.ndarray) for each in value)
    return value is None or isinstance(value, bool | int | float | np.number)
