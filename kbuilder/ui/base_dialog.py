"""Choosing a pretrained network: which one, of what size, with which weights."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.applications import Application, load_applications
from kbuilder.link.requests import MakeApplication
from kbuilder.ui.text import count_text, label

NAME_ROLE = Qt.ItemDataRole.UserRole
FRESH, IMAGENET, FILE = range(3)


class BaseDialog(QDialog):
    """A list of networks and what is to be made of the chosen one.

    Signals:
        chosen: the ``MakeApplication`` that is wanted; its request number and run are still open.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._applications = {each.name: each for each in load_applications()}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("New from a pretrained network"))
        self.resize(640, 620)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search networks…"))
        self.search.setAccessibleName(self.tr("Search networks"))
        self.list = QTreeView()
        self.list.setAccessibleName(self.tr("Networks"))
        self.list.setRootIsDecorated(False)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._model = QStandardItemModel(self)
        self.list.setModel(self._model)
        self.weights = QComboBox()
        self.weights.addItems(
            [self.tr("fresh"), self.tr("ImageNet, from the internet"), self.tr("from a file…")]
        )
        self.weights.setCurrentIndex(IMAGENET)
        self.path = QLineEdit()
        self.path.setPlaceholderText(self.tr("a .h5 or .weights.h5 file"))
        self.path.setAccessibleName(self.tr("File of weights"))
        self.browse = QPushButton(self.tr("Browse…"))
        self.top = QCheckBox(self.tr("with the classifier on top"))
        self.top.setToolTip(self.tr("Keras: include_top. Leave it out to add a head of your own."))
        self.picture_height = _pixels(self.tr("Height"))
        self.picture_width = _pixels(self.tr("Width"))
        self.preprocess = QCheckBox(self.tr("put its preprocessing in front"))
        self.preprocess.setChecked(True)
        self.preprocess.setToolTip(
            self.tr("Layers that do what its preprocess_input does to pictures from 0 to 255")
        )
        self.block = QCheckBox(self.tr("as one block"))
        self.block.setToolTip(self.tr("All its layers in a folded block, which can be entered"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton(self.tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out()
        self._connect()
        self._filter("")

    def request(self) -> MakeApplication:
        """What is chosen."""
        weights = ("", "imagenet", self.path.text().strip())[self.weights.currentIndex()]
        return MakeApplication(
            request=0,
            run="",
            name=self._name(),
            weights=weights,
            include_top=self.top.isChecked(),
            shape=(self.picture_height.value(), self.picture_width.value(), 3),
            pooling="" if self.top.isChecked() else "avg",
            preprocess=self.preprocess.isChecked(),
            block=self.block.isChecked(),
        )

    def choose(self, name: str) -> None:
        """Mark a network in the list."""
        for row in range(self._model.rowCount()):
            index = self._model.index(row, 0)
            if index.data(NAME_ROLE) == name:
                self.list.setCurrentIndex(index)

    def _name(self) -> str:
        index = self.list.currentIndex()
        return str(index.siblingAtColumn(0).data(NAME_ROLE) or "") if index.isValid() else ""

    def _lay_out(self) -> None:
        size = QHBoxLayout()
        size.addWidget(self.picture_height)
        size.addWidget(label("×", "muted"))
        size.addWidget(self.picture_width)
        size.addWidget(label(self.tr("× 3 channels"), "muted"))
        size.addStretch(1)
        file = QHBoxLayout()
        file.addWidget(self.path, 1)
        file.addWidget(self.browse)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow(self.tr("Weights"), self.weights)
        form.addRow(self.tr("File"), file)
        form.addRow(self.tr("Pictures"), size)
        form.addRow("", self.top)
        form.addRow("", self.preprocess)
        form.addRow("", self.block)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addLayout(form)
        column.addWidget(self.buttons)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._filter)
        self.list.selectionModel().currentChanged.connect(self._show_size)
        self.list.doubleClicked.connect(self._finish)
        self.weights.currentIndexChanged.connect(self._refresh)
        self.path.textChanged.connect(self._refresh)
        self.browse.clicked.connect(self._browse)
        self.top.toggled.connect(self._refresh)
        self.buttons.accepted.connect(self._finish)
        self.buttons.rejected.connect(self.reject)

    @Slot(str)
    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        self._model.clear()
        self._model.setHorizontalHeaderLabels(
            [self.tr("Network"), self.tr("Weights"), self.tr("Layers"), self.tr("Pictures")]
        )
        for each in self._applications.values():
            if wanted in each.name.lower():
                self._model.appendRow(_row(each))
        self.list.setColumnWidth(0, 220)
        self.list.setCurrentIndex(self._model.index(0, 0))
        self._refresh()

    @Slot()
    def _show_size(self) -> None:
        application = self._applications.get(self._name())
        if application is not None:
            self.picture_height.setValue(application.size[0])
            self.picture_width.setValue(application.size[1])
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        from_file = self.weights.currentIndex() == FILE
        self.path.setEnabled(from_file)
        self.browse.setEnabled(from_file)
        complete = bool(self.path.text().strip()) or not from_file
        self.make.setEnabled(bool(self._name()) and complete)

    @Slot()
    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Weights of the network"),
            "",
            self.tr("Keras weights (*.h5 *.hdf5 *.keras)"),
        )
        if path:
            self.path.setText(path)

    @Slot()
    def _finish(self) -> None:
        if self.make.isEnabled():
            self.chosen.emit(self.request())
            self.accept()


def _row(application: Application) -> list[QStandardItem]:
    height, width = application.size
    texts = (
        application.name,
        count_text(application.parameters),
        str(application.layers),
        f"{height} × {width}",
    )
    items = [QStandardItem(text) for text in texts]
    items[0].setData(application.name, NAME_ROLE)
    return items


def _pixels(name: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(8, 2048)
    field.setAccessibleName(name)
    return field
