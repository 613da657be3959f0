"""The Inspect workspace: pick a sample and a layer, see what the layer makes of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, QTimer, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.catalogue import Catalogue
from kbuilder.link.events import ActivationsComputed, Failed
from kbuilder.ui import theme
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.panels.card import in_card
from kbuilder.ui.panels.prediction_panel import PredictionPanel
from kbuilder.ui.panels.problems_panel import NODE_ROLE, dot
from kbuilder.ui.pictures import picture_list, pixmap, to_numpy
from kbuilder.ui.plots.mosaic import ActivationView
from kbuilder.ui.text import label, shape_text
from kbuilder.ui.training import Training
from kbuilder.ui.workbench import Workbench

THUMBNAIL = 46
SETTLE_MS = 60


class InspectWorkspace(QWidget):
    """Looks inside the model, before, during and after training."""

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        training: Training,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._workbench = workbench
        self._training = training
        self._ask_timer = QTimer(self)
        self._ask_timer.setSingleShot(True)
        self._ask_timer.setInterval(SETTLE_MS)
        self._ask_timer.timeout.connect(self._ask)
        self._prediction = PredictionPanel(workbench)
        splitter = QSplitter()
        for widget in (
            self._make_samples(),
            self._make_layers(),
            self._make_view(),
            self._prediction,
        ):
            splitter.addWidget(widget)
        splitter.setStretchFactor(2, 1)
        splitter.setSizes([216, 230, 790, 264])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)
        workbench.preview_changed.connect(self._show_samples)
        workbench.facts_changed.connect(self._show_layers)
        bridge.changed.connect(self._show_layers)
        training.activations.connect(self._show)
        training.failed.connect(self._show_failure)
        training.ended.connect(self._schedule)
        self._show_samples()
        self._show_layers()

    def showEvent(self, event: object) -> None:
        """Ask for the chosen layer when the workspace comes up."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._schedule()

    def hideEvent(self, event: object) -> None:
        """Stop the engine from computing what nobody sees."""
        super().hideEvent(event)  # type: ignore[arg-type]
        self._training.watch("", ())

    def choose(self, node: str, sample: int) -> None:
        """Show that layer for that sample."""
        for number in range(self._layers.count()):
            if self._layers.item(number).data(NODE_ROLE) == node:
                self._layers.setCurrentRow(number)
        self._sample.setValue(sample)

    @Slot()
    def _schedule(self) -> None:
        self._ask_timer.start()

    @Slot()
    def _ask(self) -> None:
        node = self._node()
        if not self.isVisible() or not node or not self._document.project.data.kind:
            return
        self._note.setText(self.tr("Computing…"))
        self._training.watch(node, (self._sample.value(),))

    @Slot(object)
    def _show(self, event: ActivationsComputed) -> None:
        if event.node != self._node() or event.samples != (self._sample.value(),):
            return
        output = to_numpy(event.activations)[0].astype(np.float32)
        how = self._view.show_output(output)
        name = self._document.project.graph.by_id[event.node].name
        self._title.setText(self.tr("{0} · sample {1}").format(name, event.samples[0]).upper())
        when = "" if event.epoch is None else self.tr(" · epoch {0}").format(event.epoch + 1)
        self._note.setText(how + when)
        self._prediction.show_event(event, output)

    @Slot(object)
    def _show_failure(self, event: Failed) -> None:
        if self.isVisible():
            self._note.setText(event.text)

    @Slot()
    def _show_samples(self) -> None:
        preview = self._workbench.preview
        self._thumbnails.clear()
        self._sample.setRange(0, max((preview.samples if preview else 1) - 1, 0))
        if preview is None or preview.pictures is None:
            return
        for number, picture in enumerate(to_numpy(preview.pictures)):
            item = QListWidgetItem(pixmap(picture, THUMBNAIL), "")
            item.setData(NODE_ROLE, number)
            item.setToolTip(self.tr("Sample {0}").format(number))
            self._thumbnails.addItem(item)

    @Slot()
    def _show_layers(self) -> None:
        graph, facts = self._document.project.graph, self._workbench.facts
        wanted = [
            (node.id, node.name, _shape_of(facts.get(node.id)), node.class_name, node.trainable)
            for node in graph.order
        ]
        if wanted == getattr(self, "_listed", None):
            return
        self._listed = wanted
        chosen = self._node()
        self._layers.blockSignals(True)
        self._layers.clear()
        for node, name, shape, class_name, trainable in wanted:
            spec = self._catalogue.layer(class_name)
            text = f"{name}   {shape}" + ("" if trainable else "   🔒")
            colour = theme.current().family(spec.family if spec else "")
            item = QListWidgetItem(dot(colour), text)
            item.setData(NODE_ROLE, node)
            self._layers.addItem(item)
            if node == chosen:
                self._layers.setCurrentItem(item)
        if self._layers.currentRow() < 0 and wanted:
            self._layers.setCurrentRow(min(1, len(wanted) - 1))
        self._layers.blockSignals(False)
        self._schedule()

    def _node(self) -> str:
        item = self._layers.currentItem()
        return str(item.data(NODE_ROLE)) if item is not None else ""

    def _make_samples(self) -> QWidget:
        self._sample = QSpinBox()
        self._sample.setAccessibleName(self.tr("Number of the sample"))
        self._sample.valueChanged.connect(self._schedule)
        self._thumbnails = picture_list(THUMBNAIL, self.tr("First samples"))
        self._thumbnails.setGridSize(QSize(THUMBNAIL + 10, THUMBNAIL + 10))
        self._thumbnails.currentItemChanged.connect(self._pick)
        return _side(label(self.tr("SAMPLES"), "heading"), self._sample, self._thumbnails)

    @Slot(QListWidgetItem, QListWidgetItem)
    def _pick(self, item: QListWidgetItem | None, _: object) -> None:
        if item is not None:
            self._sample.setValue(item.data(NODE_ROLE))

    def _make_layers(self) -> QWidget:
        self._layers = QListWidget()
        self._layers.setIconSize(QSize(9, 9))
        self._layers.setAccessibleName(self.tr("Layers"))
        self._layers.currentItemChanged.connect(self._schedule)
        return _side(label(self.tr("LAYERS"), "heading"), self._layers)

    def _make_view(self) -> QWidget:
        self._title = label(self.tr("LAYER OUTPUT"), "heading")
        self._note = label(self.tr("Choose data, a sample and a layer."), "muted")
        again = QPushButton(self.tr("Refresh"))
        again.clicked.connect(self._schedule)
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._note)
        head.addWidget(again)
        self._view = ActivationView()
        rows = QVBoxLayout()
        rows.addLayout(head)
        rows.addWidget(self._view, 1)
        return in_card(rows)


def _side(*widgets: QWidget) -> QWidget:
    """A side column of these widgets; the last takes the room."""
    body = QWidget()
    body.setProperty("role", "side-left")
    column = QVBoxLayout(body)
    column.setContentsMargins(12, 12, 12, 12)
    for widget in widgets:
        column.addWidget(widget, 1 if widget is widgets[-1] else 0)
    return body


def _shape_of(facts: object) -> str:
    outputs = getattr(facts, "outputs", ())
    return shape_text(outputs[0].shape) if outputs else ""
