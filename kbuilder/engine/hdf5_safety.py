"""HDF5 files opened only after a walk that reads no data: no links out, no bombs, no plug-ins."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
    """An HDF5 file that passed the walk; ``elements`` is the number of all stored values."""

    file: h5py.File
    elements: int


@contextmanager
def open_safely(content: Path | bytes, name: str) -> Iterator[SafeHdf5]:
    """Open for reading after the walk. ``name`` is used in messages.

    Raises:
        FileRefusedError: it is no HDF5 file, is damaged, or holds what no model needs.
    """
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with h5py.File(source, "r") as file:
            walk = _Walk(name, size)
            walk.group(file, "", 0)
            refuse_over_budget(name, walk.declared_bytes)
            yield SafeHdf5(file, walk.elements)
    except FileRefusedError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        reason = str(error).split("(")[-1].rstrip(")") or type(error).__name__
        raise FileRefusedError(
            f"“{name}” is cut off or damaged, or not an HDF5 file ({reason}). It was left as it is; "
            "use another copy."
        ) from error


class _Walk:
    """Adds up what a file declares, following hard links once."""

    def __init__(self, name: str, file_bytes: int) -> None:
        self._name = name
        self._allowed = max(ALWAYS_ALLOWED_BYTES, MOST_EXPANSION * file_bytes)
        self._seen: set[int] = set()
        self.declared_bytes = 0
        self.elements = 0

    def group(self, group: h5py.Group, place: str, depth: int) -> None:
        if depth > DEEPEST:
            self._refuse(place, f"groups deeper than {DEEPEST}")
        for key in group:
            here = f"{place}/{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                self._refuse(here, "a link to another place or file")
            self._member(group[key], here, depth)

    def _member(self, member: h5py.Group | h5py.Dataset, place: str, depth: int) -> None:
        address = h5py.h5o.get_info(member.id).addr
        if address in self._seen:
            return
        self._seen.add(address)
        if len(self._seen) > MOST_OBJECTS:
            self._refuse(place, f"more than {MOST_OBJECTS:,} objects")
        if isinstance(member, h5py.Group):
            self.group(member, place, depth + 1)
        elif isinstance(member, h5py.Dataset):
            self._dataset(member, place)

    def _dataset(self, dataset: h5py.Dataset, place: str) -> None:
        if dataset.is_virtual or dataset.external:
            self._refuse(place, "data that lie in another file")
        if dataset.dtype.hasobject and h5py.check_string_dtype(dataset.dtype) is None:
            self._refuse(place, "data that are neither numbers nor text")
        plan = dataset.id.get_create_plist()
        filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
        if not filters <= _PLAIN_FILTERS:
            self._refuse(place, "data packed by a plug-in")
        chunk = 1
        for length in dataset.chunks or ():
            chunk *= length
        if chunk * dataset.dtype.itemsize > LARGEST_CHUNK_BYTES:
            self._refuse(place, f"pieces larger than {in_words(LARGEST_CHUNK_BYTES)}")
        count = 1
        for length in dataset.shape or ():
            count *= length
        self.elements += count
        self.declared_bytes += count * dataset.dtype.itemsize
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
