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
from kbuilder.engine.breaking import Breaks
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.callbacks import Callbacks, learning_rate
from kbuilder.engine.checkpoint import State, capture, restore
from kbuilder.engine.controls import ControlQueue, Controls, StopRequestedError
from kbuilder.engine.freezing import Proof
from kbuilder.engine.keeping import AT_END, Keeper
from kbuilder.engine.not_finite import not_finite_problem
from kbuilder.engine.pace import Pace
from kbuilder.engine.plan import Plan
from kbuilder.engine.recording import past_events
from kbuilder.engine.showing import Showing
from kbuilder.engine.steering import Steering, changes_of
from kbuilder.engine.step_rows import StepRows
from kbuilder.engine.stepping import look_at_batch
from kbuilder.engine.steps import LOSS, flatten_logs, train_steps
from kbuilder.engine.validation import Validation
from kbuilder.engine.watching import Watching
from kbuilder.link.events import EpochEnded, PointsLogged, Progressed, TrainingStarted
from kbuilder.link.messages import Control, Event
from kbuilder.link.requests import Break, Steer, Watch
from kbuilder.link.run_events import Noted

Logs = dict[str, float]


@dataclass
class Training:
    """One training in progress.

    ``state`` is the newest that can be gone on from: the last end of an epoch, or where a Stop was obeyed.
    ``started`` tells whether a step has been done. ``proof`` knows the weights before it.
    """

    plan: Plan
    send: Callable[[Event], None]
    waiting: ControlQueue
    probe: Probe
    state: State | None = None
    history: list[Logs] = field(default_factory=list)
    started: bool = False
    proof: Proof | None = None
    watching: Watching | None = None

    def __post_init__(self) -> None:
        plan = self.plan
        self._model = plan.built.model
        tell, folder = self._send_in_order, plan.run.folder
        self._controls = Controls(self.waiting, tell, plan.request, self._obey, folder)
        self._callbacks = Callbacks(plan.callbacks, self._model)
        self._batches = plan.train
        self._validation: Validation | None = None
        if plan.validation is not None:
            self._validation = Validation(self._model, plan.validation, plan.strategy)
        self._breaks = Breaks()
        self._showing = Showing(self.probe, plan.request, self.send)
        self._pace = Pace(plan.steps_per_call)
        self._epoch, self._step, self._done = plan.fit.initial_epoch, 0, 0
        self._last = plan.fit.epochs
        self._order: Any = None
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
        self._rows = StepRows(self._train.names, self.plan.run, self.plan.request, self.send)
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
            self._rows.flush()
        self._finalize()
        if self.state is not None:
            self._keeper.save(self.state)

    # --- start and end --------------------------------------------------------------------------

    def _tell_start(self) -> None:
        plan, past = self.plan, []
        if plan.source is not None and plan.resume is not None:
            past = list(past_events(plan.source.folder, plan.resume, plan.request))
        has_points = any(isinstance(event, PointsLogged) for event in past)
        self.send(
            TrainingStarted(
                request=plan.request,
                run=str(plan.run.folder),
                first_epoch=self._epoch,
                epochs=self._last,
                steps_per_epoch=self._batches.steps,
                batch_size=self._batches.batch_size,
                samples=self._batches.samples,
                curve_from=plan.fit.initial_epoch if has_points else self._epoch,
            )
        )
        for event in past:
            self.send(event)
        if plan.source is not None:
            self._note("resumed", f"Goes on from {plan.source.folder.name}")

    def _resume(self) -> None:
        plan, state = self.plan, self.plan.resume
        plan.run.begin(plan.source, state)
        if state is None:
            self._model.reset_metrics()
            return
        went_on = restore(self._model, state)
        self._callbacks.restore(state.callbacks)
        self._batches.restore(state.generators)
        self._epoch, self._step, self._done = state.epoch, state.step, state.done
        self.history, self.state = list(state.history), state
        self._last = plan.epochs_to_reach(self._epoch, self._steering.done.get("epochs"))
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

    def _finalize(self) -> None:
        """Let callbacks end, and take the averages of the weights if the optimizer keeps them, as ``fit``."""
        if self.state is None:
            return
        self._callbacks.end(self.history[-1] if self.history else {})
        if getattr(self._model.optimizer, "use_ema", False):
            self._model.optimizer.finalize_variable_values(self._model.trainable_variables)
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
                healthy = self._rows.healthy(rows)
                kept = rows[healthy]
                self._rows.add(self._epoch, self._done, kept)
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
        self._keeper.record(partial(self._rows.write, self._epoch, self._done))

    def _captured_within(self) -> State:
        """The state in the middle of an epoch; the tables have everything before it."""
        self._write_rows()
        return self._captured()

    def _call(self) -> np.ndarray:
        single = (
            self._callbacks.each_batch or self._controls.stepping == "batch" or self._breaks.any
        )
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
            self._callbacks.around_batch(self._step, self._rows.as_logs(rows[-1]))
        return rows

    def _between_calls(self, rows: np.ndarray) -> float:
        """Hold where a Step or a Break says so, obey what has come, and save in long epochs."""
        paused_s = self._controls.hold_after("batch")
        reason = self._breaks.reason(rows[-1], self._train.names) if len(rows) else ""
        if reason:
            self._note("paused", reason)
            paused_s += self._controls.hold(reason)
        paused_s += self._controls.check()
        if self._step < self._batches.steps:
            self._keeper.offer(self._captured_within)
        return paused_s

    def _validate(self) -> Logs:
        """Logs of the validation samples, in the epochs that have one.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        if self._validation is None or (self._epoch + 1) % self.plan.fit.validation_freq:
            return {}
        self._callbacks.begin_validation()

        def between() -> None:
            self._rows.send_if_due()
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
        self._rows.end_epoch(
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
        self._showing.show(epoch)
        self._controls.hold_after("epoch")

    # --- controls -------------------------------------------------------------------------------

    def _obey(self, control: Control) -> None:
        if isinstance(control, Watch):
            self._showing.watch(control, self._epoch)
        elif isinstance(control, Break):
            self._breaks.set(control)
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
        built, place = self.plan.built, (self._epoch, self._step, self._done)
        batches, order = self._batches, self._order
        self._send_in_order(look_at_batch(self.plan.request, built, batches, order, place))

    # --- what is told and kept ------------------------------------------------------------------

    def _tell(self, text: str) -> None:
        self.send(Progressed(request=self.plan.request, text=text))

    def _note(self, kind: str, text: str, **values: Any) -> None:
        self._send_in_order(
            Noted(
                request=self.plan.request,
                epoch=max(self._epoch - (kind in AT_END and not self._step), 0),
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

    def _captured(self) -> State:
        return self._placed(capture(self._model))

    def _placed(self, state: State) -> State:
        """The variables with all that belongs to where the training stands now."""
        return replace(
            state.at(self._epoch, self._step, self._batches.steps, self.history, self._done),
            generators=self._batches.captured(),
            callbacks=tuple(self._callbacks.state()),
            steered=self._steering.done,
        )

    def _keep_position(self) -> None:
        """Save where training stands: at this step, or before a validation that was cut short."""
        state = self.state
        in_validation = state is not None and (state.epoch, state.step) == (self._epoch, self._step)
        if state is None or not in_validation:
            state = self.state = self._captured()
        self._keeper.save(state)

    def _end_not_finite(self, row: np.ndarray) -> None:
        """Keep the last good weights, and name the first layer and the batch.

        Raises:
            BuildError: always.
        """
        state = self._captured()
        if not all(np.isfinite(values).all() for values in state.weights.values()):
            state = self.state or state
        self._keeper.save(state)
        loss = float(row[self._train.names.index(LOSS)])
        problem = not_finite_problem(
            self.plan.built, self._batches, self._order, (self._epoch, self._step), loss, state
        )
        self._note("not finite", problem.text)
        raise BuildError((problem,))

    def _send_in_order(self, event: Event) -> None:
        """Send what tells of a moment, such as Paused, behind the points that came before it."""
        self._rows.flush()
        self.send(event)
