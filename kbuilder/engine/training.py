"""The training loop: ``Model.fit``'s steps in ``Model.fit``'s order, several in each graph call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kbuilder.document.errors import KBuilderError, SaveError
from kbuilder.document.options import FitOptions
from kbuilder.engine.activations import Probe
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.checkpoint import State, capture, restore
from kbuilder.engine.controls import ControlQueue, Controls, StopRequestedError
from kbuilder.engine.freezing import Proof
from kbuilder.engine.points import Points
from kbuilder.engine.runs import Run
from kbuilder.engine.steps import (
    LOSS,
    RUNNING_LOSS,
    StepFunction,
    flatten_logs,
    test_steps,
    train_steps,
)
from kbuilder.link.events import EpochEnded, Progressed, TrainingStarted
from kbuilder.link.messages import Event
from kbuilder.link.requests import Watch

CALL_S = 0.05
"""How long one graph call should take: long enough to cost nothing, short enough to stop at once."""

Logs = dict[str, float]


@dataclass
class Pace:
    """How many steps to run in one graph call. Starts with one and at most doubles, or is ``fixed``."""

    fixed: int = 0
    step_s: float = math.inf

    def __post_init__(self) -> None:
        self.count = self.fixed or 1

    def learn(self, count: int, seconds: float) -> None:
        """Take the time of a call into account."""
        self.step_s = seconds / count
        if self.fixed:
            return
        wanted = int(CALL_S / self.step_s) if self.step_s else 2 * self.count
        self.count = max(1, min(2 * self.count, wanted))


@dataclass(frozen=True)
class Plan:
    """What one training is to do: ``validation`` may be None, ``resume`` the state to go on from.

    ``steps_per_call`` is the number of steps in one graph call; 0 finds the best one.
    """

    request: int
    built: BuiltModel
    fit: FitOptions
    train: Batches
    validation: Batches | None
    run: Run
    resume: State | None = None
    source: Run | None = None
    steps_per_call: int = 0


@dataclass
class Training:
    """One training in progress.

    ``state`` is the newest one that can be gone on from: the last end of an epoch, or where a Stop
    was obeyed. ``started`` tells whether a step has been done. ``proof`` knows the weights before it.
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

    def __post_init__(self) -> None:
        plan = self.plan
        self._model = plan.built.model
        self._controls = Controls(self.waiting, self._send_in_order, plan.request, self._watch)
        self._batches = plan.train
        self._train = train_steps(self._model, self._batches)
        self._test: StepFunction | None = None
        if plan.validation is not None:
            self._test = test_steps(self._model, plan.validation)
            self._test_count = plan.validation.steps
        self._pace, self._test_pace = Pace(plan.steps_per_call), Pace()
        self._epoch = self._step = 0
        self._warned = False

    def train(self) -> None:
        """Train to the end. The newest state is in the run folder whatever happens.

        Raises:
            StopRequestedError: the user stopped; with ``keep`` the state at that step is saved.
            KBuilderError: the loss is not a number any more, or the run could not be written.
        """
        self._order = self._batches.order(0)
        self._train.trace(self._order)
        self._resume()
        self.proof = Proof(self.plan.built.layers, self.plan.built.graph)
        names = [name for name in self._train.names if name != RUNNING_LOSS]
        self._columns = [self._train.names.index(name) for name in names]
        self._points = Points(self.send, self.plan.request, names)
        self._names = names
        last = self._last_epoch()
        self.send(
            TrainingStarted(
                request=self.plan.request,
                run=str(self.plan.run.folder),
                first_epoch=self._epoch,
                epochs=last,
                steps_per_epoch=self._batches.steps,
                batch_size=self.plan.fit.batch_size,
                samples=self._batches.samples,
            )
        )
        try:
            while self._epoch < last:
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

    def _finalize(self) -> None:
        """Take the averages of the weights if the optimizer keeps them, as ``fit`` does at its end."""
        optimizer = self._model.optimizer
        if self.state is not None and getattr(optimizer, "use_ema", False):
            optimizer.finalize_variable_values(self._model.trainable_variables)
            self.state = self._captured()

    def _last_epoch(self) -> int:
        """Epochs to reach. A run that is complete already goes on for as many epochs again."""
        epochs = self.plan.fit.epochs
        return epochs if self._epoch < epochs else self._epoch + epochs

    def _resume(self) -> None:
        plan = self.plan
        plan.run.begin(plan.source, plan.resume)
        if plan.resume is None:
            self._model.reset_metrics()
            return
        went_on = restore(self._model, plan.resume)
        self._epoch, self._step = plan.resume.epoch, plan.resume.step
        self.history = list(plan.resume.history)
        same_steps = plan.resume.steps_per_epoch == self._batches.steps
        if self._step and not same_steps:
            self._step = 0
        if not self._step:
            self._model.reset_metrics()
        if not went_on and plan.resume.optimizer:
            self.send(
                Progressed(
                    request=plan.request,
                    text="The optimizer or the frozen layers changed: "
                    "the weights go on, the optimizer starts afresh.",
                )
            )

    def _run_epoch(self) -> None:
        begun = time.monotonic()
        paused_s = self._controls.check()
        collected: list[np.ndarray] = []
        first = self._step
        try:
            while self._step < self._batches.steps:
                rows = self._call(self._train, self._pace, self._step, self._batches.steps)
                self._step += len(rows)
                self.started = True
                kept = rows[:, self._columns]
                collected.append(kept)
                self._points.add(self._epoch, self._total(self._step - len(rows)), kept)
                self._refuse_not_finite(rows, self._step - len(rows))
                paused_s += self._controls.check()
        finally:
            if collected:
                table = np.concatenate(collected).tolist()
                self._record(
                    partial(
                        self.plan.run.add_batches,
                        self._epoch,
                        self._total(first),
                        self._names,
                        table,
                    )
                )
        after_steps = self._captured()
        logs = self._logs()
        try:
            logs |= self._validate()
        except StopRequestedError:
            self.state = after_steps
            raise
        self._end_epoch(after_steps, logs, time.monotonic() - begun - paused_s)

    def _end_epoch(self, state: State, logs: Logs, seconds: float) -> None:
        epoch = self._epoch
        self.history.append(logs)
        self._epoch, self._step = epoch + 1, 0
        self._model.reset_metrics()
        self.state = state.at(self._epoch, 0, self._batches.steps, self.history)
        self._record(partial(self.plan.run.end_epoch, epoch, logs, seconds))
        self._record(partial(self.plan.run.offer, self.state))
        self._points.end_epoch(
            EpochEnded(request=self.plan.request, epoch=epoch, logs=logs, seconds=seconds)
        )
        if self.watched is not None:
            self._show(self.watched, epoch)

    def _record(self, write: Callable[[], None]) -> None:
        """Write to the run folder; a full disk is told once and does not end hours of work."""
        try:
            write()
        except SaveError as error:
            if not self._warned:
                text = f"{error} Training goes on."
                self.send(Progressed(request=self.plan.request, text=text))
            self._warned = True

    def _validate(self) -> Logs:
        """Logs of the validation samples with Keras's ``val_`` names.

        Raises:
            StopRequestedError: a Stop arrived.
        """
        if self._test is None:
            return {}
        self._model.reset_metrics()
        step = 0
        row = np.zeros(0)
        while step < self._test_count:
            rows = self._call(self._test, self._test_pace, step, self._test_count)
            step += len(rows)
            row = rows[-1]
            self._points.send_if_due()
            self._controls.check()
        return {
            f"val_{name}": float(value) for name, value in zip(self._test.names, row, strict=True)
        }

    def _call(self, steps: StepFunction, pace: Pace, first: int, end: int) -> np.ndarray:
        count = min(pace.count, end - first)
        order = self._order if steps is self._train else None
        begun = time.perf_counter()
        rows = steps(order, first, count)
        pace.learn(count, time.perf_counter() - begun)
        return rows

    def _logs(self) -> Logs:
        results = flatten_logs(self._model.get_metrics_result())
        return {name: float(value) for name, value in results.items()}

    def _captured(self) -> State:
        state = capture(self._model)
        return state.at(self._epoch, self._step, self._batches.steps, self.history)

    def _keep_position(self) -> None:
        """Save where training stands: at this step, or before a validation that was cut short."""
        state = self.state
        in_validation = state is not None and (state.epoch, state.step) == (self._epoch, self._step)
        if state is None or not in_validation:
            state = self.state = self._captured()
        self.plan.run.save(state)

    def _refuse_not_finite(self, rows: np.ndarray, first: int) -> None:
        losses = rows[:, self._train.names.index(LOSS)]
        if np.isfinite(losses).all():
            return
        step = first + int(np.argmin(np.isfinite(losses)))
        if self.state is not None:
            self.plan.run.save(self.state)
            kept = f"The state at the end of epoch {self.state.epoch} is kept. "
        else:
            kept = ""
        raise KBuilderError(
            f"The loss became {losses[step - first]} in epoch {self._epoch + 1} at step {step + 1}, "
            f"where a finite number was expected. {kept}Lower the learning rate, clip the gradients, "
            "or look for missing or very large values in the data."
        )

    def _total(self, step: int) -> int:
        return self._epoch * self._batches.steps + step

    def _watch(self, watch: Watch) -> None:
        self.watched = watch if watch.node else None
        if self.watched is not None:
            self._show(self.watched, self._epoch)

    def _show(self, watch: Watch, epoch: int) -> None:
        try:
            self.send(self.probe.compute(self.plan.request, watch.node, watch.samples, epoch))
        except KBuilderError as error:
            self.watched = None
            self.send(Progressed(request=self.plan.request, text=str(error)))

    def _send_in_order(self, event: Event) -> None:
        """Send what tells of a moment, such as Paused, behind the points that came before it."""
        self._points.flush()
        self.send(event)
