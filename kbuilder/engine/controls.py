"""What steers a running training: pause, go on, stop, watch."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from kbuilder.link.events import Continued, Paused
from kbuilder.link.messages import Control, Event
from kbuilder.link.requests import Continue, Pause, Stop, Watch

ControlQueue = queue.SimpleQueue[Control]


class StopRequestedError(Exception):
    """The user ended the request; ``keep`` tells whether its state is wanted."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self.keep = keep


class Controls:
    """Reads the controls of one running request, between two graph calls."""

    def __init__(
        self,
        waiting: ControlQueue,
        send: Callable[[Event], None],
        request: int,
        watch: Callable[[Watch], None],
    ) -> None:
        self._waiting = waiting
        self._send = send
        self._request = request
        self._watch = watch

    def check(self) -> float:
        """Obey what has arrived; returns the seconds spent in a pause.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        paused_s = 0.0
        while not self._waiting.empty():
            control = self._waiting.get()
            if isinstance(control, Pause):
                begun = time.monotonic()
                self._hold()
                paused_s += time.monotonic() - begun
            else:
                self._obey(control)
        return paused_s

    def _hold(self) -> None:
        self._send(Paused(request=self._request))
        while not isinstance(control := self._waiting.get(), Continue):
            self._obey(control)
        self._send(Continued(request=self._request))

    def _obey(self, control: Control) -> None:
        if isinstance(control, Stop):
            raise StopRequestedError(control.keep)
        if isinstance(control, Watch):
            self._watch(control)
