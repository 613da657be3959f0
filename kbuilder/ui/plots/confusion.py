"""The confusion matrix of an output: numbers on colours, by epoch, with cells that can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from kbuilder.link.run_events import Confusion, Monitored
from kbuilder.ui import theme
from kbuilder.ui.elided import Elided
from kbuilder.ui.pictures import to_numpy
from kbuilder.ui.plots.card import Menu
from kbuilder.ui.text import label, tooltip

NAME_ROOM = 76
GAP = 1
SMALLEST_TEXT = 11
"""Pixels of a cell from which on numbers are written into it."""

_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class Matrix(QWidget):
    """The cells: a row for each class, a column for each that was taken for it.

    Signals:
        cell_chosen: (row, column) that was clicked, or on which Return was pressed.
    """

    cell_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: NDArray[np.generic] = np.zeros((0, 0), np.int64)
        self.classes: tuple[str, ...] = ()
        self._at: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(self.tr("Confusion matrix"))
        theme.notifier.changed.connect(self.update)

    def show_counts(self, found: Confusion | None) -> None:
        """Show the numbers of a look; None: nothing."""
        self.counts = np.zeros((0, 0), np.int64) if found is None else to_numpy(found.counts)
        self.classes = () if found is None else found.classes
        if self._at is not None and max(self._at) >= len(self.classes):
            self._at = None
        if self._at is not None:
            self.setAccessibleDescription(self.words(*self._at))
        self.update()

    def words(self, row: int, column: int) -> str:
        """A cell in words."""
        text = self.tr("{0} × {1} taken for {2}") if row != column else self.tr("{0} × {1} right")
        return text.format(self.counts[row, column], self.classes[row], self.classes[column])

    def sizeHint(self) -> QSize:
        """Room for ten classes."""
        return QSize(360, 280)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, numbers where they fit, names of the classes."""
        del event
        count = len(self.classes)
        if not count:
            return
        painter = QPainter(self)
        colours = theme.current()
        rows = np.maximum(np.sum(self.counts, 1, keepdims=True), 1)
        shares = self.counts / rows
        cell = self._cell()
        font = painter.font()
        font.setPixelSize(max(min(12, int(cell.height() * 0.5), int(cell.width() * 0.4)), 7))
        painter.setFont(font)
        for row in range(count):
            for column in range(count):
                self._paint_cell(painter, row, column, float(shares[row, column]))
        painter.setPen(colours.muted)
        self._paint_names(painter)
        if self._at is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.text, 1.5))
            painter.drawRect(self._place(*self._at))

    def _paint_cell(self, painter: QPainter, row: int, column: int, share: float) -> None:
        colours = theme.current()
        place = self._place(row, column)
        colour = QColor(colours.accent if row == column else colours.warning)
        colour.setAlphaF(min(0.92, 0.15 + 0.8 * share) if share else 0.0)
        painter.fillRect(place, colours.raised)
        painter.fillRect(place, colour)
        if self.counts[row, column] and min(place.width(), place.height()) >= SMALLEST_TEXT:
            bright = share > 0.6 and row == column
            painter.setPen(colours.on_accent if bright else colours.text)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(self.counts[row, column]))

    def _paint_names(self, painter: QPainter) -> None:
        measure = painter.fontMetrics()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        middle = Qt.TextElideMode.ElideRight
        every = max(1, -(-(measure.height() + 1) // max(int(self._cell().height()), 1)))
        for number in range(0, len(self.classes), every):
            place = self._place(number, 0)
            room = QRectF(0, place.center().y() - 10, place.left() - 6, 20)
            text = measure.elidedText(self.classes[number], middle, int(room.width()))
            painter.drawText(room, right, text)
            below = self._place(len(self.classes) - 1, number)
            width = below.width() * every
            text = measure.elidedText(self.classes[number], middle, int(width))
            under = QRectF(
                below.left() - (width - below.width()) / 2, below.bottom() + 2, width, 16
            )
            painter.drawText(under, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, text)

    def _cell(self) -> QRectF:
        count = max(len(self.classes), 1)
        left = self._left()
        side = min((self.width() - left - 4) / count, (self.height() - 24) / count)
        wide = min((self.width() - left - 4) / count, side * 1.8)
        return QRectF(0, 0, max(wide, 2), max(side, 2))

    def _left(self) -> float:
        measure = self.fontMetrics()
        longest = max((measure.horizontalAdvance(name) for name in self.classes), default=0)
        return min(longest + 12, NAME_ROOM)

    def _place(self, row: int, column: int) -> QRectF:
        cell = self._cell()
        left = self._left()
        spare = max(self.width() - left - 4 - cell.width() * len(self.classes), 0) / 2
        return QRectF(
            left + spare + column * cell.width(),
            2 + row * cell.height(),
            cell.width() - GAP,
            cell.height() - GAP,
        )

    def _found(self, at: QPointF) -> tuple[int, int] | None:
        for row in range(len(self.classes)):
            for column in range(len(self.classes)):
                if self._place(row, column).adjusted(0, 0, GAP, GAP).contains(at):
                    return row, column
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The cell in words as a tool tip."""
        found = self._found(event.position())
        self.setToolTip(tooltip(self.words(*found)) if found else "")
        self.setCursor(Qt.CursorShape.PointingHandCursor if found else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell."""
        found = self._found(event.position())
        if found is not None:
            self._go(found)
            self.cell_chosen.emit(*found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over the cells, Return chooses one."""
        move = _ARROWS.get(Qt.Key(event.key()))
        if move and self.classes:
            row, column = self._at or (0, 0)
            last = len(self.classes) - 1
            self._go((min(max(row + move[0], 0), last), min(max(column + move[1], 0), last)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at:
            self.cell_chosen.emit(*self._at)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the arrows start from."""
        super().focusInEvent(event)
        if self._at is None and self.classes:
            self._go((0, 0))

    def _go(self, at: tuple[int, int]) -> None:
        self._at = at
        self.setAccessibleDescription(self.words(*at))
        self.update()


class ConfusionCard(QWidget):
    """The matrix of one output at one epoch, with a chooser for both.

    Signals:
        samples_chosen: output id, name of the class, of the one it was taken for, row numbers.
    """

    samples_chosen = Signal(str, str, str, tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = "confusion"
        self._looks: list[Monitored] = []
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.matrix = Matrix()
        self.matrix.cell_chosen.connect(self._choose)
        self._title = Elided(self.tr("CONFUSION"), "heading")
        self._outputs = QComboBox()
        self._outputs.setAccessibleName(self.tr("Output"))
        self._outputs.currentIndexChanged.connect(self._show)
        self._epoch = QSlider(Qt.Orientation.Horizontal)
        self._epoch.setAccessibleName(self.tr("Epoch"))
        self._epoch.setFixedWidth(80)
        self._epoch.setRange(0, 0)
        self._epoch.valueChanged.connect(self._show)
        self._text = label(role="muted")
        self._more = Menu(self, self.numbers)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._outputs)
        head.addStretch(1)
        head.addWidget(self._text)
        head.addWidget(self._epoch)
        head.addWidget(self._more)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 10, 8)
        column.addLayout(head)
        column.addWidget(self.matrix, 1)
        self.show_looks([], {})

    def show_looks(self, looks: list[Monitored], names: dict[str, str]) -> None:
        """Show these looks; ``names`` are those of the outputs by id. The last one is followed."""
        found = [look for look in looks if look.confusion]
        if len(found) == len(self._looks) and (not found or found[-1] is self._looks[-1]):
            return
        follows = self._epoch.value() == self._epoch.maximum()
        self._looks = found
        outputs = list(found[-1].confusion) if found else []
        known = [self._outputs.itemData(number) for number in range(self._outputs.count())]
        if outputs != known:
            self._outputs.blockSignals(True)
            self._outputs.clear()
            for node in outputs:
                self._outputs.addItem(names.get(node, node), node)
            self._outputs.blockSignals(False)
        self._outputs.setVisible(len(outputs) > 1)
        self._epoch.setVisible(len(found) > 1)
        self._epoch.blockSignals(True)
        self._epoch.setRange(0, max(len(found) - 1, 0))
        if follows:
            self._epoch.setValue(self._epoch.maximum())
        self._epoch.blockSignals(False)
        self._show()

    def numbers(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        """The matrix: a row for each class."""
        classes = self.matrix.classes
        rows = [
            [name, *row] for name, row in zip(classes, self.matrix.counts.tolist(), strict=True)
        ]
        return ("class", *classes), rows

    @property
    def output(self) -> str:
        """The id of the output that is shown."""
        return str(self._outputs.currentData() or "")

    def _look(self) -> Monitored | None:
        place = self._epoch.value()
        return self._looks[place] if place < len(self._looks) else None

    @Slot()
    def _show(self) -> None:
        look = self._look()
        found = look.confusion.get(self.output) if look else None
        self.matrix.show_counts(found)
        if look is None or found is None:
            self._text.setText("")
            return
        counts = self.matrix.counts
        right = int(np.trace(counts)) / max(int(np.sum(counts)), 1)
        percent = f"{100 * right:.0f}"
        self._text.setText(self.tr("e{0} · {1} %").format(look.epoch + 1, percent))
        text = self.tr("After epoch {0}: {1} % of {2} right")
        self._text.setToolTip(tooltip(text.format(look.epoch + 1, percent, int(np.sum(counts)))))

    @Slot(int, int)
    def _choose(self, row: int, column: int) -> None:
        look = self._look()
        found = look.confusion.get(self.output) if look else None
        if found is None:
            return
        pairs = zip(found.samples, found.cells, strict=False)
        samples = tuple(sample for sample, cell in pairs if cell == (row, column))
        self.samples_chosen.emit(self.output, found.classes[row], found.classes[column], samples)
