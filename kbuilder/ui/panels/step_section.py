"""Training by single steps: one batch or epoch at a time, or until a condition; what a batch gave."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.document import Document
from kbuilder.link.run_events import Stepped
from kbuilder.link.values import Array
from kbuilder.ui.panels.number_field import NumberField
from kbuilder.ui.pictures import to_numpy
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State

MOST_SAMPLES = 8
ROW = 22
STEPPABLE = (State.IDLE, State.RUNNING, State.PAUSED)


class StepSection(QWidget):
    """Buttons that run one step and hold again, conditions to hold at, and the last batch's numbers."""

    def __init__(
        self, document: Document, training: Training, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._training = document, training
        self.batch = QPushButton(self.tr("Step batch"))
        self.epoch = QPushButton(self.tr("Step epoch"))
        self.batch.setToolTip(self.tr("Run one batch and hold again"))
        self.epoch.setToolTip(self.tr("Run to the end of the epoch and hold again"))
        self.loss = NumberField(self.tr("Hold if the loss is above"), float)
        self.gradient = NumberField(self.tr("Hold if the gradient norm is above"), float)
        for field in (self.loss, self.gradient):
            field.setPlaceholderText(self.tr("never"))
            field.sent.connect(self._break)
        self.words = label(role="muted")
        self.words.setWordWrap(True)
        self.gradients = _table(
            [self.tr("Layer"), self.tr("Gradient")], self.tr("Gradient norms of the batch")
        )
        self.outputs = _table(
            [self.tr("Sample"), self.tr("Truth"), self.tr("Output")],
            self.tr("Outputs of the batch"),
        )
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.batch)
        buttons.addWidget(self.epoch)
        form = QFormLayout()
        form.setVerticalSpacing(6)
        form.addRow(self.tr("Hold if loss >"), self.loss)
        form.addRow(self.tr("Hold if gradient >"), self.gradient)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(buttons)
        column.addLayout(form)
        for widget in (self.words, self.gradients, self.outputs):
            column.addWidget(widget)
            widget.hide()
        self.batch.clicked.connect(partial(self._step, "batch"))
        self.epoch.clicked.connect(partial(self._step, "epoch"))
        training.stepped.connect(self.show_step)
        training.state_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Allow what can be done now."""
        state = self._training.state
        for button in (self.batch, self.epoch):
            button.setEnabled(state in STEPPABLE)
        for field in (self.loss, self.gradient):
            field.setEnabled(state in (State.RUNNING, State.PAUSED))

    @Slot(object)
    def show_step(self, step: Stepped) -> None:
        """Show what a batch gave."""
        names = self._document.project.graph.by_id
        self.words.setText(
            self.tr("Epoch {0}, step {1}: loss {2}").format(
                step.epoch + 1, f"{step.step:,}", f"{step.loss:.5g}"
            )
        )
        rows = [
            [names[node].name if node in names else node, f"{size:.4g}"]
            for node, size in step.gradients.items()
        ]
        _fill(self.gradients, rows)
        _fill(self.outputs, self._samples(step))
        for widget in (self.words, self.gradients, self.outputs):
            widget.show()

    def _samples(self, step: Stepped) -> list[list[str]]:
        rows = []
        for node, array in step.outputs.items():
            values = to_numpy(array)
            truth = step.truth.get(node)
            count = min(len(values), MOST_SAMPLES)
            for number in range(count):
                rows.append(
                    [
                        str(step.samples[number]) if number < len(step.samples) else "",
                        _truth(truth, number),
                        _output(values[number]),
                    ]
                )
        return rows

    def _step(self, unit: str) -> None:
        self._training.step(unit)

    @Slot(object)
    def _break(self, _: object) -> None:
        self._training.break_at(_number(self.loss), _number(self.gradient))


def _number(field: NumberField) -> float | None:
    try:
        return float(field.text())
    except ValueError:
        return None


def _truth(array: Array | None, number: int) -> str:
    if array is None:
        return ""
    values = to_numpy(array)
    return _output(values[number]) if number < len(values) else ""


def _output(values: np.ndarray) -> str:
    """One value, or the largest of several and its number."""
    flat = np.asarray(values).reshape(-1)
    if flat.size == 1:
        return f"{flat[0]:.4g}"
    at = int(flat.argmax())
    return f"{at} · {flat[at]:.3g}"


def _table(heads: list[str], name: str) -> QTableWidget:
    table = QTableWidget(0, len(heads))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(heads)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setTabKeyNavigation(False)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table


def _fill(table: QTableWidget, rows: list[list[str]]) -> None:
    table.setRowCount(len(rows))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            table.setItem(row, column, QTableWidgetItem(text))
    table.setFixedHeight(min(len(rows), MOST_SAMPLES) * ROW + ROW + 12)
