"""The SHA-256 over the meaning of a run: weights, optimizer state and history, not how they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from kbuilder.document.meaning import canonical

if TYPE_CHECKING:
    from kbuilder.engine.checkpoint import State


def state_digest(state: State) -> str:
    """Hexadecimal; equal for states that train on alike and have the same past."""
    total = hashlib.sha256()
    for key in sorted(state.weights):
        _add(total, f"weights/{key}", [state.weights[key]])
    _add(total, f"optimizer/{state.optimizer_class}", state.optimizer)
    history = [dict(logs) for logs in state.history]
    total.update(canonical({"epoch": state.epoch, "step": state.step, "history": history}))
    return total.hexdigest()


def _add(total: hashlib._Hash, name: str, arrays: Iterable[np.ndarray]) -> None:
    for number, values in enumerate(arrays):
        total.update(canonical([name, number, values.dtype.str, list(values.shape)]))
        total.update(np.ascontiguousarray(values).tobytes())
