"""The window: puts the parts together, decides nothing that a part can decide."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from kbuilder import __version__
from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.options import DataOptions
from kbuilder.link.events import Failed, Progressed, Ready
from kbuilder.ui import actions, dialogs, theme
from kbuilder.ui.canvas.arranging import Arranging
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.view import CanvasView
from kbuilder.ui.command_palette import CommandPalette
from kbuilder.ui.devices import Devices
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.dry_runs import DryRuns
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.exporting import exporting, offer_export
from kbuilder.ui.files import Files
from kbuilder.ui.own_classes import OwnClasses
from kbuilder.ui.panels.design_workspace import DesignWorkspace
from kbuilder.ui.queue import Queue
from kbuilder.ui.start_page import StartPage
from kbuilder.ui.text import count_text
from kbuilder.ui.top_bar import StatusLine, TopBar
from kbuilder.ui.train_links import TrainLinks
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State
from kbuilder.ui.workbench import Workbench

DATA, DESIGN, TRAIN, INSPECT, RUNS = range(5)
HINT_MS = 8000


class MainWindow(QMainWindow):
    """Document, engines and workspaces of one window.

    Signals:
        painted: the first picture is on the screen, so what it need not wait for may begin.
    """

    painted = Signal()

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        engines: tuple[EngineThread, EngineThread],
        settings: QSettings,
        unsaved_runs: Path,
    ) -> None:
        super().__init__()
        self.document: Document = document
        self.catalogue = catalogue
        self.settings = settings
        self._engines = engines
        self.bridge = DocumentBridge(document, self)
        self.own_classes = OwnClasses(self.bridge, catalogue, self)
        self.workbench = Workbench(self.bridge, catalogue, engines[0], self)
        self.training: Training = Training(document, engines[1], unsaved_runs, self)
        self.queue: Queue = Queue(document, self.training, self)
        self.files: Files = Files(document, self.training, settings, self)
        self.design = DesignWorkspace(self.bridge, catalogue, self.workbench, self.training)
        self.scene: CanvasScene = self.design.scene
        self.view: CanvasView = self.design.view
        self.arranging: Arranging = Arranging(self.scene, engines[0], self)
        self.actions_by_id = actions.make_actions(self)
        self.addActions(list(self.actions_by_id.values()))
        actions.fill_menus(self.menuBar(), self.actions_by_id)
        self.command_palette: CommandPalette = CommandPalette(self.actions_by_id, self)
        names = (self.tr("Data"), self.tr("Design"), self.tr("Train"), self.tr("Inspect"))
        self._top = TopBar(self.actions_by_id, [*names, self.tr("Runs")])
        self._status = StatusLine()
        self._stack = QStackedWidget()
        self._pages: dict[int, QWidget] = {DESIGN: self.design}
        self._start: StartPage | None = None
        self._has_painted = False
        self.devices: Devices = Devices(document, self.training, engines[1], self)
        self.dry_runs: DryRuns = DryRuns(document, self.training, engines[1], self)
        self._hint_timer = QTimer(self)
        self._hint_timer.setSingleShot(True)
        self._hint_timer.setInterval(HINT_MS)
        self._hint_timer.timeout.connect(lambda: self._status.show_text("hint", ""))
        self._lay_out()
        self._connect()
        self.show_workspace(DESIGN)
        self.refresh()
        self.view.setFocus()

    # --- workspaces -----------------------------------------------------------------------------

    def show_workspace(self, number: int) -> None:
        """Bring one of the five workspaces up; it is made on its first use."""
        self._stack.setCurrentWidget(self.page(number))
        self._top.show_workspace(number)

    def page(self, number: int) -> QWidget:
        """One of the workspaces, made if it was not needed yet."""
        if number not in self._pages:
            self._pages[number] = self._make_page(number)
            self._stack.addWidget(self._pages[number])
        return self._pages[number]

    def show_start(self) -> None:
        """Bring up the start page."""
        self._start = StartPage(self.files.recent())
        self._start.sample_chosen.connect(self.files.open_sample)
        self._start.template_chosen.connect(self.files.open_template)
        self._start.path_chosen.connect(self.files.open_path)
        self._start.open_wanted.connect(self.files.open)
        self._start.new_wanted.connect(self.files.new)
        self._stack.addWidget(self._start)
        self._stack.setCurrentWidget(self._start)

    def _make_page(self, number: int) -> QWidget:
        # Imported here: pyqtgraph and NumPy cost a quarter of a second that the first picture
        # of the window need not wait for.
        if number == DATA:
            from kbuilder.ui.panels.data_workspace import DataWorkspace

            data = DataWorkspace(self.bridge, self.workbench)
            data.source_wanted.connect(self.files.choose_source)
            return data
        if number == TRAIN:
            from kbuilder.ui.panels.compile_panel import CompilePanel
            from kbuilder.ui.panels.train_workspace import TrainWorkspace

            panel = CompilePanel(self.bridge, self.catalogue, self.workbench)
            self.own_classes.changed.connect(panel.offer_anew)
            page = TrainWorkspace(panel, self.document, self.training, self.catalogue)
            TrainLinks(page, self)
            return page
        if number == INSPECT:
            from kbuilder.ui.panels.inspect_workspace import InspectWorkspace

            return InspectWorkspace(self.bridge, self.catalogue, self.workbench, self.training)
        from kbuilder.ui.panels.runs_workspace import RunsWorkspace

        runs = RunsWorkspace(self.bridge, self.catalogue, self.training, self.queue)
        runs.run_chosen.connect(self._use_run)
        runs.export_wanted.connect(self._export_run)
        runs.told.connect(self.tell)
        return runs

    # --- what actions call ----------------------------------------------------------------------

    def train(self, *, resume: bool = False) -> None:
        """Start a run and show it."""
        self.show_workspace(TRAIN)
        self.training.start(resume=resume)

    def step(self, unit: str) -> None:
        """Run one batch or epoch and show it; from idle, of a new training."""
        self.show_workspace(TRAIN)
        self.training.step(unit)

    def may_train(self) -> bool:
        """Whether a training could start now."""
        return self.training.state is State.IDLE and not self.blocking_problem()

    def blocking_problem(self) -> str:
        """The first problem that keeps the model from being trained, or why data are missing."""
        for problem in self.workbench.problems:
            if problem.severity == "error":
                return problem.text
        if not self.document.project.data.kind:
            return self.tr("Choose the data to train with in the Data workspace.")
        return self.workbench.preview_fault

    def show_problem(self, step: int) -> None:
        """Go to the next problem, or to the one before."""
        self.show_workspace(DESIGN)
        self.design.problems.show_next(step)

    def show_code(self) -> None:
        """Bring up the editor of own code."""
        self.show_workspace(DESIGN)
        self.design.problems.show_code()

    def show_tuning(self) -> None:
        """Bring up the steps of fine-tuning."""
        self.show_workspace(DESIGN)
        self.design.problems.show_tuning()

    def switch_theme(self) -> None:
        """From dark to light and back; remembered."""
        choice = "light" if theme.current().dark else "dark"
        self.settings.setValue("theme", choice)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        theme.apply_theme(application, choice)

    def about(self) -> None:
        """Say what this is."""
        text = self.tr("Version {0}. Design, train and understand Keras models.\nApache-2.0.")
        dialogs.show_facts(self, self.tr("kbuilder"), text.format(__version__))

    # --- following ------------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Title, buttons and status line as things are now."""
        actions.refresh(self, self.actions_by_id)
        self._top.show_state(self.training.state, trained=bool(self.training.run))
        self._top.sync_buttons()
        reason = "" if self.training.active else self.blocking_problem()
        self.actions_by_id["train"].setToolTip(reason or self.tr("Train from the first epoch"))
        name = self.document.name or self.tr("untitled")
        self.setWindowTitle(f"{name}[*] — kbuilder")
        self.setWindowModified(self.document.modified)
        self.view.breadcrumb.set_project(name)
        self._show_status()

    def _show_status(self) -> None:
        facts = self.workbench.facts
        total = sum(fact.trainable_params + fact.fixed_params for fact in facts.values())
        learning = sum(
            facts[node.id].trainable_params
            for node in self.document.project.graph.nodes
            if node.id in facts and node.trainable
        )
        count = len(self.document.project.graph.nodes)
        if self.document.modified:
            saved = self.tr("● Unsaved changes")
        elif self.document.path is None:
            saved = self.tr("● Not saved yet")
        else:
            saved = self.tr("● Saved")
        self._status.show_text("saved", saved)
        self._status.show_text("layers", self.tr("{0} layers").format(count))
        self._status.show_text(
            "weights",
            self.tr("{0} parameters · {1} trainable").format(
                count_text(total), count_text(learning)
            ),
        )
        preview, data = self.workbench.preview, self.document.project.data
        name = Path(data.path).name if data.kind else self.tr("no data")
        samples = self.tr(" · {0} samples").format(f"{preview.samples:,}") if preview else ""
        self._status.show_text("data", name + samples)

    @Slot(str)
    def tell(self, text: str) -> None:
        """Show a sentence in the status line for a while."""
        self._status.show_text("hint", text)
        self._hint_timer.start()

    @Slot(object)
    def _take_ready(self, event: Ready) -> None:
        self._status.show_text(
            "versions",
            f"Keras {event.keras_version} · TensorFlow {event.tensorflow_version}",
        )
        self.devices.use_default(event.device, event.why_not_gpu)
        # The trainer is started ahead, so that Train begins at once.
        self._engines[1].warm_up()

    @Slot(object)
    def _take_failure(self, event: Failed) -> None:
        if event.request and event.request == exporting(self):
            return  # the dialog tells it
        dialogs.show_error(self, self.tr("This could not be done"), event.text, event.details)
        named = [problem.node for problem in event.problems if problem.node]
        if named:
            self.show_workspace(DESIGN)
            self.design.go_to(named[0])

    @Slot(str, str)
    def _mourn_workbench(self, cause: str, last_words: str) -> None:
        dialogs.show_error(self, self.tr("The engine ended"), cause, last_words)

    @Slot()
    def _forget_progress(self) -> None:
        if self.training.state is State.RUNNING:
            self._status.show_text("hint", "")

    @Slot(object)
    def _take_progress(self, event: Progressed) -> None:
        self.tell(event.text)

    @Slot()
    def _show_facts(self) -> None:
        self.view.find_bar.set_facts(self.workbench.facts)

    @Slot(object)
    def _set_data(self, data: DataOptions) -> None:
        self.document.apply(
            self.tr("Use the data {0}").format(Path(data.path).name),
            lambda project: edits.set_data(project, data),
        )

    @Slot(str)
    def _use_run(self, run: str) -> None:
        self.training.forget(run)
        self.tell(self.tr("Weights of the run {0} are in use.").format(Path(run).name))

    @Slot(str)
    def _export_run(self, run: str) -> None:
        self._use_run(run)
        offer_export(self)

    @Slot()
    def _leave_start(self) -> None:
        if self._start is not None:
            self._stack.removeWidget(self._start)
            self._start.deleteLater()
            self._start = None
        self.show_workspace(DESIGN)
        self.view.show_start()
        self.view.setFocus()

    @Slot()
    def _restyle(self) -> None:
        actions.paint_icons(self.actions_by_id)
        self._top.sync_buttons()

    # --- within ---------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._stack.addWidget(self.design)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addWidget(self._stack, 1)
        self.setCentralWidget(body)
        self.statusBar().addWidget(self._status, 1)
        self.statusBar().setSizeGripEnabled(False)
        self.resize(1280, 800)
        geometry = self.settings.value("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)

    def _connect(self) -> None:
        self.painted.connect(self._restyle)
        self.bridge.changed.connect(self.refresh)
        self.workbench.facts_changed.connect(self.refresh)
        self.workbench.preview_changed.connect(self.refresh)
        self.workbench.ready.connect(self._take_ready)
        self.training.state_changed.connect(self.refresh)
        self.training.state_changed.connect(self._forget_progress)
        self.training.failed.connect(self._take_failure)
        self.training.failed.connect(self.workbench.take_failure)
        self.training.progressed.connect(self._take_progress)
        self._engines[0].died.connect(self._mourn_workbench)
        self.scene.selection_changed.connect(self.refresh)
        self.view.hint.connect(self.tell)
        self.view.inserter.offer_pieces(self.design.library.pieces)
        self.design.problems.told.connect(self.tell)
        self.view.arrange_wanted.connect(self.arranging.arrange)
        self.arranging.told.connect(self.tell)
        self.workbench.facts_changed.connect(self._show_facts)
        self.design.base_wanted.connect(self.files.choose_base)
        self.design.train_wanted.connect(self.train)
        self.own_classes.changed.connect(self.design.palette_panel.refresh)
        self.files.told.connect(self.tell)
        self.queue.told.connect(self.tell)
        self.files.opened.connect(self._leave_start)
        self.files.opened.connect(self.training.find)
        self.files.source_chosen.connect(self._set_data)
        self._top.workspace_chosen.connect(self.show_workspace)
        self._top.device_clicked.connect(self.devices.ask)
        self.devices.shown.connect(self._top.show_device)
        theme.notifier.changed.connect(self._restyle)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell of the first picture."""
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self, self.painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask for unsaved changes, end the engines, remember the place of the window."""
        if not self.files.may_leave():
            event.ignore()
            return
        leaving = dialogs.ask_leaving_training(self) if self.training.trains else "stop"
        if leaving == "stay":
            event.ignore()
            return
        self.queue.close()
        if leaving == "go on":
            self.training.leave()
        elif self.training.state is not State.IDLE:
            self.training.stop(keep=True)
        self.settings.setValue("geometry", self.saveGeometry())
        self.setCursor(Qt.CursorShape.BusyCursor)
        for engine in self._engines:
            engine.close()
        super().closeEvent(event)
