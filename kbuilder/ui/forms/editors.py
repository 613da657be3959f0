"""One field each: an editor shows a value, and says when the user has entered another.

Every editor has ``changed`` (a new value), ``rejected`` (why what was typed is none), ``value``,
``set_value`` and ``set_mixed``, which shows that several things are edited and differ: whatever is
entered then is new, and leaving the field changes nothing. Setting from the program never emits.
"""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget
from superqt import QSearchableComboBox, QToggleSwitch

from kbuilder.document.catalogue import ParamSpec

NONE_TEXT = "none"
_MIXED = object()
"""Stands for the value of a field that shows several."""
SWITCH_PIXELS = {"switchWidth": 30, "switchHeight": 16, "handleSize": 12}


class TextEditor(QLineEdit):
    """A line of text; commits on Return and when the focus leaves. Empty means the default."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, param: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._param = param
        self._value: Any = param.default
        self._placeholder = self.text_of(param.default)
        self.setPlaceholderText(self._placeholder)
        self.editingFinished.connect(self._commit)

    def value(self) -> Any:
        """The value last set or accepted."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a value; the default is shown as placeholder."""
        if self._value is _MIXED:
            self.setPlaceholderText(self._placeholder)
        self._value = value
        self.setText("" if value == self._param.default else self.text_of(value))

    def set_mixed(self) -> None:
        """Show nothing: there are several values."""
        if self._value is not _MIXED:
            self._placeholder = self.placeholderText()
        self._value = _MIXED
        self.clear()
        self.setPlaceholderText("")

    def parse(self, text: str) -> Any:
        """The value that ``text`` stands for.

        Raises:
            ValueError: it stands for none; the text of the error says what is expected.
        """
        return text

    def text_of(self, value: Any) -> str:
        """How a value is typed."""
        return NONE_TEXT if value is None else str(value)

    def _commit(self) -> None:
        text = self.text().strip()
        if self._value is _MIXED and not text:
            return
        try:
            if not text:
                value = self._param.default
            elif text.lower() == NONE_TEXT and self._param.optional:
                value = None
            else:
                value = self.parse(text)
        except ValueError as error:
            self.rejected.emit(str(error))
            return
        if value != self._value:
            self._value = value
            self.changed.emit(value)


class IntEditor(TextEditor):
    """A whole number; the arrow keys count up and down."""

    def parse(self, text: str) -> int:
        """Read a whole number in ASCII digits."""
        try:
            return int(text)
        except ValueError:
            raise ValueError(self.tr("A whole number is expected, such as 32.")) from None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Count with the arrow keys."""
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if step is None or not isinstance(self._value, int):
            super().keyPressEvent(event)
            return
        self.setText(str(self._value + step))
        self._commit()


class FloatEditor(TextEditor):
    """A number, also as 1e-3."""

    def parse(self, text: str) -> float:
        """Read a finite number with a point."""
        try:
            number = float(text)
        except ValueError:
            raise ValueError(self.tr("A number is expected, such as 0.001 or 1e-3.")) from None
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError(self.tr("A finite number is expected."))
        return number

    def text_of(self, value: Any) -> str:
        """Short but exact."""
        return f"{value:.12g}" if isinstance(value, int | float) else super().text_of(value)


class ShapeTextEditor(TextEditor):
    """Any number of whole numbers with commas between; ? is an open dimension."""

    def parse(self, text: str) -> list[int | None]:
        """Read numbers between commas or ×."""
        parts = text.strip("()[] ").replace("×", ",").replace("x", ",").split(",")
        try:
            return [
                None if part.strip() in ("?", "None", NONE_TEXT) else int(part)
                for part in parts
                if part.strip()
            ]
        except ValueError:
            message = self.tr("Whole numbers with commas between are expected, such as 28, 28, 1.")
            raise ValueError(message) from None

    def text_of(self, value: Any) -> str:
        """Numbers with commas between."""
        if not isinstance(value, list | tuple):
            return super().text_of(value)
        return ", ".join("?" if number is None else str(number) for number in value)


class ValueEditor(TextEditor):
    """Anything else, typed as JSON; what is not JSON is taken as text."""

    def parse(self, text: str) -> Any:
        """Read JSON, or take the text."""
        try:
            return json.loads(text)
        except ValueError:
            return text

    def text_of(self, value: Any) -> str:
        """As JSON, texts without quotes."""
        if value is None or isinstance(value, str):
            return super().text_of(value)
        return json.dumps(value)


class ShapeEditor(QWidget):
    """A fixed number of small fields side by side, such as a kernel size."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, param: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        default = param.default
        single = ParamSpec(name=param.name, kinds=("int",), default=None)
        self._fields = [IntEditor(single, self) for _ in range(param.length or 1)]
        self._default = default if isinstance(default, list | tuple) else None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for number, field in enumerate(self._fields):
            row.addWidget(field)
            placeholder = str(self._default[number]) if self._default else NONE_TEXT
            field.setPlaceholderText(placeholder)
            field.changed.connect(self._commit)
            field.rejected.connect(self.rejected.emit)
        self.setFocusProxy(self._fields[0])

    def value(self) -> list[int] | None:
        """The numbers; None while all fields are empty and there is no default."""
        numbers = [field.value() for field in self._fields]
        numbers = [None if number is _MIXED else number for number in numbers]
        if all(number is None for number in numbers):
            return list(self._default) if self._default else None
        fill = self._default or [next(n for n in numbers if n is not None)] * len(numbers)
        return [
            int(fill[index]) if number is None else number for index, number in enumerate(numbers)
        ]

    def set_value(self, value: Any) -> None:
        """Show the numbers; the default is shown as placeholders."""
        same = (
            self._default is not None and value is not None and list(value) == list(self._default)
        )
        numbers = [None] * len(self._fields) if value is None or same else list(value)
        for field, number in zip(self._fields, numbers, strict=False):
            field.set_value(number)

    def set_mixed(self) -> None:
        """Show that there are several values."""
        for field in self._fields:
            field.set_mixed()

    def _commit(self, _: object) -> None:
        self.changed.emit(self.value())


class BoolEditor(QToggleSwitch):
    """On or off."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, param: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for name, pixels in SWITCH_PIXELS.items():
            self.setProperty(name, pixels)
        self._shown: bool | None = bool(param.default)
        self.set_value(param.default)
        self.toggled.connect(self._commit)

    def value(self) -> bool:
        """Whether it is on."""
        return self.isChecked()

    def set_value(self, value: Any) -> None:
        """Switch without telling."""
        # Signals are not blocked: the switch moves its handle by its own ``toggled``.
        self._shown = bool(value)
        if self.isChecked() != self._shown:
            # At once: each picture of the handle on its way paints the whole panel.
            duration = self.animationDuration()
            self.setAnimationDuration(0)
            self.setChecked(self._shown)
            self.setAnimationDuration(duration)

    def set_mixed(self) -> None:
        """Show off; the first click switches all on."""
        self.set_value(False)
        self._shown = None

    def _commit(self, on: bool) -> None:
        if on != self._shown:
            self._shown = on
            self.changed.emit(on)


class ChoiceEditor(QSearchableComboBox):
    """One of a list; letters search it. The wheel does nothing without the focus."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(self, param: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if param.optional:
            self._add(NONE_TEXT, None)
        for choice in param.choices:
            self._add(choice, choice)
        prepare_combo(self)
        self.set_value(param.default)
        self.activated.connect(self._commit)

    def value(self) -> str | None:
        """The chosen text, or None."""
        chosen = self.currentData()
        return chosen if isinstance(chosen, str) else None

    def set_value(self, value: Any) -> None:
        """Choose without telling; a value that is not in the list is added to it."""
        with QSignalBlocker(self):
            index = self.findData(value)
            if index < 0:
                self._add(NONE_TEXT if value is None else str(value), value)
                index = self.count() - 1
            self.setCurrentIndex(index)
        show_start(self)

    def set_mixed(self) -> None:
        """Show that there are several values."""
        with QSignalBlocker(self):
            self.setCurrentIndex(-1)

    def _add(self, text: str, value: object) -> None:
        self.addItem(text, value)  # type: ignore[no-untyped-call]

    def _commit(self, _: int) -> None:
        show_start(self)
        self.changed.emit(self.value())


def show_start(combo: QComboBox) -> None:
    """Show the beginning of a text that is too long for the field."""
    line = combo.lineEdit()
    if line is not None:
        line.setCursorPosition(0)


def prepare_combo(combo: QComboBox) -> None:
    """Let a combo box shrink in narrow forms, and leave the wheel to the form when not focused."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(6)
    combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    combo.installEventFilter(_WheelGuard(combo))


class _WheelGuard(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget):
            return not watched.hasFocus()
        return False
