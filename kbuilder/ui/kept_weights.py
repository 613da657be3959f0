"""What each layer would take over of the weights in use, kept up to date while the network is edited."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from kbuilder.document.document import Document
from kbuilder.link.events import Failed, WeightsKept
from kbuilder.ui.training import Training
from kbuilder.ui.workbench import Workbench

SETTLE_MS = 250


class KeptWeights(QObject):
    """``layers`` gives kept, sliced or new for each node with weights; empty without weights in use.

    Signals:
        changed: ``layers`` is new.
    """

    changed = Signal()

    def __init__(
        self, document: Document, workbench: Workbench, training: Training, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.layers: dict[str, str] = {}
        self._document = document
        self._workbench = workbench
        self._training = training
        self._asked: tuple[object, str] | None = None
        self._request = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        workbench.facts_changed.connect(self._timer.start)
        training.state_changed.connect(self._timer.start)
        workbench.received.connect(self._take)

    @Slot()
    def _ask(self) -> None:
        graph, run = self._document.project.graph, self._training.run
        if (graph, run) == self._asked or self._training.active:
            return
        self._asked = (graph, run)
        if run:
            self._request = self._workbench.compare_weights(run)
        else:
            self._show({})

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, WeightsKept) and event.request == self._request:
            self._show(event.layers)
        elif isinstance(event, Failed) and event.request == self._request:
            self._show({})

    def _show(self, layers: dict[str, str]) -> None:
        if layers != self.layers:
            self.layers = layers
            self.changed.emit()
