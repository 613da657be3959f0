"""Where a training stands, and how long it has run."""

from __future__ import annotations

import time
from enum import Enum


class State(Enum):
    """Where a training stands. ``LOADING``: the weights of an opened model are being read."""

    IDLE = "idle"
    LOADING = "loading"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


class Stopwatch:
    """Seconds since a start, pauses left out."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._held = 0.0
        self._since: float | None = None

    def hold(self) -> None:
        """A pause begins."""
        self._since = time.monotonic()

    def go_on(self) -> None:
        """The pause is over."""
        if self._since is not None:
            self._held += time.monotonic() - self._since
            self._since = None

    @property
    def seconds(self) -> float:
        """How long it has run."""
        now = self._since if self._since is not None else time.monotonic()
        return now - self._started - self._held
