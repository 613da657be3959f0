"""The trials of a sweep as a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from kbuilder.document.run_settings import setting_text
from kbuilder.ui.plots.parallel_axes import Line
from kbuilder.ui.text import tooltip


class TrialTable(QTableWidget):
    """A row for each trial: number, state, objective, values; sorted by any of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setAccessibleName(self.tr("Trials"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)

    def show_trials(self, titles: Sequence[str], lines: Sequence[Line], best: int) -> None:
        """Show these trials; ``titles`` are those of the objective and of the options."""
        kept = self.chosen
        with QSignalBlocker(self):
            self.setSortingEnabled(False)
            self.setColumnCount(2 + len(titles))
            self.setHorizontalHeaderLabels([self.tr("Trial"), self.tr("State"), *titles])
            self.setRowCount(len(lines))
            for row, line in enumerate(lines):
                *values, goal = line.values
                mark = "★ " if line.number == best else ""
                cells: list[tuple[object, str]] = [(line.number, f"{mark}{line.number}")]
                cells.append((line.state, line.state))
                cells.append((goal, "–" if goal is None else f"{goal:.5g}"))
                cells += [(value, setting_text(value)) for value in values]
                for at, (raw, text) in enumerate(cells):
                    cell = _Cell(raw, text)
                    cell.setToolTip(tooltip(line.text))
                    self.setItem(row, at, cell)
            self.setSortingEnabled(True)
        if kept >= 0:
            self.choose(kept)

    @property
    def chosen(self) -> int:
        """The number of the trial in the chosen row, -1 for none."""
        rows = self.selectionModel().selectedRows()
        return self._number(rows[0].row()) if rows else -1

    @Slot(int)
    def choose(self, number: int) -> None:
        """Choose the row of a trial."""
        for row in range(self.rowCount()):
            if self._number(row) == number:
                self.selectRow(row)
                self.scrollTo(self.model().index(row, 0))

    @Slot(object)
    def show_only(self, numbers: Collection[int]) -> None:
        """Hide the trials that are not among these."""
        for row in range(self.rowCount()):
            self.setRowHidden(row, self._number(row) not in numbers)

    def _number(self, row: int) -> int:
        cell = self.item(row, 0)
        return -1 if cell is None else int(cell.data(Qt.ItemDataRole.UserRole))


class _Cell(QTableWidgetItem):
    """Sorts by its value, not by its text; what has none comes last."""

    def __init__(self, raw: object, text: str) -> None:
        super().__init__(text)
        self.setData(Qt.ItemDataRole.UserRole, raw)
        self._raw = raw

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, theirs = self._raw, getattr(other, "_raw", None)
        if isinstance(mine, int | float) and isinstance(theirs, int | float):
            return mine < theirs
        return (mine is None, self.text()) < (theirs is None, other.text())
