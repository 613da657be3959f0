"""Samples in memory, cut into batches inside a graph."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.arrays import bare
from kbuilder.engine.augmentation import Augmentation

Tensor = Any


class Order(NamedTuple):
    """How an epoch goes through the data: its first batch, and the samples in order (None: as they lie)."""

    first: Tensor
    rows: Tensor | None


class Rows(NamedTuple):
    """Samples by input and output; ``weights`` is empty without any, else as ``y``."""

    x: list[Any]
    y: list[Any]
    weights: list[Any]
    numbers: np.ndarray


class Batches:
    """Arrays in main memory, ready to be cut into batches inside a graph.

    ``x`` has one array for each model input, ``y`` one for each output (None: not judged), ``weights``
    one for each output too, or there are none. The first dimension is the sample. Floats become Keras's
    ``floatx``, as in ``Model.fit``. ``samples`` counts them, ``all_steps`` their batches, and ``steps``
    those of an epoch: all, or as many as ``epoch_steps`` says. Then the next epoch goes on where this one
    stopped, and begins again with the first sample when the data is at its end. ``shuffle`` is that of
    ``FitOptions``; ``first_sample`` the row number of the first sample in the data.
    """

    def __init__(
        self,
        x: Sequence[np.ndarray],
        y: Sequence[np.ndarray | None],
        batch_size: int,
        *,
        weights: Sequence[np.ndarray | None] | None = None,
        shuffle: bool | str = False,
        seed: int = 0,
        epoch_steps: int = 0,
        first_sample: int = 0,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._x = _tensors(x)
        self._y = _tensors(y)
        self._weights = None if weights is None else _tensors(weights)
        self.samples = int(x[0].shape[0])
        self._shuffle = shuffle
        self.data_seconds = 0.0
        """Seconds that training has waited for batches; what is in memory is never waited for."""
        self._seed = seed
        self._epoch_steps = epoch_steps
        self._first_sample = first_sample
        self.augmentation = augmentation
        self._repeated: Tensor | None = None
        self._size(batch_size)

    @property
    def variables(self) -> list[Any]:
        """What changes while batches are cut: the states of the augmentation's random generators."""
        return self.augmentation.variables if self.augmentation else []

    def captured(self) -> list[np.ndarray]:
        """Copies of the variables."""
        return [np.array(variable.numpy()) for variable in self.variables]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        """Put variables back, if they are those of the same data."""
        if len(values) == len(self.variables):
            for variable, array in zip(self.variables, values, strict=True):
                variable.assign(array)

    def peek(self, step: int, order: Any) -> tuple[Any, Any, Any]:
        """Batch number ``step`` as ``cut`` will give it, without moving random generators on."""
        before = self.captured()
        batch = self.cut(tf.constant(step), order)
        self.restore(before)
        return batch

    def set_augmenting(self, on: bool) -> None:
        """Let batches pass through the augmentation, if there is one, or no longer."""
        if self.augmentation is not None:
            self.augmentation.on = on

    def with_batch_size(self, batch_size: int) -> Batches:
        """The same samples in batches of another size."""
        other = copy.copy(self)
        other._size(batch_size)
        return other

    def targets(self, count: int) -> list[np.ndarray | None]:
        """The first ``count`` targets of each output."""
        return _head(self._y, count)

    def head(self, count: int) -> Rows:
        """The first ``count`` samples as they lie, with their row numbers in the data."""
        numbers = np.arange(min(count, self.samples)) + self._first_sample
        weights = self._weights or []
        return Rows(_head(self._x, count), _head(self._y, count), _head(weights, count), numbers)

    def order(self, epoch: int) -> Order | None:
        """What ``cut`` and ``numbers`` need to know of an epoch; None: the samples as they lie."""
        rows = self._rows(epoch * self.steps // self.all_steps if self._epoch_steps else epoch)
        if rows is None and not self._epoch_steps:
            return None
        return Order(tf.constant(epoch * self.steps % self.all_steps), rows)

    def numbers(self, step: int, order: Order | None) -> np.ndarray:
        """Row numbers in the data of the samples of batch ``step``, int64."""
        start = self._number(step, order) * self.batch_size
        rows = np.arange(self.samples)
        if order is not None:
            start = int(start)
            rows = rows if order.rows is None else order.rows.numpy()
        found: np.ndarray = rows[start : start + self.batch_size] + self._first_sample
        return found

    def cut(self, step: Tensor, order: Order | None) -> tuple[Any, Any, Any]:
        """Batch number ``step`` of an epoch, as (x, y, weights). For use inside a graph."""
        start = self._number(step, order) * self.batch_size
        end = tf.minimum(start + self.batch_size, self.samples)
        rows = order.rows if order is not None else None
        with tf.device("CPU:0"):
            if rows is None:

                def take(array: Tensor) -> Tensor:
                    return None if array is None else self._fix_size(array[start:end])
            else:
                index = self._fix_size(rows[start:end])

                def take(array: Tensor) -> Tensor:
                    return None if array is None else tf.gather(array, index, axis=0)

            x, y = [take(array) for array in self._x], [take(array) for array in self._y]
            weights = None if self._weights is None else [take(each) for each in self._weights]
        if self.augmentation is not None:
            x = self.augmentation(x)
        return bare(x), bare(y), None if weights is None else bare(weights)

    def _number(self, step: Any, order: Order | None) -> Any:
        """Which batch of the data is number ``step`` of the epoch."""
        return (step + order.first) % self.all_steps if order is not None else step

    def _rows(self, turn: int) -> Tensor | None:
        """The samples in the order of this turn through the data."""
        if self._shuffle == "batch order":
            return shuffled_batches(self.samples, self.batch_size, (self._seed, turn))
        if self._repeated is None and self._shuffle:
            inside = self.batch_size if self._shuffle == "batch" else 0
            self._repeated = data_order(self.samples, inside)
        return self._repeated

    def _size(self, batch_size: int) -> None:
        # One more than there are samples acts like every larger size, and fits the graph's int32.
        self.batch_size = min(batch_size, self.samples + 1)
        self.all_steps = -(-self.samples // self.batch_size)
        self.steps = self._epoch_steps or self.all_steps
        self._repeated = None

    def _fix_size(self, batch: Tensor) -> Tensor:
        """Tell the graph the batch size where all are equal, as Keras does; else it stays open."""
        size = None if self.samples % self.batch_size else self.batch_size
        batch.set_shape([size, *batch.shape[1:]])
        return batch


def data_order(samples: int, inside_batches_of: int = 0) -> Tensor:
    """Row numbers in the order of one epoch; 0: all mixed, else only within batches of that size.

    This is the permutation that Keras's ``ArrayDataAdapter`` makes under the same
    ``keras.utils.set_random_seed``: the same operation in the same kind of graph, so with the same
    seed. It is a function of that seed alone: Keras too repeats it in each epoch.
    """
    if inside_batches_of:
        batches = tf.data.Dataset.range(samples).batch(inside_batches_of)
        rows = batches.map(tf.random.shuffle).unbatch().batch(samples)
        return next(iter(rows))

    def permutation(_: Tensor) -> Tensor:
        return tf.random.shuffle(tf.range(samples, dtype=tf.int64))

    return next(iter(tf.data.Dataset.range(1).map(permutation)))


def shuffled_batches(samples: int, batch_size: int, seed: tuple[int, ...]) -> Tensor:
    """Row numbers with whole batches in another order; a smaller last batch stays last, as in Keras 2."""
    full = samples // batch_size
    rows = np.arange(samples)
    batches = rows[: full * batch_size].reshape(full, batch_size)
    mixed = np.random.default_rng(seed).permutation(batches).reshape(-1)
    return tf.constant(np.append(mixed, rows[full * batch_size :]), tf.int64)


def _tensors(arrays: Sequence[np.ndarray | None]) -> list[Tensor]:
    with tf.device("CPU:0"):
        return [
            None if array is None else tf.convert_to_tensor(as_floatx(array)) for array in arrays
        ]


def _head(tensors: Sequence[Tensor], count: int) -> list[np.ndarray | None]:
    return [None if tensor is None else tensor[:count].numpy() for tensor in tensors]


def as_floatx(array: np.ndarray) -> np.ndarray:
    """Floats in Keras's ``floatx``, as ``Model.fit`` takes them; the rest as it is."""
    floatx = np.dtype(keras.config.floatx())
    is_other_float = np.issubdtype(array.dtype, np.floating) and array.dtype != floatx
    return array.astype(floatx) if is_other_float else array
