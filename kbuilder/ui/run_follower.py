"""Follows a training that another window has started, or that has outlived its window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from kbuilder.link import run_lock
from kbuilder.link.events import Failed, Finished, Stopped
from kbuilder.link.record import RecordReader

LOOK_MS = 100
AT_ONCE = 100
"""Events that are passed on before the window gets time to draw."""


class RunFollower(QThread):
    """Reads the record of a run folder while it grows.

    Signals:
        received: an ``Event`` of the training.
        cut_off: the process that trained there is gone without a word.
    """

    received = Signal(object)
    cut_off = Signal()

    def __init__(self, run: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = run
        self._reader = RecordReader(run)

    def stop(self) -> None:
        """Follow no longer; the training goes on."""
        self.requestInterruption()
        self.wait()

    def run(self) -> None:
        """The thread's work."""
        while not self.isInterruptionRequested():
            alive = run_lock.is_held(self.folder)  # before reading: what came until then is read
            for number, event in enumerate(self._reader.read(), 1):
                self.received.emit(event)
                if isinstance(event, Finished | Stopped | Failed) or self.isInterruptionRequested():
                    return
                if number % AT_ONCE == 0:
                    self.msleep(1)
            if not alive:
                self.cut_off.emit()
                return
            self.msleep(LOOK_MS)


def running_in(runs: Path) -> Path | None:
    """The newest run of a folder of runs that a process trains just now."""
    if not runs.is_dir():
        return None
    held = [run for run in runs.iterdir() if run_lock.is_held(run)]
    return max(held, key=lambda run: run.name, default=None)
