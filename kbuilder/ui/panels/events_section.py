"""What happened to a run, newest first, each with its epoch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from kbuilder.link.run_events import Noted
from kbuilder.ui.text import label

MOST = 12
BAD = ("not finite",)


class EventsSection(QWidget):
    """The last events of a run as rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen: tuple[int, Noted | None] = (-1, None)
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._nothing = label(self.tr("Nothing yet."), "muted")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._nothing, 0, 0, 1, 2)

    def texts(self) -> list[str]:
        """The rows from top to bottom."""
        return [f"{at.text()} {text.text()}" for at, text in self._rows if not text.isHidden()]

    def show_events(self, notes: Sequence[Noted]) -> None:
        """Show these events."""
        seen = (len(notes), notes[-1] if notes else None)
        if seen == self._seen:
            return
        self._seen = seen
        last = list(reversed(notes[-MOST:]))
        while len(self._rows) < len(last):
            self._rows.append(self._made())
        for number, (at, text) in enumerate(self._rows):
            shown = number < len(last)
            at.setVisible(shown)
            text.setVisible(shown)
            if shown:
                note = last[number]
                at.setText(f"e{note.epoch + 1:02d}")
                text.setText(note.text)
                text.setProperty("role", "warning" if note.kind in BAD else "")
                text.style().polish(text)
        self._nothing.setVisible(not last)

    def _made(self) -> tuple[QLabel, QLabel]:
        row = len(self._rows) + 1
        at, text = label(role="mono"), label()
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(at, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(text, row, 1)
        return at, text
