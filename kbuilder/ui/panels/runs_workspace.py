"""The Runs workspace: the runs of the open project, newest first, to go on from or to look into."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from kbuilder.ui.text import label
from kbuilder.ui.training import Training


class RunsWorkspace(QWidget):
    """``run_chosen`` carries the folder of the run that was double-clicked."""

    run_chosen = Signal(str)

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self.setProperty("role", "workspace")
        self._table = QTableWidget(0, 4)
        self._table.setAccessibleName(self.tr("Runs"))
        self._table.setHorizontalHeaderLabels(
            [self.tr("Run"), self.tr("Epochs"), self.tr("Last epoch"), self.tr("In use")]
        )
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setShowGrid(False)
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        for column, width in enumerate((200, 80, 760)):
            self._table.setColumnWidth(column, width)
        self._table.itemActivated.connect(self._choose)
        self._note = label(role="muted")
        card = QFrame()
        card.setProperty("role", "card")
        inner = QVBoxLayout(card)
        inner.setContentsMargins(14, 12, 14, 12)
        inner.addWidget(label(self.tr("RUNS"), "heading"))
        inner.addWidget(self._note)
        inner.addWidget(self._table, 1)
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(12, 12, 12, 12)
        column_box.addWidget(card)
        training.state_changed.connect(self.refresh)

    def showEvent(self, event: object) -> None:
        """Read the folder when the workspace comes up."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """List what lies in the folder of runs now."""
        if not self.isVisible():
            return
        folder = self._training.runs_folder()
        runs = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
        runs = [run for run in runs if run.is_dir()]
        self._note.setText(
            self.tr("Double-click a run to go on from it, inspect it or export it.")
            if runs
            else self.tr("No runs yet. Press Train; each run is kept here with its weights.")
        )
        self._table.setRowCount(len(runs))
        for row, run in enumerate(runs):
            epochs, last = _history(run)
            used = "●" if str(run) == self._training.run else ""
            for column, text in enumerate((run.name, str(epochs), last, used)):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, str(run))
                self._table.setItem(row, column, item)

    @Slot(QTableWidgetItem)
    def _choose(self, item: QTableWidgetItem) -> None:
        self.run_chosen.emit(item.data(Qt.ItemDataRole.UserRole))


def _history(run: Path) -> tuple[int, str]:
    """Number of epochs of a run, and its last logs as text."""
    try:
        with (run / "history.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return 0, ""
    if not rows:
        return 0, ""
    logs = [(name, value) for name, value in rows[-1].items() if name != "epoch"]
    return len(rows), "   ".join(f"{name} {float(value):.4f}" for name, value in logs if value)
