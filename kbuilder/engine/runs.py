"""The run folder: all that is left of a training, written while it runs, readable by anyone.

``project.kbuilder`` is the project as it was trained, ``history.csv`` has one line for each epoch,
``batches.csv`` one for each step, ``events.jsonl`` what happened when, ``record.bin`` all that the
engine told (see ``link/record.py``), ``checkpoint.npz`` the state and ``checkpoint.previous.npz`` the
one before it, should the newest be damaged. ``checkpoint.best.npz`` is that of the best epoch, and
``checkpoint.epoch-0012.npz`` one that was kept. ``lock.json`` is there while a process trains.
"""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document import project_file
from kbuilder.document.atomic import save_error
from kbuilder.document.cells import inert
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.project import Project
from kbuilder.engine.checkpoint import State, read_state, write_state
from kbuilder.link.mailbox import CONTROLS
from kbuilder.link.record import RECORD
from kbuilder.link.run_lock import LOCK

PROJECT = "project.kbuilder"
EVENTS = "events.jsonl"
HISTORY = "history.csv"
BATCHES = "batches.csv"
CHECKPOINT = "checkpoint.npz"
PREVIOUS = "checkpoint.previous.npz"
BEST = "checkpoint.best.npz"
FILES = (PROJECT, EVENTS, HISTORY, BATCHES, RECORD, CHECKPOINT, PREVIOUS, BEST, LOCK)

CHECKPOINT_INTERVAL_S = 5.0
"""At least this long between two checkpoints while training goes on."""
WITHIN_EPOCH_INTERVAL_S = 60.0
"""The same within a long epoch."""
CHECKPOINT_SHARE = 0.02
"""Writing checkpoints may take this part of the time, as far as the interval can be stretched."""


class Run:
    """A run folder. Made with ``create`` or ``open``; ``outputs`` are names that callbacks write to."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder = folder
        self.project = project
        self.checkpoint = ""
        """The name of the checkpoint that ``state`` is; empty for the newest."""
        self.outputs: set[str] = set()
        self._next_checkpoint = time.monotonic() + CHECKPOINT_INTERVAL_S
        self._next_best = 0.0

    @classmethod
    def create(cls, folder: Path, project: Project) -> Run:
        """Make the folder with the frozen project in it.

        Raises:
            KBuilderError: there is a run already.
            SaveError: it cannot be written there.
        """
        try:
            if any((folder / name).exists() for name in FILES):
                raise KBuilderError(f"“{folder}” already holds a run. Choose another folder.")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KBuilderError(
                f"The folder “{folder}” cannot be made: {error.strerror}. Choose another one."
            ) from error
        project_file.save(project, folder / PROJECT)
        return cls(folder, project)

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read the project of a run back; ``folder`` may also be one of its checkpoints.

        Raises:
            FileRefusedError: the folder holds no run or its project cannot be read.
        """
        if folder.name.startswith("checkpoint.") and folder.is_file():
            run = cls.open(folder.parent)
            run.checkpoint = folder.name
            return run
        if not (folder / PROJECT).is_file():
            raise FileRefusedError(
                f"“{folder}” is not a run: it has no {PROJECT}. Choose the folder of a run."
            )
        return cls(folder, project_file.load(folder / PROJECT))

    @property
    def state(self) -> State:
        """The newest checkpoint that is whole, or the one that the run was opened at.

        Raises:
            FileRefusedError: there is none, or all are damaged.
        """
        if self.checkpoint:
            return self.state_in(self.checkpoint)
        try:
            return read_state(self.folder / CHECKPOINT)
        except FileRefusedError:
            if not (self.folder / PREVIOUS).exists():
                raise
            return read_state(self.folder / PREVIOUS)

    def state_in(self, checkpoint: str) -> State:
        """The state in one of the run's checkpoints by its name; empty for the newest.

        Raises:
            FileRefusedError: it is missing or damaged, or the name is that of no checkpoint.
        """
        if not checkpoint:
            return self.state
        if Path(checkpoint).name != checkpoint or not checkpoint.startswith("checkpoint."):
            raise FileRefusedError(
                f"“{checkpoint}” is no checkpoint of a run; expected a name such as “{BEST}”."
            )
        return read_state(self.folder / checkpoint)

    @property
    def history(self) -> list[dict[str, float]]:
        """Logs of each epoch that ended, as ``history.csv`` has them."""
        rows = _read_rows(self.folder / HISTORY)
        return [
            {name: float(cell) for name, cell in row.items() if cell and name != "epoch"}
            for row in rows
        ]

    def log(self, event: str, **values: Any) -> None:
        """Add one line to ``events.jsonl``.

        Raises:
            SaveError: it could not be written.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        path = self.folder / EVENTS
        with _saving(path), path.open("ab") as file:
            file.write(msgspec.json.encode(line | values) + b"\n")

    def begin(self, source: Run | None, state: State | None) -> None:
        """Note the start; take over the tables of ``source`` up to the position of ``state``."""
        if source is None or state is None:
            self.log("started")
            return
        self.log("resumed", source=str(source.folder), epoch=state.epoch, step=state.step)
        for number, logs in enumerate(state.history):
            _append(self.folder / HISTORY, ["epoch", *logs], [[number, *logs.values()]])
        done = state.done
        rows = _read_rows(source.folder / BATCHES)
        rows = [row for row in rows if row.get("step", "").isdecimal() and int(row["step"]) < done]
        if rows:
            _append(self.folder / BATCHES, list(rows[0]), [list(row.values()) for row in rows])

    def end_epoch(self, epoch: int, logs: dict[str, float], seconds: float) -> None:
        """Add one epoch to the history."""
        _append(self.folder / HISTORY, ["epoch", *logs], [[epoch, *logs.values()]])
        self.log("epoch ended", epoch=epoch, seconds=round(seconds, 3), **logs)

    def add_batches(
        self, epoch: int, first_step: int, names: Sequence[str], rows: Iterable[Sequence[float]]
    ) -> None:
        """Add the values of consecutive steps; steps count over all epochs."""
        lines = ([first_step + number, epoch, *row] for number, row in enumerate(rows))
        _append(self.folder / BATCHES, ["step", "epoch", *names], lines)

    def is_due(self, within_epoch: bool = False) -> bool:
        """Whether the last checkpoint is old enough for another one."""
        wait = WITHIN_EPOCH_INTERVAL_S - CHECKPOINT_INTERVAL_S if within_epoch else 0.0
        return time.monotonic() >= self._next_checkpoint + wait

    def offer_best(self, state: State, *, now: bool = False) -> bool:
        """Write the state as the best one, if the best before is old enough or it must be ``now``.

        Raises:
            SaveError: it could not be written; the best one before it is still there.
        """
        begun = time.monotonic()
        if begun < self._next_best and not now:
            return False
        write_state(state, self.folder / BEST)
        ended = time.monotonic()
        pause = max(CHECKPOINT_INTERVAL_S, (ended - begun) / CHECKPOINT_SHARE)
        self._next_best = ended + pause
        return True

    def keep(self, state: State) -> str:
        """Write the state under the number of its epoch, counted from 1; returns the file's name.

        Raises:
            SaveError: it could not be written.
        """
        name = f"checkpoint.epoch-{state.epoch:04d}.npz"
        write_state(state, self.folder / name)
        return name

    def save(self, state: State) -> None:
        """Write the state now.

        Raises:
            SaveError: it could not be written; the state before it is still there.
        """
        begun = time.monotonic()
        newest = self.folder / CHECKPOINT
        if newest.exists():
            with _saving(newest):
                newest.replace(self.folder / PREVIOUS)
        write_state(state, newest)
        ended = time.monotonic()
        pause = max(CHECKPOINT_INTERVAL_S, (ended - begun) / CHECKPOINT_SHARE)
        self._next_checkpoint = ended + pause
        self.log("checkpoint written", epoch=state.epoch, step=state.step)

    def discard(self) -> None:
        """Remove the run; the folder too, if nothing else is in it."""
        kept = self.folder.glob("checkpoint.epoch-*.npz")
        for path in (*(self.folder / name for name in FILES), *kept):
            path.unlink(missing_ok=True)
        for name in (CONTROLS, *self.outputs):
            if (self.folder / name).is_dir():
                shutil.rmtree(self.folder / name, ignore_errors=True)
            else:
                (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


@contextmanager
def _saving(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise save_error(path, error) from error


def _append(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    is_new = not path.exists()
    with _saving(path), path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow([inert(name) for name in header])
        writer.writerows(rows)


def _read_rows(path: Path) -> list[dict[str, str]]:
    """The whole rows of a table; a kill or a full disk may have cut one."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.reader(line.replace("\0", "") for line in file))
    header = rows[0] if rows else []
    if "step" not in header and "epoch" not in header:
        return []
    return [dict(zip(header, row, strict=True)) for row in rows[1:] if len(row) == len(header)]
