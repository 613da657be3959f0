"""The number format of a project's layers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def under_policy(name: str) -> Iterator[None]:
    """Layers and models made inside have this dtype policy unless they choose their own."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
