"""Which layers to freeze: the first ones, those of a name, or all up to the selection."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.freezing import first, named, up_to
from kbuilder.document.graph import Graph
from kbuilder.ui.text import label

MOST_NAMES = 6


class FreezeDialog(QDialog):
    """Says before it is closed which layers are meant.

    Signals:
        chosen: ids of the layers, and whether they are to be frozen.
    """

    chosen = Signal(object, bool)

    def __init__(
        self, graph: Graph, selected: Collection[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._graph = graph
        self._selected = selected
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Freeze layers"))
        self.setMinimumWidth(420)
        self.by_count = QRadioButton(self.tr("The first"))
        self.count = QSpinBox()
        self.count.setRange(1, max(len(first(graph, len(graph.nodes))), 1))
        self.count.setSuffix(self.tr(" layers"))
        self.count.setAccessibleName(self.tr("Number of layers"))
        self.by_name = QRadioButton(self.tr("Names like"))
        self.name = QLineEdit()
        self.name.setPlaceholderText("block5_*")
        self.name.setAccessibleName(self.tr("Pattern of names"))
        self.by_place = QRadioButton(self.tr("All up to the selected layers"))
        self.by_place.setEnabled(bool(selected))
        (self.by_place if selected else self.by_count).setChecked(True)
        self._found = label(role="muted")
        self._found.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.freeze = self.buttons.addButton(
            self.tr("Freeze"), QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.unfreeze = self.buttons.addButton(
            self.tr("Unfreeze"), QDialogButtonBox.ButtonRole.ActionRole
        )
        self._lay_out()
        self._connect()
        self._show_found()

    def nodes(self) -> tuple[str, ...]:
        """Ids of the layers that are meant."""
        if self.by_place.isChecked():
            return up_to(self._graph, self._selected)
        if self.by_name.isChecked():
            return named(self._graph, self.name.text().strip())
        return first(self._graph, self.count.value())

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow(self.by_count, self.count)
        form.addRow(self.by_name, self.name)
        form.addRow(self.by_place)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self._found)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        for button in (self.by_count, self.by_name, self.by_place):
            button.toggled.connect(self._show_found)
        self.count.valueChanged.connect(lambda _: self.by_count.setChecked(True))
        self.count.valueChanged.connect(self._show_found)
        self.name.textEdited.connect(lambda _: self.by_name.setChecked(True))
        self.name.textChanged.connect(self._show_found)
        self.buttons.accepted.connect(lambda: self._finish(frozen=True))
        self.unfreeze.clicked.connect(lambda: self._finish(frozen=False))
        self.buttons.rejected.connect(self.reject)

    @Slot()
    def _show_found(self) -> None:
        nodes = self.nodes()
        names = [self._graph.by_id[node].name for node in nodes]
        shown = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
        frozen = sum(not self._graph.layer_of(node).trainable for node in nodes)
        text = self.tr("{0} of {1} layers, {2} of them frozen now: {3}")
        total = len(first(self._graph, len(self._graph.nodes)))
        self._found.setText(
            text.format(len(nodes), total, frozen, shown)
            if nodes
            else self.tr("No layer is meant by this.")
        )
        for button in (self.freeze, self.unfreeze):
            button.setEnabled(bool(nodes))

    def _finish(self, *, frozen: bool) -> None:
        self.chosen.emit(self.nodes(), frozen)
        self.accept()
