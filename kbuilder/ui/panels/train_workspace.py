"""The Train workspace: options at the left, progress and curves in the middle, the run at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.document import Document
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.compile_panel import CompilePanel
from kbuilder.ui.panels.run_panel import RunPanel
from kbuilder.ui.plots.curves import CurvePlot
from kbuilder.ui.text import label
from kbuilder.ui.training import State, Training

REFRESH_MS = 80
"""Twelve pictures a second: faster repainting takes the training its processor."""


class TrainWorkspace(QWidget):
    """Shows a training while it runs and after it."""

    def __init__(
        self,
        compile_panel: CompilePanel,
        document: Document,
        training: Training,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._plots: dict[str, CurvePlot] = {}
        self._shown: LiveRun | None = None
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        self._empty = label(
            self.tr("Press Train: loss and metrics are drawn here while the model learns."), "muted"
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._head = ProgressCard()
        middle = QWidget()
        middle.setProperty("role", "workspace")
        middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(middle)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        column.addWidget(self._head)
        column.addWidget(self._empty, 1)
        column.addLayout(self._grid, 1)
        self._panel = RunPanel(document, training)
        self._panel.setMinimumWidth(250)
        compile_panel.setMinimumWidth(310)
        splitter = QSplitter()
        for widget in (compile_panel, middle, self._panel):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([320, 1000, 260])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._refresh_one)
        self._turn = 0
        training.state_changed.connect(self._follow)

    @Slot()
    def refresh(self) -> None:
        """Draw what is new, if this is on screen."""
        run = self._training.live
        if run is None or not self.isVisible():
            return
        self._sync_plots(run)
        for plot in self._plots.values():
            plot.show_run(run)
        self._head.show_run(run, self._training)
        self._panel.refresh()

    @Slot()
    def _refresh_one(self) -> None:
        """Draw one part after the other: all at once would hold the window up for two pictures."""
        run = self._training.live
        if run is None or not self.isVisible():
            return
        self._sync_plots(run)
        parts = [*self._plots.values(), None]
        self._timer.setInterval(REFRESH_MS // len(parts))
        part = parts[self._turn % len(parts)]
        self._turn += 1
        if part is None:
            self._head.show_run(run, self._training)
            self._panel.refresh()
        else:
            part.show_run(run)

    @Slot()
    def _follow(self) -> None:
        if self._training.active:
            self._timer.start()
        else:
            self._timer.stop()
        if self._training.live is None:
            self._sync_plots(None)
            self._head.clear()
        self.refresh()

    def showEvent(self, event: object) -> None:
        """Catch up with what came while another workspace was shown."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    def _sync_plots(self, run: LiveRun | None) -> None:
        names = run.metrics if run else ()
        if run is not self._shown:
            self._shown = run
            for plot in self._plots.values():
                plot.clear()
        if tuple(self._plots) == names:
            return
        for plot in self._plots.values():
            self._grid.removeWidget(plot)
            plot.setParent(None)
            plot.deleteLater()
        self._plots = {name: CurvePlot(name) for name in names}
        columns = 1 if len(names) == 1 else 2
        for number, plot in enumerate(self._plots.values()):
            self._grid.addWidget(plot, number // columns, number % columns)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, columns - 1)
        self._empty.setVisible(not names)


class ProgressCard(QFrame):
    """Epoch, step, speed and time of a run, over a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._epoch = label(role="strong")
        self._speed = label(role="muted")
        self._time = label()
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the training"))
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._epoch)
        row.addWidget(self._speed)
        row.addStretch(1)
        row.addWidget(self._time)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.clear()

    def clear(self) -> None:
        """No run yet."""
        self._epoch.setText(self.tr("Not trained yet"))
        self._speed.setText("")
        self._time.setText("")
        self._bar.setValue(0)

    def show_run(self, run: LiveRun, training: Training) -> None:
        """Show how far the run is."""
        epochs = run.started.epochs
        epoch = min(run.epoch + 1, epochs) if training.active else run.epoch
        self._epoch.setText(self.tr("Epoch {0} / {1}").format(epoch, epochs))
        parts = [self.tr("step {0}").format(f"{run.step:,}")]
        if run.epoch_seconds:
            seconds = run.epoch_seconds[-1]
            parts.append(self.tr("{0} s / epoch").format(f"{seconds:.2g}"))
            rate = run.started.samples / max(seconds, 1e-6)
            parts.append(self.tr("{0} samples/s").format(f"{rate:,.0f}"))
        self._speed.setText("   ".join(parts))
        self._bar.setValue(round(1000 * run.fraction))
        if training.state is State.PAUSED:
            self._time.setText(self.tr("Paused"))
        elif training.active:
            self._show_time(run, training.elapsed)
        else:
            self._time.setText(self.tr("{0} in all").format(clock(sum(run.epoch_seconds))))

    def _show_time(self, run: LiveRun, elapsed: float) -> None:
        left = run.seconds_left(elapsed)
        text = self.tr("{0} elapsed").format(clock(elapsed))
        if left is not None:
            text += " · " + self.tr("{0} left").format(clock(left))
        self._time.setText(text)


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours when there are some."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{minutes}" if hours else minutes
