"""NumPy arrays to and from the arrays that travel in messages."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from kbuilder.link.values import Array

T = TypeVar("T")


def to_array(values: np.ndarray) -> Array:
    """The array as a value of the link, in C order."""
    return Array(values.dtype.name, values.shape, np.ascontiguousarray(values).tobytes())


def to_numpy(array: Array) -> np.ndarray:
    """The values of a link array, read-only."""
    return np.frombuffer(array.data, dtype=array.dtype).reshape(array.shape)


def bare(values: list[T]) -> T | list[T]:
    """The one value itself, or the list of several: how Keras takes inputs, targets and outputs."""
    return values[0] if len(values) == 1 else values
