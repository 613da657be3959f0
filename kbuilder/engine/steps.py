"""Many training or test steps in one graph call, each exactly the step that ``Model.fit`` takes.

``fit`` calls the graph once for each batch and reads the logs back each time; on small models most of
the time goes there. Here a loop inside the graph runs as many steps as asked (the count is a tensor,
so one trace serves every count) and hands back the loss and the metrics of each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.batches import Batches
from kbuilder.engine.replicas import on_replicas, scope_of

Tensor = Any
Step = Callable[[Any, Any, Any], tuple[Tensor, Tensor]]
"""From x, y and weights to the loss and the norm of the gradients; the model's state moves on."""

LOSS = "loss"
"""The batch's own loss."""
RUNNING_LOSS = "running loss"
"""The mean over the epoch so far, which Keras logs as ``loss``."""
GRADIENT_NORM = "gradient norm"
"""The L2 norm of the batch's gradients over all weights."""


class StepFunction:
    """One step of a model, run in a loop inside the graph, on each device of ``strategy`` if given.

    ``names`` are the series that a call returns, known once ``trace`` or a call has happened. A step
    whose first value is not finite is the last one of its call.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: Batches,
        step: Step,
        shown: Callable[[Tensor, Tensor, dict[str, Tensor]], dict[str, Tensor]],
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.names: tuple[str, ...] = ()
        self._model = model
        self._batches = batches
        self._shown = shown
        self._strategy = strategy
        # On replicas there must be no function between the strategy and the optimizer.
        compiled = tf.function(step, autograph=False, jit_compile=model.jit_compile or None)
        self._step = step if strategy is not None else compiled
        self._run = tf.function(self._loop, autograph=False)

    def trace(self, order: Tensor | None) -> None:
        """Make the graph without running it. This also makes the metrics' and optimizer's variables."""
        self._run.get_concrete_function(order, tf.constant(0), tf.constant(1))

    def __call__(self, order: Tensor | None, first: int, count: int) -> np.ndarray:
        """Run steps ``first`` to ``first + count - 1``; float32, shape (steps done, names)."""
        rows: np.ndarray = self._run(order, tf.constant(first), tf.constant(count)).numpy()
        return rows

    def _stepped(self, number: Tensor, order: Any) -> dict[str, Tensor]:
        if self._strategy is None:
            loss, norm = self._step(*self._batches.cut(number, order))
        else:
            cut = partial(self._batches.cut, number, order)
            loss, norm = on_replicas(self._strategy, self._step, cut)
        return self._shown(loss, norm, dict(self._model.get_metrics_result()))

    def _loop(self, order: Tensor | None, first: Tensor, count: Tensor) -> Tensor:
        def go_on(done: Tensor, healthy: Tensor, _: Tensor) -> Tensor:
            return tf.logical_and(done < count, healthy)

        def body(done: Tensor, _: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            logs = flatten_logs(self._stepped(first + done, order))
            self.names = tuple(logs)
            values = [tf.cast(value, tf.float32) for value in logs.values()]
            return done + 1, tf.math.is_finite(values[0]), rows.write(done, tf.stack(values))

        rows = tf.TensorArray(tf.float32, size=count)
        start = (tf.constant(0), tf.constant(True), rows)
        done, _, rows = tf.while_loop(go_on, body, start)
        return rows.gather(tf.range(done))


def train_steps(
    model: keras.Model, batches: Batches, strategy: tf.distribute.Strategy | None = None
) -> StepFunction:
    """Training steps: ``LOSS``, ``RUNNING_LOSS``, ``GRADIENT_NORM``, and the metrics over the epoch so far.

    A step whose loss or gradients are not finite leaves the weights and the optimizer alone, and its
    ``LOSS`` is NaN or infinite. On several devices that is not guarded, and norms are not known.
    """
    optimizer = model.optimizer
    # With loss scaling, gradients that overflow are part of the method: they lower the scale.
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if not optimizer.built:
        with scope_of(strategy):
            optimizer.build(model.trainable_variables)

    def step(x: Any, y: Any, weights: Any) -> tuple[Tensor, Tensor]:
        # The body of keras.src.backend.tensorflow.trainer.train_step (3.15), which returns only the
        # running mean of the loss.
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=True)
            model._loss_tracker.update_state(_whole(loss, strategy), sample_weight=_batch_size(x))
            scaled = optimizer.scale_loss(loss)
        learning = model.trainable_weights
        norm = tf.constant(0.0)
        if learning:
            pairs = list(zip(tape.gradient(scaled, learning), learning, strict=True))
            if strategy is None:
                norm = _norm([gradient for gradient, _ in pairs])
                if scales:
                    norm *= tf.cast(loss / scaled, tf.float32)
                loss = _apply_if_finite(optimizer, pairs, loss, loss if scales else norm)
            else:
                norm = tf.constant(float("nan"))
                optimizer.apply_gradients(pairs)
        model.compute_metrics(x, y, y_pred, sample_weight=weights)
        return loss, norm

    def shown(loss: Tensor, norm: Tensor, logs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {LOSS: loss, RUNNING_LOSS: logs.pop(LOSS), GRADIENT_NORM: norm, **logs}

    return StepFunction(model, batches, step, shown, strategy)


def evaluation_steps(
    model: keras.Model, batches: Batches, strategy: tf.distribute.Strategy | None = None
) -> StepFunction:
    """Evaluation steps; every value runs over the whole evaluation, the last row is the result."""

    def step(x: Any, y: Any, weights: Any) -> tuple[Tensor, Tensor]:
        y_pred = model(x, training=False)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=False)
        model._loss_tracker.update_state(_whole(loss, strategy), sample_weight=_batch_size(x))
        model.compute_metrics(x, y, y_pred, sample_weight=weights)
        return loss, tf.constant(0.0)

    return StepFunction(model, batches, step, lambda loss, norm, logs: logs, strategy)


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


def _apply_if_finite(
    optimizer: keras.Optimizer, pairs: list[tuple[Any, Any]], loss: Tensor, judged: Tensor
) -> Tensor:
    """Apply the gradients if the loss and ``judged`` are finite; the loss, NaN where only that is not."""
    finite = tf.math.is_finite(tf.cast(loss, tf.float32))
    healthy = tf.logical_and(finite, tf.math.is_finite(tf.cast(judged, tf.float32)))

    def apply() -> bool:
        optimizer.apply_gradients(pairs)
        return True

    tf.cond(healthy, apply, lambda: False)
    bad = tf.logical_and(finite, tf.logical_not(healthy))
    return tf.where(bad, tf.constant(float("nan"), loss.dtype), loss)


def _whole(loss: Tensor, strategy: tf.distribute.Strategy | None) -> Tensor:
    """The loss of a replica's samples; under a strategy Keras divides it by the number of replicas."""
    return loss if strategy is None else loss * strategy.num_replicas_in_sync


def _norm(gradients: list[Any]) -> Tensor:
    parts = [
        tf.reduce_sum(tf.square(tf.cast(tf.convert_to_tensor(each), tf.float32)))
        for each in gradients
        if each is not None
    ]
    return tf.sqrt(tf.add_n(parts)) if parts else tf.constant(0.0)


def _batch_size(x: Any) -> Tensor:
    return tf.shape(keras.tree.flatten(x)[0])[0]
