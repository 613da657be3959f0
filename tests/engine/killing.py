"""Trains a run in a child that is killed at a chosen place, again and again, until it is done.

    python -m tests.engine.killing PROJECT FOLDER SEED KILLS

One process loads TensorFlow and forks a child for each life of the training, which is killed without
warning when its record has grown to a random length. Prints the folder of the last life and how many
lives there were.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.engine.session import Session
from kbuilder.link.record import RECORD
from kbuilder.link.requests import Train

LIMIT_S = 120


def train(project: Project, run: Path, resume: Path | None) -> None:
    """One life: the engine's own session, with checkpoints as often as it can."""
    from kbuilder.engine import runs

    runs.CHECKPOINT_INTERVAL_S = runs.WITHIN_EPOCH_INTERVAL_S = 0.0
    runs.CHECKPOINT_SHARE = 1.0
    request = Train(request=1, project=project, run=str(run), resume=str(resume or ""))
    failed: list[object] = []
    Session(
        lambda event: failed.append(event) if "Failed" in type(event).__name__ else None
    ).handle(request)
    if failed:
        sys.stderr.write(f"{failed[0]}\n")
    os._exit(1 if failed else 0)


def live(project: Project, run: Path, resume: Path | None, kill_at: int | None) -> bool:
    """Fork a life and kill it when its record has ``kill_at`` bytes; whether it came to its end."""
    child = os.fork()
    if child == 0:
        train(project, run, resume)
    record, end = run / RECORD, time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, f"a life ended with {status}"
            return True
        if kill_at is not None and record.exists() and record.stat().st_size >= kill_at:
            break
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def main(project: Path, folder: Path, seed: int, kills: int) -> None:
    """Live and die; the places are drawn from ``seed``."""
    opened, chance = load(project), random.Random(seed)
    source: Path | None = None
    for number in range(1000):
        run = folder / f"life-{number}"
        done = source / RECORD if source else None
        start = done.stat().st_size if done and done.exists() else 0
        more = chance.randint(200, 4000) if number < kills else None
        if live(opened, run, source, None if more is None else start + more):
            break
        if any(run.glob("checkpoint*.npz")):
            source = run
    sys.stdout.write(f"{run}\n{number + 1}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
