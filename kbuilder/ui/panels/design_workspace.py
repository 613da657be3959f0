"""The Design workspace: palette, canvas over problems, properties."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.view import CanvasView
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.palette import Palette
from kbuilder.ui.panels.problems_panel import ProblemsPanel
from kbuilder.ui.panels.properties_panel import PropertiesPanel
from kbuilder.ui.workbench import Workbench


class DesignWorkspace(QWidget):
    """Where the model is drawn."""

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.scene = CanvasScene(bridge, catalogue, self)
        self.view = CanvasView(self.scene)
        self.palette_panel = Palette(catalogue)
        self.problems = ProblemsPanel(bridge.document, workbench)
        self.properties = PropertiesPanel(bridge, catalogue, self.scene, workbench)
        self.palette_panel.chosen.connect(self.view.insert_layer)
        self.problems.node_chosen.connect(self.go_to)
        self.properties.node_wanted.connect(self.go_to)
        self.view.node_activated.connect(self.properties.focus_form)
        workbench.facts_changed.connect(self._show_facts)
        middle = QSplitter(Qt.Orientation.Vertical)
        middle.addWidget(self.view)
        middle.addWidget(self.problems)
        middle.setStretchFactor(0, 1)
        middle.setSizes([660, 120])
        splitter = QSplitter()
        for widget in (self.palette_panel, middle, self.properties):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([236, 900, 316])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)

    @Slot(str)
    def go_to(self, node: str) -> None:
        """Select a node and bring it to the middle."""
        self.scene.reveal(node)
        self.scene.select([node])
        self.view.centerOn(self.scene.content_rect([node]).center())
        self.view.setFocus()

    @Slot()
    def _show_facts(self) -> None:
        self.scene.set_facts(self._workbench.facts, self._workbench.problems)
