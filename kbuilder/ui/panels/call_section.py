"""How the layers of the selected nodes are called: whether training is fixed, and what attention gives."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec
from kbuilder.document.graph import Node
from kbuilder.ui.forms.form import Form
from kbuilder.ui.forms.section import Section
from kbuilder.ui.panels.common_params import common_values

TRAINING = "training"


def _is_two_things(spec: ClassSpec) -> bool:
    """Whether freezing a layer and fixing how it works in training are often taken for the same."""
    return spec.class_name == "BatchNormalization"


class CallSection(QWidget):
    """A folded part of the properties; it opens by itself when something is set in it."""

    edited = Signal(str, object)
    """Name of an argument and its value; None makes it as usual again."""

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = Form(catalogue)
        self.section = Section(self.tr("Call"))
        self.section.rows.addWidget(self.form)
        self._shown: tuple[ParamSpec, ...] | None = None
        self._choices = (
            self.tr("as the model"),
            self.tr("always on"),
            self.tr("always off"),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.section)
        self.form.edited.connect(self._edit)
        self.form.reset.connect(self._reset)

    def show_nodes(self, nodes: Sequence[Node], specs: Sequence[ClassSpec]) -> None:
        """Show the arguments that all these calls take; nothing when there is none."""
        params = self._common(specs)
        self.setVisible(bool(params))
        if params != self._shown:
            self._shown = params
            self.form.show_params(params)
        values, mixed = common_values([self._shown_values(node) for node in nodes], params)
        self.form.set_values(values, mixed)
        self.section.unfold(bool(values or mixed) or any(_is_two_things(spec) for spec in specs))

    def _common(self, specs: Sequence[ClassSpec]) -> tuple[ParamSpec, ...]:
        if not specs:
            return ()
        names = set.intersection(*({param.name for param in spec.call_params} for spec in specs))
        return tuple(
            self._training(param) if param.name == TRAINING else param
            for param in specs[0].call_params
            if param.name in names
        )

    def _training(self, param: ParamSpec) -> ParamSpec:
        """A choice in words: a switch has no third position."""
        return msgspec.structs.replace(
            param,
            kinds=("choice",),
            choices=self._choices,
            default=self._choices[0],
            optional=False,
        )

    def _shown_values(self, node: Node) -> dict[str, object]:
        values = dict(node.call)
        if TRAINING in values:
            values[TRAINING] = self._choices[1 if values[TRAINING] else 2]
        return values

    @Slot(str, object)
    def _edit(self, name: str, value: object) -> None:
        if name == TRAINING:
            fixed = {self._choices[1]: True, self._choices[2]: False}
            self.edited.emit(name, fixed.get(str(value)))
        else:
            self.edited.emit(name, value or None)

    @Slot(str)
    def _reset(self, name: str) -> None:
        self.edited.emit(name, None)
