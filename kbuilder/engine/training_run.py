"""One request to train, from what can be refused at once to the run folder that is left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError, SaveError
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.callbacks import FILE_PARAMS, make_callbacks
from kbuilder.engine.compiling import compile_model, unfit_judges
from kbuilder.engine.controls import ControlQueue, StopRequestedError
from kbuilder.engine.failures import failure, fitting_problem
from kbuilder.engine.fit_data import fit_data
from kbuilder.engine.live import LiveModel, LiveModels
from kbuilder.engine.matching import check_fit
from kbuilder.engine.objects import KERAS_ERRORS
from kbuilder.engine.plan import Plan
from kbuilder.engine.recording import Recorder
from kbuilder.engine.replicas import device_scope, refuse_uneven, strategy_for
from kbuilder.engine.runs import Run
from kbuilder.engine.sizes import memory_problem, refuse_batch
from kbuilder.engine.training import Training
from kbuilder.engine.warm_start import start_with, stored_layers
from kbuilder.engine.watching import Watching
from kbuilder.engine.wording import plain_text
from kbuilder.link import run_lock
from kbuilder.link.events import Finished, Progressed, Stopped, WeightsKept
from kbuilder.link.messages import Event
from kbuilder.link.requests import Train


@dataclass
class TrainingRun:
    """Trains as ``request`` says. Everything it tells is sent and kept in the run folder."""

    request: Train
    live: LiveModels
    catalogue: Catalogue
    send: Callable[[Event], None]
    waiting: ControlQueue

    def train(self) -> None:
        """Do all of it.

        Raises:
            StopRequestedError: the user stopped it.
            KBuilderError: it could not be done, or not be gone on with.
        """
        self.live.drop()
        plan, dataset = self._plan()
        recorder = Recorder(plan.run.folder, self.send)
        run_lock.take(plan.run.folder)
        try:
            self._fit(plan, dataset, recorder)
            recorder.keep(Finished(request=self.request.request))
        except StopRequestedError as stop:
            recorder.keep(Stopped(request=self.request.request, kept=stop.keep))
            raise
        except Exception as error:
            recorder.keep(failure(self.request.request, error))
            raise
        finally:
            recorder.close()
            run_lock.release(plan.run.folder)

    def _fit(self, plan: Plan, dataset: data.Dataset, recorder: Recorder) -> None:
        model = LiveModel(self.request.run, self.request.project, plan.built)
        watching = None if plan.strategy else Watching(plan, dataset.classes, recorder)
        training = Training(plan, recorder, self.waiting, model.probe(dataset), watching=watching)
        try:
            with device_scope(self.request.devices, plan.strategy):
                training.train()
        except StopRequestedError as stop:
            plan.run.log("stopped", kept=stop.keep)
            if stop.keep:
                self._keep(model, training, recorder)
            else:
                plan.run.discard()
            raise
        except (MemoryError, *KERAS_ERRORS) as error:
            self._give_up(plan.run, training, error)
            raise BuildError(self._why_not_fitted(plan, error)) from error
        except Exception as error:
            self._give_up(plan.run, training, error)
            if isinstance(error, SaveError):
                # Trained to the end and not written: it can still be looked into and exported.
                self.live.keep(model)
            raise
        self._keep(model, training, recorder)
        plan.run.log("finished")

    def _plan(self) -> tuple[Plan, data.Dataset]:
        """Everything that can be refused before the first step, and then the run folder."""
        request, project = self.request, self.request.project
        check_fit(project.fit, self.catalogue)
        if project.fit.deterministic:
            tf.config.experimental.enable_op_determinism()
        source = Run.open(Path(request.resume)) if request.resume else None
        if source is not None and run_lock.is_held(source.folder):
            raise KBuilderError(
                f"The run “{source.folder.name}” is still being trained by another process. "
                "Stop it there first, or open it to follow it."
            )
        state = source.state_in(request.checkpoint) if source else None
        callbacks = make_callbacks(project.fit.callbacks, self.catalogue, Path(request.run))
        strategy = strategy_for(request.devices)
        with device_scope(request.devices, strategy):
            built = self.live.build(project)
            compile_model(built, project, self.catalogue)
        self.send(Progressed(request=request.request, text="Reading the data"))
        dataset = self.live.load(project.data, project, request.base)
        batches = fit_data(built, project, dataset, self.catalogue, request.base)
        facts = self.live.facts(project)
        refuse_batch(project.graph, facts, batches.train.batch_size, batches.train.samples)
        if strategy is not None:
            refuse_uneven(batches.train, strategy.num_replicas_in_sync)
        if request.weights:
            stored = stored_layers(Run.open(Path(request.weights)), self.catalogue)
            layers = start_with(built, stored)
            self.send(WeightsKept(request=request.request, layers=layers))
        self.send(Progressed(request=request.request, text="Preparing the first step"))
        run = Run.create(Path(request.run), project)
        run.outputs = _outputs(project)
        plan = Plan(
            request=request.request,
            built=built,
            fit=project.fit,
            train=batches.train,
            validation=batches.validation,
            run=run,
            resume=state,
            source=source,
            steps_per_call=project.compile.steps_per_execution,
            extend=request.extend,
            held=request.held,
            callbacks=tuple(callbacks),
            strategy=strategy,
            cut_off=source is not None and run_lock.was_cut_off(source.folder),
        )
        return plan, dataset

    def _why_not_fitted(self, plan: Plan, error: Exception) -> tuple[Problem, ...]:
        project = self.request.project
        if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
            batches, free = plan.train, float(psutil.virtual_memory().available)
            facts = self.live.facts(project)
            size = min(batches.batch_size, batches.samples)
            return (memory_problem(project.graph, facts, size, batches.samples, free),)
        judges = unfit_judges(plan.built, project, plan.train.targets(2), self.catalogue)
        return judges or (fitting_problem(error, project.graph),)

    def _give_up(self, run: Run, training: Training, error: Exception) -> None:
        if not training.started:
            run.discard()
            return
        with contextlib.suppress(OSError):  # the disk may be what failed
            run.log("failed", text=plain_text(error))

    def _keep(self, model: LiveModel, training: Training, recorder: Recorder) -> None:
        self.live.keep(model)
        if training.proof is not None:
            recorder(training.proof.told(self.request.request))


def _outputs(project: Project) -> set[str]:
    """Names in the run folder that callbacks write to."""
    names = {"tensorboard"}
    for callback in project.fit.callbacks:
        for param in FILE_PARAMS:
            if callback.params.get(param):
                names.add(Path(str(callback.params[param])).parts[0])
    return names
