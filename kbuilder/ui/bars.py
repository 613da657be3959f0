"""Rows of a name, a bar and a figure: class balance, scores."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from kbuilder.ui import theme

ROW = 22
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class BarRows(QWidget):
    """Shows rows of (name, share from 0 to 1, figure)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, str]] = []

    def show_rows(self, rows: list[tuple[str, float, str]]) -> None:
        """Show other rows."""
        self._rows = rows
        self.setAccessibleName(", ".join(f"{name}: {figure}" for name, _, figure in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the rows need."""
        return QSize(220, ROW * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        """The same height."""
        return QSize(120, ROW * len(self._rows))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows."""
        del event
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        measure = painter.fontMetrics()
        widest = max((measure.horizontalAdvance(name) for name, _, _ in self._rows), default=0)
        names = min(widest + 4, 110)
        figures = max((measure.horizontalAdvance(f) for _, _, f in self._rows), default=0)
        room = self.width() - names - figures - 20
        for number, (name, share, figure) in enumerate(self._rows):
            top = number * ROW
            painter.setPen(colours.text)
            text = measure.elidedText(name, Qt.TextElideMode.ElideRight, names)
            painter.drawText(QRectF(0, top, names + 2, ROW), LEFT, text)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.raised)
            painter.drawRoundedRect(QRectF(names + 10, top + 5, room, ROW - 10), 3, 3)
            painter.setBrush(colours.accent)
            width = max(room * min(max(share, 0.0), 1.0), 2)
            painter.drawRoundedRect(QRectF(names + 10, top + 5, width, ROW - 10), 3, 3)
            painter.setPen(colours.muted)
            painter.drawText(QRectF(0, top, self.width(), ROW), RIGHT, figure)
