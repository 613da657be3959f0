"""Looking at a model in training without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def untouched(model: keras.Model) -> Iterator[None]:
    """Put back what a forward pass in training mode changes: random states, moving averages, metrics."""
    kept = [*model.non_trainable_variables, *model.metrics_variables]
    before = [variable.numpy() for variable in kept]
    try:
        yield
    finally:
        for variable, values in zip(kept, before, strict=True):
            variable.assign(values)
