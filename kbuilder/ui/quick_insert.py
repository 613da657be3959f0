"""Quick insert: a small card with a search over the layer classes; two letters and Enter add one.

It is a child of the canvas rather than a window, so it needs no grab of mouse and keyboard.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QTreeView, QVBoxLayout, QWidget

from kbuilder.document.catalogue import ClassSpec
from kbuilder.ui.layer_search import find_layers
from kbuilder.ui.palette import CLASS_ROLE, LayerDelegate, LayerModel, LayerTree
from kbuilder.ui.text import label

_SIZE = QSize(260, 340)
_CONFIRMING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)
_PASSED_ON = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class QuickInsert(QFrame):
    """The card; it hides by itself after a choice, on Esc, and when the focus goes elsewhere."""

    chosen = Signal(str)
    """Class name of the layer to add."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = parent
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.hide()
        self.setProperty("role", "card")
        self.setAccessibleName(self.tr("Insert a layer"))
        self._specs: Sequence[ClassSpec] = ()
        self._model = LayerModel()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Insert a layer…"))
        self.search.setAccessibleName(self.tr("Name of the layer to insert"))
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
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

    def open_at(self, place: QPoint, specs: Sequence[ClassSpec], note: str = "") -> None:
        """Show the card at a place of its parent, offering ``specs``; ``note`` stands below."""
        self._specs = specs
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
        """Let the arrow keys move the choice while the search field keeps the focus."""
        if watched is self.search and event.type() == QEvent.Type.FocusOut:
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
        if class_name:
            self._leave()
            self.chosen.emit(class_name)

    def _filter(self, text: str) -> None:
        found = find_layers(self._specs, text)
        self._model.show_layers(found)
        self.tree.expandAll()
        if found:
            self.tree.setCurrentIndex(self._model.index_of(found[0].class_name))

    def _inside(self, place: QPoint) -> QPoint:
        area = self._canvas.rect()
        return QPoint(
            max(0, min(place.x(), area.width() - _SIZE.width())),
            max(0, min(place.y(), area.height() - _SIZE.height())),
        )
