"""Changes to the training that is on: rate, batch size, end, freezing, augmentation."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QPushButton, QWidget

from kbuilder.document.document import Document
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.panels.number_field import NumberField
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State

STEERABLE = (State.RUNNING, State.PAUSED)


class SteerSection(QWidget):
    """Fields that send ``Steer``; each change is an event of the run."""

    def __init__(
        self, document: Document, training: Training, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._training = document, training
        self._frozen: dict[str, bool] = {}
        self.rate = NumberField(self.tr("Learning rate"), float, 0.0)
        self.batch_size = NumberField(self.tr("Batch size"), int, 1)
        self.epochs = NumberField(self.tr("Epochs"), int, 1)
        self.layer = QComboBox()
        self.layer.setAccessibleName(self.tr("Layer to freeze"))
        self.layer.setMinimumContentsLength(4)
        self.layer.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.layer.currentIndexChanged.connect(self._show_frozen)
        self.freeze = QPushButton(self.tr("Freeze"))
        self.augment = QCheckBox(self.tr("Augmentation"))
        self._hint = label(self.tr("While a model trains: type, then press Return."), "muted")
        self._hint.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.layer, 1)
        row.addWidget(self.freeze)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setHorizontalSpacing(8)
        form.addRow(self._hint)
        form.addRow(self.tr("Learning rate"), self.rate)
        form.addRow(self.tr("Batch size"), self.batch_size)
        form.addRow(self.tr("Epochs"), self.epochs)
        form.addRow(self.tr("Layer"), row)
        form.addRow(self.augment)
        self.rate.sent.connect(self._steer_rate)
        self.batch_size.sent.connect(self._steer_batch_size)
        self.epochs.sent.connect(self._steer_epochs)
        self.freeze.clicked.connect(self._toggle_frozen)
        self.augment.clicked.connect(self._steer_augment)
        training.state_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what is in force; allow changes while a run is on."""
        on = self._training.state in STEERABLE
        for widget in (self.rate, self.batch_size, self.epochs, self.layer, self.freeze):
            widget.setEnabled(on)
        self.augment.setEnabled(on)
        self._hint.setVisible(not on)
        self.augment.setVisible(bool(self._document.project.fit.augmentation))
        if self._training.state is State.STARTING:
            self._frozen = {}
            self.augment.setChecked(True)
        self._offer_layers()

    def show_run(self, run: LiveRun) -> None:
        """Show the numbers that a run has now."""
        rate = run.rates[-1][1] if run.rates else None
        batch_size, epochs = run.started.batch_size, run.started.epochs
        for note in run.notes:
            if note.kind == "steered":
                batch_size = note.values.get("batch_size") or batch_size
                rate = note.values.get("learning_rate") or rate
                epochs = note.values.get("epochs") or epochs
        self.rate.show_now(rate)
        self.batch_size.show_now(batch_size)
        self.epochs.show_now(epochs)

    def _offer_layers(self) -> None:
        graph = self._document.project.graph
        offered = [(node.name, node.id) for node in graph.order if not node.shares]
        offered = [item for item in offered if graph.by_id[item[1]].class_name != "Input"]
        known = [
            (self.layer.itemText(number), self.layer.itemData(number))
            for number in range(self.layer.count())
        ]
        if offered != known:
            self.layer.clear()
            for name, node in offered:
                self.layer.addItem(name, node)
        self._show_frozen()

    def _is_frozen(self, node: str) -> bool:
        found = self._document.project.graph.by_id.get(node)
        return self._frozen.get(node, found is not None and not found.trainable)

    @Slot()
    def _show_frozen(self) -> None:
        frozen = self._is_frozen(str(self.layer.currentData() or ""))
        self.freeze.setText(self.tr("Let learn") if frozen else self.tr("Freeze"))

    @Slot()
    def _toggle_frozen(self) -> None:
        node = str(self.layer.currentData() or "")
        if node:
            self._frozen[node] = not self._is_frozen(node)
            self._training.steer(frozen={node: self._frozen[node]})
            self._show_frozen()

    @Slot(object)
    def _steer_rate(self, value: float | None) -> None:
        if value is not None:
            self._training.steer(learning_rate=value)
            self.rate.clear()

    @Slot(object)
    def _steer_batch_size(self, value: int | None) -> None:
        if value is not None:
            self._training.steer(batch_size=value)
            self.batch_size.clear()

    @Slot(object)
    def _steer_epochs(self, value: int | None) -> None:
        if value is not None:
            self._training.steer(epochs=value)
            self.epochs.clear()

    @Slot(bool)
    def _steer_augment(self, on: bool) -> None:
        self._training.steer(augment=on)
