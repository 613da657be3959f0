"""Samples in memory, cut into batches inside a graph."""

from __future__ import annotations

import copy
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
    dimension is the sample. Floats become Keras's ``floatx``, as in ``Model.fit``. ``first_sample`` is
    the row number of the first sample in the data. ``samples`` counts them, ``steps`` the batches of an
    epoch.
    """

    def __init__(
        self,
        x: Sequence[np.ndarray],
        y: Sequence[np.ndarray | None],
        batch_size: int,
        *,
        shuffle: bool = False,
        first_sample: int = 0,
    ) -> None:
        with tf.device("CPU:0"):
            self._x = [tf.convert_to_tensor(_as_floatx(array)) for array in x]
            self._y = [
                None if array is None else tf.convert_to_tensor(_as_floatx(array)) for array in y
            ]
        self.samples = int(x[0].shape[0])
        self._shuffle = shuffle
        self._first_sample = first_sample
        self._size(batch_size)

    @property
    def variables(self) -> list[Any]:
        """What changes while batches are cut, such as the state of random generators."""
        return []

    def with_batch_size(self, batch_size: int) -> Batches:
        """The same samples in batches of another size."""
        other = copy.copy(self)
        other._size(batch_size)
        return other

    def targets(self, count: int) -> list[np.ndarray | None]:
        """The first ``count`` targets of each output."""
        return [None if array is None else array[:count].numpy() for array in self._y]

    def order(self, epoch: int) -> Tensor | None:
        """What ``cut`` and ``numbers`` need to know of an epoch: the order of its samples."""
        return data_order(self.samples, self._shuffle)

    def numbers(self, step: int, order: Tensor | None) -> np.ndarray:
        """Row numbers in the data of the samples of batch ``step``, int64."""
        start = step * self.batch_size
        rows = np.arange(self.samples) if order is None else order.numpy()
        found: np.ndarray = rows[start : start + self.batch_size] + self._first_sample
        return found

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

    def _size(self, batch_size: int) -> None:
        # One more than there are samples acts like every larger size, and fits the graph's int32.
        self.batch_size = min(batch_size, self.samples + 1)
        self.steps = -(-self.samples // batch_size)

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
