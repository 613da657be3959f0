"""How messages travel: a length of four bytes (big endian), then MessagePack. Never pickle."""

from __future__ import annotations

import struct
from typing import BinaryIO, TypeVar

import msgspec

from kbuilder.link.messages import Control, Event, Request

LARGEST_FRAME_BYTES = 256 * 2**20

T = TypeVar("T")

_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request | Control)
_events = msgspec.msgpack.Decoder(Event)


class WireError(Exception):
    """The other side sent something that is not a message."""


def write(stream: BinaryIO, message: Request | Control | Event) -> None:
    """Send one message and flush."""
    body = _encoder.encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_request(stream: BinaryIO) -> Request | Control | None:
    """Next request or control, or None when the other side has closed.

    Raises:
        WireError: the bytes are not such a message.
    """
    body = _read_frame(stream)
    return None if body is None else _decode(_requests, body)


def read_event(stream: BinaryIO) -> Event | None:
    """Next event, or None when the other side has closed.

    Raises:
        WireError: the bytes are not an event.
    """
    body = _read_frame(stream)
    return None if body is None else _decode(_events, body)


def _decode(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise WireError(f"not a message: {error}") from error


def _read_frame(stream: BinaryIO) -> bytes | None:
    head = _read_exactly(stream, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST_FRAME_BYTES:
        raise WireError(f"a message of {length} bytes; at most {LARGEST_FRAME_BYTES} are taken")
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    data = stream.read(count)
    return data if data is not None and len(data) == count else None
