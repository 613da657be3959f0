"""The outputs of the one node that the window looks at while a model trains."""

from __future__ import annotations

from collections.abc import Callable

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.activations import Probe
from kbuilder.link.events import Progressed
from kbuilder.link.messages import Event
from kbuilder.link.requests import Watch


class Showing:
    """Sends the outputs of the watched node at once and whenever ``show`` is called."""

    def __init__(self, probe: Probe, request: int, send: Callable[[Event], None]) -> None:
        self._probe = probe
        self._request = request
        self._send = send
        self._watched: Watch | None = None

    def watch(self, watch: Watch, epoch: int) -> None:
        """Look at another node, or at none when it names none."""
        self._watched = watch if watch.node else None
        self.show(epoch)

    def show(self, epoch: int) -> None:
        """Send what the node puts out now."""
        if self._watched is None:
            return
        node, samples = self._watched.node, self._watched.samples
        try:
            self._send(self._probe.compute(self._request, node, samples, epoch))
        except KBuilderError as error:
            self._watched = None
            self._send(Progressed(request=self._request, text=str(error)))
