"""A data source as fields that can be read, and the checks that come before any reading."""

from __future__ import annotations

import math
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from kbuilder.document.errors import FileRefusedError

SHARE_OF_FREE_MEMORY = 0.5

_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x1f\x8b", "a gzip archive"),
)


@dataclass(frozen=True)
class Field:
    """One array, column or picture set of a source; the first dimension of what ``read`` gives is samples.

    ``shape`` is without the sample dimension. With ``classes``, values are int32 codes into them.
    ``problem`` is a sentence when the field cannot be used as it is; ``read`` raises it.
    ``cells`` gives the first n values as text.
    """

    name: str
    samples: int
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]
    cells: Callable[[int], tuple[str, ...]]
    classes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Source:
    """An opened data source. ``columns`` tells a table, whose last field is the usual target."""

    name: str
    fields: tuple[Field, ...]
    columns: bool = False
    warnings: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


def refuse_unless_file(path: Path, kind: str) -> int:
    """Size in bytes of a regular file that is not empty.

    Raises:
        FileRefusedError: it is missing, not a regular file, or empty.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileRefusedError(
            f"“{path.name}” cannot be read: {reason}. Choose the file again."
        ) from error
    if stat.S_ISDIR(facts.st_mode):
        raise FileRefusedError(f"“{path.name}” is a folder; expected {kind}. Choose a file.")
    if not stat.S_ISREG(facts.st_mode):
        raise FileRefusedError(
            f"“{path.name}” is a device, pipe or socket; expected {kind}. Choose a regular file."
        )
    if not facts.st_size:
        raise FileRefusedError(f"“{path.name}” is empty; expected {kind}. Choose another file.")
    return facts.st_size


def looks_like(start: bytes) -> str:
    """What a file is by its first bytes, in words; empty if that tells nothing."""
    return next((words for magic, words in _MAGIC if start.startswith(magic)), "")


def refuse_over_budget(name: str, needed_bytes: int) -> None:
    """Refuse what would take more than half of the free memory.

    Raises:
        FileRefusedError: it would.
    """
    budget = int(psutil.virtual_memory().available * SHARE_OF_FREE_MEMORY)
    if needed_bytes > budget:
        raise FileRefusedError(
            f"“{name}” would take {in_words(needed_bytes)} of memory and at most {in_words(budget)} "
            "are free for it. Use fewer or smaller samples."
        )


def bytes_of(shape: tuple[int, ...], item_bytes: int) -> int:
    """Bytes of an array, in Python's unbounded integers."""
    return math.prod(shape) * item_bytes


def in_words(count: int) -> str:
    """A number of bytes for people."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
