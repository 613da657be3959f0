"""The graph as a tree: blocks with what is in them, layers in the order in which data passes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QColor

from kbuilder.document.changes import Changes
from kbuilder.document.graph import Graph
from kbuilder.ui import theme
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import tooltip

NAME, CLASS, SHAPE = range(3)
ID_ROLE = Qt.ItemDataRole.UserRole
_ROOT = ""
_Index = QModelIndex | QPersistentModelIndex


class OutlineModel(QAbstractItemModel):
    """Rows by the ids of nodes and blocks. It holds their order only; what they show is looked up."""

    renamed = Signal(str, str)
    """Id of a node or block and the name that was typed for it."""

    def __init__(self, bridge: DocumentBridge, scene: CanvasScene) -> None:
        super().__init__(scene)
        self._scene = scene
        self._ids: list[str] = []
        self._number: dict[str, int] = {}
        self._parents: dict[str, str] = {}
        self._rows: dict[str, list[str]] = {_ROOT: []}
        self._fill()
        bridge.changed.connect(self._follow)
        scene.known_changed.connect(self._refresh)

    def index_of(self, box: str) -> QModelIndex:
        """Where a node or block stands; invalid when it is not there."""
        if box not in self._number:
            return QModelIndex()
        return self.createIndex(self._rows[self._parents[box]].index(box), 0, self._number[box])

    def id_at(self, index: _Index) -> str:
        """Id of the node or block of a row."""
        return self._ids[index.internalId()] if index.isValid() else _ROOT

    # --- what the tree asks ---------------------------------------------------------------------

    def index(self, row: int, column: int, parent: _Index | None = None) -> QModelIndex:
        """The cell in a row of a block."""
        rows = self._rows.get(self.id_at(parent) if parent else _ROOT, [])
        if not 0 <= row < len(rows):
            return QModelIndex()
        return self.createIndex(row, column, self._number[rows[row]])

    def parent(self, index: _Index) -> QModelIndex:  # type: ignore[override]
        """The block that a row is in."""
        return self.index_of(self._parents.get(self.id_at(index), _ROOT))

    def rowCount(self, parent: _Index | None = None) -> int:
        """How much is in a block."""
        return len(self._rows.get(self.id_at(parent) if parent else _ROOT, ()))

    def columnCount(self, parent: _Index | None = None) -> int:
        """Name, class, shape."""
        return 3

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles of the columns."""
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (self.tr("Layer"), self.tr("Class"), self.tr("Output"))[section]

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Names can be edited."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == NAME else flags

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows, speaks and is coloured."""
        box = self.id_at(index)
        if not box:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(box, index.column())
        if role == Qt.ItemDataRole.EditRole:
            return self._scene.name_of(box)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.spoken(box)
        if role == Qt.ItemDataRole.ToolTipRole:
            wrong = self._scene.looks.wrong_with(self._nodes(box))
            return tooltip("\n".join([self._text(box, CLASS), *wrong]))
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(box, index.column())
        return box if role == ID_ROLE else None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Another name was typed."""
        box, name = self.id_at(index), str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not name or name == self._scene.name_of(box):
            return False
        self.renamed.emit(box, name)
        return True

    def spoken(self, box: str) -> str:
        """A row in words: what it is, what feeds it, what it feeds, what is wrong with it."""
        graph = self._scene.graph
        if box in graph.group_by_id:
            text = self.tr("block {0}, {1} layers")
            return text.format(self._scene.name_of(box), len(graph.members[box]))
        sources = ", ".join(graph.by_id[e.source].name for e in graph.incoming[box])
        readers = ", ".join(graph.by_id[e.target].name for e in graph.outgoing[box])
        parts = [self._scene.spoken(box)]
        if sources:
            parts.append(self.tr("fed by {0}").format(sources))
        if readers:
            parts.append(self.tr("feeds {0}").format(readers))
        return ", ".join(parts)

    # --- following the document -----------------------------------------------------------------

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        moved = changes.added or changes.removed or changes.groups or changes.replaced
        if moved or changes.edges_added or changes.edges_removed:
            self.beginResetModel()
            self._fill()
            self.endResetModel()
        elif changes.changed:
            changed = set(changes.changed)
            sharing = {node.id for node in self._scene.graph.nodes if node.shares in changed}
            self._refresh(changed | sharing)

    @Slot(object)
    def _refresh(self, nodes: Collection[str]) -> None:
        """The rows of some nodes, and of the blocks around them, show something else."""
        boxes: set[str] = set()
        for box in nodes:
            while box in self._parents and box not in boxes:
                boxes.add(box)
                box = self._parents[box]
        for block in {self._parents[box] for box in boxes}:
            rows = self._rows[block]
            changed = [row for row, box in enumerate(rows) if box in boxes]
            above = self.index_of(block)
            first, last = (
                self.index(row, column, above)
                for row, column in ((changed[0], NAME), (changed[-1], SHAPE))
            )
            self.dataChanged.emit(first, last)

    def _fill(self) -> None:
        graph = self._scene.graph
        self._parents, self._rows = {}, {_ROOT: []}
        for node in _in_order(graph):
            for box in (node, *graph.ancestors(graph.by_id[node].group)):
                if box in self._parents:
                    break
                value = graph.by_id.get(box)
                above = value.group if value else graph.group_by_id[box].parent
                self._parents[box] = above
                self._rows.setdefault(above, []).append(box)
        self._ids = list(self._parents)
        self._number = {box: number for number, box in enumerate(self._ids)}

    # --- cells ----------------------------------------------------------------------------------

    def _nodes(self, box: str) -> tuple[str, ...]:
        return self._scene.graph.members.get(box, (box,))

    def _text(self, box: str, column: int) -> str:
        graph = self._scene.graph
        block = graph.group_by_id.get(box)
        if column == CLASS:
            return self.tr("block") if block else graph.by_id[box].class_name
        if column == SHAPE:
            return "" if block else self._scene.looks.shape(box, 0)
        looks = self._scene.looks
        nodes = self._nodes(box)
        marks = ""
        if any(looks.errors[node] for node in nodes):
            marks += "✖ "
        elif any(looks.warnings[node] for node in nodes):
            marks += "⚠ "
        if all(not graph.layer_of(node).trainable for node in nodes):
            marks += "🔒 "
        return marks + self._scene.name_of(box)

    def _colour(self, box: str, column: int) -> QColor | None:
        colours, looks = theme.current(), self._scene.looks
        if column != NAME:
            return colours.muted
        nodes = self._nodes(box)
        if any(looks.errors[node] for node in nodes):
            return colours.error
        return colours.warning if any(looks.warnings[node] for node in nodes) else None


def _in_order(graph: Graph) -> list[str]:
    """Ids of all nodes, sources first; those on a circle come last."""
    ordered = [node.id for node in graph.order]
    known = set(ordered)
    return ordered + [node.id for node in graph.nodes if node.id not in known]
