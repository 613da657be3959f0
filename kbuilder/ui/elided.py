"""A label that ends in dots where room is scarce."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel

from kbuilder.ui import theme
from kbuilder.ui.text import tooltip

SMALLEST = 44


class Elided(QLabel):
    """One line of muted text; the whole of it is the tool tip. ``role`` as for ``label``."""

    def __init__(self, text: str = "", role: str = "muted") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setMinimumWidth(SMALLEST)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self.setToolTip(tooltip(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much of the text as there is room for."""
        del event
        painter = QPainter(self)
        painter.setPen(theme.current().muted)
        end = Qt.TextElideMode.ElideRight
        text = self.fontMetrics().elidedText(self.text(), end, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)
