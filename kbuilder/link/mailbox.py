"""Controls for a training whose window is not the one that started it: small files in the run folder."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import msgspec

from kbuilder.link.messages import Control

CONTROLS = "controls"
"""The name of the folder in the folder of a run."""

LARGEST_BYTES = 2**20

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Control)


def post(run: Path, control: Control) -> None:
    """Leave a control for the engine that trains in this run folder.

    Raises:
        OSError: it could not be written.
    """
    box = run / CONTROLS
    box.mkdir(mode=0o700, exist_ok=True)
    name = f"{time.time_ns():020d}-{os.getpid()}"
    temporary = box / f".{name}"
    temporary.write_bytes(_encoder.encode(control))
    temporary.replace(box / name)


def collect(run: Path) -> list[Control]:
    """Take out what was left, oldest first; what is no control is thrown away."""
    try:
        names = sorted(name for name in os.listdir(run / CONTROLS) if not name.startswith("."))
    except OSError:
        return []
    found: list[Control] = []
    for name in names:
        path = run / CONTROLS / name
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            if path.stat().st_size <= LARGEST_BYTES:
                found.append(_decoder.decode(path.read_bytes()))
        with contextlib.suppress(OSError):
            path.unlink()
    return found
