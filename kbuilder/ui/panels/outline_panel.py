"""The outline: the graph as a tree, with the power of the canvas, by keyboard alone."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QVBoxLayout, QWidget

from kbuilder.document import edits, group_edits
from kbuilder.document.graph import INPUT_CLASS, Edge, EdgeKey
from kbuilder.document.naming import KERAS_NAME
from kbuilder.document.reach import upstream
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.view import CanvasView
from kbuilder.ui.choice_card import Choice, ChoiceCard
from kbuilder.ui.panels.outline_model import CLASS, NAME, SHAPE, OutlineModel
from kbuilder.ui.text import label

LEAST_FOR_CLASSES = 290
_FLAGS = QItemSelectionModel.SelectionFlag


class OutlinePanel(QWidget):
    """Tree of blocks and layers; its selection is that of the canvas."""

    told = Signal(str)
    """A sentence for the status bar."""

    def __init__(self, view: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._scene: CanvasScene = view.canvas
        self._syncing = False
        self._from = ""
        self.model = OutlineModel(self._scene.bridge, self._scene)
        self.model.renamed.connect(self._rename)
        self.tree = OutlineTree(view)
        self.tree.setModel(self.model)
        self.model.modelReset.connect(self._show_all)  # after the tree has heard of it
        self.tree.setAccessibleName(self.tr("Outline of the model"))
        header = self.tree.header()
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(CLASS, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(SHAPE, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(CLASS, 80)
        header.resizeSection(SHAPE, 76)
        header.setStretchLastSection(False)
        self.card = ChoiceCard(self)
        self.card.chosen.connect(self._wire)
        hint = label(self.tr("W connects to…, Shift+W disconnects, Space inserts"), "muted")
        hint.setWordWrap(True)
        hint.setContentsMargins(12, 4, 12, 8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(self.tree, 1)
        column.addWidget(hint)
        self.setFocusProxy(self.tree)
        self.tree.connect_wanted.connect(self.ask_to_connect)
        self.tree.disconnect_wanted.connect(self.ask_to_disconnect)
        self.tree.selectionModel().selectionChanged.connect(self._select_on_canvas)
        self._scene.selection_changed.connect(self._select_in_tree)
        self._show_all()

    # --- wires ----------------------------------------------------------------------------------

    @Slot()
    def ask_to_connect(self) -> None:
        """Offer the layers that the current one could feed."""
        graph, node = self._scene.graph, self._current_node()
        if node:
            self._from = node
            above = upstream(graph, [node])
            choices = [
                Choice(each.id, f"{each.name} · {each.class_name}")
                for each in graph.nodes
                if each.id not in above and each.class_name != INPUT_CLASS
            ]
            name = graph.by_id[node].name
            if choices:
                self.card.ask(self.tr("Connect {0} to…").format(name), choices)
            else:
                self.told.emit(self.tr("There is no layer that {0} could feed.").format(name))

    @Slot()
    def ask_to_disconnect(self) -> None:
        """Offer the wires of the current layer."""
        graph, node = self._scene.graph, self._current_node()
        if node:
            name = {each.id: each.name for each in graph.nodes}
            wires = (*graph.incoming[node], *graph.outgoing[node])
            choices = [Choice(e.key, f"{name[e.source]} → {name[e.target]}") for e in wires]
            if choices:
                self.card.ask(self.tr("Disconnect {0}").format(name[node]), choices)
            else:
                self.told.emit(self.tr("{0} has no wires.").format(name[node]))

    @Slot(object)
    def _wire(self, chosen: str | EdgeKey) -> None:
        """A target to connect to, or a wire to remove."""
        if isinstance(chosen, str):
            port = self._view.editing.free_port(chosen)
            edge = Edge(source=self._from, target=chosen, target_port=port)
            self._view.editing.connect_nodes([edge])
        else:
            self._view.editing.disconnect_nodes([chosen])

    def _current_node(self) -> str:
        """The current layer; of a folded or open block, none."""
        box = self.model.id_at(self.tree.currentIndex())
        return box if box in self._scene.graph.by_id else ""

    # --- names ----------------------------------------------------------------------------------

    @Slot(str, str)
    def _rename(self, box: str, name: str) -> None:
        graph, document = self._scene.graph, self._scene.bridge.document
        before = self._scene.name_of(box)
        if not KERAS_NAME.match(name):
            self.told.emit(self.tr("Use letters, digits and _ . - without spaces."))
        elif box in graph.group_by_id:
            document.apply(
                self.tr("Rename {0}").format(before),
                partial(group_edits.set_group, group_id=box, name=name),
            )
        elif any(node.name == name for node in graph.nodes):
            self.told.emit(self.tr("Another layer has this name."))
        else:
            document.apply(
                self.tr("Rename {0}").format(before),
                partial(edits.rename, node_id=box, name=name),
            )

    # --- one selection for tree and canvas ------------------------------------------------------

    @Slot(QItemSelection, QItemSelection)
    def _select_on_canvas(self, *_: object) -> None:
        if self._syncing:
            return
        chosen = [self.model.id_at(index) for index in self.tree.selectionModel().selectedRows()]
        current = self._current_node()
        self._syncing = True
        if current:
            self._scene.reveal(current)
        self._scene.select(chosen)
        if len(chosen) == 1 and chosen[0] in self._scene.nodes:
            self._view.reveal(chosen[0])
        self._syncing = False

    @Slot()
    def _select_in_tree(self) -> None:
        if self._syncing:
            return
        self._syncing = True
        groups = self._scene.selected_groups()
        inside = {node for group in groups for node in self._scene.graph.members[group]}
        boxes = [*groups, *(n for n in self._scene.selected_ids() if n not in inside)]
        self._select_rows(boxes)
        self._syncing = False

    def _select_rows(self, boxes: Collection[str]) -> None:
        selection = QItemSelection()
        index = QModelIndex()
        for box in boxes:
            index = self.model.index_of(box)
            selection.select(index, index)
        chosen = self.tree.selectionModel()
        chosen.select(selection, _FLAGS.ClearAndSelect | _FLAGS.Rows)
        if index.isValid():
            chosen.setCurrentIndex(index, _FLAGS.NoUpdate)
            self.tree.scrollTo(index)

    @Slot()
    def _show_all(self) -> None:
        self.tree.expandAll()
        self._select_in_tree()


class OutlineTree(QTreeView):
    """Keys that the tree does not need do what they do on the canvas."""

    connect_wanted = Signal()
    disconnect_wanted = Signal()

    def __init__(self, view: CanvasView) -> None:
        super().__init__()
        self._view = view
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.setExpandsOnDoubleClick(False)
        self.setAllColumnsShowFocus(True)
        self.doubleClicked.connect(self._activate)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the room to names and shapes in a narrow panel; the tool tip tells the class."""
        self.setColumnHidden(CLASS, self.width() < LEAST_FOR_CLASSES)
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Wire, insert, go on; else a command of the canvas; else the tree's own keys."""
        key = event.key()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key == Qt.Key.Key_W:
            (self.disconnect_wanted if shift else self.connect_wanted).emit()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Insert):
            self._view.open_quick_insert()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.state() != QAbstractItemView.State.EditingState:
                self._activate()
        elif (command := self._command(event)) is not None:
            command.trigger()
        else:
            super().keyPressEvent(event)

    def _command(self, event: QKeyEvent) -> QAction | None:
        """The command of the canvas on that key, if it can be done now."""
        keys = QKeySequence(event.keyCombination())
        for command in self._view.commands.values():
            if keys in command.shortcuts() and command.isEnabled():
                return command
        return None

    def _activate(self) -> None:
        self._view.activate()
