"""The proof of a training, layer by layer: frozen weights did not move, free ones did."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.graph import Graph
from kbuilder.link.events import FrozenChecked
from kbuilder.ui import theme
from kbuilder.ui.text import label

DIGITS = 8
"""How much of a SHA-256 is shown; the whole stands in the tool tip."""


class WeightsProof(QWidget):
    """A sentence, and a row for each layer with weights."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = label(role="muted")
        self.sentence.setWordWrap(True)
        self.table = QTableWidget(0, 2)
        self.table.setAccessibleName(self.tr("Weights of each layer"))
        self.table.setHorizontalHeaderLabels([self.tr("Layer"), self.tr("In this training")])
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.sentence)
        column.addWidget(self.table, 1)

    def show_proof(
        self, checked: FrozenChecked | None, kept: Mapping[str, str], graph: Graph
    ) -> None:
        """Show what became of the weights; ``kept`` tells how they started, if not all afresh."""
        self.table.setVisible(checked is not None)
        if checked is None:
            self.sentence.setText(
                self.tr("After a training: which weights moved, and which did not.")
            )
            return
        broken = [node for node in checked.before if not _unmoved(checked, node)]
        if broken:
            text = self.tr("Moved though frozen: {0} layers!").format(len(broken))
        elif checked.before:
            text = self.tr("Frozen and unmoved: {0}. SHA-256 before and after are equal.")
            text = text.format(len(checked.before))
        else:
            text = self.tr("No layer was frozen in this run.")
        self.sentence.setText(text)
        nodes = [
            node.id for node in graph.order if node.id in checked.before or node.id in checked.moved
        ]
        self.table.setRowCount(len(nodes))
        for row, node in enumerate(nodes):
            name = QTableWidgetItem(graph.by_id[node].name)
            if node in kept:
                name.setToolTip(self._started(kept[node]))
            self.table.setItem(row, 0, name)
            self.table.setItem(row, 1, self._told(checked, node))

    def _told(self, checked: FrozenChecked, node: str) -> QTableWidgetItem:
        colours = theme.current()
        if node in checked.before:
            same = _unmoved(checked, node)
            digest = checked.after.get(node, "")
            text = self.tr("frozen · {0}") if same else self.tr("MOVED though frozen · {0}")
            item = QTableWidgetItem(text.format(digest[:DIGITS]))
            item.setToolTip(f"{checked.before[node]}\n{digest}")
            item.setForeground(colours.ok if same else colours.error)
            return item
        moved = checked.moved[node]
        text = self.tr("moved by {0} %") if moved else self.tr("free, did not move")
        item = QTableWidgetItem(text.format(f"{100 * moved:.3g}"))
        item.setToolTip(self.tr("Length of the change, relative to the weights before"))
        if not moved:
            item.setForeground(colours.warning)
        return item

    def _started(self, how: str) -> str:
        return {
            "kept": self.tr("Started with the weights in use"),
            "sliced": self.tr("Started with the part of the weights in use that fits"),
            "new": self.tr("Started afresh"),
        }.get(how, "")


def _unmoved(checked: FrozenChecked, node: str) -> bool:
    return checked.before[node] == checked.after.get(node)
