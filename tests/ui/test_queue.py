"""What waits is frozen, kept on disk, put in order, and begins when the run before it has ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton

from kbuilder.document import edits
from kbuilder.document.document import Document
from kbuilder.link.events import Failed, Finished
from kbuilder.link.requests import Train
from kbuilder.ui.panels.queue_strip import QueueStrip
from kbuilder.ui.queue import Queue
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import FakeEngine, project, started


class Stand:
    """A queue over a training on a fake engine."""

    def __init__(self, folder: Path) -> None:
        self.document = Document(project(), folder / "mine.kbuilder")
        self.engine = FakeEngine()
        self.training = Training(self.document, self.engine, folder / "unsaved")
        self.queue = Queue(self.document, self.training)
        self.told: list[str] = []
        self.queue.told.connect(self.told.append)

    def add(self, size: int) -> None:
        self.document.apply("Set", lambda p: edits.set_fit(p, batch_size=size))
        self.queue.add()

    def end(self, event_class: type = Finished, **values: str) -> None:
        """The run that is on ends, and everybody hears of it."""
        request = self.engine.last(Train).request
        self.engine.say(started(request))
        self.engine.say(event_class(request=request, **values))
        QApplication.processEvents()

    @property
    def sizes(self) -> list[int]:
        return [m.project.fit.batch_size for m in self.engine.sent if isinstance(m, Train)]


@pytest.fixture
def stand(qapp: QApplication, tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_runs_follow_each_other_with_the_settings_they_were_queued_with(stand: Stand) -> None:
    stand.training.start()
    stand.add(3)
    stand.add(5)
    stand.document.apply("Set", lambda p: edits.set_fit(p, batch_size=99))
    assert stand.sizes == [32]
    stand.end()
    assert stand.sizes == [32, 3]
    stand.end(Failed, text="No.")
    assert stand.sizes == [32, 3, 5]
    assert stand.queue.waiting == []
    stand.end()
    assert stand.training.state is State.IDLE
    assert stand.told[0] == "Queued with these settings; place 1 in the queue."


def test_what_waits_survives_a_restart_and_waits_to_be_begun(stand: Stand, tmp_path: Path) -> None:
    stand.add(3)
    other = Stand(tmp_path)
    QApplication.processEvents()
    assert other.sizes == []
    assert len(other.queue.waiting) == 1
    other.queue.begin_next()
    assert other.sizes == [3]


def test_the_order_is_the_users(stand: Stand) -> None:
    for size in (3, 5, 7):
        stand.add(size)
    first, second, third = stand.queue.waiting
    stand.queue.move(third, -1)
    stand.queue.move(first, -1)
    stand.queue.remove(first)
    stand.queue.begin_next()
    stand.end()
    assert stand.sizes == [7, 5]
    assert second not in stand.queue.waiting


def test_a_damaged_project_is_told_and_left_aside(stand: Stand) -> None:
    stand.add(3)
    (path,) = stand.queue.waiting
    path.write_bytes(b"{")
    stand.queue.begin_next()
    assert "cut off or damaged" in stand.told[-1]
    assert stand.queue.waiting == []
    assert path.with_suffix(".refused").exists()


def test_a_window_that_closes_begins_nothing(stand: Stand) -> None:
    stand.training.start()
    stand.add(3)
    stand.queue.close()
    stand.end()
    assert stand.sizes == [32]
    assert len(stand.queue.waiting) == 1


def test_the_strip_says_what_is_next(stand: Stand) -> None:
    strip = QueueStrip(stand.queue, stand.training)
    assert strip.isHidden()
    stand.add(3)
    stand.add(5)
    assert not strip.isHidden()
    earlier = [b for b in strip.findChildren(QToolButton) if b.accessibleName() == "Earlier: 2"]
    earlier[-1].click()
    QApplication.processEvents()
    (begin,) = strip.findChildren(QPushButton)
    begin.click()
    assert stand.sizes == [5]
    assert begin.isHidden()
