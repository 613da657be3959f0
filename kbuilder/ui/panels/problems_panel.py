"""What is wrong, worst first, with its fixes, and a summary of the layers; a click goes to the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QWidget,
)

from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fixes import Fix
from kbuilder.document.mending import apply_fix
from kbuilder.document.problems import Problem
from kbuilder.ui.kept_weights import KeptWeights
from kbuilder.ui.panels.problem_list import ProblemList
from kbuilder.ui.text import shape_text
from kbuilder.ui.workbench import Workbench

if TYPE_CHECKING:
    # Loaded at first use: Pygments costs the start what it need not wait for.
    from kbuilder.ui.code.code_panel import CodePanel

NODE_ROLE = Qt.ItemDataRole.UserRole


class ProblemsPanel(QTabWidget):
    """Problems, a summary of the layers, the own code and fine-tuning, below the canvas.

    Signals:
        node_chosen: the id of the node that was clicked.
        told: a sentence why a fix could not be done.
        room_wanted: what is shown wants more height.
    """

    node_chosen = Signal(str)
    told = Signal(str)
    room_wanted = Signal()

    def __init__(
        self,
        document: Document,
        workbench: Workbench,
        make_code: Callable[[], CodePanel],
        make_tuning: Callable[[], QWidget],
        kept: KeptWeights,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._make_code = make_code
        self._make_tuning = make_tuning
        self._kept = kept
        self._code: CodePanel | None = None
        self._document = document
        self._workbench = workbench
        self._shown: tuple[object, ...] = ()
        self.setProperty("role", "side-bottom")
        self.setDocumentMode(True)
        self._list = ProblemList()
        self._summary = _table(6, self.tr("Summary"))
        self._summary.setHorizontalHeaderLabels(
            [
                self.tr("Layer"),
                self.tr("Class"),
                self.tr("Output shape"),
                self.tr("Parameters"),
                self.tr("Trained"),
                self.tr("Weights in use"),
            ]
        )
        self.addTab(self._list, self.tr("PROBLEMS"))
        self.addTab(self._summary, self.tr("SUMMARY"))
        self._code_page = QStackedWidget()  # the editor is made when it is first looked at
        self.addTab(self._code_page, self.tr("CODE"))
        self._tuning_page = QStackedWidget()
        self.addTab(self._tuning_page, self.tr("FINE-TUNING"))
        self._list.node_chosen.connect(self.node_chosen)
        self._list.code_chosen.connect(self.show_code)
        self._list.fix_wanted.connect(self._mend)
        self._summary.itemClicked.connect(self._choose)
        self.currentChanged.connect(self.refresh)
        workbench.facts_changed.connect(self.refresh)
        kept.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what the workbench knows now."""
        problems = self._workbench.problems
        graph = self._document.project.graph
        names = {
            problem.node: graph.by_id[problem.node].name
            for problem in problems
            if problem.node in graph.by_id
        }
        checked = self._workbench.checked
        if (problems, names, checked) != self._shown:
            self._shown = (problems, names, checked)
            self._list.show_problems(problems, names, checked=checked)
            self._show_count(problems)
        if self.currentWidget() is self._summary:
            self._show_summary()
        elif self.currentWidget() is self._code_page:
            self.code()
        elif self.currentWidget() is self._tuning_page and not self._tuning_page.count():
            self._tuning_page.addWidget(self._make_tuning())

    def code(self) -> CodePanel:
        """The panel of the own code."""
        if self._code is None:
            self._code = self._make_code()
            self._code.told.connect(self.told)
            self._code_page.addWidget(self._code)
        return self._code

    @Slot(int)
    def show_code(self, line: int = 0) -> None:
        """Bring up the own code, at a line if one is given."""
        self.setCurrentWidget(self._code_page)
        self.code().show_line(line or 1)
        self.room_wanted.emit()

    def show_tuning(self) -> None:
        """Bring up the steps of fine-tuning."""
        self.setCurrentWidget(self._tuning_page)
        self.room_wanted.emit()

    @Slot(int)
    def show_next(self, step: int) -> None:
        """Go ``step`` problems on, or back if it is negative, and around at the ends."""
        rows = self._list.rows()
        if not rows:
            return
        self.setCurrentWidget(self._list)
        last = self._list.marked()
        start = -1 if step > 0 else 0
        number = ((start if last is None else last) + step) % len(rows)
        self._list.mark(number)
        problem = rows[number].problem
        if problem is not None and problem.node:
            self.node_chosen.emit(problem.node)

    def _show_count(self, problems: tuple[Problem, ...]) -> None:
        errors = sum(problem.severity == "error" for problem in problems)
        title = self.tr("PROBLEMS")
        self.setTabText(0, f"{title}  {errors}" if errors else title)

    @Slot(object)
    def _mend(self, fix: Fix) -> None:
        """Do what a fix says, as one step that can be undone."""
        catalogue = self._workbench.catalogue
        try:
            self._document.apply(fix.text, lambda project: apply_fix(project, fix, catalogue))
        except KBuilderError as error:
            self.told.emit(str(error))

    def _show_summary(self) -> None:
        graph, facts = self._document.project.graph, self._workbench.facts
        words = {
            "kept": self.tr("kept"),
            "sliced": self.tr("sliced: the part that fits"),
            "new": self.tr("new"),
        }
        self._summary.setRowCount(len(graph.order))
        for row, node in enumerate(graph.order):
            fact = facts.get(node.id)
            shape = " · ".join(shape_text(t.shape) for t in fact.outputs) if fact else "?"
            count = fact.trainable_params + fact.fixed_params if fact else 0
            trained = (fact.trainable_params if fact else 0) if node.trainable else 0
            begins = words.get(self._kept.layers.get(node.id, ""), "")
            cells = (node.name, node.class_name, shape, f"{count:,}", f"{trained:,}", begins)
            for column, text in enumerate(cells):
                item = _item(text)
                item.setData(NODE_ROLE, node.id)
                self._summary.setItem(row, column, item)

    def _choose(self, item: QTableWidgetItem) -> None:
        if item.data(NODE_ROLE):
            self.node_chosen.emit(item.data(NODE_ROLE))


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
