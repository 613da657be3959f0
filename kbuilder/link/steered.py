"""What was changed by hand in a run while it trained, from its record."""

from __future__ import annotations

from pathlib import Path

from kbuilder.document.script.steering import Steered
from kbuilder.link.record import events_of
from kbuilder.link.run_events import Noted


def steered_in(run: str) -> tuple[Steered, ...]:
    """What was changed by hand while the run in this folder trained; nothing where there is no run."""
    if not run:
        return ()
    return tuple(
        Steered(step=event.step, epoch=event.epoch, values=event.values)
        for event in events_of(Path(run))
        if isinstance(event, Noted) and event.kind == "steered"
    )
