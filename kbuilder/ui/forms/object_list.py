"""Keras objects below each other, such as metrics or callbacks, and a button that adds one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.values import KerasObject
from kbuilder.ui.forms.object_editor import ObjectEditor
from kbuilder.ui.text import label

TITLE_WIDTH = 104

Objects = tuple[KerasObject, ...]


class ObjectList(QWidget):
    """One row for each object. ``changed`` carries all of them.

    ``title`` stands in front of each (empty: nothing does), ``add`` and ``remove`` on the buttons;
    ``new`` makes the object that the button adds.
    """

    changed = Signal(object)

    def __init__(
        self,
        param: ParamSpec,
        catalogue: Catalogue,
        *,
        title: str,
        add: str,
        remove: str,
        new: Callable[[], KerasObject],
    ) -> None:
        super().__init__()
        self._param = param
        self._catalogue = catalogue
        self._title = title
        self._remove_text = remove
        self._new = new
        self._objects: Objects = ()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.add_button = QToolButton()
        self.add_button.setText(add)
        self.add_button.clicked.connect(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._rows)
        column.addWidget(self.add_button)

    def show_objects(self, objects: Objects) -> None:
        """Show these."""
        if objects == self._objects and self._rows.count() == len(objects):
            return
        before, self._objects = self._objects, objects
        if self._rows.count() == len(objects) == len(before):
            self._show_again(before)
            return
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, each in enumerate(objects):
            row = ObjectRow(self._param, self._catalogue, each, self._title, self._remove_text)
            row.changed.connect(partial(self._change, number))
            row.removed.connect(partial(self._remove, number))
            self._rows.addWidget(row)

    def _show_again(self, before: Objects) -> None:
        """Change the rows in place, so that the field in use keeps the focus."""
        for number, (old, new) in enumerate(zip(before, self._objects, strict=True)):
            item = self._rows.itemAt(number)
            row = item.widget() if item is not None else None
            if old != new and isinstance(row, ObjectRow):
                row.editor.set_value(new.plain())

    @Slot()
    def _add(self) -> None:
        self.changed.emit((*self._objects, self._new()))

    def _change(self, number: int, value: dict[str, object]) -> None:
        changed = list(self._objects)
        changed[number] = KerasObject.of(value)
        self.changed.emit(tuple(changed))

    def _remove(self, number: int) -> None:
        self.changed.emit(self._objects[:number] + self._objects[number + 1 :])


class ObjectRow(QWidget):
    """One object: its class and parameters, and a button that removes it."""

    changed = Signal(object)
    removed = Signal()

    def __init__(
        self, param: ParamSpec, catalogue: Catalogue, shown: KerasObject, title: str, remove: str
    ) -> None:
        super().__init__()
        self.editor = ObjectEditor(param, catalogue)
        self.editor.set_value(shown.plain())
        self.editor.setAccessibleName(title or param.name)
        self.editor.changed.connect(self.changed.emit)
        gone = QToolButton()
        gone.setText("✕")
        gone.setToolTip(remove)
        gone.setAccessibleName(remove)
        gone.clicked.connect(self.removed.emit)
        row = QHBoxLayout()
        row.setSpacing(8)
        if title:
            name = label(title)
            name.setFixedWidth(TITLE_WIDTH)
            row.addWidget(name)
        row.addWidget(self.editor, 1)
        row.addWidget(gone)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.editor.details)
