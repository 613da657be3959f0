"""Sweeps: what is tried at the left, at the right the trials as they come, and the best of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.sweep_params import grid_size, param_spec, short_name, trial_project
from kbuilder.link.trials import Trial, best_trial
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.editors import prepare_combo
from kbuilder.ui.panels.card import INVISIBLE_HANDLE
from kbuilder.ui.panels.sweep_form import SweepForm
from kbuilder.ui.panels.sweep_table import TrialTable
from kbuilder.ui.plots.parallel import ParallelPlot
from kbuilder.ui.plots.parallel_axes import coordinates
from kbuilder.ui.run_reading import RunReader
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State

FORM_WIDTH = 320


class SweepWorkspace(QWidget):
    """``told`` carries a sentence for the status line."""

    told = Signal(str)

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        training: Training,
        reader: RunReader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._training = training
        self._reader = reader
        self._trials: tuple[Trial, ...] = ()
        self._asked = ""
        self._running = False
        self.form = SweepForm(bridge, catalogue)
        self.sweeps = QComboBox()
        self.sweeps.setAccessibleName(self.tr("Sweep that is shown"))
        prepare_combo(self.sweeps)
        self.sweeps.setMinimumContentsLength(24)
        self.plot = ParallelPlot()
        self.table = TrialTable()
        self._summary = label(role="muted")
        self._hint = label(role="muted")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self.start = QPushButton(self.tr("Start sweep"))
        self.start.setProperty("role", "primary")
        self.go_on = QPushButton(self.tr("Go on"))
        self.go_on.setToolTip(self.tr("Do the trials that this sweep still lacks"))
        self.stop = QPushButton(self.tr("Stop"))
        self.use = QPushButton(self.tr("Use the best"))
        self._lay_out()
        self._connect(bridge)
        self._show()

    @Slot()
    def refresh(self) -> None:
        """Read the trials again."""
        self._reader.read_sweeps(self._training.runs_folder(), self._asked)

    @property
    def chosen(self) -> Trial | None:
        """The trial in the chosen row, else the best one."""
        number = self.table.chosen
        if number >= 0:
            return next((trial for trial in self._trials if trial.number == number), None)
        return best_trial(self._trials, self._document.project.sweep.direction)

    # --- what is done ----------------------------------------------------------------------------

    @Slot()
    def begin(self) -> None:
        """Start a new sweep in a folder of its own."""
        stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        self._sweep(self._training.runs_folder() / f"sweep_{stamp}")

    @Slot()
    def _begin_again(self) -> None:
        self._sweep(Path(self._asked or self.sweeps.currentData()))

    def _sweep(self, folder: Path) -> None:
        if self._training.state is not State.IDLE or self.form.problems:
            return
        self._asked = str(folder)
        self._running = True
        self._training.sweep(folder)
        self._show()

    @Slot()
    def use_values(self) -> None:
        """Give the project the values of the chosen trial, else of the best."""
        trial = self.chosen
        if trial is None:
            return
        project = self._document.project
        gone = [name for name in trial.values if param_spec(project, self._catalogue, name) is None]
        if gone:
            text = self.tr("The project has no option {0} any more, so nothing was changed.")
            self.told.emit(text.format(gone[0]))
            return
        self._document.apply(
            self.tr("Use the values of trial {0}").format(trial.number),
            lambda project: trial_project(project, trial.values),
        )
        self.told.emit(self.tr("The project has the values of trial {0}.").format(trial.number))

    # --- what is shown ---------------------------------------------------------------------------

    @Slot(object, str, object)
    def _take_sweeps(self, found: list[str], shown: str, trials: tuple[Trial, ...]) -> None:
        with QSignalBlocker(self.sweeps):
            if [self.sweeps.itemData(n) for n in range(self.sweeps.count())] != found:
                self.sweeps.clear()
                for folder in found:
                    self.sweeps.addItem(Path(folder).name, folder)
            self.sweeps.setCurrentIndex(found.index(shown) if shown in found else -1)
        if trials != self._trials:
            self._trials = trials
            self._show_trials()
        self._show()

    @Slot(int)
    def _choose_sweep(self, number: int) -> None:
        self._asked = str(self.sweeps.itemData(number))
        self.refresh()

    @Slot(object)
    def _take_trial(self, _: object) -> None:
        self._running = True
        if self.isVisible():
            self.refresh()

    @Slot()
    def _follow_state(self) -> None:
        self._running = self._running and self._training.active
        self._show()

    @Slot()
    def _show(self) -> None:
        idle = self._training.state is State.IDLE
        options = self._document.project.sweep
        count = grid_size(options.params) if options.method == "grid" else options.trials
        fine = not self.form.problems and bool(self._document.project.data.kind)
        self.start.setText(self.tr("Start sweep of {0} trials").format(count))
        self.start.setEnabled(idle and fine)
        self.start.setVisible(not self._running)
        ended = sum(trial.state != "running" for trial in self._trials)
        names = {param.name for param in options.params}
        same = bool(self._trials) and set(self._trials[0].values) == names
        self.go_on.setVisible(same and ended < count and not self._running)
        self.go_on.setEnabled(idle and fine)
        self.stop.setVisible(self._running)
        self.use.setVisible(self.chosen is not None)
        there = bool(self._trials)
        self.sweeps.setVisible(self.sweeps.count() > 0)
        for part in (self.plot, self.table):
            part.setVisible(there)
        self._hint.setVisible(not there)
        self._hint.setText(
            self.tr("The first trial is about to begin…")
            if self._running
            else self.tr("No trials yet. Choose what to vary at the left, then start the sweep.")
        )
        best = best_trial(self._trials, options.direction)
        texts = [self.tr("{0} of {1} trials").format(ended, max(count, len(self._trials)))]
        if best is not None:
            told = self.tr("best {0} {1:.5g} in trial {2}")
            texts.append(told.format(options.objective, best.objective, best.number))
        self._summary.setText(" · ".join(texts) if there else "")

    def _show_trials(self) -> None:
        project = self._document.project
        names = list(self._trials[0].values) if self._trials else []
        axes, lines = coordinates(project, names, self._trials)
        best = best_trial(self._trials, project.sweep.direction)
        number = best.number if best else -1
        self.plot.show_trials(
            axes, lines, number, smaller_is_better=project.sweep.direction == "min"
        )
        titles = [project.sweep.objective, *(short_name(project, name) for name in names)]
        self.table.show_trials(titles, lines, number)
        self.table.show_only(self.plot.kept())

    @Slot()
    def _mark_chosen(self) -> None:
        trial = self.chosen if self.table.chosen >= 0 else None
        self.plot.mark(trial.number if trial else -1)
        self.use.setText(
            self.tr("Use trial {0}").format(trial.number) if trial else self.tr("Use the best")
        )

    # --- parts -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(label(self.tr("TRIALS"), "heading"))
        head.addWidget(self._summary, 1)
        for widget in (self.sweeps, self.use, self.go_on, self.stop, self.start):
            head.addWidget(widget)
        card = QFrame()
        card.setProperty("role", "card")
        inner = QVBoxLayout(card)
        inner.setContentsMargins(14, 10, 10, 10)
        inner.addLayout(head)
        inner.addWidget(self._hint, 1)
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.addWidget(self.plot)
        halves.addWidget(self.table)
        halves.setSizes([340, 260])
        halves.setHandleWidth(8)
        halves.setStyleSheet(INVISIBLE_HANDLE)
        halves.setChildrenCollapsible(False)
        inner.addWidget(halves, 1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(12, 12, 12, 12)
        column.addWidget(card)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self.form.setFixedWidth(FORM_WIDTH)
        whole.addWidget(self.form)
        whole.addWidget(right, 1)

    def _connect(self, bridge: DocumentBridge) -> None:
        self.start.clicked.connect(self.begin)
        self.go_on.clicked.connect(self._begin_again)
        self.stop.clicked.connect(lambda: self._training.stop(keep=True))
        self.use.clicked.connect(self.use_values)
        self.sweeps.activated.connect(self._choose_sweep)
        self.form.changed.connect(self._show)
        self.plot.picked.connect(self.table.choose)
        self.plot.brushed.connect(self.table.show_only)
        self.table.itemSelectionChanged.connect(self._mark_chosen)
        self._reader.sweeps_read.connect(self._take_sweeps)
        self._training.trial.connect(self._take_trial)
        self._training.state_changed.connect(self._follow_state)
        bridge.changed.connect(self._show)
