"""What is known of a run from its folder: state, times, results, options, notes. Nothing is built."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document.errors import FileRefusedError
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.scores import best_of
from kbuilder.link.run_lock import is_held, was_cut_off
from kbuilder.link.run_notes import RunNotes, read_notes
from kbuilder.link.trials import TRIAL

PROJECT, HISTORY, EVENTS = "project.kbuilder", "history.csv", "events.jsonl"
CHECKPOINTS = "checkpoint*.npz"
NEWEST, PREVIOUS = "checkpoint.npz", "checkpoint.previous.npz"

HEAD_BYTES, TAIL_BYTES = 2**16, 2**18
"""How much is read of the beginning and the end of a long list of events."""

_STATES = {
    "started": "cut off",
    "resumed": "cut off",
    "finished": "complete",
    "stopped": "stopped",
    "failed": "failed",
    "opened": "opened",
    "weights loaded": "opened",
}
"""The state of a run by the last of these events. No process trains there any more."""

History = dict[str, list[tuple[int, float]]]
"""From the name of a value to its epochs (from 0) and values."""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One run as a list of runs shows it.

    ``state`` is ``"running"``, ``"complete"``, ``"stopped"``, ``"cut off"``, ``"failed"`` or
    ``"opened"`` (weights of a file). ``started`` is in seconds since 1970, ``seconds`` from then to the
    last event, both None where it is not known. ``epochs`` are done of ``wanted``. ``fault`` says why a
    run cannot be used, or why it failed. ``source`` is the folder it went on from.
    """

    folder: str
    state: str
    project: Project = Project()
    started: float | None = None
    seconds: float | None = None
    epochs: int = 0
    wanted: int = 0
    last: dict[str, float] = {}
    best: dict[str, float] = {}
    checkpoints: tuple[str, ...] = ()
    notes: RunNotes = RunNotes()
    source: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """What the user calls it, else the name of its folder."""
        return self.notes.label or Path(self.folder).name


def run_folders(runs: Path) -> list[Path]:
    """The folders of all runs below, newest name first; the trials of sweeps are not among them."""
    try:
        found = [folder for folder in runs.iterdir() if (folder / PROJECT).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda folder: folder.name, reverse=True)


def sweep_folders(runs: Path) -> list[Path]:
    """The folders of all sweeps below, newest name first."""
    try:
        found = [folder for folder in runs.iterdir() if any(folder.glob(f"trial-*/{TRIAL}"))]
    except OSError:
        return []
    return sorted(found, key=lambda folder: folder.name, reverse=True)


def read_run(folder: Path) -> RunFacts:
    """Everything about one run. What is damaged is left out or told as ``fault``; never raises."""
    fault = ""
    try:
        project = load(folder / PROJECT)
    except FileRefusedError as error:
        project, fault = Project(), str(error)
    history = read_history(folder)
    events = list(_events(folder / EVENTS))
    times = [time for event in events if (time := _time(event)) is not None]
    sources = [str(e["source"]) for e in events if e.get("event") == "resumed" and "source" in e]
    last_words = [str(e.get("text", "")) for e in events if e.get("event") == "failed"]
    state = _state(folder, events)
    return RunFacts(
        folder=str(folder),
        state=state,
        project=project,
        started=times[0] if times else None,
        seconds=max(times[-1] - times[0], 0.0) if times else None,
        epochs=1 + max((at for points in history.values() for at, _ in points[-1:]), default=-1),
        wanted=project.fit.epochs,
        last={name: points[-1][1] for name, points in history.items() if points},
        best=_best(history),
        checkpoints=checkpoints(folder),
        notes=read_notes(folder),
        source=sources[-1] if sources else "",
        fault=fault or (last_words[-1] if last_words and state == "failed" else ""),
    )


def read_history(folder: Path) -> History:
    """The values of each epoch. A row that a kill or a full disk has cut is left out."""
    try:
        with (folder / HISTORY).open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.reader(line.replace("\0", "") for line in file))
    except (OSError, csv.Error):
        return {}
    header = [name.removeprefix("'") for name in rows[0]] if rows else []
    if "epoch" not in header:
        return {}
    found: History = {name: [] for name in header if name != "epoch"}
    for row in rows[1:]:
        if len(row) == len(header):
            _add_row(found, dict(zip(header, row, strict=True)))
    return found


def checkpoints(folder: Path) -> tuple[str, ...]:
    """Names of the checkpoint files: newest, best, then those that were kept by epoch."""
    names = {path.name for path in folder.glob(CHECKPOINTS)} - {PREVIOUS}
    return tuple(sorted(names, key=lambda name: (name != NEWEST, "epoch-" in name, name)))


def find_checkpoint(folder: Path, name: str) -> str:
    """The file that a name stands for: ``best``, ``epoch-12`` or the file's own name; empty: newest.

    Raises:
        FileRefusedError: there is no such checkpoint; the text names those there are.
    """
    there = checkpoints(folder)
    number = name.removeprefix("epoch-")
    padded = f"epoch-{int(number):04d}" if number.isdecimal() else name
    for each in (name, f"checkpoint.{name}.npz", f"checkpoint.{padded}.npz", NEWEST * (not name)):
        if each in there:
            return each
    known = ", ".join(there) or "none"
    raise FileRefusedError(f"“{folder}” has no checkpoint “{name}”. There are: {known}.")


def _add_row(found: History, row: dict[str, str]) -> None:
    try:
        epoch = int(row.pop("epoch"))
        values = {name: float(cell) for name, cell in row.items() if cell}
    except ValueError:
        return
    for name, value in values.items():
        found[name].append((epoch, value))


def _best(history: History) -> dict[str, float]:
    found = {
        name: best_of(name, (value for _, value in points)) for name, points in history.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _state(folder: Path, events: Iterable[dict[str, Any]]) -> str:
    if is_held(folder):
        return "running"
    if was_cut_off(folder):
        return "cut off"
    told = [_STATES[name] for event in events if (name := event.get("event")) in _STATES]
    return told[-1] if told else "cut off"


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a run; of a long list those at its beginning and its end."""
    try:
        with path.open("rb") as file:
            content = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            if size > HEAD_BYTES:
                file.seek(max(HEAD_BYTES, size - TAIL_BYTES))
                content += (b"\n" if size > HEAD_BYTES + TAIL_BYTES else b"") + file.read()
    except OSError:
        return
    for line in content.splitlines():
        try:
            event = msgspec.json.decode(line)
        except msgspec.MsgspecError:
            continue
        if isinstance(event, dict):
            yield event


def _time(event: dict[str, Any]) -> float | None:
    try:
        moment = datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        return None
    seconds = moment.timestamp() if moment.tzinfo else math.nan
    return seconds if math.isfinite(seconds) else None
