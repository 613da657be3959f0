"""Samples in memory, cut into batches inside a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.arrays import bare

Tensor = Any


class Batches:
    """Arrays in main memory, ready to be cut into batches inside a graph.

    ``x`` has one array for each model input, ``y`` one for each output (None: not judged). The first
    dimension is the sample. Floats become Keras's ``floatx``, as in ``Model.fit``.
    """

    def __init__(
        self, x: Sequence[np.ndarray], y: Sequence[np.ndarray | None], batch_size: int
    ) -> None:
        with tf.device("CPU:0"):
            self._x = [tf.convert_to_tensor(_as_floatx(array)) for array in x]
            self._y = [
                None if array is None else tf.convert_to_tensor(_as_floatx(array)) for array in y
            ]
        self.samples = int(x[0].shape[0])
        # One more than there are samples acts like every larger size, and fits the graph's int32.
        self.batch_size = min(batch_size, self.samples + 1)
        self.steps = -(-self.samples // batch_size)

    def cut(self, step: Tensor, order: Tensor | None) -> tuple[Any, Any, Any]:
        """Batch number ``step`` of the samples in ``order`` (as they lie, if None), as (x, y, weights)."""
        start = step * self.batch_size
        end = tf.minimum(start + self.batch_size, self.samples)
        with tf.device("CPU:0"):
            if order is None:

                def take(array: Tensor) -> Tensor:
                    return self._fix_size(array[start:end])
            else:
                index = self._fix_size(order[start:end])

                def take(array: Tensor) -> Tensor:
                    return tf.gather(array, index, axis=0)

            x = [take(array) for array in self._x]
            y = [None if array is None else take(array) for array in self._y]
        return bare(x), bare(y), None

    def _fix_size(self, batch: Tensor) -> Tensor:
        """Tell the graph the batch size where all are equal, as Keras does; else it stays open."""
        size = None if self.samples % self.batch_size else self.batch_size
        batch.set_shape([size, *batch.shape[1:]])
        return batch


def data_order(samples: int, shuffle: bool) -> Tensor | None:
    """Row numbers in the order of one epoch, or None for the order as they lie.

    This is the permutation that Keras's ``ArrayDataAdapter`` makes under the same
    ``keras.utils.set_random_seed``: the same operation in the same kind of graph, so with the same
    seed. It is a function of that seed alone: Keras too repeats it in each epoch.
    """
    if not shuffle:
        return None

    def permutation(_: Tensor) -> Tensor:
        return tf.random.shuffle(tf.range(samples, dtype=tf.int64))

    return next(iter(tf.data.Dataset.range(1).map(permutation)))


def _as_floatx(array: np.ndarray) -> np.ndarray:
    floatx = np.dtype(keras.config.floatx())
    is_other_float = np.issubdtype(array.dtype, np.floating) and array.dtype != floatx
    return array.astype(floatx) if is_other_float else array
