"""The engine inside the command's own process: one request, its events, its end as an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from kbuilder.cli.problems import named
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.project import Project
from kbuilder.link.events import Failed, Stopped
from kbuilder.link.messages import Event, Request
from kbuilder.link.requests import Infer, Preview, Stop

if TYPE_CHECKING:
    from kbuilder.engine.session import Session

Listener = Callable[[Event], None]


def handle(request: Request, listen: Listener) -> bool:
    """Have a session do the request; Ctrl-C and SIGTERM stop it and keep what is done.

    Returns:
        False when it was stopped.

    Raises:
        KBuilderError: it failed; the text says why.
    """
    session_class = load_quietly()
    end: list[Event] = []

    def hear(event: Event) -> None:
        if isinstance(event, Failed | Stopped):
            end.append(event)
        listen(event)

    session = session_class(hear)
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
        raise error(_told(failed, request))
    if interrupted:
        raise SystemExit(128 + interrupted[0])
    return not end


def _told(failed: Failed, request: Request) -> str:
    """The failure in full: one sentence for each problem, else the one of the failure itself."""
    if isinstance(request, Infer | Preview):
        graph = request.graph
    else:
        project = getattr(request, "project", None) or Project()
        graph = project.graph
    return "\n".join(named(problem, graph) for problem in failed.problems) or failed.text


def load_quietly() -> type[Session]:
    """Import TensorFlow without the lines it writes to stderr past every setting."""
    # Keras reads the backend, and TensorFlow its log level, on import.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        import tensorflow as tf

        from kbuilder.engine.session import Session

        tf.get_logger().setLevel("ERROR")
        tf.constant(0)  # the first operation writes about the processor
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return Session
