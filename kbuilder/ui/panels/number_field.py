"""A field for one number that is sent with Return."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLineEdit, QWidget

Number = int | float


class NumberField(QLineEdit):
    """What was typed is sent with Return; what is no such number stays and is marked.

    Signals:
        sent: the number, or None where the field was emptied.
    """

    sent = Signal(object)

    def __init__(
        self,
        name: str,
        read: Callable[[str], Number],
        smallest: Number = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._read, self._smallest = read, smallest
        self.setAccessibleName(name)
        self.setMinimumWidth(70)
        self.returnPressed.connect(self._send)
        self.textEdited.connect(self._forgive)

    def show_now(self, value: Number | None) -> None:
        """Show what is in force as the placeholder."""
        self.setPlaceholderText("" if value is None else f"{value:g}")

    @Slot()
    def _send(self) -> None:
        text = self.text().strip()
        if not text:
            self.sent.emit(None)
            return
        try:
            value = self._read(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < self._smallest:
            self._mark(self.tr("A number from {0} on is needed.").format(self._smallest))
            return
        self._mark("")
        self.sent.emit(value)

    @Slot()
    def _forgive(self) -> None:
        self._mark("")

    def _mark(self, fault: str) -> None:
        self.setToolTip(fault)
        self.setProperty("error", bool(fault))
        self.style().polish(self)
