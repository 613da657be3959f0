from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from kbuilder.document.document import Document
from kbuilder.link.events import (
    ActivationsComputed,
    Continued,
    Exported,
    Failed,
    Finished,
    FrozenChecked,
    ModelOpened,
    Paused,
    Stopped,
)
from kbuilder.link.requests import (
    ComputeActivations,
    Continue,
    Export,
    LoadWeights,
    OpenModel,
    Pause,
    Stop,
    Train,
    Watch,
)
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State
from tests.ui.fake_engine import FakeEngine, array, epoch, points, project, started

RUN = 1
"""Number of the first request, which is the training in these tests."""


class Stand:
    """A training on a fake engine, and all it has told."""

    def __init__(self, folder: Path) -> None:
        self.document = Document(project(), folder / "mine.kbuilder")
        self.engine = FakeEngine()
        self.training = Training(self.document, self.engine, folder / "unsaved")
        self.failed: list[Failed] = []
        self.ended: list[object] = []
        self.training.failed.connect(self.failed.append)
        self.training.ended.connect(self.ended.append)

    def bring_to(self, state: State) -> None:
        """Get there as a user and an engine would."""
        steps: dict[State, list[Callable[[], object]]] = {
            State.IDLE: [],
            State.LOADING: [
                lambda: self.training.loading.open_model(Path("m.keras")),
                lambda: self.engine.say(ModelOpened(request=RUN, project=project(), run="/r")),
            ],
            State.STARTING: [self.training.start],
            State.RUNNING: [self.training.start, lambda: self.engine.say(started(RUN))],
        }
        running = steps[State.RUNNING]
        steps[State.PAUSED] = [*running, lambda: self.engine.say(Paused(request=RUN))]
        steps[State.STOPPING] = [*running, lambda: self.training.stop(keep=True)]
        for step in steps[state]:
            step()
        assert self.training.state is state


@pytest.fixture
def stand(qapp: QApplication, tmp_path: Path) -> Stand:
    return Stand(tmp_path)


S = State
EVENTS = {
    "started": (started(RUN), {S.STARTING: S.RUNNING}),
    "points": (points(RUN, 0, 0, [1.0]), {}),
    "epoch": (epoch(RUN, 0, loss=1.0), {}),
    "paused": (Paused(request=RUN), {S.RUNNING: S.PAUSED}),
    "continued": (Continued(request=RUN), {S.PAUSED: S.RUNNING}),
    "finished": (Finished(request=RUN), dict.fromkeys(S, S.IDLE)),
    "stopped": (Stopped(request=RUN, kept=True), dict.fromkeys(S, S.IDLE)),
    "failed": (Failed(request=RUN, text="No."), dict.fromkeys(S, S.IDLE)),
    "finished of another": (Finished(request=99), {}),
    "failed of another": (Failed(request=99, text="No."), {}),
}
POSSIBLE = {
    "started": [S.STARTING],
    "paused": [S.RUNNING, S.PAUSED],
    "continued": [S.PAUSED, S.RUNNING],
}


@pytest.mark.parametrize(
    ("name", "state"),
    [(name, state) for name in EVENTS for state in POSSIBLE.get(name, list(State))],
)
def test_every_event_in_every_state(stand: Stand, name: str, state: State) -> None:
    stand.bring_to(state)
    event, leads_to = EVENTS[name]
    stand.engine.say(event)
    assert stand.training.state is leads_to.get(state, state)


@pytest.mark.parametrize("state", list(State))
def test_a_dead_engine_ends_every_state_and_training_can_start_again(
    stand: Stand, state: State
) -> None:
    stand.bring_to(state)
    stand.engine.died.emit("The engine was killed.", "Killed")
    assert stand.training.state is State.IDLE
    assert [(f.text, f.details) for f in stand.failed] == [("The engine was killed.", "Killed")]
    stand.training.start()
    assert stand.training.state is State.STARTING


@pytest.mark.parametrize(
    ("ask", "message", "allowed"),
    [
        (lambda training: training.pause(), Pause, [S.RUNNING]),
        (lambda training: training.go_on(), Continue, [S.PAUSED]),
        (
            lambda training: training.stop(keep=False),
            Stop,
            [S.LOADING, S.STARTING, S.RUNNING, S.PAUSED, S.STOPPING],
        ),
        (lambda training: training.start(), Train, [S.IDLE]),
    ],
)
def test_only_what_fits_the_state_is_sent(
    stand: Stand, ask: Callable[[Training], None], message: type, allowed: list[State]
) -> None:
    for state in State:
        fresh = Stand(Path(stand.document.path or "").parent)
        fresh.bring_to(state)
        before = fresh.engine.count(message)
        ask(fresh.training)
        assert (fresh.engine.count(message) > before) == (state in allowed), state


def test_a_kept_run_is_used_from_then_on(stand: Stand) -> None:
    stand.bring_to(State.RUNNING)
    run = stand.engine.last(Train).run
    assert Path(run).parent.name == "mine.runs"
    assert stand.training.run == ""
    stand.engine.say(Stopped(request=RUN, kept=True))
    assert stand.training.run == run
    stand.training.start(resume=True)
    assert stand.engine.last(Train).resume == run
    assert stand.engine.last(Train).run != run or not Path(run).exists()


def test_a_discarded_run_leaves_the_weights_of_the_one_before(stand: Stand) -> None:
    stand.training.forget("/before")
    stand.bring_to(State.RUNNING)
    stand.training.stop(keep=False)
    assert stand.engine.last(Stop).keep is False
    stand.engine.say(Stopped(request=RUN, kept=False))
    assert stand.training.run == "/before"
    assert len(stand.ended) == 1


def test_runs_get_folders_that_do_not_exist_yet(stand: Stand) -> None:
    first = stand.training.new_run_folder()
    first.mkdir(parents=True)
    second = stand.training.new_run_folder()
    assert second != first
    assert second.parent == first.parent


def test_an_unsaved_project_keeps_its_runs_apart(stand: Stand, tmp_path: Path) -> None:
    stand.document.open(project(), None)
    assert stand.training.runs_folder() == tmp_path / "unsaved"
    assert stand.training.base == ""


def test_points_and_epochs_of_another_request_are_not_taken(stand: Stand) -> None:
    stand.bring_to(State.RUNNING)
    live = stand.training.live
    stand.engine.say(points(RUN, 0, 0, [3.0, 2.0]))
    stand.engine.say(points(RUN + 5, 0, 2, [9.0]))
    stand.engine.say(epoch(RUN + 5, 0, loss=9.0))
    assert live is not None
    assert live.batches["loss"].values.tolist() == [3.0, 2.0]
    assert live.epochs == {}


def test_the_clock_stands_while_paused(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("kbuilder.ui.training_state.time.monotonic", lambda: now[0])
    stand.bring_to(State.RUNNING)
    now[0] = 110.0
    stand.engine.say(Paused(request=RUN))
    now[0] = 150.0
    assert stand.training.stopwatch.seconds == 10.0
    stand.engine.say(Continued(request=RUN))
    now[0] = 155.0
    assert stand.training.stopwatch.seconds == 15.0


def test_watching_asks_the_engine_or_waits_for_the_run(stand: Stand) -> None:
    stand.training.watch("mid", (3,))
    asked = stand.engine.last(ComputeActivations)
    assert (asked.node, asked.samples) == ("mid", (3,))
    stand.training.start()
    stand.engine.say(started(stand.engine.last(Train).request))
    assert stand.engine.last(Watch) == Watch(node="mid", samples=(3,))
    stand.training.watch("out", (4,))
    assert stand.engine.last(Watch) == Watch(node="out", samples=(4,))
    assert stand.engine.count(ComputeActivations) == 1


def test_watching_nothing_asks_nothing_when_idle(stand: Stand) -> None:
    stand.training.watch("", ())
    assert stand.engine.sent == []


def test_other_requests_carry_run_and_base(stand: Stand, tmp_path: Path) -> None:
    stand.training.forget("/kept")
    stand.training.export(tmp_path / "m.hdf5", weights_only=True)
    export = stand.engine.last(Export)
    assert (export.path, export.run, export.weights_only) == (
        str(tmp_path / "m.hdf5"),
        "/kept",
        True,
    )
    assert export.base == str(tmp_path)
    stand.training.loading.open_model(Path("a.h5"))
    stand.training.loading.load_weights(Path("w.h5"), {})
    requests = [export, stand.engine.last(OpenModel), stand.engine.last(LoadWeights)]
    assert len({request.request for request in requests}) == 3


def test_results_are_passed_on(stand: Stand) -> None:
    done: list[object] = []
    seen: list[object] = []
    stand.training.done.connect(done.append)
    stand.training.activations.connect(seen.append)
    exported = Exported(request=7, path="m.h5")
    computed = ActivationsComputed(
        request=8,
        node="mid",
        samples=(0,),
        activations=array([[1.0]]),
        inputs={},
        outputs={},
        truth={},
    )
    checked = FrozenChecked(request=RUN, before={"mid": "a"}, after={"mid": "a"})
    for event in (exported, computed, checked):
        stand.engine.say(event)
    assert (done, seen) == ([exported], [computed])
    assert stand.training.frozen == checked
    stand.training.start()
    assert stand.training.frozen is None
