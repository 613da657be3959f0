"""The training loop: ``Model.fit``'s steps in ``Model.fit``'s order, several in each graph call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.activations import Probe
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.callbacks import Callbacks, learning_rate
from kbuilder.engine.checkpoint import State, capture, restore
from kbuilder.engine.controls import ControlQueue, Controls, StopRequestedError
from kbuilder.engine.freezing import Proof
from kbuilder.engine.keeping import Keeper
from kbuilder.engine.not_finite import not_finite_problem
from kbuilder.engine.pace import Pace
from kbuilder.engine.plan import Plan
from kbuilder.engine.points import Points
from kbuilder.engine.recording import past_events
from kbuilder.engine.steering import Steering, changes_of
from kbuilder.engine.stepping import batch_at, look_at_batch
from kbuilder.engine.steps import GRADIENT_NORM, LOSS, RUNNING_LOSS, flatten_logs, train_steps
from kbuilder.engine.validation import Validation
from kbuilder.engine.watching import Watching
from kbuilder.link.events import EpochEnded, Progressed, TrainingStarted
from kbuilder.link.messages import Control, Event
from kbuilder.link.requests import Break, Steer, Watch
from kbuilder.link.run_events import Noted

Logs = dict[str, float]


@dataclass
class Training:
    """One training in progress.

    ``state`` is the newest one that can be gone on from: the last end of an epoch, or where a Stop
    was obeyed. ``started`` tells whether a step has been done. ``proof`` knows the weights before it.
    ``watching`` may look at it from the side.
    """

    plan: Plan
    send: Callable[[Event], None]
    waiting: ControlQueue
    probe: Probe
    state: State | None = None
    history: list[Logs] = field(default_factory=list)
    watched: Watch | None = None
    started: bool = False
    proof: Proof | None = None
    watching: Watching | None = None

    def __post_init__(self) -> None:
        plan = self.plan
        self._model = plan.built.model
        self._controls = Controls(
            self.waiting, self._send_in_order, plan.request, self._obey, plan.run.folder
        )
        self._callbacks = Callbacks(plan.callbacks, self._model)
        self._batches = plan.train
        self._validation = (
            Validation(self._model, plan.validation, plan.strategy)
            if plan.validation is not None
            else None
        )
        self._break = Break()
        self._pace = Pace(plan.steps_per_call)
        self._epoch, self._step, self._done = plan.fit.initial_epoch, 0, 0
        self._last = plan.fit.epochs
        self._order: Any = None
        self._unwritten: list[np.ndarray] = []
        self._steering = Steering(plan.built)
        if plan.resume is not None:
            self._steering.redo(plan.resume.steered, self._batches)
        self._train = train_steps(self._model, self._batches, self.plan.strategy)
        self._use_batch_size()

    def train(self) -> None:
        """Train to the end. The newest state is in the run folder whatever happens.

        Raises:
            StopRequestedError: the user stopped; with ``keep`` the state at that step is saved.
            KBuilderError: the loss is not a number any more, or the run could not be written.
        """
        self._order = self._batches.order(self._epoch)
        self._train.trace(self._order)
        self._callbacks.begin(self._last, self._batches.steps)
        self._resume()
        self.proof = Proof(self.plan.built.layers, self.plan.built.graph)
        self._keeper = Keeper(
            self.plan.run, self.plan.fit.keep_every, self.history, self._tell, self._note
        )
        names = [name for name in self._train.names if name != RUNNING_LOSS]
        self._columns = [self._train.names.index(name) for name in names]
        self._points = Points(self.send, self.plan.request, names)
        self._names = names
        self._tell_start()
        try:
            if self.plan.held:
                self._controls.hold()
            while self._epoch < self._last and not self._callbacks.wants_end:
                self._run_epoch()
        except StopRequestedError as stop:
            if stop.keep:
                self._keep_position()
            raise
        finally:
            self._points.flush()
        self._finalize()
        if self.state is not None:
            self.plan.run.save(self.state)

    # --- start and end --------------------------------------------------------------------------

    def _tell_start(self) -> None:
        plan = self.plan
        self.send(
            TrainingStarted(
                request=plan.request,
                run=str(plan.run.folder),
                first_epoch=self._epoch,
                epochs=self._last,
                steps_per_epoch=self._batches.steps,
                batch_size=self._batches.batch_size,
                samples=self._batches.samples,
                curve_from=self.plan.fit.initial_epoch if plan.source else self._epoch,
            )
        )
        if plan.source is not None and plan.resume is not None:
            for event in past_events(plan.source.folder, plan.resume, plan.request):
                self.send(event)
            self._note("resumed", f"Goes on from {plan.source.folder.name}")

    def _resume(self) -> None:
        plan, state = self.plan, self.plan.resume
        plan.run.begin(plan.source, state)
        if state is None:
            self._model.reset_metrics()
            return
        went_on = restore(self._model, state)
        self._callbacks.restore(state.callbacks)
        _assign(self._batches.variables, state.generators)
        self._epoch, self._step, self._done = state.epoch, state.step, state.done
        self.history = list(state.history)
        self._last = self._epochs_to_reach()
        if self._step and state.steps_per_epoch != self._batches.steps:
            self._done -= self._step
            self._step = 0
        if not self._step:
            self._model.reset_metrics()
        if not went_on and state.optimizer:
            self._tell(
                "The optimizer or the frozen layers changed: "
                "the weights go on, the optimizer starts afresh."
            )

    def _epochs_to_reach(self) -> int:
        """A run that is complete already goes on for as many epochs again."""
        if self.plan.extend:
            return self._epoch + self.plan.extend
        epochs = int(self._steering.done.get("epochs", self.plan.fit.epochs))
        return epochs if self._epoch < epochs else self._epoch + epochs

    def _finalize(self) -> None:
        """Let callbacks end, and take the averages of the weights if the optimizer keeps them, as ``fit``."""
        if self.state is None:
            return
        self._callbacks.end(self.history[-1] if self.history else {})
        optimizer = self._model.optimizer
        if getattr(optimizer, "use_ema", False):
            optimizer.finalize_variable_values(self._model.trainable_variables)
        self._keeper.end()
        self.state = self._captured()

    # --- an epoch -------------------------------------------------------------------------------

    def _run_epoch(self) -> None:
        begun = time.monotonic()
        if not self._step:
            self._begin_epoch()
        else:
            self._order = self._batches.order(self._epoch)
        paused_s = self._controls.check()
        paused_s += self._run_steps()
        logs = self._logs()
        metrics = [np.array(variable.numpy()) for variable in self._model.metrics_variables]
        validating = time.monotonic()
        try:
            logs |= self._validate()
        except StopRequestedError:
            self.state = replace(self._captured(), metrics=metrics)
            raise
        ended = time.monotonic()
        self._end_epoch(logs, ended - begun - paused_s, ended - validating)

    def _begin_epoch(self) -> None:
        self._use_batch_size()
        self._order = self._batches.order(self._epoch)
        self._callbacks.begin_epoch(self._epoch)

    def _run_steps(self) -> float:
        """The steps that are left of this epoch; returns the seconds spent in pauses."""
        paused_s = 0.0
        try:
            while self._step < self._batches.steps:
                rows = self._call()
                healthy = np.isfinite(rows[:, 0])
                kept = rows[healthy][:, self._columns]
                self._unwritten.append(kept)
                self._points.add(self._epoch, self._done, kept)
                self._step += len(kept)
                self._done += len(kept)
                self.started = True
                if not healthy.all():
                    self._end_not_finite(rows[-1])
                paused_s += self._between_calls(kept)
        finally:
            self._write_rows()
        return paused_s

    def _write_rows(self) -> None:
        """The values of steps that the run's table does not have yet."""
        if self._unwritten:
            table = np.concatenate(self._unwritten)
            self._unwritten = []
            first = self._done - len(table)
            self._keeper.record(
                partial(self.plan.run.add_batches, self._epoch, first, self._names, table.tolist())
            )

    def _captured_within(self) -> State:
        """The state in the middle of an epoch; the tables have everything before it."""
        self._write_rows()
        return self._captured()

    def _call(self) -> np.ndarray:
        single = self._callbacks.each_batch or self._controls.stepping == "batch" or self._breaks
        count = 1 if single else min(self._pace.count, self._batches.steps - self._step)
        if self._controls.stepping == "batch":
            self._tell_step()
        if self._callbacks.each_batch:
            self._callbacks.around_batch(self._step)
        begun = time.perf_counter()
        rows = self._train(self._order, self._step, count)
        seconds = time.perf_counter() - begun
        if not single:
            self._pace.learn(len(rows), seconds)
        if self.watching is not None:
            samples = min(len(rows) * self._batches.batch_size, self._batches.samples)
            losses = rows[:, self._train.names.index(LOSS)]
            self.watching.after_steps(losses, self._done + len(rows), samples, seconds)
        if self._callbacks.each_batch:
            self._callbacks.around_batch(self._step, self._as_logs(rows[-1]))
        return rows

    def _between_calls(self, rows: np.ndarray) -> float:
        """Hold where a Step or a Break says so, obey what has come, and save in long epochs."""
        paused_s = self._controls.hold_after("batch")
        reason = self._reason_to_hold(rows)
        if reason:
            self._note("paused", reason)
            paused_s += self._controls.hold(reason)
        paused_s += self._controls.check()
        if self._step < self._batches.steps:
            self._keeper.offer(self._captured_within)
        return paused_s

    @property
    def _breaks(self) -> bool:
        return self._break != Break()

    def _reason_to_hold(self, rows: np.ndarray) -> str:
        if not self._breaks or not len(rows):
            return ""
        for name, limit in (
            (LOSS, self._break.loss_above),
            (GRADIENT_NORM, self._break.gradient_above),
        ):
            value = float(rows[-1][self._names.index(name)])
            if limit is not None and value > limit:
                return f"The {name} of step {self._step} is {value:.4g}, above {limit:g}."
        return ""

    def _validate(self) -> Logs:
        """Logs of the validation samples, in the epochs that have one.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        if self._validation is None or (self._epoch + 1) % self.plan.fit.validation_freq:
            return {}
        self._callbacks.begin_validation()

        def between() -> None:
            self._points.send_if_due()
            self._controls.check()

        logs = self._validation.run(between)
        self._callbacks.end_validation(logs)
        return logs

    def _end_epoch(self, logs: Logs, seconds: float, validation_seconds: float) -> None:
        epoch = self._epoch
        rate = learning_rate(self._model)
        told = self._callbacks.end_epoch(epoch, logs)
        self.history.append(logs)
        self._epoch, self._step = epoch + 1, 0
        self._model.reset_metrics()
        self.state = self._captured()
        self._points.end_epoch(
            EpochEnded(
                request=self.plan.request,
                epoch=epoch,
                logs=logs,
                seconds=seconds,
                step=self._done,
                learning_rate=rate,
                validation_seconds=validation_seconds,
            )
        )
        for text in told:
            self._note("callback", text)
        self._keeper.end_epoch(self.state, logs, seconds)
        if self.watching is not None:
            last = self._epoch >= self._last or self._callbacks.wants_end
            self.watching.end_epoch(self.state, rate, last=last)
        if self.watched is not None:
            self._show(self.watched, epoch)
        self._controls.hold_after("epoch")

    # --- controls -------------------------------------------------------------------------------

    def _obey(self, control: Control) -> None:
        if isinstance(control, Watch):
            self._watch(control)
        elif isinstance(control, Break):
            self._break = control
        elif isinstance(control, Steer):
            try:
                self._steer(changes_of(control))
            except KBuilderError as error:
                self._tell(str(error))

    def _steer(self, changes: dict[str, Any]) -> None:
        text = self._steering.change(changes, self._batches, self._epoch)
        if "frozen" in changes:
            self._train = train_steps(self._model, self._batches, self.plan.strategy)
        self._last = changes.get("epochs", self._last)
        if changes:
            self._note("steered", text, **changes)

    def _use_batch_size(self) -> None:
        """Cut batches of the size that was steered to, if any; from the beginning of an epoch."""
        size = self._steering.done.get("batch_size", self._batches.batch_size)
        if size != self._batches.batch_size:
            self._batches = self._batches.with_batch_size(size)
            self._train = train_steps(self._model, self._batches, self.plan.strategy)

    def _tell_step(self) -> None:
        stepped = look_at_batch(
            self.plan.request,
            self.plan.built,
            self._batches,
            self._order,
            self._epoch,
            self._step,
            self._done,
        )
        self._send_in_order(stepped)

    # --- what is told and kept ------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        self.send(Progressed(request=self.plan.request, text=text))

    def _note(self, kind: str, text: str, **values: Any) -> None:
        self._send_in_order(
            Noted(
                request=self.plan.request,
                epoch=self._epoch,
                step=self._done,
                kind=kind,
                text=text,
                values=values,
            )
        )
        self._keeper.record(
            lambda: self.plan.run.log(kind, epoch=self._epoch, step=self._done, text=text)
        )

    def _logs(self) -> Logs:
        results = flatten_logs(self._model.get_metrics_result())
        return {name: float(value) for name, value in results.items()}

    def _as_logs(self, row: np.ndarray) -> Logs:
        """The values of a step as Keras tells them to callbacks."""
        named = dict(zip(self._train.names, row.tolist(), strict=True))
        del named[LOSS], named[GRADIENT_NORM]
        return {LOSS: named.pop(RUNNING_LOSS), **named}

    def _captured(self) -> State:
        return self._placed(capture(self._model))

    def _placed(self, state: State) -> State:
        """The variables with all that belongs to where the training stands now."""
        return replace(
            state.at(self._epoch, self._step, self._batches.steps, self.history, done=self._done),
            generators=[np.array(variable.numpy()) for variable in self._batches.variables],
            callbacks=tuple(self._callbacks.state()),
            steered=self._steering.done,
        )

    def _keep_position(self) -> None:
        """Save where training stands: at this step, or before a validation that was cut short."""
        state = self.state
        in_validation = state is not None and (state.epoch, state.step) == (self._epoch, self._step)
        if state is None or not in_validation:
            state = self.state = self._captured()
        self.plan.run.save(state)

    def _end_not_finite(self, row: np.ndarray) -> None:
        """Keep the last good weights, and name the first layer and the batch.

        Raises:
            BuildError: always.
        """
        state = self._captured()
        if not all(np.isfinite(values).all() for values in state.weights.values()):
            state = self.state or state
        self.plan.run.save(state)
        problem = not_finite_problem(
            self.plan.built,
            batch_at(self._batches, self._step, self._order),
            loss=float(row[self._train.names.index(LOSS)]),
            place=(self._epoch, self._step),
            samples=self._batches.numbers(self._step, self._order),
            kept=state,
        )
        self._note("not finite", problem.text)
        raise BuildError((problem,))

    def _watch(self, watch: Watch) -> None:
        self.watched = watch if watch.node else None
        if self.watched is not None:
            self._show(self.watched, self._epoch)

    def _show(self, watch: Watch, epoch: int) -> None:
        try:
            self.send(self.probe.compute(self.plan.request, watch.node, watch.samples, epoch))
        except KBuilderError as error:
            self.watched = None
            self._tell(str(error))

    def _send_in_order(self, event: Event) -> None:
        """Send what tells of a moment, such as Paused, behind the points that came before it."""
        self._points.flush()
        self.send(event)


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    if len(variables) == len(values):
        for variable, array in zip(variables, values, strict=True):
            variable.assign(array)
