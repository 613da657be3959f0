"""NumPy arrays to and from the arrays that travel in messages."""

from __future__ import annotations

import numpy as np

from kbuilder.link.values import Array


def to_array(values: np.ndarray) -> Array:
    """The array as a value of the link, in C order."""
    return Array(values.dtype.name, values.shape, np.ascontiguousarray(values).tobytes())


def to_numpy(array: Array) -> np.ndarray:
    """The values of a link array, read-only."""
    return np.frombuffer(array.data, dtype=array.dtype).reshape(array.shape)
