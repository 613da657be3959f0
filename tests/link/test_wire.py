import io
import struct

import pytest

from kbuilder.document.project_file import load
from kbuilder.link import wire
from kbuilder.link.events import Failed, PointsLogged
from kbuilder.link.requests import Pause, Stop, Train, Watch
from kbuilder.link.values import Array
from kbuilder.resources import resource


def stream_of(*messages: object) -> io.BytesIO:
    stream = io.BytesIO()
    for message in messages:
        wire.write(stream, message)
    stream.seek(0)
    return stream


def test_requests_arrive_as_they_were_sent() -> None:
    project = load(resource("samples", "digits-cnn.kbuilder"))
    sent = [Train(request=7, project=project, run="/r"), Pause(), Stop(keep=False)]
    sent += [Watch(node="n", samples=(1, 2))]
    stream = stream_of(*sent)
    assert [wire.read_request(stream) for _ in sent] == sent
    assert wire.read_request(stream) is None


def test_arrays_travel_as_bytes() -> None:
    array = Array("float32", (2, 3), struct.pack("<6f", *range(6)))
    event = PointsLogged(request=1, epoch=0, first_step=5, series={"loss": array})
    assert wire.read_event(stream_of(event)) == event


def test_an_event_is_no_request() -> None:
    with pytest.raises(wire.WireError):
        wire.read_request(stream_of(Failed(request=1, text="no")))


@pytest.mark.parametrize(
    "body", [b"\x81\xa4type\xa5Evil!", b"\xc1", b"", b"\x80\x04\x95pickle.", b"\x93\x01\x02"]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    stream = io.BytesIO(struct.pack(">I", len(body)) + body)
    with pytest.raises(wire.WireError):
        wire.read_event(stream)


def test_an_absurd_length_is_refused_before_reading() -> None:
    with pytest.raises(wire.WireError, match="bytes"):
        wire.read_event(io.BytesIO(struct.pack(">I", 2**32 - 1)))


@pytest.mark.parametrize("cut", [1, 3, 4, 10])
def test_a_cut_stream_ends(cut: int) -> None:
    content = stream_of(Failed(request=1, text="a long enough text")).getvalue()
    assert wire.read_event(io.BytesIO(content[:cut])) is None
