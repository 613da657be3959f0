"""HDF5 files opened only after a walk that reads no data: no links out, no bombs, no plug-ins."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from kbuilder.document.errors import FileRefusedError
from kbuilder.engine.data_source import in_words, refuse_over_budget

MOST_OBJECTS = 200_000
DEEPEST = 60
ALWAYS_ALLOWED_BYTES = 64 * 2**20
MOST_EXPANSION = 100
LARGEST_CHUNK_BYTES = 256 * 2**20
_PLAIN_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


@dataclass(frozen=True)
class SafeHdf5:
    """An HDF5 file that passed the walk.

    ``sizes`` is the number of values in each dataset, by its place.
    """

    file: h5py.File
    sizes: Mapping[str, int]


@contextmanager
def open_safely(content: Path | BinaryIO, name: str) -> Iterator[SafeHdf5]:
    """Open for reading after the walk. ``name`` is used in messages.

    Raises:
        FileRefusedError: it is no HDF5 file, is damaged, or holds what no model needs.
    """
    size = content.stat().st_size if isinstance(content, Path) else content.seek(0, io.SEEK_END)
    try:
        with h5py.File(content, "r") as file:
            walk = _Walk(name, size)
            walk.group(h5py.h5o.open(file.id, b"/"), "", 0)
            refuse_over_budget(name, walk.declared_bytes)
            yield SafeHdf5(file, walk.sizes)
    except FileRefusedError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        reason = str(error).split("(")[-1].rstrip(")") or type(error).__name__
        raise FileRefusedError(
            f"“{name}” is cut off or damaged, or not an HDF5 file ({reason}). It was left as it is; "
            "use another copy."
        ) from error


class _Walk:
    """Adds up what a file declares, following hard links once.

    On the identifiers of the HDF5 library: h5py's own objects would take three times as long.
    """

    def __init__(self, name: str, file_bytes: int) -> None:
        self._name = name
        self._allowed = max(ALWAYS_ALLOWED_BYTES, MOST_EXPANSION * file_bytes)
        self._seen: set[int] = set()
        self.declared_bytes = 0
        self.sizes: dict[str, int] = {}

    def group(self, group: h5py.h5g.GroupID, place: str, depth: int) -> None:
        if depth > DEEPEST:
            self._refuse(place, f"groups deeper than {DEEPEST}")
        for key in group:
            here = f"{place}/{key.decode(errors='replace')}"
            if group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
                self._refuse(here, "a link to another place or file")
            self._member(h5py.h5o.open(group, key), here, depth)

    def _member(self, member: Any, place: str, depth: int) -> None:
        address = h5py.h5o.get_info(member).addr
        if address in self._seen:
            return
        self._seen.add(address)
        if len(self._seen) > MOST_OBJECTS:
            self._refuse(place, f"more than {MOST_OBJECTS:,} objects")
        if isinstance(member, h5py.h5g.GroupID):
            self.group(member, place, depth + 1)
        elif isinstance(member, h5py.h5d.DatasetID):
            self._dataset(member, place)

    def _dataset(self, dataset: h5py.h5d.DatasetID, place: str) -> None:
        plan = dataset.get_create_plist()
        if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
            self._refuse(place, "data that lie in another file")
        dtype = dataset.dtype
        if dtype.hasobject and h5py.check_string_dtype(dtype) is None:
            self._refuse(place, "data that are neither numbers nor text")
        filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
        if not filters <= _PLAIN_FILTERS:
            self._refuse(place, "data packed by a plug-in")
        chunks = plan.get_chunk() if plan.get_layout() == h5py.h5d.CHUNKED else ()
        if math.prod(chunks) * dtype.itemsize > LARGEST_CHUNK_BYTES:
            self._refuse(place, f"pieces larger than {in_words(LARGEST_CHUNK_BYTES)}")
        count = math.prod(dataset.shape or ())
        self.sizes[place] = count
        self.declared_bytes += count * dtype.itemsize
        if self.declared_bytes > self._allowed:
            self._refuse(
                place,
                f"{in_words(self.declared_bytes)} of values, far more than the file can really store",
            )

    def _refuse(self, place: str, what: str) -> None:
        raise FileRefusedError(
            f"“{self._name}” holds {what} at “{place}”. No model needs that, so the file is not opened; "
            "ask where it comes from."
        )
