"""Many fields made from parameter specifications: label left, editor right, reason of an error below."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, Kind, ParamSpec
from kbuilder.document.param_rules import fault
from kbuilder.ui.forms.editors import (
    BoolEditor,
    ChoiceEditor,
    FloatEditor,
    IntEditor,
    ShapeEditor,
    ShapeTextEditor,
    TextEditor,
    ValueEditor,
)
from kbuilder.ui.forms.object_editor import ObjectEditor
from kbuilder.ui.forms.objects_editor import ObjectsEditor
from kbuilder.ui.forms.section import Section
from kbuilder.ui.text import label, tooltip

LABEL_WIDTH = 104
NESTED_INDENT = 12
RARE_GROUP = "Other"
"""The catalogue's group for dtype, name and the like, which are shown under Advanced."""

MakeEditor = Callable[[ParamSpec, QWidget], QWidget]
"""Makes an editor, as those in ``editors``; its ``details``, if it has any, are shown below its row."""

EDITORS: dict[Kind, MakeEditor] = {
    "int": IntEditor,
    "float": FloatEditor,
    "text": TextEditor,
    "bool": BoolEditor,
    "choice": ChoiceEditor,
    "value": ValueEditor,
    "shape": lambda param, parent: (
        ShapeEditor(param, parent) if param.length else ShapeTextEditor(param, parent)
    ),
}


class Form(QWidget):
    """Shows parameters and says what the user changes: ``edited(name, value)`` and ``reset(name)``.

    The form never writes the document; whoever owns it sets the values again with ``set_values``.
    ``editors`` make the editors of single parameters, by name, where the kind alone does not tell;
    ``titles`` are what stands before them, where that is not their name.
    """

    edited = Signal(str, object)
    reset = Signal(str)

    def __init__(
        self,
        catalogue: Catalogue,
        parent: QWidget | None = None,
        *,
        nested: bool = False,
        editors: Mapping[str, MakeEditor] | None = None,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._editors = {} if editors is None else editors
        self._titles = {} if titles is None else titles
        self._rows: dict[str, Row] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(NESTED_INDENT if nested else 0, 0, 0, 0)
        self._column.setSpacing(6)
        self._label_width = LABEL_WIDTH - (NESTED_INDENT if nested else 0)

    def show_params(self, params: tuple[ParamSpec, ...]) -> None:
        """Build the rows, in groups; rare parameters are folded."""
        self._clear()
        groups: dict[str, list[ParamSpec]] = {}
        advanced = self.tr("Advanced")
        for param in params:
            name = param.group if param.group != RARE_GROUP else ""
            groups.setdefault(name or (advanced if param.advanced else ""), []).append(param)
        for name in sorted(groups, key=lambda name: (name != "", name == advanced)):
            rows = [self._row(param) for param in groups[name]]
            if name:
                self._column.addWidget(self._section(name, rows))
            else:
                for row in rows:
                    self._column.addWidget(row)

    def set_values(self, values: Mapping[str, Any], mixed: Collection[str] = ()) -> None:
        """Show these values; a parameter that is missing shows its default.

        Those in ``mixed`` show that the things edited together differ.
        """
        for name, row in self._rows.items():
            if name in mixed:
                row.set_mixed()
            else:
                row.set_value(values.get(name, row.param.default), name in values)

    def set_faults(self, faults: Mapping[str, str]) -> None:
        """Show under each parameter what is wrong with it."""
        for name, row in self._rows.items():
            row.set_fault(faults.get(name, ""))

    def put_beside(self, name: str, other: str) -> None:
        """Show the field of ``other`` in the row of ``name``, without its label."""
        self._rows[name].take_in(self._rows[other])

    def row(self, name: str) -> Row:
        """The row of a parameter."""
        return self._rows[name]

    def names(self) -> tuple[str, ...]:
        """Names of the parameters shown."""
        return tuple(self._rows)

    def _row(self, param: ParamSpec) -> Row:
        make = self._editors.get(param.name)
        row = Row(param, self._catalogue, self, label_width=self._label_width, make_editor=make)
        if param.name in self._titles:
            row.set_title(self._titles[param.name])
        row.edited.connect(self.edited.emit)
        row.reset.connect(self.reset.emit)
        self._rows[param.name] = row
        return row

    def _section(self, name: str, rows: list[Row]) -> Section:
        section = Section(name, self)
        for row in rows:
            section.rows.addWidget(row)
        return section

    def _clear(self) -> None:
        self._rows.clear()
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()


class Row(QWidget):
    """One parameter: its label, its editor, a way back to the default, and what is wrong with it."""

    edited = Signal(str, object)
    reset = Signal(str)

    def __init__(
        self,
        param: ParamSpec,
        catalogue: Catalogue,
        parent: QWidget,
        *,
        label_width: int,
        make_editor: MakeEditor | None = None,
    ) -> None:
        super().__init__(parent)
        self.param = param
        self._catalogue = catalogue
        made: Any = make_editor(param, self) if make_editor else self._make_editor()
        self.editor = made
        title = label(param.name.replace("_", " ").capitalize())
        title.setToolTip(tooltip(param.help))
        title.setFixedWidth(label_width)
        title.setWordWrap(True)
        title.setBuddy(self.editor)
        self._title = title
        self._reset = self._make_reset()
        self._fault = self._make_fault_label()
        self._mixed = label(self.tr("different values"), "muted", self)
        self._mixed.hide()
        self._lay_out(title)
        self.editor.setAccessibleName(param.name)
        self.editor.setToolTip(tooltip(param.help))
        self.editor.changed.connect(self._accept)
        self.editor.rejected.connect(self.set_fault)

    def set_value(self, value: Any, changed: bool) -> None:
        """Show a value; ``changed`` offers the way back to the default."""
        self.editor.set_value(value)
        self._show_state(changed and not self.param.required, mixed=False)

    def set_mixed(self) -> None:
        """Show that there are several values, and the way back to the default for all."""
        self.editor.set_mixed()
        self._show_state(not self.param.required, mixed=True)

    def _show_state(self, changed: bool, *, mixed: bool) -> None:
        self._reset.setVisible(changed)
        self._mixed.setVisible(mixed)
        role = "strong" if changed else ""
        if self._title.property("role") != role:
            self._title.setProperty("role", role)
            self._title.style().polish(self._title)
        self.set_fault("")

    def set_title(self, text: str) -> None:
        """Say what stands before the field."""
        self._title.setText(text)
        self.editor.setAccessibleName(text)

    def take_in(self, other: Row) -> None:
        """Show another row beside the field of this one, without its label."""
        other._title.hide()
        self._field.setStretch(0, 2)
        self._field.addWidget(other, 3)
        self._grid.addWidget(other._fault, 4, 0, 1, 2)

    def set_fault(self, text: str) -> None:
        """Mark the field and say why below it; empty clears the mark."""
        self._fault.setText(text)
        self._fault.setVisible(bool(text))
        if self.editor.property("error") != bool(text):
            self.editor.setProperty("error", bool(text))
            self.editor.style().polish(self.editor)

    def _accept(self, value: object) -> None:
        reason = fault(self.param, value, self._catalogue)
        self.set_fault(reason)
        if reason:
            return
        if value == self.param.default and not self.param.required:
            self.reset.emit(self.param.name)
        else:
            self.edited.emit(self.param.name, value)

    def _make_editor(self) -> Any:
        kinds = self.param.kinds
        if "object" in kinds and self.param.of:
            return ObjectEditor(self.param, self._catalogue, self)
        if kinds == ("value",) and self.param.of:
            return ObjectsEditor(self.param, self._catalogue, self)
        return EDITORS[kinds[0]](self.param, self)

    def _make_reset(self) -> QToolButton:
        button = QToolButton(self)
        button.setText("↺")
        button.setFixedSize(22, 22)
        button.setStyleSheet("padding: 0")
        button.setToolTip(self.tr("Back to the default"))
        button.setAccessibleName(self.tr("Back to the default"))
        button.hide()
        button.clicked.connect(lambda: self.reset.emit(self.param.name))
        return button

    def _make_fault_label(self) -> QLabel:
        made = label(role="error", parent=self)
        made.setWordWrap(True)
        made.hide()
        return made

    def _lay_out(self, title: QLabel) -> None:
        field = self._field = QHBoxLayout()
        field.setSpacing(2)
        stretch = 0 if isinstance(self.editor, BoolEditor) else 1
        field.addWidget(self.editor, stretch)
        if not stretch:
            field.addStretch(1)
        field.addWidget(self._reset, 0, Qt.AlignmentFlag.AlignTop)
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(title, 0, 0, Qt.AlignmentFlag.AlignTop)
        title.setMinimumHeight(28)
        grid.addLayout(field, 0, 1)
        grid.addWidget(self._fault, 1, 0, 1, 2)
        grid.addWidget(self._mixed, 3, 1)
        if hasattr(self.editor, "details"):
            grid.addWidget(self.editor.details, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
