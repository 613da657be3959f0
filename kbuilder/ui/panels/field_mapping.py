"""Which fields of the data feed which input, and which are the target of which output."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QScrollArea, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.graph import Node
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench

ROW_HEIGHT = 25


class FieldMapping(QScrollArea):
    """A list of the fields for each input and output node, checked where they are used."""

    def __init__(
        self, bridge: DocumentBridge, workbench: Workbench, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._workbench = workbench
        self.setWidgetResizable(True)
        body = QWidget()
        body.setProperty("role", "side")
        self.setWidget(body)
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 0, 0)
        workbench.preview_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the mapping as it is now."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        preview, graph = self._workbench.preview, self._document.project.graph
        if preview is None:
            return
        for heading, part, nodes, chosen in (
            (self.tr("INPUTS"), "inputs", graph.inputs, preview.inputs),
            (self.tr("TARGETS"), "targets", graph.outputs, preview.targets),
        ):
            self._column.addWidget(label(heading, "heading"))
            for node in nodes:
                self._column.addWidget(label(node.name, "strong"))
                self._column.addWidget(self._list(part, node, chosen.get(node.id, ())))
        self._column.addStretch(1)

    def _list(self, part: str, node: Node, chosen: tuple[str, ...]) -> QListWidget:
        shown = QListWidget()
        preview = self._workbench.preview
        assert preview is not None
        for field in preview.fields:
            item = QListWidgetItem(field.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            used = field.name in chosen
            item.setCheckState(Qt.CheckState.Checked if used else Qt.CheckState.Unchecked)
            shown.addItem(item)
        shown.setAccessibleName(self.tr("Fields for {0}").format(node.name))
        shown.setFixedHeight(min(len(preview.fields), 5) * ROW_HEIGHT + 6)
        shown.itemChanged.connect(partial(self._change, part, node, shown))
        return shown

    def _change(self, part: str, node: Node, shown: QListWidget, _: QListWidgetItem) -> None:
        items = [shown.item(number) for number in range(shown.count())]
        names = tuple(item.text() for item in items if item.checkState() == Qt.CheckState.Checked)
        data = self._document.project.data
        mapping = {**getattr(data, part), node.id: names}
        if not names:
            del mapping[node.id]
        self._document.apply(
            self.tr("Choose the fields of {0}").format(node.name),
            partial(edits.set_data, data=replace(data, **{part: mapping})),
        )
