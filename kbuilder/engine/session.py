"""One request after the other: from the messages of the link to the work of the engine."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.document.layout import layout
from kbuilder.document.own_code import teach
from kbuilder.engine import data, weights_mapping
from kbuilder.engine.adapting import adapt
from kbuilder.engine.applications import (
    IMAGENET,
    application_project,
    hand_over,
    imagenet_weights,
)
from kbuilder.engine.arrays import to_array
from kbuilder.engine.checkpoint import capture
from kbuilder.engine.controls import ControlQueue, Controls, StopRequestedError
from kbuilder.engine.devices import devices, findings
from kbuilder.engine.dry_run import dry_run
from kbuilder.engine.exports.exporting import answer
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.failures import failure
from kbuilder.engine.infer import Inference
from kbuilder.engine.live import LiveModels
from kbuilder.engine.model_files import Opening, load_weights, opening
from kbuilder.engine.own_code import check_code
from kbuilder.engine.precision import under_policy
from kbuilder.engine.predicting import evaluate, predict
from kbuilder.engine.runs import Run
from kbuilder.engine.schedules import learning_rates
from kbuilder.engine.sweeping import Sweeping
from kbuilder.engine.training_run import TrainingRun
from kbuilder.engine.warm_start import compare, stored_layers
from kbuilder.link.events import (
    Adapted,
    Arranged,
    CodeChecked,
    Finished,
    Inferred,
    ModelOpened,
    Previewed,
    Progressed,
    ScheduleComputed,
    Stopped,
    WeightsKept,
    WeightsLoaded,
    WeightsMatched,
)
from kbuilder.link.messages import Event, Request
from kbuilder.link.requests import (
    Adapt,
    Arrange,
    CheckCode,
    CompareWeights,
    ComputeActivations,
    ComputeSchedule,
    DryRun,
    Evaluate,
    Export,
    FindDevices,
    Infer,
    LoadWeights,
    MakeApplication,
    MatchWeights,
    OpenModel,
    Predict,
    Preview,
    Quit,
    Sweep,
    Train,
)
from kbuilder.link.run_events import DevicesFound
from kbuilder.link.steered import steered_in


class Session:
    """The engine without its process: takes requests, sends events, keeps the latest model.

    ``controls`` takes Pause, Continue, Stop and Watch from any thread or signal handler while a
    request is running. Exactly one ``Finished``, ``Failed`` or ``Stopped`` ends each request.
    """

    def __init__(self, send: Callable[[Event], None], catalogue: Catalogue | None = None) -> None:
        self.controls: ControlQueue = queue.SimpleQueue()
        self._send = send
        self._running: type[Request] | None = None
        self._catalogue = catalogue or load_catalogue()
        self._inference = Inference(self._catalogue)
        self._live = LiveModels(self._catalogue, self._inference)
        self._handlers: dict[type[Request], Callable[[Any], None]] = {
            Infer: self._infer,
            Arrange: self._arrange,
            Preview: self._preview,
            CheckCode: self._check_code,
            ComputeSchedule: self._compute_schedule,
            CompareWeights: self._compare_weights,
            Train: self._train,
            DryRun: self._dry_run,
            FindDevices: self._find_devices,
            Sweep: self._sweep,
            Predict: lambda asked: self._send(predict(asked, self._live)),
            Evaluate: lambda asked: self._send(evaluate(asked, self._live)),
            ComputeActivations: self._activations,
            Export: self._export,
            Adapt: self._adapt,
            OpenModel: self._open_model,
            MakeApplication: self._make_application,
            MatchWeights: self._match_weights,
            LoadWeights: self._load_weights,
            Quit: lambda request: None,
        }

    @property
    def outlives_asker(self) -> bool:
        """Whether the running request is to go on when nobody listens any more."""
        return self._running in (Train, Sweep)

    def handle(self, request: Request) -> None:
        """Do what is asked and send its events. Never raises for what a request can cause."""
        end: Event
        self._running = type(request)
        try:
            self._learn(request)
            self._handlers[type(request)](request)
            end = Finished(request=request.request)
        except StopRequestedError as stop:
            end = Stopped(request=request.request, kept=stop.keep)
        except Exception as error:  # noqa: BLE001 - the asker waits for an end, whatever happened
            end = failure(request.request, error)
        self._running = None
        while not self.controls.empty():
            self.controls.get()
        self._send(end)

    def _learn(self, request: Request) -> None:
        """Know the classes of the own code that comes with a request."""
        project = getattr(request, "project", None)
        code = project.custom_code if project is not None else getattr(request, "code", None)
        if code is not None and teach(self._catalogue, code):
            self._live.drop()
            self._inference.forget()

    def _infer(self, request: Infer) -> None:
        with under_policy(request.dtype_policy):
            nodes, problems = self._inference.infer(request.graph)
        self._send(Inferred(request=request.request, nodes=nodes, problems=problems))

    def _check_code(self, request: CheckCode) -> None:
        approved, problems = check_code(request.code, self._catalogue)
        self._inference.forget()  # the code may have been approved just now
        self._send(CodeChecked(request=request.request, approved=approved, problems=problems))

    def _compute_schedule(self, request: ComputeSchedule) -> None:
        rates = learning_rates(self._catalogue, request.optimizer, request.last, request.points)
        self._send(ScheduleComputed(request=request.request, rates=to_array(rates)))

    def _arrange(self, request: Arrange) -> None:
        places = layout(request.graph, request.only)
        self._send(Arranged(request=request.request, places=places))

    def _preview(self, request: Preview) -> None:
        preview = data.preview(
            request.data, request.graph, request.base, self._catalogue.code, request.weights
        )
        self._send(Previewed(request=request.request, preview=preview))

    def _compare_weights(self, request: CompareWeights) -> None:
        stored = stored_layers(Run.open(Path(request.run)), self._catalogue)
        layers = compare(request.graph, self._inference.weight_shapes(request.graph), stored)
        self._send(WeightsKept(request=request.request, layers=layers))

    def _train(self, request: Train) -> None:
        TrainingRun(request, self._live, self._catalogue, self._send, self.controls).train()

    def _sweep(self, request: Sweep) -> None:
        def train(wanted: Train, hear: Callable[[Event], None]) -> None:
            TrainingRun(wanted, self._live, self._catalogue, hear, self.controls).train()

        Sweeping(request, self._catalogue, self._send, self.controls, train).run()

    def _dry_run(self, request: DryRun) -> None:
        controls = Controls(self.controls, self._send, request.request, lambda control: None)
        self._send(dry_run(request, self._live, self._catalogue, self._send, controls.check))

    def _find_devices(self, request: FindDevices) -> None:
        found = DevicesFound(request=request.request, devices=devices(), findings=findings())
        self._send(found)

    def _activations(self, request: ComputeActivations) -> None:
        model = self._live.get(request.project, request.run)
        dataset = self._live.load(request.project.data, model.project, request.base)
        probe = model.probe(dataset)
        self._send(probe.compute(request.request, request.node, request.samples))

    def _adapt(self, request: Adapt) -> None:
        dataset = self._live.load(request.project.data, request.project, request.base)
        params = adapt(request.project, request.nodes, dataset.inputs, self._catalogue)
        self._send(Adapted(request=request.request, params=params))

    def _export(self, request: Export) -> None:
        model = self._live.get(request.project, request.run)
        inputs = None
        if request.project.data.kind:
            dataset = self._live.load(request.project.data, model.project, request.base)
            inputs = [dataset.inputs[node.id] for node in model.project.graph.inputs]
        subject = Subject.of(
            model.built,
            model.project,
            inputs,
            rebuild=lambda: self._live.build(model.project),
            name=Path(request.path).name.partition(".")[0],
            base=request.base,
            check=Controls(self.controls, self._send, request.request, lambda watch: None).check,
            steered=steered_in(request.run),
        )
        self._send(answer(request, subject, self._catalogue))

    def _open_model(self, request: OpenModel) -> None:
        with opening(Path(request.path)) as found:
            self._send(
                ModelOpened(
                    request=request.request,
                    project=found.project,
                    run=request.run if found.has_weights else "",
                    notes=found.notes,
                )
            )
            if found.has_weights:
                self._keep_weights(request, found)

    def _keep_weights(self, request: OpenModel, found: Opening) -> None:
        """The weights of an opened model as a run; none is left when this is stopped or fails."""
        controls = Controls(self.controls, self._send, request.request, lambda watch: None)

        def tell(text: str, fraction: float) -> None:
            controls.check()
            self._send(Progressed(request=request.request, text=text, fraction=fraction))

        self._live.drop()
        opened = found.load(tell)
        tell("Keeping the weights", 0.9)
        run = Run.create(Path(request.run), opened.project)
        try:
            run.log("opened", path=request.path)
            run.save(capture(opened.model))
        except Exception:
            run.discard()
            raise
        self._send(
            WeightsLoaded(
                request=request.request,
                run=request.run,
                loaded=opened.loaded,
                left=(),
                notes=opened.notes[len(found.notes) :],
            )
        )

    def _make_application(self, request: MakeApplication) -> None:
        project = application_project(request, self._catalogue)
        run = request.run if request.weights else ""
        self._send(ModelOpened(request=request.request, project=project, run=run))
        if not run:
            return
        built = self._live.build(project)
        if request.weights == IMAGENET:
            self._send(Progressed(request=request.request, text="Fetching the weights"))
            loaded, left = hand_over(imagenet_weights(request), built.model)
        else:
            loaded, left = load_weights(built.model, Path(request.weights))
        kept = Run.create(Path(run), project)
        kept.log("opened", application=request.name, weights=request.weights)
        kept.save(capture(built.model))
        self._live.drop()
        self._send(WeightsLoaded(request=request.request, run=run, loaded=loaded, left=left))

    def _match_weights(self, request: MatchWeights) -> None:
        built = self._live.build(request.project)
        matches, sources = weights_mapping.matched(built, Path(request.path), request.by)
        self._send(WeightsMatched(request=request.request, matches=matches, sources=sources))

    def _load_weights(self, request: LoadWeights) -> None:
        built = self._live.build(request.project)
        loaded, left = weights_mapping.load(built, Path(request.path), request.mapping)
        run = Run.create(Path(request.run), request.project)
        run.log("weights loaded", path=request.path)
        run.save(capture(built.model))
        self._live.drop()
        self._send(
            WeightsLoaded(
                request=request.request, run=request.run, loaded=tuple(loaded), left=tuple(left)
            )
        )
