"""Names and latest values of curves in their colours, at the right of a plot's title."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from kbuilder.ui import theme

GAP = 14
DOT = 8
HEIGHT = 20
SMALLEST = 90
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Legend(QWidget):
    """Curves as (colour or its number, name, value). Names give way where room is scarce."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: list[tuple[int | QColor, str, str]] = []

    def show_curves(self, curves: list[tuple[int | QColor, str, str]]) -> None:
        """Show these curves."""
        if curves == self._curves:
            return
        self._curves = curves
        self.setAccessibleName(", ".join(f"{name} {value}" for _, name, value in curves))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """One line of names and values."""
        return QSize(self._width([f"{name} {value}" for _, name, value in self._curves]), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Room for one value; the others give way."""
        return QSize(min(self._width([value for _, _, value in self._curves]), SMALLEST), HEIGHT)

    def _width(self, texts: list[str]) -> int:
        measure = self.fontMetrics()
        return sum(measure.horizontalAdvance(text) + GAP + DOT + 5 for text in texts)

    def paintEvent(self, event: QPaintEvent) -> None:
        """From the right: value, name, dot."""
        del event
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        measure = self.fontMetrics()
        texts = [f"{name} {value}" for _, name, value in self._curves]
        if self._width(texts) > self.width():
            texts = [value for _, _, value in self._curves]
        right = float(self.width())
        for (number, _, _), text in reversed(list(zip(self._curves, texts, strict=True))):
            painter.setPen(colours.muted)
            painter.drawText(QRectF(0, 0, right, self.height()), RIGHT, text)
            right -= measure.horizontalAdvance(text) + DOT + 5
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.series(number) if isinstance(number, int) else number)
            painter.drawEllipse(QRectF(right, (self.height() - DOT) / 2, DOT, DOT))
            right -= GAP
            if right < SMALLEST / 2:
                break
