"""What is wrong, worst first, and a summary of the layers; a click goes to the node."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QWidget,
)

from kbuilder.document.document import Document
from kbuilder.document.problems import Problem
from kbuilder.ui import theme
from kbuilder.ui.text import shape_text
from kbuilder.ui.workbench import Workbench

NODE_ROLE = Qt.ItemDataRole.UserRole


class ProblemsPanel(QTabWidget):
    """Two lists below the canvas. ``node_chosen`` carries the id of the node that was clicked."""

    node_chosen = Signal(str)

    def __init__(
        self, document: Document, workbench: Workbench, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._workbench = workbench
        self._problems: tuple[Problem, ...] | None = None
        self.setProperty("role", "side-bottom")
        self.setDocumentMode(True)
        self._list = _table(2, self.tr("Problems"))
        self._list.horizontalHeader().hide()
        self._summary = _table(5, self.tr("Summary"))
        self._summary.setHorizontalHeaderLabels(
            [
                self.tr("Layer"),
                self.tr("Class"),
                self.tr("Output shape"),
                self.tr("Parameters"),
                self.tr("Trained"),
            ]
        )
        self.addTab(self._list, self.tr("PROBLEMS"))
        self.addTab(self._summary, self.tr("SUMMARY"))
        self._list.itemClicked.connect(self._choose)
        self._list.itemActivated.connect(self._choose)
        self._summary.itemClicked.connect(self._choose)
        self.currentChanged.connect(self.refresh)
        workbench.facts_changed.connect(self.refresh)
        theme.notifier.changed.connect(self._repaint)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what the workbench knows now."""
        problems = self._workbench.problems
        if problems != self._problems:
            self._problems = problems
            self._show_problems(problems)
        if self.currentWidget() is self._summary:
            self._show_summary()

    def _repaint(self) -> None:
        self._problems = None
        self.refresh()

    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        errors = sum(problem.severity == "error" for problem in problems)
        title = self.tr("PROBLEMS")
        self.setTabText(0, f"{title}  {errors}" if errors else title)
        names = self._document.project.graph.by_id
        self._list.setRowCount(max(len(problems), 1))
        if not problems:
            self._list.setItem(0, 0, _item(self.tr("No problems"), dot(theme.current().ok)))
            self._list.setItem(0, 1, _item(self.tr("The model can be trained.")))
        for row, problem in enumerate(problems):
            who = names[problem.node].name if problem.node in names else self.tr("Model")
            first = _item(who, dot(severity_colour(problem.severity)))
            second = _item(problem.text)
            first.setToolTip(problem.severity)
            for column, item in enumerate((first, second)):
                item.setData(NODE_ROLE, problem.node)
                self._list.setItem(row, column, item)

    def _show_summary(self) -> None:
        graph, facts = self._document.project.graph, self._workbench.facts
        self._summary.setRowCount(len(graph.order))
        for row, node in enumerate(graph.order):
            fact = facts.get(node.id)
            shape = " · ".join(shape_text(t.shape) for t in fact.outputs) if fact else "?"
            count = fact.trainable_params + fact.fixed_params if fact else 0
            trained = (fact.trainable_params if fact else 0) if node.trainable else 0
            cells = (node.name, node.class_name, shape, f"{count:,}", f"{trained:,}")
            for column, text in enumerate(cells):
                item = _item(text)
                item.setData(NODE_ROLE, node.id)
                self._summary.setItem(row, column, item)

    def _choose(self, item: QTableWidgetItem) -> None:
        if item.data(NODE_ROLE):
            self.node_chosen.emit(item.data(NODE_ROLE))


def severity_colour(severity: str) -> QColor:
    """The colour that stands for how bad a problem is."""
    colours = theme.current()
    return {"error": colours.error, "warning": colours.warning}.get(severity, colours.accent)


def dot(colour: QColor) -> QIcon:
    """A filled circle as an icon."""
    pixmap = QPixmap(QSize(24, 24))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(3, 3, 18, 18)
    painter.end()
    return QIcon(pixmap)


def _item(text: str, icon: QIcon | None = None) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    if icon is not None:
        item.setIcon(icon)
    return item


def _table(columns: int, name: str) -> QTableWidget:
    table = QTableWidget(0, columns)
    table.setAccessibleName(name)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(26)
    table.setIconSize(QSize(10, 10))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    table.setColumnWidth(0, 150)
    table.setColumnWidth(1, 160)
    return table
