"""The record, the mailbox and the lock of a run folder, which several processes share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbuilder.link import mailbox, run_lock
from kbuilder.link.events import EpochEnded
from kbuilder.link.record import RECORD, RecordReader, entry, events_of
from kbuilder.link.requests import Pause, Steer, Stop

EVENTS = [
    EpochEnded(request=1, epoch=n, logs={"loss": 1.0 / (n + 1)}, seconds=0.1) for n in range(5)
]


def test_a_record_is_read_while_it_grows(tmp_path: Path) -> None:
    reader = RecordReader(tmp_path)
    assert list(reader.read()) == []
    with (tmp_path / RECORD).open("ab", buffering=0) as file:
        file.write(entry(EVENTS[0]))
        assert list(reader.read()) == [EVENTS[0]]
        half = entry(EVENTS[1])
        file.write(half[:7])
        assert list(reader.read()) == []
        file.write(half[7:] + entry(EVENTS[2]))
        assert list(reader.read()) == EVENTS[1:3]
    assert list(events_of(tmp_path)) == EVENTS[:3]


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=255))
def test_a_damaged_entry_is_skipped_and_counted(place: int, change: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        parts = [entry(event) for event in EVENTS]
        content = bytearray(b"".join(parts))
        place %= len(content)
        content[place] ^= change
        Path(folder, RECORD).write_bytes(content)
        reader = RecordReader(Path(folder))
        told = list(reader.read())
    whole = [event for event in told if event in EVENTS]
    assert told == whole  # nothing that was never said
    assert len(whole) < len(EVENTS)


def test_controls_come_in_order_and_rubbish_is_thrown_away(tmp_path: Path) -> None:
    mailbox.post(tmp_path, Pause())
    mailbox.post(tmp_path, Steer(learning_rate=0.1, frozen={"a": True}))
    (tmp_path / mailbox.CONTROLS / "9-rubbish").write_bytes(b"no control")
    mailbox.post(tmp_path, Stop(keep=False))
    assert mailbox.collect(tmp_path) == [
        Pause(),
        Steer(learning_rate=0.1, frozen={"a": True}),
        Stop(keep=False),
    ]
    assert mailbox.collect(tmp_path) == []
    assert list((tmp_path / mailbox.CONTROLS).iterdir()) == []


def test_a_lock_is_held_while_its_process_lives(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from kbuilder.link import run_lock
run_lock.take(Path({str(tmp_path)!r}))
print("taken", flush=True)
sys.stdin.read()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"taken\n"
    assert run_lock.is_held(tmp_path)
    with pytest.raises(FileExistsError):
        run_lock.take(tmp_path)
    child.kill()
    child.communicate()
    assert not run_lock.is_held(tmp_path)
    assert run_lock.was_cut_off(tmp_path)
    run_lock.take(tmp_path)  # a stale lock is taken over
    assert run_lock.is_held(tmp_path)
    run_lock.release(tmp_path)
    assert not run_lock.was_cut_off(tmp_path)


def test_a_number_that_was_given_to_another_process_holds_nothing(tmp_path: Path) -> None:
    started = psutil.Process().create_time() - 1000
    import socket

    holder = run_lock.Holder(pid=os.getpid(), started=started, host=socket.gethostname())
    (tmp_path / run_lock.LOCK).write_bytes(msgspec.json.encode(holder))
    assert not run_lock.is_held(tmp_path)
    assert list(events_of(tmp_path)) == []
