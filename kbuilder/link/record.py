"""The record of a run: every event of its training, appended to a file that others may read meanwhile.

Each entry is its length and its CRC-32 (four bytes each, big endian), then the event in MessagePack.
An entry that is cut off is not there yet; one that is damaged is skipped and counted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kbuilder.link.messages import Event
from kbuilder.link.wire import LARGEST_FRAME_BYTES

RECORD = "record.bin"
"""The name of the file in the folder of a run."""

CHUNK_BYTES = 2**20

_HEAD = struct.Struct(">II")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


def entry(event: Event) -> bytes:
    """The bytes to append for an event."""
    body = _encoder.encode(event)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


class RecordReader:
    """Reads a record from its beginning, and later what has come since.

    ``damaged`` counts entries that were skipped.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD
        self.damaged = 0
        self._place = 0
        self._rest = b""

    def read(self) -> Iterator[Event]:
        """The events that have come since the last call; none where there is no record yet."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._place)
                while chunk := file.read(CHUNK_BYTES):
                    self._place += len(chunk)
                    self._rest += chunk
                    yield from self._whole_entries()
        except OSError:
            return

    def _whole_entries(self) -> Iterator[Event]:
        start = 0
        while start + _HEAD.size <= len(self._rest):
            length, checksum = _HEAD.unpack_from(self._rest, start)
            if length > LARGEST_FRAME_BYTES:
                # Not even the length is right: nothing behind it can be found.
                self.damaged += 1
                self._rest, start = b"", 0
                break
            end = start + _HEAD.size + length
            if end > len(self._rest):
                break
            body = self._rest[start + _HEAD.size : end]
            start = end
            try:
                if zlib.crc32(body) != checksum:
                    raise msgspec.DecodeError
                event = _decoder.decode(body)
            except msgspec.MsgspecError:
                self.damaged += 1
                continue
            yield event
        self._rest = self._rest[start:]


def events_of(folder: Path) -> Iterator[Event]:
    """All events of a run so far."""
    return RecordReader(folder).read()
