"""The palette: all layer classes by family, with a search field; drag one, or double-click it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCoreApplication,
    QEvent,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.catalogue import OPERATIONS, Catalogue, ClassSpec
from kbuilder.ui import theme
from kbuilder.ui.layer_search import MIME_LAYER, find_layers, offered_layers
from kbuilder.ui.text import label, tooltip

FOLDED = {OPERATIONS}
"""Families that are too large to be shown before their heading is clicked or something is searched."""
CLASS_ROLE = Qt.ItemDataRole.UserRole + 1
FAMILY_ROLE = Qt.ItemDataRole.UserRole + 2
FAMILY_NAMES = (
    QT_TRANSLATE_NOOP("LayerFamily", "Input & output"),
    QT_TRANSLATE_NOOP("LayerFamily", "Core"),
    QT_TRANSLATE_NOOP("LayerFamily", "Convolution"),
    QT_TRANSLATE_NOOP("LayerFamily", "Pooling"),
    QT_TRANSLATE_NOOP("LayerFamily", "Normalization"),
    QT_TRANSLATE_NOOP("LayerFamily", "Regularization"),
    QT_TRANSLATE_NOOP("LayerFamily", "Recurrent"),
    QT_TRANSLATE_NOOP("LayerFamily", "Attention"),
    QT_TRANSLATE_NOOP("LayerFamily", "Merging"),
    QT_TRANSLATE_NOOP("LayerFamily", "Reshaping"),
    QT_TRANSLATE_NOOP("LayerFamily", "Activation"),
    QT_TRANSLATE_NOOP("LayerFamily", "Preprocessing"),
    QT_TRANSLATE_NOOP("LayerFamily", "Image augmentation"),
    QT_TRANSLATE_NOOP("LayerFamily", "Wrappers"),
    QT_TRANSLATE_NOOP("LayerFamily", "Operations"),
    QT_TRANSLATE_NOOP("LayerFamily", "Own code"),
)
"""The catalogue's families and that of own code, where the translation tools find them."""
PIECE_FAMILY_NAMES = (
    QT_TRANSLATE_NOOP("LayerFamily", "Templates"),
    QT_TRANSLATE_NOOP("LayerFamily", "Blocks"),
    QT_TRANSLATE_NOOP("LayerFamily", "My blocks"),
)
"""Those of the library."""

_Index = QModelIndex | QPersistentModelIndex

_ROW_HEIGHT = 26
_HEADING_HEIGHT = 25
_DOT = 8
_LEFT = 12
_TEXT_LEFT = 30


class Palette(QWidget):
    """Search field and tree of layer classes."""

    chosen = Signal(str)
    """Class name of the layer that was double-clicked or confirmed with Enter."""

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._specs = offered_layers(catalogue)
        self.model = LayerModel()
        self.search = QLineEdit()
        self.search.setPlaceholderText(
            self.tr("Search {count} layers…").format(
                count=sum(1 for spec in self._specs if not spec.is_operation)
            )
        )
        self.search.setAccessibleName(self.tr("Search layers"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.tree = self._make_tree()
        self.nothing = label(self.tr("No layer has a name like that."), "muted")
        self.nothing.setWordWrap(True)
        self.nothing.setContentsMargins(14, 8, 14, 8)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(8)
        row = QVBoxLayout()
        row.setContentsMargins(10, 0, 10, 0)
        row.addWidget(self.search)
        layout.addLayout(row)
        layout.addWidget(self.nothing)
        layout.addWidget(self.tree, 1)
        self.setFocusProxy(self.search)
        self._filter("")

    @Slot()
    def refresh(self) -> None:
        """Take in that the catalogue knows other classes of own code now."""
        self._specs = offered_layers(self._catalogue)
        self._filter(self.search.text())

    def sizeHint(self) -> QSize:
        """Wide enough for the longest names."""
        return QSize(236, 600)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Let the arrow keys and Enter in the search field work on the tree."""
        pressed = event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent)
        return watched is self.search and pressed and self._search_key(event)

    def _search_key(self, event: QEvent) -> bool:
        key = event.key() if isinstance(event, QKeyEvent) else 0
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.tree.currentIndex())
        elif key == Qt.Key.Key_Down:
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
        elif key == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            return False
        return True

    def _make_tree(self) -> QTreeView:
        tree = LayerTree()
        tree.setModel(self.model)
        tree.setItemDelegate(LayerDelegate(tree))
        tree.setAccessibleName(self.tr("Layers"))
        tree.confirmed.connect(self._choose)
        tree.doubleClicked.connect(self._choose)
        tree.clicked.connect(self._fold)
        return tree

    def _fold(self, index: QModelIndex) -> None:
        """Fold or unfold the family whose heading was clicked."""
        if index.data(FAMILY_ROLE):
            self.tree.setExpanded(index, not self.tree.isExpanded(index))

    def _choose(self, index: QModelIndex) -> None:
        class_name = index.data(CLASS_ROLE) if index.isValid() else None
        if class_name:
            self.chosen.emit(class_name)

    def _filter(self, text: str) -> None:
        found = find_layers(self._specs, text)
        self.model.show_layers(found)
        self.tree.expandAll()
        for row in range(self.model.rowCount()):
            self.tree.setFirstColumnSpanned(row, QModelIndex(), True)
            if not text.strip() and self.model.index(row, 0).data(FAMILY_ROLE) in FOLDED:
                self.tree.collapse(self.model.index(row, 0))
        self.nothing.setVisible(not found)
        self.tree.setVisible(bool(found))
        if found and text.strip():
            self.tree.setCurrentIndex(self.model.index_of(found[0].class_name))
        else:
            self.tree.setCurrentIndex(QModelIndex())


class LayerModel(QStandardItemModel):
    """Families with their layer classes; the classes can be dragged."""

    def show_layers(self, specs: Sequence[ClassSpec]) -> None:
        """Hold these classes and their families, in that order."""
        self.clear()
        families: dict[str, QStandardItem] = {}
        self._items: dict[str, QStandardItem] = {}
        for spec in specs:
            if spec.family not in families:
                families[spec.family] = family_item(spec.family)
                self.appendRow(families[spec.family])
            item = self._items[spec.class_name] = _layer_item(spec)
            families[spec.family].appendRow(item)

    def index_of(self, class_name: str) -> QModelIndex:
        """Where a class stands; invalid if it is not shown."""
        item = self._items.get(class_name)
        return item.index() if item else QModelIndex()

    def mimeTypes(self) -> list[str]:
        """The one type that a layer is dragged as."""
        return [MIME_LAYER]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The class name of the dragged row."""
        data = QMimeData()
        for index in indexes:
            class_name = index.data(CLASS_ROLE)
            if class_name:
                data.setData(MIME_LAYER, str(class_name).encode())
        return data


class LayerTree(QTreeView):
    """A tree without arrows whose Enter key confirms the current row."""

    confirmed = Signal(QModelIndex)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Confirm with Enter; the rest is the tree's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirmed.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class LayerDelegate(QStyledItemDelegate):
    """Paints family headings with a coloured dot, and class names below them."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """The fixed height of a heading or a row, or more for a large system font."""
        height = _HEADING_HEIGHT if index.data(FAMILY_ROLE) else _ROW_HEIGHT
        return QSize(120, max(height, option.fontMetrics.height() + 8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(FAMILY_ROLE):
            self._paint_heading(painter, option, index)
        else:
            self._paint_row(painter, option, index)
        painter.restore()

    def _paint_heading(
        self, painter: QPainter, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        colours = theme.current()
        rect = option.rect
        if not option.state & QStyle.StateFlag.State_Open:
            self._paint_count(painter, option, index)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.family(index.data(FAMILY_ROLE)))
        painter.drawEllipse(QRect(_LEFT, rect.center().y() - _DOT // 2 + 1, _DOT, _DOT))
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colours.muted)
        self._text(painter, rect.adjusted(_LEFT + 16, 0, -4, 0), index.data())

    def _paint_count(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """How many a folded family holds, at the right."""
        painter.setFont(option.font)
        painter.setPen(theme.current().muted)
        count = index.model().rowCount(index)
        rect = option.rect.adjusted(0, 0, -10, 0)
        painter.drawText(
            rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{count} ▸"
        )

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        colours = theme.current()
        rect = option.rect
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if hovered or selected:
            painter.fillRect(rect, colours.raised)
        if selected and option.state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(QRect(rect.left(), rect.top(), 2, rect.height()), colours.accent)
        painter.setFont(option.font)
        right = -8
        if hovered:
            painter.setPen(colours.muted)
            word = self.tr("drag →")
            right -= option.fontMetrics.horizontalAdvance(word) + 8
            end = rect.adjusted(0, 0, -10, 0)
            painter.drawText(end, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, word)
        painter.setPen(colours.text)
        self._text(painter, rect.adjusted(_TEXT_LEFT, 0, right, 0), index.data())

    def _text(self, painter: QPainter, rect: QRect, text: str) -> None:
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, shown)


def family_text(family: str) -> str:
    """A family's name in the language of the window."""
    return QCoreApplication.translate("LayerFamily", family)


def family_item(family: str) -> QStandardItem:
    """The heading of a family in a tree."""
    item = QStandardItem(family_text(family))
    item.setData(family, FAMILY_ROLE)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    return item


def _layer_item(spec: ClassSpec) -> QStandardItem:
    item = plain_item(spec.class_name, spec.help)
    item.setData(spec.class_name, CLASS_ROLE)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsDragEnabled)
    return item


def plain_item(text: str, help: str) -> QStandardItem:
    """A row below a heading, with a tool tip; it can be chosen and nothing else."""
    item = QStandardItem(text)
    item.setToolTip(tooltip(help))
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item
