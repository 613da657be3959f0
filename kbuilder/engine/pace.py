"""How many steps to run in one graph call."""

from __future__ import annotations

import math
from dataclasses import dataclass

CALL_S = 0.05
"""How long one graph call should take: long enough to cost nothing, short enough to stop at once."""


@dataclass
class Pace:
    """Starts with one step and at most doubles, or is ``fixed``."""

    fixed: int = 0
    step_s: float = math.inf

    def __post_init__(self) -> None:
        self.count = self.fixed or 1

    def learn(self, count: int, seconds: float) -> None:
        """Take the time of a call into account."""
        self.step_s = seconds / count
        if self.fixed:
            return
        wanted = int(CALL_S / self.step_s) if self.step_s else 2 * self.count
        self.count = max(1, min(2 * self.count, wanted))
