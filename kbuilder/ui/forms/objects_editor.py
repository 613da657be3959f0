"""A list of Keras objects as a value, such as the cells that lie above each other in StackedRNNCells."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.ui.forms.object_editor import ObjectEditor, fits_in
from kbuilder.ui.text import label


class ObjectsEditor(QWidget):
    """One ``ObjectEditor`` for each object, in ``details``; here their number and a button for one more."""

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(
        self, param: ParamSpec, catalogue: Catalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        # The name of a list, less its s, is that of one of the things in it.
        one = param.name.removesuffix("s")
        self._param = msgspec.structs.replace(param, name=one, kinds=("object",), required=True)
        self._value: list[dict[str, Any]] = []
        self._editors: list[ObjectEditor] = []
        self._count = label("", "muted")
        self.more = QPushButton(self.tr("Add"))
        self.more.clicked.connect(self._add)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._count, 1)
        row.addWidget(self.more)
        self.details = QWidget(parent)
        self._column = QVBoxLayout(self.details)
        self._column.setContentsMargins(12, 2, 0, 2)

    def value(self) -> list[dict[str, Any]]:
        """The objects in their order."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show these without telling."""
        value = value if isinstance(value, list) else []
        same_length = len(value) == len(self._editors)
        self._value = value
        self._count.setText(self.tr("%n in a row", "", len(value)))
        if not same_length:
            self._make_editors()
        for editor, each in zip(self._editors, value, strict=True):
            editor.set_value(each)

    def set_mixed(self) -> None:
        """Show none."""
        self.set_value([])

    def _make_editors(self) -> None:
        self._editors.clear()
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number in range(len(self._value)):
            self._column.addWidget(self._entry(number))

    def _entry(self, number: int) -> QWidget:
        entry = QWidget(self.details)
        editor = ObjectEditor(self._param, self._catalogue, entry)
        editor.setAccessibleName(f"{self._param.name} {number + 1}")
        editor.changed.connect(partial(self._change, number))
        self._editors.append(editor)
        gone = QToolButton(entry)
        gone.setText("✕")
        gone.setToolTip(self.tr("Take this one out"))
        gone.setAccessibleName(self.tr("Take out {0}").format(number + 1))
        gone.setEnabled(len(self._value) > 1)
        gone.clicked.connect(partial(self._take_out, number))
        row = QHBoxLayout()
        row.addWidget(editor, 1)
        row.addWidget(gone, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(entry)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(editor.details)
        return entry

    def _change(self, number: int, value: Any) -> None:
        self._tell([*self._value[:number], value, *self._value[number + 1 :]])

    def _take_out(self, number: int) -> None:
        self._tell([*self._value[:number], *self._value[number + 1 :]])

    def _add(self) -> None:
        """One more like the last, or the first class that is offered."""
        if self._value:
            self._tell([*self._value, self._value[-1]])
            return
        section = self._catalogue.listed(self._param.of) if self._param.of else ()
        first = next(spec for spec in section if fits_in(spec, self._param))
        self._tell([{"class_name": first.class_name, "params": dict(first.preset)}])

    def _tell(self, value: list[dict[str, Any]]) -> None:
        self.set_value(value)
        self.changed.emit(value)
