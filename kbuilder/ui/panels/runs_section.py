"""The newest runs of the project, to be drawn behind the curves of the one that is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from kbuilder.link.run_facts import HISTORY, History, read_history, run_folders
from kbuilder.link.run_notes import read_notes
from kbuilder.ui import theme
from kbuilder.ui.panels.problems_panel import dot
from kbuilder.ui.text import label, tooltip

MOST = 8
FIRST_COLOUR = 3
"""The first two colours are those of training and validation of the run that is shown."""


class RunsSection(QWidget):
    """The run that is shown, and the runs before with a box to draw them behind.

    Signals:
        overlaid: name, colour and epochs of a run to draw behind.
        taken: name of a run that is no longer to be drawn.
    """

    overlaid = Signal(str, QColor, object)
    taken = Signal(str)

    def __init__(self, folder: Callable[[], Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._known: dict[Path, float] = {}
        self._current = ""
        self._histories: dict[str, History] = {}
        self.boxes: dict[str, QCheckBox] = {}
        self._names: dict[str, str] = {}
        self._results: dict[str, QLabel] = {}
        self._now = label(role="strong")
        self._state = label(role="pill")
        self._nothing = label(self.tr("Runs that were kept appear here."), "muted")
        self._nothing.setWordWrap(True)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(0, 1)
        self._grid.addWidget(self._now, 0, 0)
        self._grid.addWidget(self._state, 0, 1, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(self._nothing, 1, 0, 1, 2)

    def show_current(self, run: str, state: str) -> None:
        """Name the run that is shown, and say how it fares."""
        name = Path(run).name if run else ""
        self._now.setText(name)
        self._now.setVisible(bool(name))
        self._state.setText(state)
        self._state.setVisible(bool(state))
        if run != self._current:
            self._current = run
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Look for runs; reads only those that have changed."""
        folders = [each for each in run_folders(self._folder()) if str(each) != self._current]
        folders = folders[:MOST]
        found = {str(folder) for folder in folders}
        for gone in [run for run in self.boxes if run not in found]:
            self._drop(gone)
        for number, folder in enumerate(folders):
            changed = _modified(folder)
            if self._known.get(folder) != changed or str(folder) not in self.boxes:
                self._known[folder] = changed
                self._show(number + 2, folder)
        self._nothing.setVisible(not folders)

    def _show(self, row: int, folder: Path) -> None:
        run = str(folder)
        history = self._histories[run] = read_history(folder)
        if run not in self.boxes:
            name = read_notes(folder).label or folder.name
            box = self.boxes[run] = QCheckBox(name.replace("&", "&&"))
            box.setToolTip(tooltip(self.tr("Draw this run behind the curves")))
            box.setIcon(dot(self._colour(run)))
            box.toggled.connect(partial(self._toggle, run))
            self._names[run] = name
            self._results[run] = label(role="muted")
            self._grid.addWidget(box, row, 0)
            self._grid.addWidget(self._results[run], row, 1, Qt.AlignmentFlag.AlignRight)
        points = history.get("val_loss") or history.get("loss") or []
        best = min((value for _, value in points), default=None)
        text = "" if best is None else self.tr("{0} · {1} ep").format(f"{best:.4f}", len(points))
        self._results[run].setText(text)

    def _colour(self, run: str) -> QColor:
        place = list(self.boxes).index(run)
        return theme.current().series(FIRST_COLOUR + place)

    def _toggle(self, run: str, on: bool) -> None:
        if on:
            self.overlaid.emit(self._names[run], self._colour(run), self._histories[run])
        else:
            self.taken.emit(self._names[run])

    def _drop(self, run: str) -> None:
        box, result = self.boxes.pop(run), self._results.pop(run)
        if box.isChecked():
            self.taken.emit(self._names[run])
        for widget in (box, result):
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()


def _modified(folder: Path) -> float:
    try:
        return (folder / HISTORY).stat().st_mtime
    except OSError:
        return 0.0
