"""Reads run folders beside the window's thread, each again only when its files have changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.run_settings import Settings, settings_of
from kbuilder.link.run_facts import RunFacts, read_history, read_run, run_folders, sweep_folders
from kbuilder.link.run_lock import LOCK
from kbuilder.link.run_notes import RunNotes, write_notes
from kbuilder.link.trials import read_trials

FILES = ("project.kbuilder", "history.csv", "events.jsonl", "notes.json", LOCK)
Signature = tuple[tuple[int, int], ...]


class RunReader(QObject):
    """One job at a time, in the order they were asked for.

    Signals:
        runs_read: the folder of runs, all ``RunFacts`` in it, newest first, and their settings by
            their folders.
        histories_read: from the folder of each run that was asked for to its ``History``.
        sweeps_read: the folders of all sweeps, and the trials of the one that was asked for.
        failed: a sentence: notes could not be kept.
    """

    runs_read = Signal(str, object, object)
    histories_read = Signal(object)
    sweeps_read = Signal(object, str, object)
    failed = Signal(str)

    def __init__(self, catalogue: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._known: dict[str, tuple[Signature, RunFacts, Settings]] = {}
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def read_runs(self, folder: Path) -> None:
        """Read all runs of a folder; answer: ``runs_read``."""
        self._do(lambda: self.runs_read.emit(str(folder), *self._runs(folder)))

    def read_histories(self, runs: list[str]) -> None:
        """Read the epochs of some runs; answer: ``histories_read``."""
        self._do(lambda: self.histories_read.emit({run: read_history(Path(run)) for run in runs}))

    def read_sweeps(self, folder: Path, chosen: str) -> None:
        """Read the trials of the sweep ``chosen``, else of the newest; answer: ``sweeps_read``."""

        def read() -> None:
            found = [str(sweep) for sweep in sweep_folders(folder)]
            shown = chosen if chosen in found or not found else found[0]
            trials = read_trials(Path(shown)) if shown else ()
            self.sweeps_read.emit(found, shown, trials)

        self._do(read)

    def keep_notes(self, run: str, notes: RunNotes) -> None:
        """Write the notes on a run."""

        def write() -> None:
            try:
                write_notes(Path(run), notes)
            except KBuilderError as error:
                self.failed.emit(str(error))

        self._do(write)

    def wait(self) -> None:
        """Let all that was asked for be done; its signals arrive with the next events."""
        self._pool.waitForDone()

    def _do(self, job: Callable[[], None]) -> None:
        def run() -> None:
            with suppress(RuntimeError):  # the window is gone, and the reader with it
                job()

        self._pool.start(run)

    def _runs(self, folder: Path) -> tuple[list[RunFacts], dict[str, Settings]]:
        found = []
        for run in run_folders(folder):
            signature = _signature(run)
            known = self._known.get(str(run))
            if known is None or known[0] != signature or known[1].state == "running":
                facts = read_run(run)
                known = (signature, facts, settings_of(facts.project, self._catalogue))
                self._known[str(run)] = known
            found.append(known)
        return [facts for _, facts, _ in found], {facts.folder: own for _, facts, own in found}


def _signature(run: Path) -> Signature:
    """When the files of a run were last written, and their sizes."""
    found = []
    for name in FILES:
        try:
            facts = (run / name).stat()
            found.append((facts.st_mtime_ns, facts.st_size))
        except OSError:
            found.append((0, 0))
    return tuple(found)
