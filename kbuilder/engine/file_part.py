"""A member of a zip archive that is stored as it is, read in place."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO, cast

_HEADER_BYTES = 30
_LENGTHS = struct.Struct("<HH")
_LENGTHS_AT = 26


def part_of(archive: Path, header_offset: int, size: int) -> BinaryIO:
    """The ``size`` bytes behind the header of a member, as a file. Bytes that are not there read as none."""
    file = archive.open("rb")
    file.seek(header_offset)
    header = file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    name, extra = _LENGTHS.unpack_from(header, _LENGTHS_AT)
    return cast(
        "BinaryIO",
        io.BufferedReader(_Part(file, header_offset + _HEADER_BYTES + name + extra, size)),
    )


class _Part(io.RawIOBase):
    """A file that begins and ends within another one, which it closes with itself."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(origin + offset, 0)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(min(len(buffer), self._size - self._place), 0)
        self._file.seek(self._start + self._place)
        read = self._file.readinto(buffer[:count])  # type: ignore[attr-defined]
        self._place += read
        return int(read)

    def close(self) -> None:
        self._file.close()
        super().close()
