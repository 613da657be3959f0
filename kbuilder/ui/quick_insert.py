"""Quick insert: a small card with a search over layers and blocks; two letters and Enter add one.

It is a child of the canvas rather than a window, so it needs no grab of mouse and keyboard.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem
from PySide6.QtWidgets import QFrame, QLineEdit, QTreeView, QVBoxLayout, QWidget

from kbuilder.document.catalogue import ClassSpec
from kbuilder.ui.layer_search import begins, find_layers, is_titled
from kbuilder.ui.library import TEMPLATES, Piece
from kbuilder.ui.palette import (
    CLASS_ROLE,
    LayerDelegate,
    LayerModel,
    LayerTree,
    family_item,
    plain_item,
)
from kbuilder.ui.text import label

PIECE_ROLE = Qt.ItemDataRole.UserRole + 3
_SIZE = QSize(260, 340)
_CONFIRMING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)
_PASSED_ON = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class QuickInsert(QFrame):
    """The card; it hides by itself after a choice, on Esc, and when the focus goes elsewhere."""

    chosen = Signal(str)
    """Class name of the layer to add."""
    piece_chosen = Signal(object)
    """``Piece`` to insert."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = parent
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.hide()
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Insert a layer"))
        self._specs: Sequence[ClassSpec] = ()
        self._pieces: Sequence[Piece] = ()
        self._model = InsertModel()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Insert a layer…"))
        self.search.setAccessibleName(self.tr("Name of the layer to insert"))
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        parent.installEventFilter(self)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFocusProxy(self.search)
        self.tree: QTreeView = LayerTree()
        self.tree.setModel(self._model)
        self.tree.setItemDelegate(LayerDelegate(self.tree))
        self.tree.setDragEnabled(False)
        self.tree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tree.clicked.connect(self._choose)
        self._note = label("", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        for widget in (self.search, self.tree, self._note):
            layout.addWidget(widget)

    def open_at(
        self,
        place: QPoint,
        specs: Sequence[ClassSpec],
        note: str = "",
        pieces: Sequence[Piece] = (),
    ) -> None:
        """Show the card at a place of its parent, with these to choose from; ``note`` stands below.

        Whole templates are offered once letters are typed.
        """
        self._specs, self._pieces = specs, pieces
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self.search.clear()
        self._filter("")
        self.resize(_SIZE)
        self.move(self._inside(place))
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Let the arrow keys move the choice while the search field keeps the focus.

        When the canvas becomes smaller, the card moves to where it can be seen.
        """
        if watched is self._canvas and event.type() == QEvent.Type.Resize:
            self.move(self._inside(self.pos()))
        elif watched is self.search and event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif watched is self.search and event.type() == QEvent.Type.KeyPress:
            return isinstance(event, QKeyEvent) and self._search_key(event)
        return False

    def _search_key(self, event: QKeyEvent) -> bool:
        if event.key() in _PASSED_ON:
            self.tree.keyPressEvent(event)
        elif event.key() in _CONFIRMING:
            self._choose(self.tree.currentIndex())
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            return False
        return True

    def _leave(self) -> None:
        self._canvas.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()

    def _choose(self, index: QModelIndex) -> None:
        class_name = index.data(CLASS_ROLE) if index.isValid() else None
        piece = index.data(PIECE_ROLE) if index.isValid() else None
        if class_name:
            self._leave()
            self.chosen.emit(class_name)
        elif isinstance(piece, Piece):
            self._leave()
            self.piece_chosen.emit(piece)

    def _filter(self, text: str) -> None:
        layers = find_layers(self._specs, text)
        if not text.strip():
            layers = [spec for spec in layers if not spec.is_operation]
        pieces = [
            piece
            for piece in self._pieces
            if is_titled(piece.title, text) and (text.strip() or piece.family != TEMPLATES)
        ]
        named = [piece for piece in pieces if begins(piece.title, text)]
        first = {spec.family for spec in layers if begins(spec.class_name, text)}
        pieces = [*named, *(piece for piece in pieces if piece not in named)]
        self._model.show_layers(layers)
        self._model.add_pieces(pieces, len(first) if named else self._model.rowCount())
        self.tree.expandAll()
        for row in range(self._model.rowCount()):
            self.tree.setFirstColumnSpanned(row, QModelIndex(), True)
        # Who types the beginning of a block's name means it more than a layer with these letters.
        if layers and (begins(layers[0].class_name, text) or not named):
            self.tree.setCurrentIndex(self._model.index_of(layers[0].class_name))
        elif pieces:
            self.tree.setCurrentIndex(self._model.index_of_piece(pieces[0]))

    def _inside(self, place: QPoint) -> QPoint:
        area = self._canvas.rect()
        return QPoint(
            max(0, min(place.x(), area.width() - _SIZE.width())),
            max(0, min(place.y(), area.height() - _SIZE.height())),
        )


class InsertModel(LayerModel):
    """Families with their layer classes, and after them those of blocks and templates."""

    def add_pieces(self, pieces: Sequence[Piece], row: int) -> None:
        """Hold these pieces as well, in that order, with their families from ``row`` on."""
        families: dict[str, QStandardItem] = {}
        self._piece_items: list[tuple[Piece, QStandardItem]] = []
        for piece in pieces:
            if piece.family not in families:
                families[piece.family] = family_item(piece.family)
                self.insertRow(row + len(families) - 1, families[piece.family])
            item = plain_item(piece.title, piece.help)
            item.setData(piece, PIECE_ROLE)
            families[piece.family].appendRow(item)
            self._piece_items.append((piece, item))

    def index_of_piece(self, piece: Piece) -> QModelIndex:
        """Where a piece stands; invalid if it is not shown."""
        items = (item for held, item in self._piece_items if held is piece)
        item = next(items, None)
        return item.index() if item is not None else QModelIndex()
