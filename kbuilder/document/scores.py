"""Which of two values of a loss or metric is the better one, by its name."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SMALL = (
    *("loss", "error", "divergence", "crossentropy", "hinge", "deviance", "poisson", "false_"),
    *("log_cosh", "mae", "mse", "mape", "msle"),
)
"""Words in the names of what is to become small."""


def smaller_is_better(name: str) -> bool:
    """Whether a value of that name in the history is to become small."""
    return any(word in name.lower() for word in _SMALL)


def best_of(name: str, values: Iterable[float], direction: str = "") -> float | None:
    """The best finite value; ``direction`` is ``"min"``, ``"max"`` or, empty, told by the name."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    small = direction == "min" if direction else smaller_is_better(name)
    return min(finite) if small else max(finite)
