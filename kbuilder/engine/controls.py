"""What steers a running training: pause, go on, step, stop, and all that the loop itself obeys."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from pathlib import Path

from kbuilder.link.events import Continued, Paused
from kbuilder.link.mailbox import collect
from kbuilder.link.messages import Control, Event
from kbuilder.link.requests import Continue, Pause, Step, Stop

ControlQueue = queue.SimpleQueue[Control]

MAILBOX_S = 0.25
"""How often the mailbox of the run folder is looked into."""


class StopRequestedError(Exception):
    """The user ended the request; ``keep`` tells whether its state is wanted."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self.keep = keep


class Controls:
    """Reads the controls of one running request, between two graph calls.

    Pause, Continue, Step and Stop are obeyed here, the others by ``obey``. ``stepping`` is the unit,
    ``"batch"`` or ``"epoch"``, after which the training holds again; empty when it runs freely.
    ``run`` is the folder whose mailbox is read too.
    """

    def __init__(
        self,
        waiting: ControlQueue,
        send: Callable[[Event], None],
        request: int,
        obey: Callable[[Control], None],
        run: Path | None = None,
    ) -> None:
        self.stepping = ""
        self._waiting = waiting
        self._send = send
        self._request = request
        self._pass_on = obey
        self._run = run
        self._next_look = 0.0

    def check(self) -> float:
        """Obey what has arrived; returns the seconds spent in a pause.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        paused_s = 0.0
        self._empty_mailbox()
        while not self._waiting.empty():
            control = self._waiting.get()
            if isinstance(control, Pause):
                paused_s += self.hold()
            else:
                self._obey(control)
        return paused_s

    def hold(self, reason: str = "") -> float:
        """Wait for Continue or Step; returns the seconds that took.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        begun = time.monotonic()
        self.stepping = ""
        self._send(Paused(request=self._request, reason=reason))
        while True:
            self._empty_mailbox()
            with contextlib.suppress(queue.Empty):
                control = self._waiting.get(timeout=MAILBOX_S if self._run else None)
                if isinstance(control, Continue):
                    break
                if isinstance(control, Step):
                    self.stepping = control.unit
                    break
                self._obey(control)
        self._send(Continued(request=self._request))
        return time.monotonic() - begun

    def hold_after(self, unit: str) -> float:
        """Hold if that was the unit of a Step; returns the seconds spent there."""
        return self.hold() if self.stepping == unit else 0.0

    def _empty_mailbox(self) -> None:
        if self._run is None or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + MAILBOX_S
        for control in collect(self._run):
            self._waiting.put(control)

    def _obey(self, control: Control) -> None:
        if isinstance(control, Stop):
            raise StopRequestedError(control.keep)
        if not isinstance(control, Pause | Continue | Step):
            self._pass_on(control)
