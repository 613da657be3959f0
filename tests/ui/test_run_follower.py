"""A window follows a training that it has not started."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kbuilder.document.document import Document
from kbuilder.document.project import Project
from kbuilder.link import mailbox, run_lock
from kbuilder.link.events import EpochEnded, Finished, TrainingStarted
from kbuilder.link.record import RECORD, entry
from kbuilder.link.requests import Pause, Steer, Stop
from kbuilder.ui.run_follower import running_in
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import FakeEngine

LIMIT_MS = 5000
STARTED = TrainingStarted(
    request=7, run="r", first_epoch=0, epochs=3, steps_per_epoch=4, batch_size=8, samples=32
)


def ended(epoch: int) -> EpochEnded:
    return EpochEnded(request=7, epoch=epoch, logs={"loss": 1.0 - epoch / 10}, seconds=0.5)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of the project p.kbuilder that this very process seems to train."""
    folder = tmp_path / "p.runs/2026-01-01_00-00-00"
    folder.mkdir(parents=True)
    run_lock.take(folder)
    say(folder, STARTED, ended(0))
    return folder


def say(folder: Path, *events: object) -> None:
    with (folder / RECORD).open("ab", buffering=0) as file:
        for event in events:
            file.write(entry(event))


@pytest.fixture
def training(tmp_path: Path, run: Path, qtbot: QtBot) -> Training:
    document = Document()
    document.open(Project(), tmp_path / "p.kbuilder")
    return Training(document, FakeEngine(), tmp_path / "unsaved")


def test_the_window_finds_and_steers_a_training_and_sees_it_end(
    training: Training, run: Path, qtbot: QtBot
) -> None:
    assert running_in(run.parent) == run
    training.find()
    qtbot.waitUntil(
        lambda: training.live is not None and training.live.epoch == 1, timeout=LIMIT_MS
    )
    assert training.state is State.RUNNING
    training.pause()
    training.steer(learning_rate=0.01)
    training.stop(keep=True)
    assert mailbox.collect(run) == [Pause(), Steer(learning_rate=0.01), Stop(keep=True)]
    assert training._engine.sent == []
    with qtbot.waitSignal(training.ended, timeout=LIMIT_MS):
        say(run, ended(1), ended(2), Finished(request=7))
    assert training.state is State.IDLE
    assert training.run == str(run)
    assert training.live is not None
    assert [epoch for epoch, _ in training.live.epochs["loss"]] == [0, 1, 2]
    run_lock.release(run)


def test_a_process_that_is_gone_is_said(training: Training, run: Path, qtbot: QtBot) -> None:
    training.find()
    qtbot.waitUntil(lambda: training.state is State.RUNNING, timeout=LIMIT_MS)
    with qtbot.waitSignal(training.failed, timeout=LIMIT_MS) as told:
        run_lock.release(run)
    assert "cut off" in told.args[0].text
    assert training.state is State.IDLE
    assert training.run == str(run)


def test_nothing_is_followed_where_nothing_runs(
    training: Training, run: Path, qtbot: QtBot
) -> None:
    run_lock.release(run)
    training.find()
    assert training.state is State.IDLE
