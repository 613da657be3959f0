"""Who trains in a run folder: one process at most, and it may have died without a word."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import msgspec
import psutil

LOCK = "lock.json"
"""The name of the file in the folder of a run; it is there while a process trains."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process by number and start (seconds since 1970), so that a reused number is told apart."""

    pid: int
    started: float
    host: str


def take(run: Path) -> None:
    """Note this process as the one that trains there.

    Raises:
        FileExistsError: another process that lives trains there.
        OSError: it could not be written.
    """
    if is_held(run):
        raise FileExistsError(f"another process trains in “{run}”")
    holder = Holder(
        pid=os.getpid(), started=psutil.Process().create_time(), host=socket.gethostname()
    )
    (run / LOCK).write_bytes(msgspec.json.encode(holder))


def release(run: Path) -> None:
    """The training in this folder is over."""
    with contextlib.suppress(OSError):
        (run / LOCK).unlink()


def is_held(run: Path) -> bool:
    """Whether a process that lives trains there. One of another host counts as alive."""
    try:
        holder = msgspec.json.decode((run / LOCK).read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return False
    if holder.host != socket.gethostname():
        return True
    try:
        return bool(abs(psutil.Process(holder.pid).create_time() - holder.started) < 1.0)
    except psutil.Error:
        return False


def was_cut_off(run: Path) -> bool:
    """Whether a training there ended without a word: killed, or the machine went down."""
    return (run / LOCK).exists() and not is_held(run)
