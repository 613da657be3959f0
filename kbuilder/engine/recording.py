"""What a training tells, kept in its run folder beside being sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from kbuilder.engine.arrays import to_array, to_numpy
from kbuilder.engine.checkpoint import State
from kbuilder.link.events import (
    ActivationsComputed,
    EpochEnded,
    PointsLogged,
    Progressed,
)
from kbuilder.link.messages import Event
from kbuilder.link.record import RECORD, entry, events_of
from kbuilder.link.run_events import Diagnosed, MachineMeasured, Monitored, Noted

PASSING = (ActivationsComputed, Progressed)
"""Events that are worth nothing later."""


class Recorder:
    """Sends events on, and appends them to the record of a run.

    A record that cannot be written, on a full disk for example, is given up without a word: the
    tables and checkpoints of the run say what is wrong.
    """

    def __init__(self, folder: Path, send: Callable[[Event], None]) -> None:
        self._send = send
        self._file = (folder / RECORD).open("ab", buffering=0)

    def __call__(self, event: Event) -> None:
        """Keep the event and send it."""
        if not isinstance(event, PASSING):
            self.keep(event)
        self._send(event)

    def keep(self, event: Event) -> None:
        """Keep an event without sending it."""
        if self._file.closed:
            return
        try:
            self._file.write(entry(event))
        except OSError:
            self.close()

    def close(self) -> None:
        """Nothing more is kept."""
        self._file.close()


def past_events(folder: Path, state: State, request: int) -> Iterator[Event]:
    """What the run in ``folder`` had told when it was at ``state``, as events of ``request``."""
    for event in events_of(folder):
        if isinstance(event, PointsLogged):
            if event.first_step < state.done:
                yield replace(_cut(event, state.done - event.first_step), request=request)
        elif isinstance(event, EpochEnded | Monitored | Diagnosed):
            if event.epoch < state.epoch:
                yield replace(event, request=request)
        elif isinstance(event, Noted | MachineMeasured) and event.step <= state.done:
            yield replace(event, request=request)


def _cut(event: PointsLogged, count: int) -> PointsLogged:
    """The first ``count`` steps of a message."""
    return replace(
        event,
        series={name: to_array(to_numpy(values)[:count]) for name, values in event.series.items()},
    )
