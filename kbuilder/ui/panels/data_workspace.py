"""The Data workspace: choose a source, see what it holds, say which field feeds which node."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document import edits
from kbuilder.document.changes import Changes
from kbuilder.document.options import DataOptions
from kbuilder.document.own_code import batch_makers
from kbuilder.link.values import DataPreview
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.icons import give_icon
from kbuilder.ui.panels.card import in_card
from kbuilder.ui.panels.field_mapping import FieldMapping
from kbuilder.ui.panels.field_panel import FieldPanel
from kbuilder.ui.pictures import picture_list, pixmap, to_numpy
from kbuilder.ui.text import label, tooltip
from kbuilder.ui.workbench import Workbench

THUMBNAIL = 88
SAMPLES = ("digits", "wine")


class DataWorkspace(QWidget):
    """Shows the data of the open project. ``source_wanted`` carries the kind the user asks for."""

    source_wanted = Signal(str)

    def __init__(
        self, bridge: DocumentBridge, workbench: Workbench, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._workbench = workbench
        self._mapping = FieldMapping(bridge, workbench)
        self._fields = FieldPanel()
        splitter = QSplitter()
        for widget in (self._make_left(), self._make_middle(), self._fields):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([300, 900, 320])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)
        workbench.preview_changed.connect(self.refresh)
        bridge.changed.connect(self._follow)
        self.refresh()

    def choose(self, data: DataOptions, text: str) -> None:
        """Take another data source; ``text`` names the edit."""
        self._document.apply(text, partial(edits.set_data, data=data))

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        if changes.data or changes.replaced or changes.code:
            self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the preview, why there is none, or that nothing is chosen."""
        data, preview = self._document.project.data, self._workbench.preview
        self._offer_own()
        if not data.kind:
            self._title.setText(self.tr("No data yet"))
            self._note.setText(
                self.tr("Choose a bundled sample, or your own arrays, table or pictures.")
            )
        else:
            self._title.setText(Path(data.path).name)
            self._note.setText(self._workbench.preview_fault or self._facts(preview))
        fault = bool(data.kind and self._workbench.preview_fault)
        self._note.setProperty("role", "error" if fault else "muted")
        self._note.style().polish(self._note)
        self._show_preview(preview if data.kind else None)
        self._fields.show_preview(preview if data.kind else None)

    def _facts(self, preview: DataPreview | None) -> str:
        if preview is None:
            return self.tr("Reading…")
        return self.tr("{0} samples · {1} fields").format(
            f"{preview.samples:,}", len(preview.fields)
        )

    def _show_preview(self, preview: DataPreview | None) -> None:
        self._pictures.clear()
        self._table.setRowCount(0)
        self._table.setColumnCount(0)
        if preview is None:
            return
        if preview.pictures is not None:
            self._show_pictures(preview)
        else:
            self._show_table(preview)

    def _show_pictures(self, preview: DataPreview) -> None:
        assert preview.pictures is not None
        for number, picture in enumerate(to_numpy(preview.pictures)):
            labels = preview.picture_labels
            item = QListWidgetItem(labels[number] if number < len(labels) else "")
            item.setIcon(pixmap(picture, THUMBNAIL))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._pictures.addItem(item)
        self._stack.setCurrentWidget(self._pictures)

    def _show_table(self, preview: DataPreview) -> None:
        self._table.setColumnCount(len(preview.fields))
        self._table.setHorizontalHeaderLabels([field.name for field in preview.fields])
        self._table.setRowCount(len(preview.rows))
        for row, cells in enumerate(preview.rows):
            for column, cell in enumerate(cells):
                self._table.setItem(row, column, QTableWidgetItem(cell))
        self._table.resizeColumnsToContents()
        self._stack.setCurrentWidget(self._table)

    def _make_left(self) -> QWidget:
        left = QWidget()
        left.setProperty("role", "side-left")
        column = QVBoxLayout(left)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(label(self.tr("SOURCE"), "heading"))
        for name in SAMPLES:
            button = QPushButton(self.tr("Sample: {0}").format(name))
            give_icon(button, "sample")
            button.clicked.connect(partial(self._choose_sample, name))
            column.addWidget(button)
        for kind, text, picture in (
            ("arrays", self.tr("Arrays (.npz, .npy)…"), "arrays"),
            ("table", self.tr("Table (.csv)…"), "table"),
            ("images", self.tr("Folder of pictures…"), "image"),
        ):
            button = QPushButton(text)
            give_icon(button, picture)
            button.clicked.connect(partial(self.source_wanted.emit, kind))
            column.addWidget(button)
        self._own = QPushButton(self.tr("Batches of own code"))
        self._own.setToolTip(
            tooltip(
                self.tr(
                    "A function of the own code that yields batches (x, y), or a keras.utils.PyDataset. "
                    "Every epoch calls it anew."
                )
            )
        )
        give_icon(self._own, "arrays")
        self._own.setMenu(QMenu(self._own))
        column.addWidget(self._own)
        column.addSpacing(8)
        column.addWidget(self._mapping, 1)
        return left

    def _offer_own(self) -> None:
        """Offer what the own code can make batches with, where there is anything."""
        names = batch_makers(self._document.project.custom_code)
        self._own.setVisible(bool(names))
        menu = self._own.menu()
        menu.clear()
        for name in names:
            menu.addAction(name, partial(self._choose_own, name))

    def _choose_own(self, name: str) -> None:
        text = self.tr("Use the batches of {0}").format(name)
        self.choose(DataOptions(kind="generator", path=name), text)

    def _choose_sample(self, name: str) -> None:
        text = self.tr("Use the sample {0}").format(name)
        self.choose(replace(DataOptions(), kind="sample", path=name), text)

    def _make_middle(self) -> QWidget:
        self._title = label(role="title")
        self._note = label(role="muted")
        self._note.setWordWrap(True)
        self._pictures = picture_list(THUMBNAIL, self.tr("First samples as pictures"))
        self._pictures.setSpacing(8)
        self._table = QTableWidget()
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().setDefaultSectionSize(26)
        self._table.setAccessibleName(self.tr("First rows of the data"))
        self._stack = QStackedWidget()
        self._stack.addWidget(self._pictures)
        self._stack.addWidget(self._table)
        rows = QVBoxLayout()
        rows.addWidget(self._title)
        rows.addWidget(self._note)
        rows.addWidget(self._stack, 1)
        return in_card(rows)
