"""Layers that learn from data before training: a button, and what they know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.adapting import ADAPTED, is_adapted
from kbuilder.document.document import Document
from kbuilder.document.graph import Node
from kbuilder.link.events import Adapted, Failed, Stopped
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench


class AdaptSection(QWidget):
    """Shown for layers such as Normalization; the engine reads the data, one edit takes what it says."""

    def __init__(
        self, document: Document, workbench: Workbench, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._workbench = workbench
        self._nodes: tuple[str, ...] = ()
        self._request = 0
        self.button = QPushButton()
        self.button.clicked.connect(self.adapt)
        self.state = label("", "muted")
        self.state.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(4)
        column.addWidget(self.button)
        column.addWidget(self.state)
        workbench.received.connect(self._take)
        self._rest()

    def show_nodes(self, layers: Sequence[Node]) -> None:
        """Offer it for these layers, if all of them learn from data."""
        fits = bool(layers) and all(layer.class_name in ADAPTED for layer in layers)
        self.setVisible(fits)
        nodes = tuple(layer.id for layer in layers) if fits else ()
        if nodes != self._nodes or not self._request:
            self._nodes = nodes
            learned = all(is_adapted(layer) for layer in layers)
            self.state.setText(
                self.tr("Holds what it learned.") if learned else self.tr("Has not learned yet.")
            )

    @Slot()
    def adapt(self) -> None:
        """Let the layers shown learn from the data."""
        self.button.setEnabled(False)
        self.button.setText(self.tr("Adapting…"))
        self.state.setText(self.tr("The data goes through the layers in front of it."))
        self._request = self._workbench.adapt(self._nodes)

    @Slot(object)
    def _take(self, event: object) -> None:
        if not self._request or getattr(event, "request", 0) != self._request:
            return
        if isinstance(event, Adapted):
            self._rest()
            names = ", ".join(self._name(node) for node in event.params)
            text = self.tr("Adapt {0} to the data").format(names)
            self._document.apply(text, partial(edits.take_learned, learned=event.params))
        elif isinstance(event, Failed | Stopped):
            self._rest()
            self.state.setText(event.text if isinstance(event, Failed) else "")

    def _rest(self) -> None:
        self._request = 0
        self.button.setEnabled(True)
        self.button.setText(self.tr("Adapt to the data"))
        self.button.setToolTip(
            self.tr(
                "Learns from the data under Data what this layer needs, such as mean or vocabulary"
            )
        )

    def _name(self, node: str) -> str:
        known = self._document.project.graph.by_id.get(node)
        return known.name if known else node
