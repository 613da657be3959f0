"""The palette of templates and blocks: drag one onto the canvas, or double-click it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QMenu, QVBoxLayout, QWidget

from kbuilder.document import fragment_json
from kbuilder.ui.canvas.clipboard import MIME_FRAGMENT, fragment_mime
from kbuilder.ui.library import BlockLibrary, Piece
from kbuilder.ui.palette import LayerDelegate, LayerTree, family_item
from kbuilder.ui.quick_insert import PIECE_ROLE
from kbuilder.ui.text import label, tooltip


class BlockPalette(QWidget):
    """Search field and tree of what the library holds."""

    chosen = Signal(object)
    """``Piece`` that was double-clicked or confirmed with Enter."""
    told = Signal(str)
    """A sentence for the status bar."""

    def __init__(self, library: BlockLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.model = PieceModel()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search templates and blocks…"))
        self.search.setAccessibleName(self.tr("Search templates and blocks"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.refresh)
        self.tree = LayerTree()
        self.tree.setModel(self.model)
        self.tree.setItemDelegate(LayerDelegate(self.tree))
        self.tree.setAccessibleName(self.tr("Templates and blocks"))
        self.tree.confirmed.connect(self._choose)
        self.tree.doubleClicked.connect(self._choose)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._open_menu)
        hint = label(
            self.tr("Select a block on the canvas and press “Keep in my blocks” to add it here."),
            "muted",
        )
        hint.setWordWrap(True)
        hint.setContentsMargins(12, 4, 12, 8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(8)
        row = QVBoxLayout()
        row.setContentsMargins(10, 0, 10, 0)
        row.addWidget(self.search)
        column.addLayout(row)
        column.addWidget(self.tree, 1)
        column.addWidget(hint)
        self.setFocusProxy(self.search)
        library.changed.connect(self.refresh)
        self.model.itemChanged.connect(self._take_title)
        self.refresh()

    def refresh(self) -> None:
        """Show what fits the letters typed."""
        self.model.show_pieces(find_pieces(self._library.pieces(), self.search.text()))
        self.tree.expandAll()
        for row in range(self.model.rowCount()):
            self.tree.setFirstColumnSpanned(row, QModelIndex(), True)

    def _choose(self, index: QModelIndex) -> None:
        piece = index.data(PIECE_ROLE) if index.isValid() else None
        if isinstance(piece, Piece):
            if piece.fault:
                self.told.emit(piece.fault)
            else:
                self.chosen.emit(piece)

    def _open_menu(self, place: QPoint) -> None:
        index = self.tree.indexAt(place)
        piece = index.data(PIECE_ROLE)
        if isinstance(piece, Piece) and piece.path is not None:
            menu = QMenu(self)
            menu.addAction(self.tr("Rename"), lambda: self.tree.edit(index))
            menu.addAction(self.tr("Move to the trash"), lambda: self.remove(piece))
            menu.popup(self.tree.viewport().mapToGlobal(place))

    def remove(self, piece: Piece) -> None:
        """Move a user's block to the desktop's trash; copies of it in projects stay."""
        if piece.path is not None and not self._library.remove(piece.path):
            self.told.emit(self.tr("“{0}” could not be moved to the trash.").format(piece.path))

    def _take_title(self, item: QStandardItem) -> None:
        """Another title was typed into the tree."""
        piece, title = item.data(PIECE_ROLE), item.text()
        if isinstance(piece, Piece) and piece.path is not None and title != piece.title:
            # Afterwards: the tree is filled anew, and the item is still in use here.
            QTimer.singleShot(0, self, partial(self.rename, piece.path, title))

    def rename(self, path: Path, title: str) -> None:
        """Give a user's block another title."""
        try:
            self._library.rename(path, title)
        except OSError as error:
            self.told.emit(f"{path}: {error.strerror}")
        self.refresh()


class PieceModel(QStandardItemModel):
    """Families with their pieces; the pieces can be dragged."""

    def show_pieces(self, pieces: Sequence[Piece]) -> None:
        """Hold these pieces under their families, in that order."""
        self.clear()
        families: dict[str, QStandardItem] = {}
        for piece in pieces:
            if piece.family not in families:
                families[piece.family] = family_item(piece.family)
                self.appendRow(families[piece.family])
            families[piece.family].appendRow(_piece_item(piece))

    def mimeTypes(self) -> list[str]:
        """The one type that a piece is dragged as."""
        return [MIME_FRAGMENT]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The layers of the dragged piece."""
        for index in indexes:
            piece = index.data(PIECE_ROLE)
            if isinstance(piece, Piece) and not piece.fault:
                return fragment_mime(fragment_json.encode(piece.fragment()))
        return QMimeData()


def find_pieces(pieces: Sequence[Piece], text: str) -> list[Piece]:
    """Those whose title or purpose holds all words typed."""
    words = text.lower().split()
    return [
        piece
        for piece in pieces
        if all(word in f"{piece.title} {piece.help}".lower() for word in words)
    ]


def _piece_item(piece: Piece) -> QStandardItem:
    item = QStandardItem(f"⚠ {piece.title}" if piece.fault else piece.title)
    item.setData(piece, PIECE_ROLE)
    item.setToolTip(tooltip(piece.fault or piece.help))
    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    if not piece.fault:
        flags |= Qt.ItemFlag.ItemIsDragEnabled
        if piece.path is not None:
            flags |= Qt.ItemFlag.ItemIsEditable
    item.setFlags(flags)
    return item
