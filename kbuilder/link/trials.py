"""The trials of a sweep as they lie on disk: a folder for each, which is an ordinary run besides."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document.atomic import write_bytes

TRIAL = "trial.json"
"""The name of the file in the folder of a trial."""

LARGEST_BYTES = 2**22
ENDED = ("complete", "pruned", "failed")


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One trial. ``state`` is ``"running"`` or one of ``ENDED``; ``values`` go by the options' names.

    ``objective`` is the best value of its epochs, ``reported`` those of each epoch in their order,
    None where it was not finite. ``text`` says why it failed.
    """

    number: int
    values: dict[str, Any]
    state: str = "running"
    objective: float | None = None
    reported: tuple[float | None, ...] = ()
    text: str = ""


def trial_folder(sweep: Path, number: int) -> Path:
    """Where the trial of that number, from 0, lies."""
    return sweep / f"trial-{number:03d}"


def read_trial(folder: Path) -> Trial | None:
    """The trial in this folder, or None where there is none that can be read."""
    path = folder / TRIAL
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Trial)
    except (OSError, msgspec.MsgspecError):
        return None


def write_trial(folder: Path, trial: Trial) -> None:
    """Keep a trial; its folder is made if it is not there.

    Raises:
        OSError: the folder cannot be made.
        SaveError: it could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / TRIAL, msgspec.json.encode(trial) + b"\n")


def read_trials(sweep: Path) -> tuple[Trial, ...]:
    """All trials of a sweep that can be read, by their numbers; none where there is no sweep."""
    try:
        folders = [folder for folder in sweep.iterdir() if folder.name.startswith("trial-")]
    except OSError:
        return ()
    found = (read_trial(folder) for folder in folders)
    return tuple(sorted((each for each in found if each), key=lambda each: each.number))


def best_trial(trials: Iterable[Trial], direction: str) -> Trial | None:
    """The complete trial with the best objective, the first of equals; None where there is none."""
    told = [each for each in trials if each.state == "complete" and each.objective is not None]
    sign = 1.0 if direction == "min" else -1.0
    return min(told, key=lambda each: sign * (each.objective or 0.0), default=None)
