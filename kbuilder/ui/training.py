"""The trainer engine and what it is doing: start, pause, stop; run folder, live numbers, weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.document.document import Document
from kbuilder.document.project import Project
from kbuilder.link import mailbox
from kbuilder.link.events import (
    ActivationsComputed,
    Continued,
    EpochEnded,
    Exported,
    Failed,
    Finished,
    FrozenChecked,
    ModelOpened,
    Paused,
    PointsLogged,
    Progressed,
    Ready,
    Stopped,
    TrainingStarted,
    WeightsKept,
    WeightsLoaded,
    WeightsMatched,
)
from kbuilder.link.messages import Control
from kbuilder.link.requests import (
    Break,
    ComputeActivations,
    Continue,
    Export,
    LoadWeights,
    MakeApplication,
    MatchWeights,
    OpenModel,
    Pause,
    Steer,
    Step,
    Stop,
    Sweep,
    Train,
    Watch,
)
from kbuilder.link.run_events import (
    Diagnosed,
    MachineMeasured,
    Monitored,
    Noted,
    Stepped,
    TrialEnded,
    TrialStarted,
)
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.run_folders import move_all, new_folder
from kbuilder.ui.run_follower import RunFollower, running_in

if TYPE_CHECKING:
    from kbuilder.ui.live_run import LiveRun


class State(Enum):
    """Where a training stands. ``LOADING``: the weights of an opened model are being read."""

    IDLE = "idle"
    LOADING = "loading"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


class Training(QObject):
    """One run at a time on the trainer engine, and everything else that needs trained weights.

    Signals:
        state_changed: ``state`` or ``run`` is new.
        failed: a request failed; carries ``Failed``.
        activations: carries ``ActivationsComputed``.
        done: a request other than training has given its result; carries that event.
        matched: which weights of a file go where; carries ``WeightsMatched``.
        progressed: what a long request does; carries ``Progressed``.
        ended: a run is over; carries its last event.
        stepped: a single batch was run; carries ``Stepped``.
        trial: a trial of a sweep began or ended; carries that event.
    """

    state_changed = Signal()
    ready = Signal(object)
    failed = Signal(object)
    activations = Signal(object)
    done = Signal(object)
    matched = Signal(object)
    progressed = Signal(object)
    ended = Signal(object)
    stepped = Signal(object)
    trial = Signal(object)

    def __init__(
        self,
        document: Document,
        engine: EngineThread,
        unsaved_runs: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = State.IDLE
        self.live: LiveRun | None = None
        self.run = ""
        self.frozen: FrozenChecked | None = None
        self.kept: dict[str, str] = {}
        """How each node with weights started in the last run: kept, sliced or new."""
        self._document = document
        self._engine = engine
        self._unsaved_runs = unsaved_runs
        self._request = 0
        self._opening = self._loading = self._matching = 0
        self._pending_run = ""
        self._started_at = 0.0
        self._held = 0.0
        self._held_since = 0.0
        self._watched = Watch(node="")
        self._follower: RunFollower | None = None
        self.devices: tuple[str, ...] = ()
        """What to train on; none for the first GPU, or the CPU."""
        engine.received.connect(self._take)
        engine.died.connect(self._mourn)

    # --- what the window asks for ---------------------------------------------------------------

    def start(
        self,
        *,
        resume: bool = False,
        held: bool = False,
        extend: int = 0,
        project: Project | None = None,
    ) -> None:
        """Train from the first epoch or, with ``resume``, on from the last run.

        With ``held`` it waits before the first step, for a Step. ``extend`` is how many epochs to add to
        those that are done; 0 goes on to those of the fit options. ``project`` is another one than the
        open one, such as one that was queued.
        """
        if self.state is not State.IDLE:
            return
        self._begin(str(self.new_run_folder()))
        project = project or self._document.project
        begins_with_weights = not resume and project.fit.begin_with == "in use"
        self._engine.send(
            Train(
                request=self._request,
                project=project,
                run=self._pending_run,
                base=self.base,
                resume=self.run if resume else "",
                weights=self.run if begins_with_weights else "",
                held=held,
                extend=extend,
                devices=self.devices,
            )
        )

    def extend(self, run: str, epochs: int) -> None:
        """Go on from a run that has ended, for so many epochs more."""
        if self.state is State.IDLE:
            self.forget(run)
            self.start(resume=True, extend=epochs)

    def branch(self, run: str, checkpoint: str) -> None:
        """Use the weights and the position of one checkpoint of a run: Train on goes on from there."""
        self.forget(str(Path(run, checkpoint)))

    def sweep(self, folder: Path) -> int:
        """Train the trials of the project's sweep, each as a run in ``folder``; returns the request."""
        self._begin(str(folder))
        self._engine.send(
            Sweep(
                request=self._request,
                project=self._document.project,
                folder=str(folder),
                base=self.base,
                devices=self.devices,
            )
        )
        return self._request

    def _begin(self, run: str) -> None:
        self._request = self._engine.next_request()
        self._pending_run = run
        self.frozen, self.kept = None, {}
        self._set_state(State.STARTING)

    def follow(self, run: Path) -> None:
        """Show a training that another window has started, and steer it."""
        if self.state is not State.IDLE:
            return
        self._pending_run = str(run)
        self._follower = RunFollower(run, self)
        self._follower.received.connect(self._take_followed)
        self._follower.cut_off.connect(self._mourn_followed)
        self._set_state(State.STARTING)
        self._follower.start()

    @Slot()
    def find(self) -> None:
        """Follow a training of this project that goes on without a window, if there is one."""
        found = running_in(self.runs_folder())
        if found is not None:
            self.follow(found)

    def leave(self) -> None:
        """Let the training that is on go on without this window."""
        if self._follower is not None:
            self._follower.stop()
        self._engine.let_go()

    def pause(self) -> None:
        """Hold between two steps."""
        if self.state is State.RUNNING:
            self._control(Pause())

    def go_on(self) -> None:
        """Go on after a pause."""
        if self.state is State.PAUSED:
            self._control(Continue())

    def stop(self, *, keep: bool) -> None:
        """End the run after the step it is in; ``keep`` its weights or discard them."""
        if self.active:
            self._set_state(State.STOPPING)
            self._control(Stop(keep=keep))

    def step(self, unit: str = "batch") -> None:
        """Run one ``"batch"`` or ``"epoch"`` and hold again; from idle, a new training."""
        if self.state is State.IDLE:
            self.start(held=True)
        elif self.state is State.PAUSED:
            self._control(Step(unit=unit))
        elif self.state is State.RUNNING:
            self._control(Pause())

    def break_at(self, loss: float | None, gradient: float | None) -> None:
        """Hold by itself when a batch has a larger loss or gradient norm; None: never for that."""
        self._control(Break(loss_above=loss, gradient_above=gradient))

    def steer(self, **changes: Any) -> None:
        """Change what ``Steer`` has fields for, while a training runs."""
        if self.active:
            self._control(Steer(**changes))

    def _control(self, control: Control) -> None:
        if self._follower is None:
            self._engine.send(control)
            return
        try:
            mailbox.post(self._follower.folder, control)
        except OSError as error:
            self.failed.emit(
                Failed(request=0, text=self.tr("The training cannot be reached: {0}").format(error))
            )

    def watch(self, node: str, samples: tuple[int, ...]) -> None:
        """Show the outputs of a node: at once when idle, after each epoch while training."""
        self._watched = Watch(node=node, samples=samples)
        if self.state in (State.RUNNING, State.PAUSED):
            self._control(self._watched)
        elif self.state is State.IDLE and node:
            self._engine.send(
                ComputeActivations(
                    request=self._engine.next_request(),
                    project=self._document.project,
                    node=node,
                    samples=samples,
                    base=self.base,
                    run=self.run,
                )
            )

    def export(self, path: Path, *, weights_only: bool, format_id: str = "") -> int:
        """Write the trained model, or the untrained one before the first run; returns the request."""
        request = self._engine.next_request()
        self._engine.send(
            Export(
                request=request,
                project=self._document.project,
                path=str(path),
                base=self.base,
                run=self.run,
                format=format_id,
                weights_only=weights_only,
            )
        )
        return request

    def give_up_export(self) -> None:
        """End the export that is under way."""
        self._engine.send(Stop(keep=False))

    def open_model(self, path: Path) -> None:
        """Read a model file; the network comes by ``done``, and its weights later in the same way."""
        self._leave_loading()
        self._opening = self._engine.next_request()
        self._engine.send(
            OpenModel(request=self._opening, path=str(path), run=str(self.new_run_folder()))
        )

    def make_application(self, wanted: MakeApplication) -> None:
        """Make a pretrained network; it comes by ``done`` as an opened model does."""
        self._leave_loading()
        self._opening = self._engine.next_request()
        self._engine.send(replace(wanted, request=self._opening, run=str(self.new_run_folder())))

    def match_weights(self, path: Path, by: str = "auto") -> None:
        """Ask which layers of a file go with which of the project; the answer comes by ``matched``."""
        self._matching = self._engine.next_request()
        self._engine.send(
            MatchWeights(
                request=self._matching, project=self._document.project, path=str(path), by=by
            )
        )

    def load_weights(self, path: Path, mapping: dict[str, str]) -> None:
        """Put the weights of a file into the project's model; the answer comes by ``done``."""
        self._loading = self._engine.next_request()
        self._engine.send(
            LoadWeights(
                request=self._loading,
                project=self._document.project,
                path=str(path),
                run=str(self.new_run_folder()),
                mapping=mapping,
            )
        )

    def forget(self, run: str = "") -> None:
        """Another project is open; ``run`` holds its weights, if any."""
        self._leave_loading()
        self.run, self.live, self.frozen = run, None, None
        self.state_changed.emit()

    # --- what is known --------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether a run is on."""
        return self.state is not State.IDLE

    @property
    def trains(self) -> bool:
        """Whether a training has begun and not ended."""
        return self.state in (State.RUNNING, State.PAUSED)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, pauses left out."""
        if self.state is State.PAUSED:
            return self._held_since - self._started_at - self._held
        return time.monotonic() - self._started_at - self._held

    @property
    def base(self) -> str:
        """The folder that relative data paths start from."""
        path = self._document.path
        return str(path.parent) if path else ""

    def runs_folder(self) -> Path:
        """Where the runs of the open project lie."""
        path = self._document.path
        return path.with_suffix(".runs") if path else self._unsaved_runs

    def adopt_runs(self) -> None:
        """The project got a file: runs made before lie beside it from now on."""
        if self.active or self._document.path is None or not self._unsaved_runs.is_dir():
            return
        moved = move_all(self._unsaved_runs, self.runs_folder())
        self.run = moved.get(self.run, self.run)
        self.state_changed.emit()

    def new_run_folder(self) -> Path:
        """A folder name for a run that starts now."""
        return new_folder(self.runs_folder())

    # --- what the engine says -------------------------------------------------------------------

    @Slot(object)
    def _take(self, event: object) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    @Slot(object)
    def _take_followed(self, event: object) -> None:
        self._request = getattr(event, "request", 0)
        self._take(event)

    @Slot()
    def _mourn_followed(self) -> None:
        text = self.tr(
            "The training was cut off: its process is gone. Train on goes on from its last checkpoint."
        )
        self._take_failed(Failed(request=self._request, text=text))

    def _take_trial_start(self, event: TrialStarted) -> None:
        self._pending_run = event.run
        self.trial.emit(event)

    def _take_seen(self, event: Noted | Monitored | MachineMeasured | Diagnosed) -> None:
        if self.live is not None and event.request == self._request:
            _ADDED[type(event)](self.live, event)

    def _take_started(self, event: TrainingStarted) -> None:
        # Imported here: NumPy costs a tenth of a second that the first picture need not wait for.
        from kbuilder.ui.live_run import LiveRun

        self.live = LiveRun(event)
        self._started_at, self._held = time.monotonic(), 0.0
        self._set_state(State.RUNNING)
        if self._watched.node:
            self._control(self._watched)

    def _take_points(self, event: PointsLogged) -> None:
        if self.live is not None and event.request == self._request:
            self.live.add_points(event)

    def _take_epoch(self, event: EpochEnded) -> None:
        if self.live is not None and event.request == self._request:
            self.live.add_epoch(event)

    def _take_paused(self, _: Paused) -> None:
        self._held_since = time.monotonic()
        self._set_state(State.PAUSED)

    def _take_continued(self, _: Continued) -> None:
        self._held += time.monotonic() - self._held_since
        self._set_state(State.RUNNING)

    def _take_frozen(self, event: FrozenChecked) -> None:
        self.frozen = event

    def _take_kept(self, event: WeightsKept) -> None:
        self.kept = event.layers

    def _take_opened(self, event: ModelOpened) -> None:
        if event.request != self._opening:
            return
        self.done.emit(event)
        if event.run:
            self._opening = event.request
            self._set_state(State.LOADING)

    def _take_weights(self, event: WeightsLoaded) -> None:
        """The run of an opened model is there, unless the window has gone on to another project."""
        if event.request == self._opening:
            self.run = event.run
        if event.request in (self._opening, self._loading):
            self.done.emit(event)

    def _take_matches(self, event: WeightsMatched) -> None:
        if event.request == self._matching:
            self.matched.emit(event)

    def _leave_loading(self) -> None:
        """The weights that are on the way are no longer wanted."""
        self._opening = 0
        if self.state is State.LOADING:
            self._engine.send(Stop(keep=False))
            self._set_state(State.IDLE)

    def _end_opening(self, request: int) -> bool:
        """Whether the request that ended was the one that opens a model."""
        if not request or request != self._opening:
            return False
        self._opening = 0
        if self.state in (State.LOADING, State.STOPPING):
            self._set_state(State.IDLE)
            self.watch(self._watched.node, self._watched.samples)  # could not be looked at before
        return True

    def _take_end(self, event: Finished | Stopped) -> None:
        if self._end_opening(event.request):
            return
        if event.request != self._request:
            return
        self._request = 0
        self._follow_no_longer()
        if isinstance(event, Finished) or event.kept:
            self.run = self._pending_run
        self._set_state(State.IDLE)
        self.ended.emit(event)

    def _take_failed(self, event: Failed) -> None:
        self._end_opening(event.request)
        if event.request == self._request:
            self._request = 0
            self._follow_no_longer()
            if Path(self._pending_run).is_dir():
                self.run = self._pending_run
            self._set_state(State.IDLE)
        self.failed.emit(event)

    def _follow_no_longer(self) -> None:
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    @Slot(str, str)
    def _mourn(self, cause: str, last_words: str) -> None:
        was, self._request, self._opening = self._request, 0, 0
        self._set_state(State.IDLE)
        self.failed.emit(Failed(request=was, text=cause, details=last_words))

    def _set_state(self, state: State) -> None:
        self.state = state
        self.state_changed.emit()


_ADDED: dict[type, Callable[[Any, Any], None]] = {
    Noted: lambda live, event: live.add_noted(event),
    Monitored: lambda live, event: live.add_monitored(event),
    MachineMeasured: lambda live, event: live.add_machine(event),
    Diagnosed: lambda live, event: live.add_diagnosed(event),
}
_HANDLERS: dict[type, Callable[[Training, Any], None]] = {
    Ready: lambda training, event: training.ready.emit(event),
    TrainingStarted: Training._take_started,
    PointsLogged: Training._take_points,
    EpochEnded: Training._take_epoch,
    Paused: Training._take_paused,
    Continued: Training._take_continued,
    FrozenChecked: Training._take_frozen,
    WeightsKept: Training._take_kept,
    ActivationsComputed: lambda training, event: training.activations.emit(event),
    Progressed: lambda training, event: training.progressed.emit(event),
    Exported: lambda training, event: training.done.emit(event),
    ModelOpened: Training._take_opened,
    WeightsLoaded: Training._take_weights,
    WeightsMatched: Training._take_matches,
    Noted: Training._take_seen,
    Monitored: Training._take_seen,
    MachineMeasured: Training._take_seen,
    Diagnosed: Training._take_seen,
    Stepped: lambda training, event: training.stepped.emit(event),
    TrialStarted: Training._take_trial_start,
    TrialEnded: lambda training, event: training.trial.emit(event),
    Finished: Training._take_end,
    Stopped: Training._take_end,
    Failed: Training._take_failed,
}
