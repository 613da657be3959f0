"""The Design workspace: palette, canvas over problems, properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabWidget, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError, SaveError
from kbuilder.document.fragment import cut_out
from kbuilder.ui.block_palette import BlockPalette
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.view import CanvasView
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.kept_weights import KeptWeights
from kbuilder.ui.library import BlockLibrary, Piece
from kbuilder.ui.palette import Palette
from kbuilder.ui.panels.outline_panel import OutlinePanel
from kbuilder.ui.panels.problems_panel import ProblemsPanel
from kbuilder.ui.panels.properties_panel import PropertiesPanel
from kbuilder.ui.training import Training
from kbuilder.ui.workbench import Workbench

if TYPE_CHECKING:
    from kbuilder.ui.code.code_panel import CodePanel


class DesignWorkspace(QWidget):
    """Where the model is drawn.

    Signals:
        base_wanted: the user asks for a pretrained network.
        train_wanted: the user asks to train now.
    """

    base_wanted = Signal()
    train_wanted = Signal()

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        training: Training,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._bridge = bridge
        self._catalogue = catalogue
        self._workbench = workbench
        self.scene = CanvasScene(bridge, catalogue, self)
        self.view = CanvasView(self.scene)
        self.palette_panel = Palette(catalogue)
        self.library = BlockLibrary(parent=self)
        self.blocks = BlockPalette(self.library)
        self.outline = OutlinePanel(self.view)
        self.left = QTabWidget()
        self._middle = QSplitter(Qt.Orientation.Vertical)
        self.kept = KeptWeights(bridge.document, workbench, training, self)
        self.problems = ProblemsPanel(
            bridge.document, workbench, self._make_code, self._make_tuning, self.kept
        )
        self.properties = PropertiesPanel(bridge, catalogue, self.scene, workbench)
        self._connect()
        self._lay_out()

    def _connect(self) -> None:
        self.palette_panel.chosen.connect(self.view.insert_layer)
        self.blocks.chosen.connect(self._insert_piece)
        self.blocks.told.connect(self.view.hint)
        self.outline.told.connect(self.view.hint)
        self.problems.node_chosen.connect(self.go_to)
        self.problems.room_wanted.connect(self._give_room)
        self.properties.node_wanted.connect(self.go_to)
        self.properties.keep_wanted.connect(self._keep_block)
        self.view.node_activated.connect(self.properties.focus_form)
        self._workbench.facts_changed.connect(self._show_facts)

    def _lay_out(self) -> None:
        self.left.setProperty("role", "side-left")
        self.left.setDocumentMode(True)
        self.left.addTab(self.palette_panel, self.tr("LAYERS"))
        self.left.addTab(self.blocks, self.tr("BLOCKS"))
        self.left.addTab(self.outline, self.tr("OUTLINE"))
        middle = self._middle
        middle.addWidget(self.view)
        middle.addWidget(self.problems)
        middle.setStretchFactor(0, 1)
        middle.setSizes([620, 160])
        splitter = QSplitter()
        for widget in (self.left, middle, self.properties):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([236, 900, 316])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)

    def _make_code(self) -> CodePanel:
        from kbuilder.ui.code.code_panel import CodePanel

        return CodePanel(self._bridge, self._catalogue, self._workbench)

    def _make_tuning(self) -> QWidget:
        from kbuilder.ui.panels.fine_tuning_panel import FineTuningPanel

        panel = FineTuningPanel(self._bridge, self._catalogue, self._workbench, self._training)
        panel.base_wanted.connect(self.base_wanted)
        panel.train_wanted.connect(self.train_wanted)
        panel.follow_selection(self.scene.selected_ids)
        self.scene.selection_changed.connect(panel.refresh)
        return panel

    @Slot()
    def _give_room(self) -> None:
        """Let what is below the canvas have half the height."""
        whole = sum(self._middle.sizes())
        if self._middle.sizes()[1] < whole // 2:
            self._middle.setSizes([whole - whole // 2, whole // 2])

    @Slot(str)
    def go_to(self, node: str) -> None:
        """Select a node and bring it to the middle."""
        self.view.show_node(node)
        self.view.setFocus()

    @Slot(object)
    def _insert_piece(self, piece: Piece) -> None:
        try:
            fragment = piece.fragment()
        except (FileRefusedError, OSError) as error:
            self.view.hint.emit(str(error))
            return
        self.view.insert_piece(fragment, piece.title)

    @Slot(str)
    def _keep_block(self, group: str) -> None:
        graph = self.scene.graph
        fragment = cut_out(graph, graph.members[group])
        try:
            path = self.library.add(graph.group_by_id[group].name, fragment)
        except (SaveError, OSError) as error:
            self.view.hint.emit(str(error))
            return
        self.left.setCurrentWidget(self.blocks)
        self.view.hint.emit(self.tr("Kept as “{0}” in your blocks.").format(path.stem))

    @Slot()
    def _show_facts(self) -> None:
        self.scene.set_facts(self._workbench.facts, self._workbench.problems)
