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
GRADIENT_NORM = "gradient norm"
"""The L2 norm of the batch's gradients over all weights."""


class StepFunction:
    """One step of a model, run in a loop inside the graph.

    ``names`` are the series that a call returns, known once ``trace`` or a call has happened. A step
    whose first value is not finite is the last one of its call.
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
        """Run steps ``first`` to ``first + count - 1``; float32, shape (steps done, names)."""
        rows: np.ndarray = self._run(order, tf.constant(first), tf.constant(count)).numpy()
        return rows

    def _loop(self, order: Tensor | None, first: Tensor, count: Tensor) -> Tensor:
        def go_on(done: Tensor, healthy: Tensor, _: Tensor) -> Tensor:
            return tf.logical_and(done < count, healthy)

        def body(done: Tensor, _: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            logs = flatten_logs(self._step(*self._batches.cut(first + done, order)))
            self.names = tuple(logs)
            values = [tf.cast(value, tf.float32) for value in logs.values()]
            return done + 1, tf.math.is_finite(values[0]), rows.write(done, tf.stack(values))

        rows = tf.TensorArray(tf.float32, size=count)
        start = (tf.constant(0), tf.constant(True), rows)
        done, _, rows = tf.while_loop(go_on, body, start)
        return rows.gather(tf.range(done))


def train_steps(model: keras.Model, batches: Batches) -> StepFunction:
    """Training steps: ``LOSS``, ``RUNNING_LOSS``, ``GRADIENT_NORM``, and the metrics over the epoch so far.

    A step whose loss or gradients are not finite leaves the weights and the optimizer alone, and its
    ``LOSS`` is NaN or infinite.
    """
    optimizer = model.optimizer
    # With loss scaling, gradients that overflow are part of the method: they lower the scale.
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if not optimizer.built:
        optimizer.build(model.trainable_variables)

    def step(x: Any, y: Any, weights: Any) -> dict[str, Tensor]:
        # The body of keras.src.backend.tensorflow.trainer.train_step (3.15), which returns only the
        # running mean of the loss.
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=True)
            model._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
            scaled = optimizer.scale_loss(loss)
        learning = model.trainable_weights
        norm = tf.constant(0.0)
        if learning:
            gradients = tape.gradient(scaled, learning)
            norm = (
                _norm(gradients) * tf.cast(loss / scaled, tf.float32)
                if scales
                else _norm(gradients)
            )
            finite = tf.math.is_finite(tf.cast(loss, tf.float32))
            healthy = finite if scales else tf.logical_and(finite, tf.math.is_finite(norm))
            bad = tf.logical_and(finite, tf.logical_not(healthy))
            loss = tf.where(bad, tf.constant(float("nan"), loss.dtype), loss)
            pairs = list(zip(gradients, learning, strict=True))
            tf.cond(healthy, lambda: _applied(optimizer, pairs), lambda: False)
        logs = model.compute_metrics(x, y, y_pred, sample_weight=weights)
        return {LOSS: loss, RUNNING_LOSS: logs.pop(LOSS), GRADIENT_NORM: norm, **logs}

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


def _applied(optimizer: keras.Optimizer, pairs: list[tuple[Any, Any]]) -> bool:
    optimizer.apply_gradients(pairs)
    return True


def _norm(gradients: list[Any]) -> Tensor:
    parts = [
        tf.reduce_sum(tf.square(tf.cast(tf.convert_to_tensor(each), tf.float32)))
        for each in gradients
        if each is not None
    ]
    return tf.sqrt(tf.add_n(parts)) if parts else tf.constant(0.0)


def _batch_size(x: Any) -> Tensor:
    return tf.shape(keras.tree.flatten(x)[0])[0]
