"""Where runs lie: a folder for each, called by the time it started."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from PySide6.QtCore import QDateTime


def new_folder(runs: Path) -> Path:
    """A folder that is not there yet, for a run that starts now."""
    stamp = QDateTime.currentDateTime().toString("yyyy-MM-dd_HH-mm-ss")
    names = itertools.chain([stamp], (f"{stamp}_{number}" for number in itertools.count(2)))
    return next(folder for name in names if not (folder := runs / name).exists())


def move_all(source: Path, target: Path) -> dict[str, str]:
    """Move all runs of a folder into another one; from the old paths to the new ones."""
    target.mkdir(parents=True, exist_ok=True)
    moved = {}
    for run in source.iterdir():
        moved[str(run)] = str(target / run.name)
        shutil.move(run, target / run.name)
    return moved
