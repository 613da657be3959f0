"""Which layers of a file of weights go to which layers of the project, to look at and to mend."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from kbuilder.link.events import LayerMatch, WeightsMatched
from kbuilder.ui.text import label
from kbuilder.ui.theme import current

LAYER, NEEDS, SOURCE, GIVES, STATE = range(5)
WAYS = ("auto", "name", "order")
_SIZE = (860, 520)
_WIDTHS = (190, 160, 190, 160)

Index = QModelIndex | QPersistentModelIndex
Shapes = tuple[tuple[int, ...], ...]


class WeightsDialog(QDialog):
    """A row for each layer with weights; its layer of the file is chosen in the third column.

    Signals:
        way_chosen: the proposal is wanted by ``auto``, ``name`` or ``order``.
        chosen: the table is to be loaded: layer of the project to layer of the file.
    """

    way_chosen = Signal(str)
    chosen = Signal(object)

    def __init__(self, file_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sources: Mapping[str, Shapes] = {}
        self._needs: dict[str, Shapes] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Load weights from {0}").format(file_name))
        self.resize(*_SIZE)
        self.way = QComboBox()
        self.way.addItems(
            [self.tr("by name and shape"), self.tr("by name"), self.tr("in the order of the file")]
        )
        self.way.setAccessibleName(self.tr("How layers are matched"))
        self._model = QStandardItemModel(0, STATE + 1, self)
        self._model.setHorizontalHeaderLabels(
            [
                self.tr("Layer"),
                self.tr("Needs"),
                self.tr("Takes from the file"),
                self.tr("Has"),
                self.tr("State"),
            ]
        )
        self.table = QTreeView()
        self.table.setAccessibleName(self.tr("Layers and where their weights come from"))
        self.table.setModel(self._model)
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setAlternatingRowColors(True)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._chooser = _Chooser(self)
        self.table.setItemDelegateForColumn(SOURCE, self._chooser)
        self.summary = label("", "muted")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.load = self.buttons.addButton(self.tr("Load"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out()
        self._connect()

    def show_matches(self, event: WeightsMatched) -> None:
        """Fill the table with a proposal."""
        self._sources = event.sources
        self._chooser.sources = event.sources
        self._needs = {match.layer: match.shapes for match in event.matches}
        self._model.removeRows(0, self._model.rowCount())
        for match in event.matches:
            self._model.appendRow(self._row(match))
        self.table.setCurrentIndex(self._model.index(0, SOURCE))
        self.table.setFocus()
        self._tell()

    def choose(self, layer: str, source: str) -> None:
        """Let a layer take the weights of another one of the file; empty: of none."""
        for row in range(self._model.rowCount()):
            if self._model.index(row, LAYER).data() == layer:
                self._model.setData(self._model.index(row, SOURCE), source)

    def mapping(self) -> dict[str, str]:
        """The table without layers that stay fresh."""
        rows = range(self._model.rowCount())
        pairs = (
            (
                str(self._model.index(row, LAYER).data()),
                str(self._model.index(row, SOURCE).data() or ""),
            )
            for row in rows
        )
        return {layer: source for layer, source in pairs if source}

    def _row(self, match: LayerMatch) -> list[QStandardItem]:
        source = match.source if match.fits else ""
        texts = [match.layer, _shown(match.shapes), source, "", ""]
        items = [QStandardItem(text) for text in texts]
        for number, item in enumerate(items):
            item.setEditable(number == SOURCE)
        items[SOURCE].setToolTip(self.tr("Press Enter to choose a layer of the file"))
        return items

    def _lay_out(self) -> None:
        header = self.table.header()
        for section, width in enumerate(_WIDTHS):
            header.resizeSection(section, width)
        header.setSectionResizeMode(STATE, QHeaderView.ResizeMode.Stretch)
        top = QHBoxLayout()
        top.addWidget(label(self.tr("Match")))
        top.addWidget(self.way)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addWidget(self.summary)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.way.activated.connect(self._ask_again)
        self.table.activated.connect(self._edit)
        self.table.clicked.connect(self._edit_clicked)
        self._model.dataChanged.connect(self._tell)
        self.buttons.accepted.connect(self._finish)
        self.buttons.rejected.connect(self.reject)
        self.table.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter opens the choice of a row and does not press the button of the dialog; Delete empties it."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            index = self.table.currentIndex().siblingAtColumn(SOURCE)
            if (
                event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2)
                and index.isValid()
            ):
                self._edit(index)
                return True
            if event.key() == Qt.Key.Key_Delete and index.isValid():
                self._model.setData(index, "")
                return True
        return super().eventFilter(watched, event)

    @Slot(int)
    def _ask_again(self, number: int) -> None:
        self.way_chosen.emit(WAYS[number])

    @Slot(QModelIndex)
    def _edit(self, index: QModelIndex) -> None:
        source = index.siblingAtColumn(SOURCE)
        self.table.setCurrentIndex(source)
        self.table.edit(source)

    @Slot(QModelIndex)
    def _edit_clicked(self, index: QModelIndex) -> None:
        if index.column() == SOURCE:
            self._edit(index)

    @Slot()
    def _tell(self) -> None:
        """State of each row, and what all of them come to."""
        self._model.blockSignals(True)
        fitting, wrong = 0, 0
        for row in range(self._model.rowCount()):
            needed = self._needs[str(self._model.index(row, LAYER).data())]
            source = str(self._model.index(row, SOURCE).data() or "")
            found = self._sources.get(source, ())
            fits = bool(source) and found == needed
            fitting += fits
            wrong += bool(source) and not fits
            state, colour = self._state(fits, source)
            self._model.setData(self._model.index(row, GIVES), _shown(found) if source else "")
            self._model.setData(self._model.index(row, STATE), state)
            role = Qt.ItemDataRole.ForegroundRole
            self._model.setData(self._model.index(row, STATE), QBrush(colour), role)
        self._model.blockSignals(False)
        self.table.viewport().update()
        text = self.tr("{0} of {1} layers take weights from the file.").format(
            fitting, self._model.rowCount()
        )
        if wrong:
            text += " " + self.tr("Choose others where the shapes differ.")
        self.summary.setText(text)
        self.load.setEnabled(bool(fitting) and not wrong)

    def _state(self, fits: bool, source: str) -> tuple[str, QColor]:
        theme = current()
        if fits:
            return self.tr("fits"), theme.ok
        if source:
            return self.tr("other shapes"), theme.error
        return self.tr("left fresh"), theme.muted

    @Slot()
    def _finish(self) -> None:
        self.chosen.emit(self.mapping())
        self.accept()


class _Chooser(QStyledItemDelegate):
    """A list of the file's layers, open at once; those that fit come first."""

    def __init__(self, parent: WeightsDialog) -> None:
        super().__init__(parent)
        self.sources: Mapping[str, Shapes] = {}
        self._dialog = parent

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """The list."""
        combo = QComboBox(parent)
        combo.setAccessibleName(self.tr("Layer of the file"))
        needed = self._dialog._needs[str(index.model().index(index.row(), LAYER).data())]
        combo.addItem(self.tr("none, left fresh"), "")
        ordered = sorted(self.sources.items(), key=lambda each: each[1] != needed)
        for name, shapes in ordered:
            combo.addItem(f"{name}   {_shown(shapes)}", name)
        combo.activated.connect(self._done)
        return combo

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Show what is chosen, and open the list."""
        assert isinstance(editor, QComboBox)
        editor.setCurrentIndex(max(0, editor.findData(str(index.data() or ""))))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Take the choice over."""
        assert isinstance(editor, QComboBox)
        model.setData(index, editor.currentData())

    @Slot()
    def _done(self) -> None:
        editor = self.sender()
        if isinstance(editor, QComboBox):
            self.commitData.emit(editor)
            self.closeEditor.emit(editor)


def _shown(shapes: Shapes) -> str:
    return "  ".join("×".join(map(str, shape)) or "1" for shape in shapes)
