from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.project import Project
from kbuilder.link.events import Exported, Failed, Finished, Inferred, Previewed
from kbuilder.link.requests import Export, Infer, Preview, Train
from kbuilder.ui import dialogs
from kbuilder.ui.demo import HISTORY, PICTURE, Demo
from kbuilder.ui.main_window import MainWindow
from tests.ui.fake_engine import FakeEngine, epoch, facts, preview, started, window_of


class Stand:
    def __init__(self, window: MainWindow, out: Path) -> None:
        self.window, self.out = window, out
        self.bench: FakeEngine
        self.trainer: FakeEngine
        self.bench, self.trainer = window._engines  # type: ignore[assignment]
        self.demo = Demo(window, out)
        self.ended: list[str] = []
        self.told: list[str] = []
        self.demo.ended.connect(self.ended.append)
        self.demo.told.connect(self.told.append)


@pytest.fixture
def stand(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> Stand:
    window = window_of(catalogue, tmp_path)
    qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
    window.show()
    made = Stand(window, tmp_path)
    window.workbench.start()
    return made


def answer_workbench(stand: Stand) -> None:
    bench = stand.bench
    bench.say(Previewed(request=bench.last(Preview).request, preview=preview()))
    assert stand.trainer.count(Train) == 0, "shapes are still missing"
    bench.say(Inferred(request=bench.last(Infer).request, nodes=facts()))


def test_the_demo_trains_once_exports_and_takes_a_picture(stand: Stand) -> None:
    answer_workbench(stand)
    stand.window.workbench.facts_changed.emit()
    assert stand.trainer.count(Train) == 1
    request = stand.trainer.last(Train)
    stand.trainer.say(started(request.request, epochs=1))
    stand.trainer.say(epoch(request.request, 0, loss=0.25))
    Path(request.run).mkdir(parents=True)
    (Path(request.run) / HISTORY).write_text("epoch,loss\n0,0.25\n")
    stand.trainer.say(Finished(request=request.request))
    assert "loss 0.2500" in stand.told[-1]
    assert (stand.out / HISTORY).read_text() == "epoch,loss\n0,0.25\n"
    export = stand.trainer.last(Export)
    assert stand.ended == []
    stand.trainer.say(Exported(request=export.request, path=export.path, difference=0.0))
    assert stand.ended == [""]
    assert (stand.out / PICTURE).stat().st_size > 10_000


def test_a_failure_ends_the_demo_with_its_reason(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialogs, "show_error", lambda *_: None)
    answer_workbench(stand)
    request = stand.trainer.last(Train).request
    stand.trainer.say(Failed(request=request, text="Out of memory."))
    assert stand.ended == ["Out of memory."]
