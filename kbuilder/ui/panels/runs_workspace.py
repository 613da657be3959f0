"""The Runs workspace: all runs of the project, set side by side; what waits; sweeps."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.run_settings import Settings
from kbuilder.link.run_facts import History, RunFacts
from kbuilder.ui import dialogs, theme
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.panels.card import INVISIBLE_HANDLE
from kbuilder.ui.panels.queue_strip import QueueStrip
from kbuilder.ui.panels.runs_compare import Compare, colours_of, history_card
from kbuilder.ui.panels.runs_table import RunsTable
from kbuilder.ui.panels.sweep_workspace import SweepWorkspace
from kbuilder.ui.queue import Queue
from kbuilder.ui.run_actions import RunActions
from kbuilder.ui.run_list import RunModel
from kbuilder.ui.run_reading import RunReader
from kbuilder.ui.training import Training

REFRESH_MS = 2000
"""How often the folder is looked through while something is trained and the table is to be seen."""


class RunsWorkspace(QWidget):
    """Table, curves and differences of the runs; a tab for sweeps.

    Signals:
        run_chosen: the folder of the run whose weights are to be used.
        export_wanted: the same, and its model is to be exported.
        told: a sentence for the status line.
    """

    run_chosen = Signal(str)
    export_wanted = Signal(str)
    told = Signal(str)

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        training: Training,
        queue: Queue,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "workspace")
        self._document = bridge.document
        self._training = training
        self._histories: dict[str, History] = {}
        self.reader = RunReader(catalogue, self)
        self.model = RunModel()
        self.work = RunActions(bridge.document, training, self)
        self.table = RunsTable(self.model, self.work)
        self.compare = Compare()
        self.queue_strip = QueueStrip(queue, training)
        self.sweep = SweepWorkspace(bridge, catalogue, training, self.reader)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._look_again)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show_chosen)
        self._lay_out()
        self.table.use_wanted.connect(self.run_chosen)
        self.table.export_wanted.connect(self.export_wanted)
        # A choice that is being drawn with the mouse changes with each row.
        self.table.chosen_changed.connect(self._soon.start)
        self.model.noted.connect(self.reader.keep_notes)
        self.reader.runs_read.connect(self._take_runs)
        self.reader.histories_read.connect(self._take_histories)
        self.reader.failed.connect(self._tell_failure)
        self.work.told.connect(self.told)
        self.work.done.connect(self.refresh)
        self.sweep.told.connect(self.told)
        training.state_changed.connect(self.refresh)
        bridge.changed.connect(self._show_differences)
        theme.notifier.changed.connect(self._show_chosen)

    def showEvent(self, event: QShowEvent) -> None:
        """Read the folder when the workspace comes up."""
        super().showEvent(event)
        self._timer.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees is not read."""
        super().hideEvent(event)
        self._timer.stop()

    @Slot()
    def refresh(self) -> None:
        """Read what lies in the folder of runs now."""
        if self.isVisible():
            self.reader.read_runs(self._training.runs_folder())
            self.sweep.refresh()

    @Slot()
    def _look_again(self) -> None:
        if self._training.active:
            self.refresh()

    # --- what has been read ----------------------------------------------------------------------

    @Slot(str, object, object)
    def _take_runs(self, folder: str, runs: list[RunFacts], settings: dict[str, Settings]) -> None:
        if folder != str(self._training.runs_folder()) or self.table.is_edited:
            return  # another project is open by now, or the next look comes soon enough
        first = not self.model.count
        self.model.show_runs(runs, settings, self._training.run)
        if first and runs:
            self.table.choose([runs[0].folder])
        self.table.refresh()

    @Slot()
    def _show_chosen(self) -> None:
        chosen = self.table.chosen()
        colours = colours_of(chosen)
        self.model.mark(colours if len(colours) > 1 else {})
        if colours:
            self.reader.read_histories(list(colours))
        else:
            self.compare.curves.show_runs({})
        self._show_differences()

    @Slot(object)
    def _take_histories(self, histories: dict[str, History]) -> None:
        chosen = self.table.chosen()
        if [run.folder for run in chosen][: len(histories)] == list(histories):
            self.compare.curves.show_runs(history_card(chosen, histories))

    @Slot()
    def _show_differences(self) -> None:
        if self.isVisible():
            self.compare.show_differences(self.table.chosen(), self._document.project)

    @Slot(str)
    def _tell_failure(self, text: str) -> None:
        dialogs.show_error(self, self.tr("The note was not kept"), text)

    def _lay_out(self) -> None:
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.addWidget(self.table)
        halves.addWidget(self.compare)
        halves.setHandleWidth(10)
        halves.setStyleSheet(INVISIBLE_HANDLE)
        halves.setSizes([300, 330])
        halves.setChildrenCollapsible(False)
        runs = QWidget()
        column = QVBoxLayout(runs)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addWidget(self.queue_strip)
        column.addWidget(halves, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(runs, self.tr("RUNS"))
        self.tabs.addTab(self.sweep, self.tr("SWEEPS"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.tabs)
