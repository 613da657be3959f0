"""The engine inside the command's own process: one request, its events, its end as an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.link.messages import Event, Failed, Request, Stop, Stopped

Listener = Callable[[Event], None]


def handle(request: Request, listen: Listener) -> bool:
    """Have a session do the request; Ctrl-C and SIGTERM stop it and keep what is done.

    Returns:
        False when it was stopped.

    Raises:
        KBuilderError: it failed; the text says why.
    """
    # Keras reads the backend, and TensorFlow its log level, on import.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kbuilder.engine.session import Session

    end: list[Event] = []

    def hear(event: Event) -> None:
        if isinstance(event, Failed | Stopped):
            end.append(event)
        listen(event)

    session = Session(hear)
    interrupted: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        if interrupted:
            os._exit(128 + number)
        interrupted.append(number)
        sys.stderr.write("\nStopping after this step; once more ends at once.\n")
        session.controls.put(Stop(keep=True))

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        session.handle(request)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if end and isinstance(end[0], Failed):
        failed = end[0]
        error = FileRefusedError if failed.refused else KBuilderError
        raise error("\n".join([failed.text, *(f"  {p.text}" for p in failed.problems)]))
    if interrupted:
        raise SystemExit(128 + interrupted[0])
    return not end
