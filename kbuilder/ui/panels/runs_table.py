"""The table of runs with what can be done with those that are chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QPoint,
    QSignalBlocker,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from kbuilder.link.run_facts import RunFacts
from kbuilder.ui.run_actions import RunActions
from kbuilder.ui.run_list import EDITED, NAME, NOTE, TAGS, RunModel
from kbuilder.ui.text import label

ROW_HEIGHT = 26
TITLE_ROOM = 30
WIDEST = 170


@dataclass(frozen=True)
class _Row:
    """One action: what it does with the chosen runs, and for how many it can be done."""

    id: str
    text: str
    run: Callable[[], object]
    possible: Callable[[list[RunFacts]], bool]
    shortcut: str = ""
    button: bool = False


class RunsTable(QFrame):
    """Filter, table and buttons.

    Signals:
        chosen_changed: other runs are chosen.
        use_wanted: the folder of the run whose weights are to be used.
        export_wanted: the folder of the run whose model is to be exported.
    """

    chosen_changed = Signal()
    use_wanted = Signal(str)
    export_wanted = Signal(str)

    def __init__(self, model: RunModel, work: RunActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.model = model
        self._work = work
        self._kept: list[str] = []
        self._keys: list[str] = []
        self._places: list[tuple[QScrollBar, int]] = []
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter: words in any column"))
        self.filter.setAccessibleName(self.tr("Filter the runs"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(260)
        self.filter.textChanged.connect(model.filter)
        self.view = self._make_view()
        self._note = label(role="muted")
        self._note.setWordWrap(True)
        self._note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._count = label(role="muted")
        self.actions_by_id: dict[str, QAction] = {}
        self._rows = self._make_rows()
        self._buttons = [self._make_action(row) for row in self._rows]
        self._lay_out()
        self.refresh()

    # --- what is chosen --------------------------------------------------------------------------

    def chosen(self) -> list[RunFacts]:
        """The runs in the chosen rows, from the top."""
        # By ranges: ``selectedRows`` asks for the flags of every cell, 40 ms for 200 rows.
        ranges = self.view.selectionModel().selection()
        parts = (ranges.at(number) for number in range(ranges.count()))
        rows = {row for part in parts for row in range(part.top(), part.bottom() + 1)}
        return [self.model.run_at(row) for row in sorted(rows)]

    def choose(self, folders: list[str]) -> None:
        """Choose the rows of these runs."""
        selection = QItemSelection()
        rows = [row for folder in folders if (row := self.model.row_of(folder)) >= 0]
        for row in rows:
            selection.select(self.model.index(row, 0), self.model.index(row, 0))
        flags = QItemSelectionModel.SelectionFlag
        chooser = self.view.selectionModel()
        chooser.select(selection, flags.ClearAndSelect | flags.Rows)
        if rows and not self.view.currentIndex().isValid():
            chooser.setCurrentIndex(self.model.index(rows[0], 0), flags.NoUpdate)

    @property
    def is_edited(self) -> bool:
        """Whether somebody types into a cell."""
        return self.view.state() == QAbstractItemView.State.EditingState

    @Slot()
    def refresh(self) -> None:
        """Columns, hint and buttons as they fit the runs that are there."""
        there = bool(self.model.count)
        self.view.setVisible(there)
        self.filter.setVisible(there)
        self._note.setVisible(not there)
        self._note.setText(
            self.tr("No runs yet. Press Train; each run is kept here with its curves and weights.")
        )
        shown = self.model.rowCount()
        self._count.setText(self.tr("{0} of {1}").format(shown, self.model.count) if there else "")
        self._enable()

    # --- parts -----------------------------------------------------------------------------------

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setModel(self.model)
        view.setAccessibleName(self.tr("Runs"))
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        view.setShowGrid(False)
        view.setSortingEnabled(True)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header.setSectionsMovable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        view.doubleClicked.connect(self._use_or_edit)
        view.activated.connect(self._use_or_edit)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        view.selectionModel().selectionChanged.connect(self._take_choice)
        self.model.modelAboutToBeReset.connect(self._keep_choice)
        self.model.modelReset.connect(self._restore)
        return view

    def _make_rows(self) -> tuple[_Row, ...]:
        def one(runs: list[RunFacts]) -> bool:
            return len(runs) == 1

        def with_weights(runs: list[RunFacts]) -> bool:
            return one(runs) and bool(runs[0].checkpoints) and runs[0].state != "running"

        work, first = self._work, self._first
        return (
            _Row("use", self.tr("Use"), self._use, with_weights, button=True),
            _Row("go_on", self.tr("Go on…"), lambda: work.ask_epochs(first()), with_weights, button=True),
            _Row("branch", self.tr("Branch…"), self._show_branches, with_weights, button=True),
            _Row("delete", self.tr("Delete"), lambda: work.ask_delete(self.chosen()), bool, "Del", True),
            _Row("rename", self.tr("Rename"), lambda: self._edit(NAME), one),
            _Row("note", self.tr("Edit note"), lambda: self._edit(NOTE), one, "Ctrl+Shift+M"),
            _Row("tags", self.tr("Edit tags"), lambda: self._edit(TAGS), one),
            _Row("history", self.tr("Export epochs…"), lambda: work.export_history(first()), one),
            _Row("model", self.tr("Export model…"), self._export_model, with_weights),
            _Row(
                "table",
                self.tr("Export table…"),
                lambda: work.export_table(self.model.as_csv()),
                lambda runs: bool(self.model.count),
                button=True,
            ),
        )  # fmt: skip

    def _make_action(self, row: _Row) -> QPushButton | None:
        action = QAction(row.text, self)
        action.triggered.connect(lambda _=False: row.run())
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.view.addAction(action)
        self.actions_by_id[row.id] = action
        if not row.button:
            return None
        button = QPushButton(row.text)
        button.setObjectName(f"run_{row.id}")
        button.clicked.connect(action.trigger)
        action.changed.connect(lambda: button.setEnabled(action.isEnabled()))
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(label(self.tr("RUNS"), "heading"))
        head.addWidget(self._count)
        head.addStretch(1)
        head.addWidget(self.filter, 2)
        for button in self._buttons:
            if button is not None:
                head.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 8)
        column.addLayout(head)
        column.addWidget(self._note, 1)
        column.addWidget(self.view, 1)

    # --- what is done ----------------------------------------------------------------------------

    def _first(self) -> RunFacts:
        return self.chosen()[0]

    @Slot()
    def _use(self) -> None:
        if self.chosen():
            self.use_wanted.emit(self._first().folder)

    def _export_model(self) -> None:
        self.export_wanted.emit(self._first().folder)

    def _edit(self, key: str) -> None:
        row = self.model.row_of(self._first().folder)
        at = next(n for n, column in enumerate(self.model.columns) if column.key == key)
        index = self.model.index(row, at)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)
        self.view.edit(index)

    def _use_or_edit(self, index: object) -> None:
        """Notes are edited where they are double-clicked; anywhere else the run is used."""
        key = self.model.columns[index.column()].key  # type: ignore[attr-defined]
        if key in EDITED and key != NAME:
            self.view.edit(index)  # type: ignore[call-overload]
        elif self.actions_by_id["use"].isEnabled():
            self._use()

    def _show_branches(self) -> None:
        """The checkpoints of the run; newest first."""
        run = self._first()
        menu = QMenu(self)
        for name in run.checkpoints:
            menu.addAction(_plain(name)).triggered.connect(
                lambda _=False, name=name: self._work.branch(run, name)
            )
        button = next(b for b in self._buttons if b is not None and b.objectName() == "run_branch")
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        for row in self._rows:
            menu.addAction(self.actions_by_id[row.id])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.view.viewport().mapToGlobal(at))

    # --- following -------------------------------------------------------------------------------

    @Slot()
    def _take_choice(self) -> None:
        self._enable()
        self.chosen_changed.emit()

    @Slot()
    def _keep_choice(self) -> None:
        self._kept = [run.folder for run in self.chosen()]
        bars = (self.view.verticalScrollBar(), self.view.horizontalScrollBar())
        self._places = [(bar, bar.value()) for bar in bars]

    @Slot()
    def _restore(self) -> None:
        keys = [column.key for column in self.model.columns]
        if keys != self._keys:
            self._fit_columns()
            self._keys = keys
        self.choose(self._kept)
        for bar, value in self._places:
            bar.setValue(value)
        self.refresh()
        self.chosen_changed.emit()

    def _fit_columns(self) -> None:
        measure = self.view.fontMetrics()
        for number, column in enumerate(self.model.columns):
            title = measure.horizontalAdvance(column.title) + TITLE_ROOM
            self.view.setColumnWidth(number, max(column.width, min(title, WIDEST)))
        header = self.view.horizontalHeader()
        with QSignalBlocker(header):
            header.setSortIndicator(*self.model.sorted_by)

    def _enable(self) -> None:
        chosen = self.chosen()
        for row in self._rows:
            self.actions_by_id[row.id].setEnabled(row.possible(chosen))


def _plain(checkpoint: str) -> str:
    """The name of a checkpoint without what all have: newest, best, epoch-0012."""
    return checkpoint.removeprefix("checkpoint.").removesuffix("npz").strip(".") or "newest"
