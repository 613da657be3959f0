"""The learning rate over the steps of the training that is set up, as a small curve."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.document.changes import Changes
from kbuilder.document.project import Project
from kbuilder.link.events import Failed, ScheduleComputed
from kbuilder.ui import theme
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench

UNKNOWN_STEPS = 1000
"""Steps shown while nobody knows how many samples there are."""
HEIGHT = 110


class SchedulePreview(QWidget):
    """Hidden unless the optimizer follows a schedule."""

    def __init__(
        self, bridge: DocumentBridge, workbench: Workbench, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._workbench = workbench
        self._asked: tuple[object, int] | None = None
        self._request = 0
        self._title = label(role="muted")
        self._title.setWordWrap(True)
        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        self.plot.setAccessibleName(self.tr("Learning rate over the steps of the training"))
        self._curve = self.plot.plot([], [])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._title)
        column.addWidget(self.plot)
        bridge.changed.connect(self._follow)
        workbench.preview_changed.connect(self.refresh)
        workbench.received.connect(self._take)
        theme.notifier.changed.connect(self._paint)
        self._paint()
        self.refresh()

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        if changes.compile or changes.fit or changes.code or changes.replaced:
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Ask for the curve if it may be another one now."""
        project = self._document.project
        optimizer = project.compile.optimizer
        scheduled = isinstance(optimizer.params.get("learning_rate"), dict)
        self.setVisible(scheduled)
        wanted = (optimizer, self._steps(project))
        if scheduled and wanted != self._asked:
            self._asked = wanted
            self._request = self._workbench.compute_schedule(wanted[1])

    def _steps(self, project: Project) -> int:
        """Steps of the whole training."""
        preview = self._workbench.preview
        if preview is None:
            return UNKNOWN_STEPS
        samples = preview.samples * (1 - project.fit.validation_split)
        return max(-(-int(samples) // project.fit.batch_size) * project.fit.epochs, 1)

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, ScheduleComputed) and event.request == self._request:
            rates = np.frombuffer(event.rates.data, event.rates.dtype)
            last = self._asked[1] if self._asked else UNKNOWN_STEPS
            self._curve.setData(np.linspace(0, last, len(rates)), rates)
            text = self.tr("Learning rate: {0} at first, {1} after {2} steps")
            self._title.setText(text.format(f"{rates[0]:.3g}", f"{rates[-1]:.3g}", f"{last:,}"))
        elif isinstance(event, Failed) and event.request == self._request:
            self._curve.setData([], [])
            self._title.setText(event.text)

    @Slot()
    def _paint(self) -> None:
        colours = theme.current()
        self._curve.setPen(pg.mkPen(colours.accent, width=2))
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.muted))
