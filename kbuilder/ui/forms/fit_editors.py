"""Editors of single options of fit: orders of samples, validation, weights of classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.catalogue import ParamSpec
from kbuilder.document.fit_rules import BALANCED
from kbuilder.document.options import DataOptions
from kbuilder.ui.forms.editors import FloatEditor, IntEditor, prepare_combo
from kbuilder.ui.forms.object_list import TITLE_WIDTH
from kbuilder.ui.text import label

MOST_ROWS = 6
ROW_HEIGHT = 34


class FromEditor(IntEditor):
    """The epoch that training begins with, shown as “from 3”."""

    def parse(self, text: str) -> int:
        """Read the number, with or without the words around it."""
        return super().parse("".join(letter for letter in text if letter.isdigit()) or text)

    def text_of(self, value: Any) -> str:
        """In words."""
        return self.tr("from {0}").format(value)


class AllEditor(IntEditor):
    """A number of steps; 0 is shown as “all”."""

    def parse(self, text: str) -> int:
        """Read a number, or the word."""
        return 0 if text == self.text_of(0) else super().parse(text)

    def text_of(self, value: Any) -> str:
        """The number, or the word for 0."""
        return self.tr("all") if value == 0 else super().text_of(value)


class NamedChoiceEditor(QComboBox):
    """One of some values, each with a text of its own."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, choices: dict[Any, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = list(choices)
        self.addItems(list(choices.values()))
        prepare_combo(self)
        self.activated.connect(lambda index: self.changed.emit(self._values[index]))

    def value(self) -> Any:
        """The value chosen."""
        return self._values[self.currentIndex()]

    def set_value(self, value: Any) -> None:
        """Choose without telling; a value that is not offered is added."""
        if value not in self._values:
            self._values.append(value)
            self.addItem(str(value))
        with QSignalBlocker(self):
            self.setCurrentIndex(self._values.index(value))

    def set_mixed(self) -> None:
        """Show none."""
        with QSignalBlocker(self):
            self.setCurrentIndex(-1)


class ValidationEditor(QWidget):
    """What training is judged by: nothing, the last part of the data, or data of its own.

    The value is the pair (fraction, ``DataOptions``).
    """

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, param: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._default: tuple[float, DataOptions] = param.default
        self._split, self._data = self._default
        self._kinds = {
            "": self.tr("none"),
            "split": self.tr("split"),
            "arrays": self.tr("own arrays (.npz, .npy)…"),
            "table": self.tr("own table (.csv)…"),
            "images": self.tr("own pictures…"),
        }
        self.kind = NamedChoiceEditor(self._kinds, self)
        self.kind.setAccessibleName(self.tr("What validates"))
        self.kind.changed.connect(self._choose)
        self.fraction = FloatEditor(
            ParamSpec(name="fraction", kinds=("float",), default=None, minimum=0, maximum=0.95)
        )
        self.fraction.setAccessibleName(self.tr("Fraction that validates"))
        self.fraction.changed.connect(self._set_fraction)
        self.fraction.rejected.connect(self.rejected.emit)
        self.details = QWidget(parent)
        self._file = label("", "muted", self.details)
        self._file.setWordWrap(True)
        column = QVBoxLayout(self.details)
        column.setContentsMargins(TITLE_WIDTH + 8, 0, 0, 0)
        column.addWidget(self._file)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.kind, 3)
        row.addWidget(self.fraction, 2)
        self.setFocusProxy(self.kind)
        self.set_value(param.default)

    def value(self) -> tuple[float, DataOptions]:
        """The fraction and the data."""
        return self._split, self._data

    def set_value(self, value: tuple[float, DataOptions]) -> None:
        """Show what validates, without telling."""
        self._split, self._data = value
        own = bool(self._data.kind)
        self.kind.set_value(self._data.kind or ("split" if self._split else ""))
        self.fraction.setVisible(bool(self._split) and not own)
        self.fraction.set_value(self._split)
        self.details.setVisible(own)
        self._file.setText(Path(self._data.path).name)
        self._file.setToolTip(self._data.path)

    def set_mixed(self) -> None:
        """Show none."""
        self.kind.set_mixed()

    def _choose(self, kind: str) -> None:
        if kind in ("", "split"):
            self.set_value(((self._default[0] if kind else 0.0), DataOptions()))
            self.changed.emit(self.value())
            return
        path = self._ask(kind)
        if path:
            self.set_value((self._split, DataOptions(kind=kind, path=path)))
            self.changed.emit(self.value())
        else:
            self.set_value(self.value())

    def _ask(self, kind: str) -> str:
        folder = str(Path(self._data.path).parent) if self._data.path else ""
        if kind == "images":
            return QFileDialog.getExistingDirectory(
                self, self.tr("Choose a folder with a subfolder for each class"), folder
            )
        kinds = self.tr("Tables (*.csv)") if kind == "table" else self.tr("Arrays (*.npz *.npy)")
        title = self.tr("Choose the data to validate with")
        return QFileDialog.getOpenFileName(self, title, folder, kinds)[0]

    def _set_fraction(self, fraction: float | None) -> None:
        if fraction is None or not 0 <= fraction <= 0.95:
            self.rejected.emit(self.tr("A fraction from 0 to 0.95 is expected."))
            return
        self._split = fraction
        self.changed.emit(self.value())


class ClassWeightsEditor(QWidget):
    """How much each class counts: None (all the same), ``"balanced"``, or a weight for each number.

    ``classes`` are the names in the order of their numbers, ``counts`` how many samples each has.
    """

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(
        self, classes: tuple[str, ...], counts: tuple[int, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._value: str | dict[int, float] | None = None
        by_hand = self.tr("by hand")
        choices = {None: self.tr("none"), BALANCED: self.tr("balanced"), "hand": by_hand}
        self.mode = NamedChoiceEditor(choices, self)
        self.mode.changed.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.mode)
        self.setFocusProxy(self.mode)
        self.details = QWidget(parent)
        self.fields: list[FloatEditor] = []
        self._make_table(classes, counts)
        self.set_value(None)

    def value(self) -> str | dict[int, float] | None:
        """The weights."""
        return self._value

    def set_value(self, value: str | dict[int, float] | None) -> None:
        """Show the weights without telling."""
        self._value = value
        by_hand = isinstance(value, dict)
        self.mode.set_value("hand" if by_hand else value)
        self.details.setVisible(by_hand)
        for number, field in enumerate(self.fields):
            field.set_value(value.get(number, 1.0) if isinstance(value, dict) else 1.0)

    def set_mixed(self) -> None:
        """Show none."""
        self.mode.set_mixed()

    def _make_table(self, classes: tuple[str, ...], counts: tuple[int, ...]) -> None:
        table = QWidget()
        table.setProperty("role", "side")
        grid = QGridLayout(table)
        grid.setContentsMargins(12, 0, 6, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for number, name in enumerate(classes):
            param = ParamSpec(name="weight", kinds=("float",), default=1.0, minimum=0.0)
            field = FloatEditor(param)
            field.setAccessibleName(self.tr("Weight of class {0}").format(name))
            field.setFixedWidth(84)
            field.changed.connect(lambda weight, number=number: self._set_weight(number, weight))
            field.rejected.connect(self.rejected.emit)
            shown = label(name)
            shown.setBuddy(field)
            grid.addWidget(shown, number, 0)
            if number < len(counts):
                count = label(f"{counts[number]:,} ×", "muted")
                grid.addWidget(count, number, 1, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(field, number, 2)
            self.fields.append(field)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(table)
        scroll.setFixedHeight(min(len(classes), MOST_ROWS) * ROW_HEIGHT + 2)
        column = QVBoxLayout(self.details)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)

    def _choose(self, mode: str | None) -> None:
        self.set_value(dict.fromkeys(range(len(self.fields)), 1.0) if mode == "hand" else mode)
        self.changed.emit(self._value)

    def _set_weight(self, number: int, weight: float | None) -> None:
        if weight is None or weight < 0:
            self.rejected.emit(self.tr("A weight is 0 or more."))
            return
        weights = self._value if isinstance(self._value, dict) else {}
        self._value = {**weights, number: weight}
        self.changed.emit(self._value)
