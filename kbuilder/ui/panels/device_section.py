"""How busy the machine is while it trains: bars of processors, memory and graphics cards."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from kbuilder.link.run_events import MachineMeasured
from kbuilder.ui import theme
from kbuilder.ui.text import bytes_text, label

HEIGHT = 24


class Meter(QWidget):
    """A bar, and its value as text."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._share = 0.0
        self.text = ""
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(90)

    def show_value(self, share: float, text: str) -> None:
        """Show a share from 0 to 1."""
        share = min(max(share, 0.0), 1.0)
        if (share, text) != (self._share, self.text):
            self._share, self.text = share, text
            self.setAccessibleName(f"{self._name}: {text}")
            self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for an amount of memory."""
        return QSize(110, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar behind the text."""
        del event
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.raised)
        painter.drawRoundedRect(frame, 5, 5)
        fill = QColor(colours.accent)
        fill.setAlpha(110)
        painter.setBrush(fill)
        painter.setClipRect(QRectF(0, 0, self.width() * self._share, self.height()))
        painter.drawRoundedRect(frame, 5, 5)
        painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colours.border, 1))
        painter.drawRoundedRect(frame, 5, 5)
        painter.setPen(colours.text)
        place = QRectF(8, 0, self.width() - 12, self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self.text)


class DeviceSection(QWidget):
    """A meter for each thing that training takes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.meters: dict[str, Meter] = {}
        self._nothing = label(self.tr("Measured while a model trains."), "muted")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._nothing, 0, 0, 1, 2)

    def show_measure(self, measured: MachineMeasured | None) -> None:
        """Show what was measured last."""
        self._nothing.setVisible(measured is None and not self.meters)
        if measured is None:
            return
        several = len(measured.gpus) > 1
        for number, gpu in enumerate(measured.gpus):
            which = f" {number}" if several else ""
            self._show(self.tr("GPU{0}").format(which), gpu.busy, f"{gpu.busy:.0%}")
            share = gpu.memory_bytes / max(gpu.memory_total_bytes, 1)
            name = self.tr("GPU{0} memory").format(which)
            self._show(name, share, bytes_text(gpu.memory_bytes))
        self._show(self.tr("CPU"), measured.cpu, f"{measured.cpu:.0%}")
        share = measured.memory_bytes / max(measured.memory_total_bytes, 1)
        self._show(self.tr("Memory"), share, bytes_text(measured.memory_bytes))
        whole = measured.data_seconds + measured.compute_seconds
        waits = measured.data_seconds / whole if whole else 0.0
        self._show(self.tr("Waits for data"), waits, f"{waits:.0%}")

    def _show(self, name: str, share: float, text: str) -> None:
        if name not in self.meters:
            meter = self.meters[name] = Meter(name)
            row = len(self.meters)
            self._grid.addWidget(label(name), row, 0)
            self._grid.addWidget(meter, row, 1)
        self.meters[name].show_value(share, text)
