"""How a training is told: a progress bar for people on stderr, or JSON lines for programs on stdout."""

from __future__ import annotations

import shutil
import sys
import time
from array import array
from typing import Any

import msgspec

from kbuilder.link.events import (
    EpochEnded,
    FrozenChecked,
    PointsLogged,
    Progressed,
    TrainingStarted,
)
from kbuilder.link.messages import Event
from kbuilder.link.run_events import Diagnosed, DryRunDone, Noted
from kbuilder.link.values import Array

TOLD = ("resumed", "steered", "callback", "paused")
"""What happened to a run that is worth a line; failures and ends are told otherwise."""

BAR = 24
REDRAW_S = 0.1


class JsonReport:
    """One JSON object for each event."""

    def __call__(self, event: Event) -> None:
        """Write the event as a line."""
        content = msgspec.to_builtins(event, builtin_types=(bytes,))
        sys.stdout.write(msgspec.json.encode(_with_lists(content)).decode() + "\n")
        sys.stdout.flush()


class ProgressReport:
    """A line that is written over while an epoch runs, and a line for each epoch that ended.

    ``verbose`` is Keras's: 0 tells no epochs, 1 draws the line too, 2 only tells each epoch.
    """

    def __init__(self, verbose: int = 1) -> None:
        self._started: TrainingStarted | None = None
        self._drawn_at = 0.0
        self._live = sys.stderr.isatty()
        self._verbose = verbose
        self._findings: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Tell the event, if it is worth telling."""
        if isinstance(event, TrainingStarted):
            self._started = event
        elif isinstance(event, PointsLogged) and self._verbose == 1:
            self._draw(event)
        elif isinstance(event, EpochEnded) and self._verbose:
            self._end_epoch(event)
        elif isinstance(event, Noted) and event.kind in TOLD:
            self._line(f"epoch {event.epoch + 1}: {event.text}")
        elif isinstance(event, Diagnosed):
            self._diagnose(event)
        elif isinstance(event, DryRunDone):
            self._tell_dry_run(event)
        elif isinstance(event, Progressed):
            self._line(event.text)
        elif isinstance(event, FrozenChecked):
            moved = [node for node in event.before if event.before[node] != event.after[node]]
            self._line(f"Frozen layers: {len(event.before)}, of which moved: {len(moved)}")

    def _draw(self, event: PointsLogged) -> None:
        now = time.monotonic()
        if not self._live or self._started is None or now - self._drawn_at < REDRAW_S:
            return
        self._drawn_at = now
        steps = max(self._started.steps_per_epoch, 1)
        count = event.series["loss"].shape[0]
        done = event.first_step + count - event.epoch * steps
        bar = "━" * round(BAR * done / steps)
        loss = _floats(event.series["loss"])[-1]
        text = f"epoch {event.epoch + 1}/{self._started.epochs} {bar:<{BAR}} {done}/{steps} loss {loss:.4f}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + text[:width].ljust(width))
        sys.stderr.flush()

    def _end_epoch(self, event: EpochEnded) -> None:
        logs = "  ".join(f"{name} {value:.4f}" for name, value in event.logs.items())
        epochs = self._started.epochs if self._started else "?"
        self._line(f"epoch {event.epoch + 1}/{epochs}  {event.seconds:.2f} s  {logs}")

    def _diagnose(self, event: Diagnosed) -> None:
        """Findings of the training doctor, each kind once."""
        for problem in event.problems:
            if problem.kind not in self._findings:
                self._findings.add(problem.kind)
                self._line(f"epoch {event.epoch + 1}: {problem.text}")

    def _tell_dry_run(self, event: DryRunDone) -> None:
        for size, peak, seconds in event.rows:
            self._line(
                f"batch size {size}: {1000 * seconds:.1f} ms a step, peak {peak / 2**30:.2f} GiB"
            )
        self._line(
            f"About {event.epoch_seconds:.2g} s an epoch at batch size {event.batch_size}; "
            f"the largest batch that fits has {event.largest_batch} samples."
        )

    def _line(self, text: str) -> None:
        start = "\r\x1b[K" if self._live else ""
        sys.stderr.write(f"{start}{text}\n")
        sys.stderr.flush()


def _floats(values: Array) -> list[float]:
    numbers = array("f" if values.dtype == "float32" else "d")
    numbers.frombytes(values.data)
    return list(numbers)


def _with_lists(content: Any) -> Any:
    """Arrays of numbers as lists; JSON has no bytes."""
    if isinstance(content, dict):
        if isinstance(content.get("data"), bytes):
            return _floats(msgspec.convert(content, Array))
        return {key: _with_lists(item) for key, item in content.items()}
    if isinstance(content, list | tuple):
        return [_with_lists(item) for item in content]
    return content
