"""The validation at the end of an epoch, in graph calls that can be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.batches import Batches
from kbuilder.engine.pace import Pace
from kbuilder.engine.steps import evaluation_steps

Logs = dict[str, float]


class Validation:
    """Evaluates a model in training on its validation samples."""

    def __init__(
        self,
        model: keras.Model,
        batches: Batches,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self._model = model
        self._batches = batches
        self._steps = evaluation_steps(model, batches, strategy)
        self._pace = Pace()

    def run(self, between: Callable[[], None]) -> Logs:
        """Logs with Keras's ``val_`` names. ``between`` is called after each graph call and may raise."""
        self._model.reset_metrics()
        row = np.zeros(0)
        step, order = 0, self._batches.order(0)
        while step < self._batches.steps:
            count = min(self._pace.count, self._batches.steps - step)
            begun = time.perf_counter()
            row = self._steps(order, step, count)[-1]
            self._pace.learn(count, time.perf_counter() - begun)
            step += count
            between()
        values = zip(self._steps.names, row, strict=True)
        return {f"val_{name}": float(value) for name, value in values}
