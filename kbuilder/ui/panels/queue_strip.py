"""What waits to be trained, in its order: a line for each, moved and removed by its buttons."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from kbuilder.document.errors import KBuilderError
from kbuilder.document.project_file import load
from kbuilder.document.run_settings import setting_text, settings_of
from kbuilder.ui.queue import Queue
from kbuilder.ui.text import label
from kbuilder.ui.training import Training

SHOWN = ("optimizer", "optimizer.learning_rate", "fit.epochs", "fit.batch_size")
PLACE_WIDTH = 40


class QueueStrip(QFrame):
    """Shown only while something waits."""

    def __init__(self, queue: Queue, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._training = training
        self.setProperty("role", "card")
        self._begin = QPushButton(self.tr("Begin"))
        self._begin.setToolTip(self.tr("Train the first of these now"))
        self._begin.clicked.connect(queue.begin_next)
        self._next = label(role="muted")
        head = QHBoxLayout()
        head.addWidget(label(self.tr("QUEUE"), "heading"))
        head.addWidget(self._next, 1)
        head.addWidget(self._begin)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 8)
        column.addLayout(head)
        column.addLayout(self._rows)
        queue.changed.connect(self.refresh)
        training.state_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """List what waits now."""
        waiting = self._queue.waiting
        self.setVisible(bool(waiting))
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        active = self._training.active
        self._begin.setVisible(not active)
        self._next.setText(
            self.tr("The first begins when the run that is on has ended.")
            if active
            else self.tr("Nothing is being trained; the first waits for you.")
        )
        for number, path in enumerate(waiting):
            self._rows.addWidget(self._row(number, path, len(waiting)))

    def _row(self, number: int, path: Path, count: int) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        place = self.tr("next") if not number else str(number + 1)
        told = label(place, "strong" if not number else "muted")
        told.setMinimumWidth(PLACE_WIDTH)
        line.addWidget(told)
        line.addWidget(label(self._facts(path)), 1)
        for text, tip, work, possible in (
            ("↑", self.tr("Earlier"), partial(self._queue.move, path, -1), number > 0),
            ("↓", self.tr("Later"), partial(self._queue.move, path, 1), number + 1 < count),
            ("✕", self.tr("Take out of the queue"), partial(self._queue.remove, path), True),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setAccessibleName(f"{tip}: {number + 1}")
            button.setEnabled(possible)
            button.clicked.connect(work)
            line.addWidget(button)
        return row

    def _facts(self, path: Path) -> str:
        try:
            settings = settings_of(load(path))
        except KBuilderError as error:
            return str(error)
        told = [
            f"{n.rpartition('.')[2]} {setting_text(settings[n])}" for n in SHOWN if n in settings
        ]
        return " · ".join(told)
