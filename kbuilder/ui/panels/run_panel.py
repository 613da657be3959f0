"""What is worth knowing of the run beside its curves, and the ways to steer it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from kbuilder.document.document import Document
from kbuilder.ui.forms.section import Section
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.device_section import DeviceSection
from kbuilder.ui.panels.events_section import EventsSection
from kbuilder.ui.panels.findings_section import FindingsSection
from kbuilder.ui.panels.runs_section import RunsSection
from kbuilder.ui.panels.steer_section import SteerSection
from kbuilder.ui.panels.step_section import StepSection
from kbuilder.ui.panels.weights_proof import WeightsProof
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State


class RunPanel(QScrollArea):
    """The right column of the Train workspace; folds and scrolls where room is scarce.

    Signals:
        fix_wanted: a remedy of the training doctor.
        node_wanted: the id of a layer to show.
    """

    fix_wanted = Signal(object)
    node_wanted = Signal(str)

    def __init__(
        self, document: Document, training: Training, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self.setProperty("role", "side-right")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.runs = RunsSection(training.runs_folder)
        self.device = DeviceSection()
        self.events = EventsSection()
        self.findings = FindingsSection()
        self.steering = SteerSection(document, training)
        self.stepping = StepSection(document, training)
        self._last = label()
        self._weights = WeightsProof()
        self._weights.setMinimumHeight(120)
        self._folder = label(role="muted")
        self._folder.setWordWrap(True)
        self._state = label(role="strong")
        self._findings_of: tuple[object, ...] = ()
        self.findings.fix_wanted.connect(self.fix_wanted)
        self.findings.node_wanted.connect(self.node_wanted)
        body = QWidget()
        body.setProperty("role", "side")
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(2)
        self.sections: dict[str, Section] = {}
        for key, title, widgets, open_ in (
            ("runs", self.tr("Runs"), (self.runs,), True),
            ("findings", self.tr("Findings"), (self.findings,), True),
            ("device", self.tr("Device"), (self.device,), True),
            ("events", self.tr("Events"), (self.events,), True),
            ("steer", self.tr("Steer this run"), (self.steering,), True),
            ("step", self.tr("Step"), (self.stepping,), False),
            ("last", self.tr("Last epoch"), (self._last,), False),
            ("weights", self.tr("Weights"), (self._weights, self._folder), False),
        ):
            section = self.sections[key] = Section(title)
            for widget in widgets:
                section.rows.addWidget(widget)
            section.unfold(open_)
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(body)
        training.state_changed.connect(self.refresh)
        training.ended.connect(self.runs.refresh)
        training.stepped.connect(self._unfold_step)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the run as it is now."""
        run = self._training.live
        self._state.setText(self._state_text())
        active = self._training.active
        folder = (run.started.run if run else "") or self._training.run
        self.runs.show_current(folder, self._state_text() if active else "")
        self.device.show_measure(run.machine[-1] if run and run.machine else None)
        self.events.show_events(run.notes if run else ())
        self._show_findings(run)
        if run is not None:
            self.steering.show_run(run)
        self._show_last(run)
        self._show_weights()

    def _show_findings(self, run: LiveRun | None) -> None:
        findings = run.findings if run else ()
        self.findings.show_findings(findings)
        title = self.tr("Findings")
        count = len(findings)
        self.sections["findings"].set_title(f"{title}  {count}" if count else title)

    def _show_last(self, run: LiveRun | None) -> None:
        lines = [f"{logs[-1][1]:.4f}  {name}" for name, logs in run.epochs.items()] if run else []
        self._last.setText("\n".join(lines) or "—")

    def _show_weights(self) -> None:
        graph = self._document.project.graph
        shown = (self._training.frozen, tuple(self._training.kept.items()), graph)
        if shown == self._findings_of:
            return
        self._findings_of = shown
        self._weights.show_proof(self._training.frozen, self._training.kept, graph)
        # A path may be wrapped after each slash, or it would widen the whole window.
        path = self._training.run.replace("/", "/\u200b")
        self._folder.setText(path or self.tr("Nothing trained yet."))

    def _state_text(self) -> str:
        texts = {
            State.IDLE: self.tr("Idle"),
            State.LOADING: self.tr("Loading the weights…"),
            State.STARTING: self.tr("Building the model…"),
            State.RUNNING: self.tr("Training"),
            State.PAUSED: self.tr("Paused"),
            State.STOPPING: self.tr("Stopping after this step…"),
        }
        return texts[self._training.state]

    @Slot()
    def _unfold_step(self) -> None:
        self.sections["step"].unfold(True)
