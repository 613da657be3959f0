"""Conditions under which a training holds by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kbuilder.engine.steps import GRADIENT_NORM, LOSS
from kbuilder.link.requests import Break


class Breaks:
    """The condition that was set last, if any."""

    def __init__(self) -> None:
        self._set = Break()

    def set(self, condition: Break) -> None:
        """Take another condition."""
        self._set = condition

    @property
    def any(self) -> bool:
        """Whether there is one; steps are then run one by one."""
        return self._set != Break()

    def reason(self, row: np.ndarray, names: Sequence[str]) -> str:
        """Why to hold after a step with these values; empty to go on."""
        for name, limit in (
            (LOSS, self._set.loss_above),
            (GRADIENT_NORM, self._set.gradient_above),
        ):
            value = float(row[names.index(name)])
            if limit is not None and value > limit:
                return f"The {name} of this step is {value:.4g}, above {limit:g}."
        return ""
