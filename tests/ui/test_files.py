from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.document import Document
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save
from kbuilder.link.events import (
    Exported,
    Failed,
    Finished,
    LayerMatch,
    ModelOpened,
    Stopped,
    WeightsMatched,
)
from kbuilder.link.events import WeightsLoaded as Loaded
from kbuilder.link.requests import (
    ComputeActivations,
    Export,
    LoadWeights,
    MatchWeights,
    OpenModel,
    Stop,
    Train,
)
from kbuilder.ui import dialogs
from kbuilder.ui.files import MOST_RECENT, Files
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import FakeEngine, project

Button = QMessageBox.StandardButton


class Stand:
    """The file commands, with answers prepared for every dialog."""

    def __init__(self, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.document = Document(project())
        self.engine = FakeEngine()
        self.training = Training(self.document, self.engine, folder / "unsaved")
        settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        self.files = Files(self.document, self.training, settings, self.window)
        self.told: list[str] = []
        self.chosen: list[DataOptions] = []
        self.files.told.connect(self.told.append)
        self.files.source_chosen.connect(self.chosen.append)
        self.answers: list[Any] = []
        self.asked: list[Any] = []
        self.errors: list[str] = []

        def answer(*arguments: Any) -> Any:
            self.asked.append(arguments[2] if len(arguments) > 2 else arguments)
            return str(self.answers.pop(0)), ""

        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, answer)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: answer(*a)[0])
        monkeypatch.setattr(dialogs, "ask_save", lambda parent: self.answers.pop(0))
        monkeypatch.setattr(
            dialogs, "show_error", lambda parent, title, text, *_: self.errors.append(text)
        )

    def edit(self) -> None:
        self.document.apply("Set epochs", lambda p: edits.set_fit(p, epochs=p.fit.epochs + 1))


@pytest.fixture
def stand(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(qtbot, tmp_path, monkeypatch)


def test_save_asks_once_and_then_knows_the_place(stand: Stand) -> None:
    stand.edit()
    stand.answers = [stand.folder / "mine"]
    assert stand.files.save()
    path = stand.folder / "mine.kbuilder"
    assert load(path) == stand.document.project
    assert not stand.document.modified
    assert stand.told == ["Saved mine.kbuilder."]
    stand.edit()
    assert stand.files.save()
    assert load(path).fit.epochs == stand.document.project.fit.epochs


def test_save_can_be_cancelled(stand: Stand) -> None:
    stand.edit()
    stand.answers = [""]
    assert not stand.files.save()
    assert stand.document.modified
    assert stand.document.path is None


def test_save_as_goes_on_with_the_new_file(stand: Stand) -> None:
    stand.answers = [stand.folder / "one", stand.folder / "two.kbuilder"]
    stand.files.save()
    stand.files.save_as()
    assert stand.document.path == stand.folder / "two.kbuilder"
    assert (stand.folder / "one.kbuilder").exists()


def test_a_save_that_fails_says_so_and_stays_unsaved(stand: Stand) -> None:
    stand.edit()
    stand.answers = [stand.folder / "missing" / "mine.kbuilder"]
    assert not stand.files.save()
    assert "was not saved" in stand.errors[0] or "mine.kbuilder" in stand.errors[0]
    assert stand.document.modified
    assert stand.files.recent() == []


@pytest.mark.parametrize(
    ("answers", "left", "saved"),
    [
        ([Button.Discard], True, False),
        ([Button.Cancel], False, False),
        ([Button.Save, "mine"], True, True),
        ([Button.Save, ""], False, False),
    ],
)
def test_unsaved_changes_are_asked_for(
    stand: Stand, answers: list[Any], left: bool, saved: bool
) -> None:
    stand.edit()
    stand.answers = [stand.folder / a if a == "mine" else a for a in answers]
    stand.files.new()
    assert (stand.document.project == Project()) == left
    assert (stand.folder / "mine.kbuilder").exists() == saved
    assert stand.answers == []


def test_nothing_is_asked_when_nothing_changed(stand: Stand) -> None:
    stand.files.new()  # would fail on the empty list of answers if it asked
    assert stand.document.project == Project()
    assert stand.training.run == ""


def test_open_shows_the_file_and_its_newest_run(stand: Stand) -> None:
    path = stand.folder / "mine.kbuilder"
    save(project(), path)
    for name in ("2026-01-01_10-00-00", "2026-03-01_10-00-00", "2026-09-09_unfinished"):
        (stand.folder / "mine.runs" / name).mkdir(parents=True)
        if "unfinished" not in name:
            (stand.folder / "mine.runs" / name / "checkpoint.npz").touch()
    stand.files.new()
    stand.answers = [path]
    stand.files.open()
    assert stand.document.project == project()
    assert stand.document.path == path
    assert Path(stand.training.run).name == "2026-03-01_10-00-00"
    assert stand.files.recent() == [path]


def test_a_damaged_file_leaves_what_is_open(stand: Stand) -> None:
    path = stand.folder / "bad.kbuilder"
    path.write_text("{")
    stand.files.open_path(path)
    assert "bad.kbuilder" in stand.errors[0]
    assert stand.document.project == project()
    assert stand.files.recent() == []


def test_recent_is_newest_first_short_and_without_what_is_gone(stand: Stand) -> None:
    paths = [stand.folder / f"p{number}.kbuilder" for number in range(MOST_RECENT + 3)]
    for path in paths:
        save(project(), path)
        stand.files.open_path(path)
    assert stand.files.recent() == paths[::-1][:MOST_RECENT]
    stand.files.open_path(paths[-3])
    assert stand.files.recent()[0] == paths[-3]
    assert len(set(stand.files.recent())) == MOST_RECENT
    paths[-1].unlink()
    assert paths[-1] not in stand.files.recent()


def test_a_sample_opens_as_a_project_without_a_place(stand: Stand) -> None:
    stand.files.open_sample("digits-mlp")
    assert stand.document.path is None
    assert stand.document.name == "digits-mlp"
    assert not stand.document.modified
    stand.answers = [""]
    stand.files.save()
    assert stand.asked[-1].endswith("digits-mlp.kbuilder")


@pytest.mark.parametrize("name", ["m.h5", "m.HDF5", "m.keras"])
def test_a_model_is_shown_at_once_and_trains_when_its_weights_are_there(
    stand: Stand, name: str
) -> None:
    request = open_model(stand, name)
    assert stand.document.name == "m"
    assert stand.told[-1].endswith("One note.")
    assert (stand.training.state, stand.training.run) == (State.LOADING, "")
    stand.training.start()
    assert stand.engine.count(Train) == 0
    stand.engine.say(
        Loaded(request=request.request, run=request.run, loaded=("a",), left=(), notes=("Adam.",))
    )
    assert stand.told[-1].endswith("Adam.")
    stand.engine.say(Finished(request=request.request))
    assert (stand.training.state, stand.training.run) == (State.IDLE, request.run)


def open_model(stand: Stand, name: str) -> OpenModel:
    stand.files.open_path(stand.folder / name)
    request: OpenModel = stand.engine.last(OpenModel)
    assert request.path == str(stand.folder / name)
    stand.engine.say(
        ModelOpened(
            request=request.request, project=project(), run=request.run, notes=("One note.",)
        )
    )
    return request


def test_a_configuration_alone_has_nothing_to_wait_for(stand: Stand) -> None:
    stand.files.open_path(stand.folder / "m.json")
    request = stand.engine.last(OpenModel)
    stand.engine.say(ModelOpened(request=request.request, project=project()))
    assert "without weights" in stand.told[-1]
    assert (stand.training.state, stand.training.run) == (State.IDLE, "")


def test_weights_on_their_way_can_be_stopped(stand: Stand) -> None:
    request = open_model(stand, "m.keras")
    stand.training.stop(keep=False)
    assert stand.engine.last(Stop) == Stop(keep=False)
    stand.engine.say(Stopped(request=request.request, kept=False))
    assert (stand.training.state, stand.training.run) == (State.IDLE, "")
    assert len(stand.document.project.graph.nodes) == 3


def test_another_project_does_not_get_the_weights_of_the_model_before_it(stand: Stand) -> None:
    request = open_model(stand, "m.keras")
    stand.files.new()
    assert stand.engine.last(Stop) == Stop(keep=False)
    told = len(stand.told)
    stand.engine.say(Loaded(request=request.request, run=request.run, loaded=("a",), left=()))
    stand.engine.say(Finished(request=request.request))
    assert (stand.training.state, stand.training.run) == (State.IDLE, "")
    assert len(stand.told) == told


def test_a_second_model_is_not_stopped_with_the_first(stand: Stand) -> None:
    first = open_model(stand, "m.keras")
    second = open_model(stand, "n.keras")
    assert stand.engine.count(Stop) == 1
    stand.engine.say(Stopped(request=first.request, kept=False))
    assert stand.training.state is State.LOADING
    stand.engine.say(Loaded(request=second.request, run=second.run, loaded=("a",), left=()))
    stand.engine.say(Finished(request=second.request))
    assert (stand.training.state, stand.training.run) == (State.IDLE, second.run)


def test_outputs_asked_for_meanwhile_come_when_the_weights_are_there(stand: Stand) -> None:
    request = open_model(stand, "m.keras")
    stand.training.watch("mid", (0, 1))
    assert stand.engine.count(ComputeActivations) == 0
    stand.engine.say(Loaded(request=request.request, run=request.run, loaded=("a",), left=()))
    stand.engine.say(Finished(request=request.request))
    asked = stand.engine.last(ComputeActivations)
    assert (asked.node, asked.samples, asked.run) == ("mid", (0, 1), request.run)


def test_weights_that_cannot_be_read_leave_the_network(stand: Stand) -> None:
    request = open_model(stand, "m.keras")
    stand.engine.say(Failed(request=request.request, text="They are damaged.", refused=True))
    assert (stand.training.state, stand.training.run) == (State.IDLE, "")
    assert len(stand.document.project.graph.nodes) == 3


def test_export_asks_for_a_name(stand: Stand) -> None:
    stand.answers = ["", stand.folder / "a.hdf5", stand.folder / "a.weights.h5"]
    stand.files.export_model()
    assert stand.engine.count(Export) == 0
    stand.files.export_model()
    stand.files.export_weights()
    first, second = (m for m in stand.engine.sent if isinstance(m, Export))
    assert (first.path, first.weights_only) == (str(stand.folder / "a.hdf5"), False)
    assert (second.path, second.weights_only) == (str(stand.folder / "a.weights.h5"), True)


def test_the_result_of_an_export_is_told(stand: Stand) -> None:
    proved = {"difference": 1.5e-7, "verified_by": "keras 3.15.1"}
    stand.engine.say(Exported(request=1, path="/x/a.hdf5", **proved))
    assert "a.hdf5 is written." in stand.told[-1]
    assert "keras 3.15.1 in a clean process; largest difference: 1.5e-07" in stand.told[-1]
    stand.engine.say(Exported(request=1, path="/x/a.weights.h5"))
    assert stand.told[-1] == "a.weights.h5 is written."


def test_loaded_weights_are_in_use(stand: Stand) -> None:
    stand.answers = [stand.folder / "w.h5"]
    stand.files.load_weights()
    match = LayerMatch(layer="a", shapes=((2,),), source="a", fits=True)
    asked = stand.engine.last(MatchWeights).request
    stand.engine.say(WeightsMatched(request=asked, matches=(match,), sources={"a": ((2,),)}))
    request = stand.engine.last(LoadWeights)
    assert request.mapping == {}
    stand.engine.say(
        Loaded(request=request.request, run=request.run, loaded=("a", "b"), left=("c",))
    )
    assert stand.training.run == request.run
    assert "2 layers" in stand.told[-1]
    assert "1 layers" in stand.told[-1]


@pytest.mark.parametrize(
    ("kind", "answers", "expected"),
    [
        ("arrays", ["/d/a.npz"], DataOptions(kind="arrays", path="/d/a.npz")),
        (
            "arrays",
            ["/d/x.npy", "/d/y.npy"],
            DataOptions(kind="arrays", path="/d/x.npy", targets_path="/d/y.npy"),
        ),
        ("table", ["/d/t.csv"], DataOptions(kind="table", path="/d/t.csv")),
        ("images", ["/d/pets"], DataOptions(kind="images", path="/d/pets")),
    ],
)
def test_a_source_is_chosen(
    stand: Stand, kind: str, answers: list[Any], expected: DataOptions
) -> None:
    stand.answers = answers
    stand.files.choose_source(kind)
    assert stand.chosen == [expected]


def test_no_source_chosen_is_no_change(stand: Stand) -> None:
    stand.answers = [""]
    stand.files.choose_source("table")
    assert stand.chosen == []
