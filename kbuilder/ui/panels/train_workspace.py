"""The Train workspace: options at the left, progress and curves in the middle, the run at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fixes import Fix
from kbuilder.document.mending import apply_fix
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.compile_panel import CompilePanel
from kbuilder.ui.panels.plot_grid import PlotGrid
from kbuilder.ui.panels.progress_card import BestCard, ProgressCard
from kbuilder.ui.panels.run_panel import RunPanel
from kbuilder.ui.plots.curves import CurvePlot, Epochs
from kbuilder.ui.text import label
from kbuilder.ui.training import Training

REFRESH_MS = 80
"""Twelve pictures a second: faster repainting takes the training its processor."""
HEAD, PANEL = "head", "panel"


class TrainWorkspace(QWidget):
    """Shows a training while it runs and after it.

    Signals:
        samples_chosen: output id, class, class it was taken for, row numbers: to be inspected.
        node_wanted: the id of a layer to show.
        told: a sentence why a remedy could not be done.
    """

    samples_chosen = Signal(str, str, str, tuple)
    node_wanted = Signal(str)
    told = Signal(str)

    def __init__(
        self,
        compile_panel: CompilePanel,
        document: Document,
        training: Training,
        catalogue: Catalogue | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self._catalogue = catalogue
        self._shown: LiveRun | None = None
        self.grid = PlotGrid()
        self.grid.samples_chosen.connect(self.samples_chosen)
        self._empty = label(
            self.tr("Press Train: loss and metrics are drawn here while the model learns."), "muted"
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._head, self._best = ProgressCard(), BestCard()
        middle = QWidget()
        middle.setProperty("role", "workspace")
        middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self._head, 3)
        top.addWidget(self._best, 1)
        column = QVBoxLayout(middle)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._empty, 1)
        column.addWidget(self.grid, 1)
        self._panel = RunPanel(document, training)
        self._panel.fix_wanted.connect(self._mend)
        self._panel.node_wanted.connect(self.node_wanted)
        self._panel.runs.overlaid.connect(self.overlay)
        self._panel.runs.taken.connect(self.grid.take_overlay)
        self._panel.setMinimumWidth(264)
        compile_panel.setMinimumWidth(310)
        splitter = QSplitter()
        for widget in (compile_panel, middle, self._panel):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([320, 1000, 280])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._refresh_one)
        self._turn = 0
        training.state_changed.connect(self._follow)
        self._show_run_or_nothing(None)

    @property
    def _plots(self) -> dict[str, CurvePlot]:
        return self.grid.curves

    @Slot(str, QColor, object)
    def overlay(self, name: str, colour: QColor, epochs: dict[str, Epochs]) -> None:
        """Draw another run behind all curves: by name of the log, (epoch from 0, value)."""
        self.grid.overlay(name, colour, epochs)

    @Slot()
    def refresh(self) -> None:
        """Draw what is new, if this is on screen."""
        run = self._training.live
        if run is None or not self.isVisible():
            return
        self._show_run_or_nothing(run)
        self.grid.show_run(run, self._names())
        self._show_head(run)
        self._panel.refresh()

    @Slot()
    def _refresh_one(self) -> None:
        """Draw one part after the other: all at once would hold the window up for two pictures."""
        run = self._training.live
        if run is None or not self.isVisible():
            return
        self._show_run_or_nothing(run)
        if self.grid.sync(run, self._names(), one=True):
            return  # it is laid out and painted now, and filled in the next turns
        parts = [*self.grid.parts(), HEAD, PANEL]
        self._timer.setInterval(REFRESH_MS // len(parts))
        part = parts[self._turn % len(parts)]
        self._turn += 1
        if part == HEAD:
            self._show_head(run)
        elif part == PANEL:
            self._panel.refresh()
        else:
            self.grid.show_run(run, self._names(), part)

    @Slot()
    def _follow(self) -> None:
        if self._training.active:
            self._timer.start()
        else:
            self._timer.stop()
        if self._training.live is None:
            self._show_run_or_nothing(None)
            self._head.clear()
            self._best.clear()
        self.refresh()

    def showEvent(self, event: object) -> None:
        """Catch up with what came while another workspace was shown."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._panel.runs.refresh()
        self.refresh()

    def _show_run_or_nothing(self, run: LiveRun | None) -> None:
        if run is not self._shown or run is None:
            self._shown = run
            self.grid.clear()
        self.grid.setVisible(run is not None)
        self._empty.setVisible(run is None)

    def _show_head(self, run: LiveRun) -> None:
        self._head.show_run(run, self._training)
        self._best.show_run(run, self._document.project.fit)

    def _names(self) -> dict[str, str]:
        return {node.id: node.name for node in self._document.project.graph.nodes}

    @Slot(object)
    def _mend(self, fix: Fix) -> None:
        """Do what a remedy says, as one step that can be undone; it counts from the next run on."""
        catalogue = self._catalogue or load_catalogue()
        try:
            self._document.apply(fix.text, lambda project: apply_fix(project, fix, catalogue))
        except KBuilderError as error:
            self.told.emit(str(error))
