"""Many training or test steps in one graph call, each exactly the step that ``Model.fit`` takes.

``fit`` calls the graph once for each batch and reads the logs back each time; on small models most of
the time goes there. Here a loop inside the graph runs as many steps as asked (the count is a tensor,
so one trace serves every count) and hands back the loss and the metrics of each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.batches import Batches

Tensor = Any

LOSS = "loss"
"""The batch's own loss."""
RUNNING_LOSS = "running loss"
"""The mean over the epoch so far, which Keras logs as ``loss``."""


class StepFunction:
    """One step of a model, run in a loop inside the graph.

    ``names`` are the series that a call returns, known once ``trace`` or a call has happened.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: Batches,
        step: Callable[[Any, Any, Any], dict[str, Tensor]],
    ) -> None:
        self.names: tuple[str, ...] = ()
        self._batches = batches
        self._step = tf.function(step, autograph=False, jit_compile=model.jit_compile or None)
        self._run = tf.function(self._loop, autograph=False)

    def trace(self, order: Tensor | None) -> None:
        """Make the graph without running it. This also makes the metrics' and optimizer's variables."""
        self._run.get_concrete_function(order, tf.constant(0), tf.constant(1))

    def __call__(self, order: Tensor | None, first: int, count: int) -> np.ndarray:
        """Run steps ``first`` to ``first + count - 1``; float32, shape (count, names)."""
        rows: np.ndarray = self._run(order, tf.constant(first), tf.constant(count)).numpy()
        return rows

    def _loop(self, order: Tensor | None, first: Tensor, count: Tensor) -> Tensor:
        def body(done: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
            logs = flatten_logs(self._step(*self._batches.cut(first + done, order)))
            self.names = tuple(logs)
            row = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
            return done + 1, rows.write(done, row)

        rows = tf.TensorArray(tf.float32, size=count)
        _, rows = tf.while_loop(lambda done, _: done < count, body, (tf.constant(0), rows))
        return rows.stack()


def train_steps(model: keras.Model, batches: Batches) -> StepFunction:
    """Training steps: ``LOSS``, ``RUNNING_LOSS``, and the metrics over the epoch so far."""

    def step(x: Any, y: Any, weights: Any) -> dict[str, Tensor]:
        # The body of keras.src.backend.tensorflow.trainer.train_step (3.15), which returns only the
        # running mean of the loss.
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=True)
            model._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
            scaled = model.optimizer.scale_loss(loss)
        learning = model.trainable_weights
        if learning:
            gradients = tape.gradient(scaled, learning)
            model.optimizer.apply_gradients(zip(gradients, learning, strict=True))
        logs = model.compute_metrics(x, y, y_pred, sample_weight=weights)
        return {LOSS: loss, RUNNING_LOSS: logs.pop(LOSS), **logs}

    return StepFunction(model, batches, step)


def test_steps(model: keras.Model, batches: Batches) -> StepFunction:
    """Evaluation steps; every value runs over the whole evaluation, the last row is the result."""

    def step(x: Any, y: Any, weights: Any) -> dict[str, Tensor]:
        y_pred = model(x, training=False)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=False)
        model._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
        return dict(model.compute_metrics(x, y, y_pred, sample_weight=weights))

    return StepFunction(model, batches, step)


def flatten_logs(logs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Logs with scalars only: a metric with one value for each class becomes ``name_0``, ``name_1``..."""
    flat: dict[str, Tensor] = {}
    for name, value in logs.items():
        value = tf.convert_to_tensor(value)
        if value.shape.rank == 0:
            flat[name] = value
        elif value.shape.is_fully_defined():
            parts = tf.unstack(tf.reshape(value, [-1]))
            flat.update({f"{name}_{index}": part for index, part in enumerate(parts)})
    return flat


def _batch_size(x: Any) -> Tensor:
    return tf.shape(keras.tree.flatten(x)[0])[0]
