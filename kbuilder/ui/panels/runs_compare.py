"""Chosen runs side by side: their curves over each other, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.project import Project
from kbuilder.document.run_difference import Difference, differences
from kbuilder.link.run_facts import History, RunFacts
from kbuilder.ui import theme
from kbuilder.ui.forms.editors import prepare_combo
from kbuilder.ui.panels.card import INVISIBLE_HANDLE
from kbuilder.ui.plots.curves import CurvePlot
from kbuilder.ui.text import label

MOST_ROWS = 500
MOST_CURVES = 10
VALUE_WIDTH = 130


class CurvesOfRuns(QFrame):
    """One metric of the chosen runs, training and validation, in the colours that the table shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._histories: dict[str, tuple[str, QColor, History]] = {}
        self.chooser = QComboBox()
        self.chooser.setAccessibleName(self.tr("Metric that is drawn"))
        prepare_combo(self.chooser)
        self.chooser.setMinimumContentsLength(18)
        self.chooser.currentTextChanged.connect(self._draw)
        self.plot: CurvePlot | None = None
        self._drawn: dict[str, tuple[int, History]] = {}
        self._hint = label(role="muted")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._head = QHBoxLayout()
        self._head.addWidget(label(self.tr("CURVES"), "heading"))
        self._head.addStretch(1)
        self._head.addWidget(self.chooser)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(14, 8, 10, 8)
        self._column.addLayout(self._head)
        self._column.addWidget(self._hint, 1)
        self.show_runs({})

    def show_runs(self, histories: dict[str, tuple[str, QColor, History]]) -> None:
        """Draw these runs: by folder, the name, the colour and the epochs."""
        self._histories = histories
        names = [name for _, _, history in histories.values() for name in history]
        base = list(dict.fromkeys(name.removeprefix("val_") for name in names))
        base.sort(key=lambda name: name != "loss")
        kept = self.chooser.currentText()
        with QSignalBlocker(self.chooser):
            self.chooser.clear()
            self.chooser.addItems(base)
            self.chooser.setCurrentText(kept if kept in base else (base[0] if base else ""))
        self.chooser.setVisible(bool(base))
        self._draw()

    @Slot()
    def _draw(self) -> None:
        name = self.chooser.currentText()
        if self.plot is not None and self.plot.name != name:
            self._column.removeWidget(self.plot)
            self.plot.hide()
            self.plot.deleteLater()
            self.plot = None
        self._hint.setVisible(not name)
        self._hint.setText(
            self.tr("This run has no epochs yet.")
            if self._histories
            else self.tr("Choose one or more runs above to lay their curves over each other.")
        )
        if not name:
            return
        if self.plot is None:
            self.plot = CurvePlot(name)
            self.plot.setProperty("role", "")
            self._column.addWidget(self.plot, 1)
            self._drawn = {}
        self._overlay(self.plot)

    def _overlay(self, plot: CurvePlot) -> None:
        """Take away what is no longer chosen, and draw what is new or has another colour."""
        wanted = {
            shown: (colour.rgb(), history) for shown, colour, history in self._histories.values()
        }
        for shown in [name for name in self._drawn if self._drawn[name] != wanted.get(name)]:
            plot.take_overlay(shown)
            del self._drawn[shown]
        for shown, colour, history in self._histories.values():
            if shown not in self._drawn:
                plot.overlay(shown, colour, history)
        self._drawn = wanted
        plot.follow()


class Differences(QFrame):
    """What differs between two projects, as rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._title = label(role="muted")
        self.table = QTableWidget(0, 3)
        self.table.setAccessibleName(self.tr("What differs"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for side in (1, 2):
            self.table.setColumnWidth(side, VALUE_WIDTH)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 8)
        column.addWidget(label(self.tr("DIFFERENCES"), "heading"))
        column.addWidget(self._title)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        self.clear()

    def clear(self) -> None:
        """Compare nothing."""
        self._title.setText(
            self.tr("Choose two runs to see what differs, or one to compare with the open project.")
        )
        self._title.setWordWrap(True)
        self.table.setRowCount(0)
        self.table.hide()

    def compare(self, before: tuple[str, Project], after: tuple[str, Project]) -> None:
        """Show what differs between two projects with these names."""
        rows = differences(before[1], after[1])
        self._title.setText(
            self.tr("{0} and {1} differ in: {2}").format(before[0], after[0], len(rows))
            if rows
            else self.tr("{0} and {1} do not differ.").format(before[0], after[0])
        )
        self.table.setHorizontalHeaderLabels([self.tr("What"), before[0], after[0]])
        self.table.setRowCount(min(len(rows), MOST_ROWS))
        for number, row in enumerate(rows[:MOST_ROWS]):
            for at, text in enumerate((self._what(row), row.before or "–", row.after or "–")):
                self.table.setItem(number, at, QTableWidgetItem(text))
        self.table.setVisible(bool(rows))

    def _what(self, row: Difference) -> str:
        parts = {
            "setting": "",
            "layer": self.tr("layer"),
            "wire": self.tr("wire"),
            "block": self.tr("block"),
            "code": "",
        }
        return f"{parts[row.part]} {row.what}".strip()


class Compare(QSplitter):
    """The lower half of the Runs workspace."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves = CurvesOfRuns()
        self.differences = Differences()
        self.addWidget(self.curves)
        self.addWidget(self.differences)
        self.setSizes([620, 460])
        self.setHandleWidth(10)
        self.setStyleSheet(INVISIBLE_HANDLE)
        self.setChildrenCollapsible(False)

    def show_differences(self, chosen: list[RunFacts], opened: Project) -> None:
        """Of the two runs that are chosen, or of one and the open project."""
        if len(chosen) == 2:
            one, two = chosen
            self.differences.compare((one.name, one.project), (two.name, two.project))
        elif len(chosen) == 1:
            name = chosen[0].name
            self.differences.compare(
                (name, chosen[0].project), (self.tr("the open project"), opened)
            )
        else:
            self.differences.clear()


def colours_of(chosen: list[RunFacts]) -> dict[str, QColor]:
    """A colour of the theme's series for each of the chosen runs, by folder."""
    drawn = chosen[:MOST_CURVES]
    return {run.folder: theme.current().series(number) for number, run in enumerate(drawn)}


def history_card(
    chosen: list[RunFacts], histories: dict[str, History]
) -> dict[str, tuple[str, QColor, History]]:
    """What the curves need of the chosen runs."""
    colours = colours_of(chosen)
    names = {run.folder: run.name for run in chosen}
    for folder, name in names.items():
        if list(names.values()).count(name) > 1:
            names[folder] = f"{name} ({Path(folder).name})"
    return {
        folder: (names[folder], colour, histories[folder])
        for folder, colour in colours.items()
        if folder in histories
    }
