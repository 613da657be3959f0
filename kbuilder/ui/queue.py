"""Trainings that wait for the one that is on: each a project file, frozen when it was queued."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.project_file import ENDING, load, save
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State

FOLDER = "queue"
"""The folder of waiting projects in the folder of runs."""


class Queue(QObject):
    """The next one begins by itself when the training before it has ended, in whatever way.

    What waits lies on disk, so it is still there after a restart; then ``begin_next`` starts it.

    Signals:
        changed: other projects wait, or in another order.
        told: a sentence for the status line.
    """

    changed = Signal()
    told = Signal(str)

    def __init__(
        self, document: Document, training: Training, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self._was_on = False
        self._closed = False
        training.state_changed.connect(self._follow)

    @property
    def folder(self) -> Path:
        """Where the waiting projects lie."""
        return self._training.runs_folder() / FOLDER

    @property
    def waiting(self) -> list[Path]:
        """The files of the projects that wait, the next one first."""
        return sorted(self.folder.glob(f"[0-9][0-9][0-9]{ENDING}"))

    def add(self) -> None:
        """Let the open project, as it is now, be trained when its turn comes."""
        last = int(self.waiting[-1].stem) if self.waiting else 0
        path = self.folder / f"{last + 1:03d}{ENDING}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            save(self._document.project, path)
        except (KBuilderError, OSError) as error:
            self.told.emit(str(error))
            return
        place = len(self.waiting)
        self.told.emit(self.tr("Queued with these settings; place {0} in the queue.").format(place))
        self.changed.emit()

    def remove(self, path: Path) -> None:
        """Take a project out of the queue."""
        with suppress(OSError):
            path.unlink()
        self.changed.emit()

    def move(self, path: Path, step: int) -> None:
        """Let a project change places with the one before (-1) or behind it (1)."""
        waiting = self.waiting
        other = waiting.index(path) + step
        if 0 <= other < len(waiting):
            aside = path.with_suffix(".moving")
            with suppress(OSError):
                path.rename(aside)
                waiting[other].rename(path)
                aside.rename(waiting[other])
            self.changed.emit()

    def close(self) -> None:
        """The window closes: what waits goes on waiting."""
        self._closed = True

    @Slot()
    def begin_next(self) -> None:
        """Train the next project, if nothing is on; one that cannot be read any more is told."""
        if self._closed or self._training.active or not self.waiting:
            return
        path = self.waiting[0]
        try:
            project = load(path)
        except KBuilderError as error:
            self.told.emit(str(error))
            path.rename(path.with_suffix(".refused"))
            self.changed.emit()
            return
        self._training.start(project=project)
        self.remove(path)
        left = len(self.waiting)
        self.told.emit(self.tr("The next run of the queue has begun; {0} wait.").format(left))

    @Slot()
    def _follow(self) -> None:
        """A training that was on has ended: the next begins when everybody has heard of that."""
        on = self._training.state not in (State.IDLE, State.LOADING)
        if self._was_on and not on:
            QTimer.singleShot(0, self, self.begin_next)
        self._was_on = on
