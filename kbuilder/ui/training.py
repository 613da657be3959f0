"""The trainer engine and what it is doing: start, pause, stop; run folder, live numbers, weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.document.document import Document
from kbuilder.document.project import Project
from kbuilder.link.events import (
    ActivationsComputed,
    Continued,
    Exported,
    Failed,
    Finished,
    FrozenChecked,
    Paused,
    Progressed,
    Ready,
    Stopped,
    TrainingStarted,
    WeightsKept,
)
from kbuilder.link.requests import (
    Break,
    ComputeActivations,
    Continue,
    Export,
    Pause,
    Steer,
    Step,
    Stop,
    Sweep,
    Train,
    Watch,
)
from kbuilder.link.run_events import (
    DevicesFound,
    DryRunDone,
    Stepped,
    TrialEnded,
    TrialStarted,
)
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.model_loading import ModelLoading
from kbuilder.ui.reach import Reach
from kbuilder.ui.run_folders import move_all, new_folder
from kbuilder.ui.run_follower import running_in
from kbuilder.ui.training_state import State, Stopwatch

if TYPE_CHECKING:
    from kbuilder.ui.live_run import LiveRun


class Training(QObject):
    """One run at a time on the trainer engine, and everything else that needs trained weights.

    Signals:
        state_changed: ``state`` or ``run`` is new.
        failed: a request failed; carries ``Failed``.
        activations: carries ``ActivationsComputed``.
        done: a request other than training has given its result; carries that event.
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
        self._document, self._engine = document, engine
        self._unsaved_runs = unsaved_runs
        self._request = 0
        self.loading: ModelLoading = ModelLoading(self, document, engine)
        self._pending_run = ""
        self.stopwatch = Stopwatch()
        self._watched = Watch(node="")
        self._reach = Reach(engine, self)
        self._reach.received.connect(self._take_followed)
        self._reach.failed.connect(self.failed)
        self.devices: tuple[str, ...] = ()  # none: the first GPU, or the CPU
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
        self._request, self._pending_run = self._engine.next_request(), run
        self.frozen, self.kept = None, {}
        self.set_state(State.STARTING)

    def follow(self, run: Path) -> None:
        """Show a training that another window has started, and steer it."""
        if self.state is not State.IDLE:
            return
        self._pending_run = str(run)
        self.set_state(State.STARTING)
        self._reach.follow(run)

    @Slot()
    def find(self) -> None:
        """Follow a training of this project that goes on without a window, if there is one."""
        found = running_in(self.runs_folder())
        if found is not None:
            self.follow(found)

    def leave(self) -> None:
        """Let the training that is on go on without this window."""
        self._reach.follow_no_longer()
        self._engine.let_go()

    def pause(self) -> None:
        """Hold between two steps."""
        if self.state is State.RUNNING:
            self._reach.send(Pause())

    def go_on(self) -> None:
        """Go on after a pause."""
        if self.state is State.PAUSED:
            self._reach.send(Continue())

    def stop(self, *, keep: bool) -> None:
        """End the run after the step it is in; ``keep`` its weights or discard them."""
        if self.active:
            self.set_state(State.STOPPING)
            self._reach.send(Stop(keep=keep))

    def step(self, unit: str = "batch") -> None:
        """Run one ``"batch"`` or ``"epoch"`` and hold again; from idle, a new training."""
        if self.state is State.IDLE:
            self.start(held=True)
        elif self.state is State.PAUSED:
            self._reach.send(Step(unit=unit))
        elif self.state is State.RUNNING:
            self._reach.send(Pause())

    def break_at(self, loss: float | None, gradient: float | None) -> None:
        """Hold by itself when a batch has a larger loss or gradient norm; None: never for that."""
        self._reach.send(Break(loss_above=loss, gradient_above=gradient))

    def steer(self, **changes: Any) -> None:
        """Change what ``Steer`` has fields for, while a training runs."""
        if self.active:
            self._reach.send(Steer(**changes))

    def watch(self, node: str, samples: tuple[int, ...]) -> None:
        """Show the outputs of a node: at once when idle, after each epoch while training."""
        self._watched = Watch(node=node, samples=samples)
        if self.state in (State.RUNNING, State.PAUSED):
            self._reach.send(self._watched)
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

    def watch_again(self) -> None:
        """Show what was asked for last."""
        self.watch(self._watched.node, self._watched.samples)

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

    def forget(self, run: str = "") -> None:
        """Another project is open; ``run`` holds its weights, if any."""
        self.loading.leave()
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
        if self.live is not None and getattr(event, "request", 0) == self._request:
            self.live.add(event)
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    @Slot(object)
    def _take_followed(self, event: object) -> None:
        self._request = getattr(event, "request", 0)
        self._take(event)

    def _take_trial_start(self, event: TrialStarted) -> None:
        self._pending_run = event.run
        self.trial.emit(event)

    def _take_started(self, event: TrainingStarted) -> None:
        # NumPy costs a tenth of a second that the first picture need not wait for.
        from kbuilder.ui.live_run import LiveRun

        self.live = LiveRun(event)
        self.stopwatch = Stopwatch()
        self.set_state(State.RUNNING)
        if self._watched.node:
            self._reach.send(self._watched)

    def _take_paused(self, _: Paused) -> None:
        self.stopwatch.hold()
        self.set_state(State.PAUSED)

    def _take_continued(self, _: Continued) -> None:
        self.stopwatch.go_on()
        self.set_state(State.RUNNING)

    def _take_end(self, event: Finished | Stopped) -> None:
        if self.loading.end(event.request):
            return
        if event.request != self._request:
            return
        self._request = 0
        self._reach.follow_no_longer()
        if isinstance(event, Finished) or event.kept:
            self.run = self._pending_run
        self.set_state(State.IDLE)
        self.ended.emit(event)

    def _take_failed(self, event: Failed) -> None:
        self.loading.end(event.request)
        if event.request == self._request:
            self._request = 0
            self._reach.follow_no_longer()
            if Path(self._pending_run).is_dir():
                self.run = self._pending_run
            self.set_state(State.IDLE)
        self.failed.emit(event)

    @Slot(str, str)
    def _mourn(self, cause: str, last_words: str) -> None:
        was, self._request = self._request, 0
        self.loading.forget()
        self.set_state(State.IDLE)
        self.failed.emit(Failed(request=was, text=cause, details=last_words))

    def set_state(self, state: State) -> None:
        """Say where the training, or the reading of a model's weights, stands now."""
        self.state = state
        self.state_changed.emit()


_HANDLERS: dict[type, Callable[[Training, Any], None]] = {
    Ready: lambda training, event: training.ready.emit(event),
    TrainingStarted: Training._take_started,
    Paused: Training._take_paused,
    Continued: Training._take_continued,
    FrozenChecked: lambda training, event: setattr(training, "frozen", event),
    WeightsKept: lambda training, event: setattr(training, "kept", event.layers),
    ActivationsComputed: lambda training, event: training.activations.emit(event),
    Progressed: lambda training, event: training.progressed.emit(event),
    Exported: lambda training, event: training.done.emit(event),
    DryRunDone: lambda training, event: training.done.emit(event),
    DevicesFound: lambda training, event: training.done.emit(event),
    Stepped: lambda training, event: training.stepped.emit(event),
    TrialStarted: Training._take_trial_start,
    TrialEnded: lambda training, event: training.trial.emit(event),
    Finished: Training._take_end,
    Stopped: Training._take_end,
    Failed: Training._take_failed,
}
