"""The runs of a project as a table: sorted, filtered, with notes that are edited in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import (
    QAbstractTableModel,
    QDateTime,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from kbuilder.document.cells import csv_text
from kbuilder.document.run_settings import Settings, differing, setting_text
from kbuilder.link.run_facts import RunFacts
from kbuilder.link.run_notes import RunNotes, tags_in
from kbuilder.ui import theme
from kbuilder.ui.text import tooltip

Index = QModelIndex | QPersistentModelIndex
NAME, NOTE, TAGS = "name", "note", "tags"
EDITED = (NAME, NOTE, TAGS)
MOST_SETTINGS = 12
DOT = 20
GLYPHS = {
    "running": "▶",
    "complete": "✓",
    "stopped": "■",
    "cut off": "⚡",
    "failed": "✕",
    "opened": "↓",
}


@dataclass(frozen=True)
class Column:
    """One column: its key, its title, the value of a run to sort by, and how that is written."""

    key: str
    title: str
    value: Callable[[RunFacts], Any]
    text: Callable[[Any], str] = str
    number: bool = False
    width: int = 90


class RunModel(QAbstractTableModel):
    """All runs of the folder; ``noted`` carries a run's folder and its new notes."""

    noted = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._all: tuple[RunFacts, ...] = ()
        self._rows: list[RunFacts] = []
        self._settings: dict[str, Settings] = {}
        self._words: tuple[str, ...] = ()
        self._order: tuple[str, bool] = ("started", True)
        self._used = ""
        self.colours: dict[str, QColor] = {}
        self.columns: list[Column] = []

    # --- what is shown ---------------------------------------------------------------------------

    def show_runs(self, runs: Sequence[RunFacts], settings: dict[str, Settings], used: str) -> bool:
        """Show these runs with their settings by folder; tells whether anything is new.

        ``used`` is the folder of the run whose weights are in use.
        """
        if (tuple(runs), used) == (self._all, self._used):
            return False
        self.beginResetModel()
        self._all, self._used = tuple(runs), used
        self._settings = settings
        self.columns = self._make_columns()
        self._arrange()
        self.endResetModel()
        return True

    def filter(self, text: str) -> None:
        """Show only the runs that have all these words somewhere in their row."""
        self.beginResetModel()
        self._words = tuple(text.lower().split())
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; runs without a value come last."""
        if not 0 <= column < len(self.columns):
            return
        self.beginResetModel()
        self._order = (self.columns[column].key, order == Qt.SortOrder.DescendingOrder)
        self._arrange()
        self.endResetModel()

    def mark(self, colours: dict[str, QColor]) -> None:
        """Give the names of some runs, by folder, the colours that their curves have."""
        self.colours = colours
        self._tell_changed()

    def run_at(self, row: int) -> RunFacts:
        """The run in a row."""
        return self._rows[row]

    @property
    def sorted_by(self) -> tuple[int, Qt.SortOrder]:
        """The column that the rows are sorted by, -1 if it is not there, and the direction."""
        key, falling = self._order
        at = next((n for n, column in enumerate(self.columns) if column.key == key), -1)
        return at, Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder

    def row_of(self, folder: str) -> int:
        """The row of a run, -1 if it is not shown."""
        return next((at for at, run in enumerate(self._rows) if run.folder == folder), -1)

    @property
    def count(self) -> int:
        """Runs in the folder, shown or not."""
        return len(self._all)

    def as_csv(self) -> str:
        """The rows and columns as they are shown, safe for spreadsheet programs."""
        rows = [
            [
                column.value(run) if column.number else self._text(run, column)
                for column in self.columns
            ]
            for run in self._rows
        ]
        return csv_text([column.title for column in self.columns], rows)

    # --- Qt's side -------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Rows that pass the filter."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Columns of these runs."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self.columns[section].title)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(self.columns[section])
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Names, notes and tags are edited in place."""
        flags = super().flags(index)
        if index.isValid() and self.columns[index.column()].key in EDITED:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = 0) -> Any:
        """What a cell shows."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        run, column = self._rows[index.row()], self.columns[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._text(run, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(run.fault or self._text(run, column))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and column.key == NAME:
            colour = self.colours.get(run.folder)
            return _dot(colour.rgb()) if colour is not None else None
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(run, column)
        if role == Qt.ItemDataRole.FontRole and column.key == NAME and run.folder == self._used:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.title}: {self._text(run, column)}"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take what was typed into a name, note or tags."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        run, key = self._rows[index.row()], self.columns[index.column()].key
        notes, text = run.notes, str(value).strip()
        changed = {
            NAME: lambda: replace(
                notes, label=text if text != run.folder.rpartition("/")[2] else ""
            ),
            NOTE: lambda: replace(notes, note=text),
            TAGS: lambda: replace(notes, tags=tags_in(text)),
        }[key]()
        if changed == notes:
            return False
        self._take_notes(run, changed)
        self.noted.emit(run.folder, changed)
        return True

    # --- within ----------------------------------------------------------------------------------

    def _take_notes(self, run: RunFacts, notes: RunNotes) -> None:
        new = replace(run, notes=notes)
        self._all = tuple(new if each is run else each for each in self._all)
        self._rows = [new if each is run else each for each in self._rows]
        self._tell_changed()

    def _tell_changed(self) -> None:
        if self._rows:
            last = self.index(len(self._rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _arrange(self) -> None:
        rows = [run for run in self._all if self._passes(run)]
        key, falling = self._order
        column = next((each for each in self.columns if each.key == key), None)
        if column is not None:
            known = [run for run in rows if column.value(run) is not None]
            known.sort(key=lambda run: _sortable(column.value(run)), reverse=falling)
            rows = known + [run for run in rows if column.value(run) is None]
        self._rows = rows

    def _passes(self, run: RunFacts) -> bool:
        if not self._words:
            return True
        text = " ".join(self._text(run, column) for column in self.columns).lower()
        return all(word in text for word in self._words)

    def _text(self, run: RunFacts, column: Column) -> str:
        value = column.value(run)
        return "" if value is None else column.text(value)

    def _colour(self, run: RunFacts, column: Column) -> QColor | None:
        colours = theme.current()
        if column.key == "state":
            names = {"running": "accent", "complete": "ok", "failed": "error", "cut off": "warning"}
            return getattr(colours, names.get(run.state, "muted"))  # type: ignore[no-any-return]
        return colours.muted if column.key == "started" else None

    def _make_columns(self) -> list[Column]:
        main, rest = _metrics(self._all)
        return [
            Column(NAME, self.tr("Run"), lambda run: run.name, width=200),
            Column("state", self.tr("State"), lambda run: run.state, self._state_text, width=100),
            Column("started", self.tr("Started"), lambda run: run.started, _moment, width=118),
            Column("seconds", self.tr("Time"), lambda run: run.seconds, duration, True, 70),
            Column("epochs", self.tr("Epochs"), lambda run: run.epochs, str, True, 64),
            *(column for name in main for column in self._metric(name)),
            *self._setting_columns(),
            Column(TAGS, self.tr("Tags"), lambda run: ", ".join(run.notes.tags), width=100),
            Column(NOTE, self.tr("Note"), lambda run: run.notes.note, width=180),
            *(column for name in rest for column in self._metric(name)),
        ]

    def _metric(self, name: str) -> tuple[Column, Column]:
        best, last = self.tr("{0} best").format(name), self.tr("{0} last").format(name)
        return (
            Column(f"best {name}", best, lambda run: run.best.get(name), _figure, True, 110),
            Column(f"last {name}", last, lambda run: run.last.get(name), _figure, True, 110),
        )

    def _setting_columns(self) -> list[Column]:
        if len(self._all) < 2:
            return []
        names = differing(list(self._settings.values()))
        return [self._setting(name) for name in names[:MOST_SETTINGS]]

    def _setting(self, name: str) -> Column:
        def value(run: RunFacts) -> Any:
            return self._settings[run.folder].get(name)

        title = name.removeprefix("fit.").removeprefix("optimizer.").removeprefix("compile.")
        numbers = all(isinstance(value(run), int | float | None) for run in self._all)
        return Column(name, title, value, setting_text, numbers, 100)

    def _state_text(self, state: str) -> str:
        names = {
            "running": self.tr("running"),
            "complete": self.tr("complete"),
            "stopped": self.tr("stopped"),
            "cut off": self.tr("cut off"),
            "failed": self.tr("failed"),
            "opened": self.tr("opened"),
        }
        return f"{GLYPHS[state]} {names[state]}"


@cache
def _dot(rgb: int) -> QIcon:
    """A round dot that keeps its colour in a chosen row."""
    pixmap = QPixmap(DOT, DOT)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(rgb))
    painter.drawEllipse(DOT // 4, DOT // 4, DOT // 2, DOT // 2)
    painter.end()
    made = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Active):
        made.addPixmap(pixmap, mode)
    return made


def duration(seconds: float) -> str:
    """Seconds as 8.2 s, 4:07 or 2:14:09."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _metrics(runs: Sequence[RunFacts]) -> tuple[list[str], list[str]]:
    """The names of the history: the two that matter most, and the rest."""
    names = list(dict.fromkeys(name for run in runs for name in run.last))
    ranked = sorted(names, key=lambda name: (not name.startswith("val_"), "loss" not in name))
    scores = [name for name in ranked if "loss" not in name]
    main = [name for name in ("val_loss", "loss") if name in names][:1] + scores[:1]
    return main, [name for name in names if name not in main]


def _sortable(value: Any) -> Any:
    return (0, value, "") if isinstance(value, int | float) else (1, 0, str(value).lower())


def _figure(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4f}"


def _moment(seconds: float) -> str:
    return QDateTime.fromSecsSinceEpoch(int(seconds)).toString("MMM d, HH:mm:ss")


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
