import subprocess
import sys
import threading

import msgspec
import pytest

from kbuilder.engine.runs import Run
from kbuilder.link import mailbox, run_lock, wire
from kbuilder.link.events import (
    Continued,
    EpochEnded,
    Failed,
    Finished,
    Inferred,
    Paused,
    PointsLogged,
    Ready,
    Stopped,
    TrainingStarted,
)
from kbuilder.link.record import RecordReader
from kbuilder.link.requests import Continue, Infer, Pause, Stop, Train

pytestmark = pytest.mark.slow

LIMIT_S = 90


class Engine:
    """A real engine process; every wait ends after ``LIMIT_S`` by killing it."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kbuilder.engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._watchdog = threading.Timer(LIMIT_S, self.process.kill)
        self._watchdog.start()

    def send(self, message):
        wire.write(self.process.stdin, message)

    def wait_for(self, *kinds):
        """The events up to the first of these kinds, which is the last in the list."""
        events = []
        while not events or not isinstance(events[-1], kinds):
            event = wire.read_event(self.process.stdout)
            assert event is not None, f"the engine ended, waiting for {kinds}; saw {events}"
            events.append(event)
        return events

    def close(self):
        self._watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def endless(classifier):
    return msgspec.structs.replace(
        classifier, fit=msgspec.structs.replace(classifier.fit, epochs=1_000_000)
    )


def test_train_pause_continue_stop(engine, endless, tmp_path):
    ready = engine.wait_for(Ready)[0]
    assert ready.keras_version.startswith("3.")
    assert bool(ready.why_not_gpu) == (ready.device == "CPU")

    engine.send(Train(request=1, project=endless, run=str(tmp_path / "run")))
    events = engine.wait_for(PointsLogged)
    assert isinstance(next(e for e in events if isinstance(e, TrainingStarted)), TrainingStarted)
    engine.send(Pause())
    engine.wait_for(Paused)
    engine.send(Continue())
    assert isinstance(engine.wait_for(Continued, PointsLogged)[-1], Continued)
    engine.wait_for(EpochEnded)
    engine.send(Stop(keep=True))
    assert engine.wait_for(Stopped, Failed, Finished)[-1] == Stopped(request=1, kept=True)
    assert Run.open(tmp_path / "run").state.epoch >= 1

    # The same engine goes on serving; a late control is not taken for the next request.
    engine.send(Stop(keep=True))
    engine.send(Infer(request=2, graph=endless.graph))
    events = engine.wait_for(Finished, Failed)
    assert [type(event) for event in events] == [Inferred, Finished]


def test_a_training_outlives_its_window_and_obeys_another_one(engine, endless, tmp_path):
    run = tmp_path / "run"
    engine.send(Train(request=1, project=endless, run=str(run)))
    engine.wait_for(EpochEnded)
    engine.process.stdin.close()
    engine.process.stdout.read()  # until it hangs up
    reader = RecordReader(run)
    told = list(reader.read())
    epochs = sum(isinstance(event, EpochEnded) for event in told)
    while sum(isinstance(event, EpochEnded) for event in told) < epochs + 3:
        told += reader.read()
    assert run_lock.is_held(run)
    mailbox.post(run, Stop(keep=True))
    assert engine.process.wait(LIMIT_S) == 0
    assert [*told, *reader.read()][-1] == Stopped(request=1, kept=True)
    assert not run_lock.is_held(run)
    assert not run_lock.was_cut_off(run)
    assert Run.open(run).state.epoch >= epochs + 3


def test_a_terminated_engine_keeps_the_state(engine, endless, tmp_path):
    engine.send(Train(request=1, project=endless, run=str(tmp_path / "run")))
    engine.wait_for(EpochEnded)
    engine.process.terminate()
    assert engine.process.wait(LIMIT_S) == 0
    assert Run.open(tmp_path / "run").state.epoch >= 1


def test_a_killed_engine_is_seen_as_a_closed_stream(engine, endless, tmp_path):
    engine.send(Train(request=1, project=endless, run=str(tmp_path / "run")))
    engine.wait_for(EpochEnded)
    engine.process.kill()
    event = engine
    while event is not None:
        event = wire.read_event(engine.process.stdout)
    assert engine.process.wait(LIMIT_S) == -9
    assert Run.open(tmp_path / "run").project == endless
    assert run_lock.was_cut_off(tmp_path / "run")


def test_prints_of_libraries_do_not_reach_the_stream():
    code = (
        "import sys, os, kbuilder.engine.__main__ as m;"
        "r, e = m._own_streams(); print('noise'); os.write(1, b'more noise'); e.write(b'clean')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, stdin=subprocess.DEVNULL, check=True
    )
    assert done.stdout == b"clean"
    assert b"noise" in done.stderr
    assert b"more noise" in done.stderr
