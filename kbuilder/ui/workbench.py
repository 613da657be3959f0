"""Keeps the workbench engine in step with the document: shapes after each edit, preview of the data."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from kbuilder.document.advice.advising import advise
from kbuilder.document.advice.evidence import Fields, fields_by_node
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.facts import NodeFacts
from kbuilder.document.own_code import code_problems
from kbuilder.document.problems import Problem, joined
from kbuilder.document.project import Project
from kbuilder.document.rules import Checker
from kbuilder.link.events import CodeChecked, Failed, Finished, Inferred, Previewed, Ready, Stopped
from kbuilder.link.requests import Adapt, CheckCode, CompareWeights, ComputeSchedule, Infer, Preview
from kbuilder.link.values import DataPreview
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.engine_thread import EngineThread

SETTLE_MS = 40


class Workbench(QObject):
    """What is known about the open project without training it.

    Signals:
        facts_changed: shapes, counts or problems are new.
        preview_changed: the data preview, or the reason why there is none, is new.
        code_changed: what the engine says of the own code is new.
        ready: the engine has loaded TensorFlow; carries ``Ready``.
        received: any event of the engine, for those who asked it something themselves.
    """

    facts_changed = Signal()
    preview_changed = Signal()
    code_changed = Signal()
    ready = Signal(object)
    received = Signal(object)

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        engine: EngineThread,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.facts: dict[str, NodeFacts] = {}
        self.problems: tuple[Problem, ...] = ()
        self.checked = False
        """Whether the engine has judged the open project at least once."""
        self.preview: DataPreview | None = None
        self.preview_fault = ""
        self.code_approved = True
        """Whether the own code may run, as far as the engine has been asked."""
        self.code_problems: tuple[Problem, ...] = ()
        self.catalogue = catalogue
        self._document = bridge.document
        self._engine = engine
        self._inferred: tuple[Problem, ...] = ()
        self._checker = Checker(catalogue)
        self._structure: tuple[Project | None, tuple[Problem, ...]] = (None, ())
        self._advice: tuple[Problem, ...] | None = None
        self._told: tuple[dict[str, NodeFacts] | None, tuple[Problem, ...], list[str]]
        self._told = (None, (), [])
        self._failed: tuple[Problem, ...] = ()
        self._memory_bytes = 0
        self._previewed: object = None
        self._infer_request = self._preview_request = self._code_request = 0
        self._inferring = self._infer_again = False
        # Checked in the next turn of the event loop, when all views have followed the change.
        self._check_timer = self._timer(self._check, 0)
        self._preview_timer = self._timer(self._preview, SETTLE_MS)
        bridge.changed.connect(self._follow)
        engine.received.connect(self._take)
        engine.received.connect(self.received)
        engine.died.connect(self._forget_request)

    def start(self) -> None:
        """Ask for everything once; this starts the engine."""
        self._check()
        self.check_code()
        self._preview()

    @Slot()
    def check_code(self) -> None:
        """Ask whether the own code may run and what is wrong with it, and judge the nodes anew."""
        code = self._document.project.custom_code
        self._checker = Checker(self.catalogue)
        self._structure = (None, ())
        self._check_timer.start()
        self._take_code(*code_problems(code, self.catalogue))
        if code.strip() and self.code_approved:
            self._code_request = self._engine.next_request()
            self._engine.send(CheckCode(request=self._code_request, code=code))
        self._infer()

    def _take_code(self, approved: bool, problems: tuple[Problem, ...]) -> None:
        if (approved, problems) != (self.code_approved, self.code_problems):
            self.code_approved, self.code_problems = approved, problems
            self._check_timer.start()
        self.code_changed.emit()

    def compute_schedule(self, last: int) -> int:
        """Ask for the learning rate up to a step; ``received`` brings the answer to this number."""
        project = self._document.project
        request = self._engine.next_request()
        self._engine.send(
            ComputeSchedule(
                request=request,
                optimizer=project.compile.optimizer,
                code=project.custom_code,
                last=last,
            )
        )
        return request

    def adapt(self, nodes: tuple[str, ...]) -> int:
        """Let layers learn from the data; ``received`` brings the answer to this number."""
        path = self._document.path
        request = self._engine.next_request()
        self._engine.send(
            Adapt(
                request=request,
                project=self._document.project,
                nodes=nodes,
                base=str(path.parent) if path else "",
            )
        )
        return request

    def compare_weights(self, run: str) -> int:
        """Ask what of a run's weights still fits; ``received`` brings the answer to this number."""
        project = self._document.project
        request = self._engine.next_request()
        self._engine.send(
            CompareWeights(request=request, graph=project.graph, run=run, code=project.custom_code)
        )
        return request

    @Slot(object)
    def take_failure(self, event: Failed) -> None:
        """Show why a training could not be done beside the other problems, until the next edit."""
        self._failed = event.problems
        self._check()

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        if self._failed:
            self._failed = ()
            self._check_timer.start()
        if changes.replaced:
            self.facts, self._inferred, self._advice = {}, (), None
            self.checked = False
            self.preview, self.preview_fault, self._previewed = None, "", None
            self.preview_changed.emit()
        if changes.compile or changes.fit:
            self._advice = None
        if changes.code or changes.replaced:
            self.check_code()
        if changes.graph or changes.replaced or changes.compile:
            self._infer()  # first: the engine works while the window follows and checks
        if changes.graph or changes.replaced or changes.compile or changes.fit:
            self._check_timer.start()
        if self._wanted_preview() != self._previewed:
            self._preview_timer.start()

    def _wanted_preview(self) -> object:
        """All that a preview depends on; reading a large table again for each wire would be slow."""
        project = self._document.project
        inputs = [(node.id, node.name, node.params) for node in project.graph.inputs]
        outputs = [(node.id, node.name) for node in project.graph.outputs]
        weights = project.fit.sample_weights
        return (project.data, inputs, outputs, weights, self._document.path)

    def _check(self) -> None:
        """Bring the problems up to date: of the drawing, of Keras, and advice.

        Advice follows from facts; after an edit of the graph it waits for the new ones, so that it
        never judges a layer by the shape that it had before.
        """
        project = self._document.project
        if self._structure[0] is not project:
            self._structure = (project, self._checker.check(project))
        if self._advice is None:
            self._advice = advise(
                project, self.catalogue, self.facts, self._fields(), self._memory_bytes
            )
        nodes = project.graph.by_id
        later = (
            [each for each in part if not each.node or each.node in nodes]
            for part in (self.code_problems, self._inferred, self._advice, self._failed)
        )
        self.problems = problems = joined(self._structure[1], *later)
        names = [nodes[each.node].name for each in problems if each.node in nodes]
        told, self._told = self._told, (self.facts, problems, names)
        if told[0] is not self.facts or told[1:] != (problems, names):
            self.facts_changed.emit()

    def _fields(self) -> Fields | None:
        preview = self.preview
        if preview is None:
            return None
        return fields_by_node(preview.fields, preview.inputs, preview.targets)

    def _judge_again(self) -> None:
        """Facts, data or memory are new."""
        self._advice = None
        self._check_timer.start()

    def _infer(self) -> None:
        """Ask for shapes: at once, or when the answer that is under way has come."""
        self._infer_again = self._inferring
        if self._inferring:
            return
        self._inferring = True
        self._infer_request = self._engine.next_request()
        project = self._document.project
        self._engine.send(
            Infer(
                request=self._infer_request,
                graph=project.graph,
                code=project.custom_code,
                dtype_policy=project.compile.dtype_policy,
            )
        )

    def _preview(self) -> None:
        project = self._document.project
        self._previewed = self._wanted_preview()
        if not project.data.kind:
            self.preview, self.preview_fault = None, ""
            self._judge_again()
            self.preview_changed.emit()
            return
        self._preview_request = self._engine.next_request()
        path = self._document.path
        self._engine.send(
            Preview(
                request=self._preview_request,
                graph=project.graph,
                data=project.data,
                base=str(path.parent) if path else "",
                weights=tuple(project.fit.sample_weights.values()),
            )
        )

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, Inferred) and event.request == self._infer_request:
            self.facts, self._inferred, self.checked = event.nodes, event.problems, True
            if not self._infer_again:
                self._advice = None
            self._check()
        elif isinstance(event, Previewed) and event.request == self._preview_request:
            self.preview, self.preview_fault = event.preview, ""
            self._judge_again()
            self.preview_changed.emit()
        elif isinstance(event, Failed) and event.request == self._preview_request:
            self.preview, self.preview_fault = None, event.text
            self._judge_again()
            self.preview_changed.emit()
        elif isinstance(event, CodeChecked) and event.request == self._code_request:
            self._take_code(event.approved, event.problems)
        elif isinstance(event, Ready):
            self._memory_bytes = event.memory_bytes
            self._judge_again()
            self.ready.emit(event)
        elif isinstance(event, Finished | Failed | Stopped):
            self._end(event.request)

    def _end(self, request: int) -> None:
        if request == self._infer_request:
            self._inferring = False
            if self._infer_again:
                self._infer()

    @Slot()
    def _forget_request(self) -> None:
        """The engine died with the question; the next edit asks again."""
        self._inferring = self._infer_again = False

    def _timer(self, action: Callable[[], None], milliseconds: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(action)
        return timer
