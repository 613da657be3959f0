"""What is worth knowing of the run beside its curves: best values, what moved, where it lies."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.document.document import Document
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.weights_proof import WeightsProof
from kbuilder.ui.text import label
from kbuilder.ui.training import State, Training

NAME_WIDTH = 160


class RunPanel(QWidget):
    """The right column of the Train workspace."""

    def __init__(
        self, document: Document, training: Training, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self.setProperty("role", "side-right")
        self._state = label(role="strong")
        self._best = label(role="good")
        self._best_at = label(role="muted")
        self._last = label()
        self._weights = WeightsProof()
        self._folder = label(role="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(6)
        for heading, widgets in (
            (self.tr("RUN"), (self._state,)),
            (self.tr("BEST"), (self._best, self._best_at)),
            (self.tr("LAST EPOCH"), (self._last,)),
            (self.tr("FOLDER"), (self._folder,)),
        ):
            column.addWidget(label(heading, "heading"))
            for widget in widgets:
                widget.setWordWrap(widget is not self._last)
                column.addWidget(widget)
            column.addSpacing(8)
        column.addWidget(label(self.tr("WEIGHTS"), "heading"))
        column.addWidget(self._weights, 1)
        training.state_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the run as it is now."""
        self._state.setText(self._state_text())
        self._show_numbers(self._training.live)
        self._weights.show_proof(
            self._training.frozen, self._training.kept, self._document.project.graph
        )
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

    def _show_numbers(self, run: LiveRun | None) -> None:
        name = "val_loss" if run and "val_loss" in run.epochs else "loss"
        best = run.best(name) if run else None
        self._best.setText(f"{best[1]:.4f}" if best else "—")
        self._best_at.setText(self.tr("{0}, epoch {1}").format(name, best[0] + 1) if best else "")
        if run and run.epochs:
            measure = self._last.fontMetrics()
            middle = Qt.TextElideMode.ElideMiddle
            self._last.setText(
                "\n".join(
                    f"{logs[-1][1]:.4f}  {measure.elidedText(name, middle, NAME_WIDTH)}"
                    for name, logs in run.epochs.items()
                )
            )
        else:
            self._last.setText("—")
