"""How one output is judged: loss, loss weight, metrics."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import METRIC, OUTPUT_PARAMS, usual_metric
from kbuilder.document.options import OutputOptions
from kbuilder.document.values import KerasObject
from kbuilder.ui.forms.form import Form
from kbuilder.ui.forms.object_editor import ObjectEditor
from kbuilder.ui.text import label


class OutputForm(QWidget):
    """Loss, loss weight and both lists of metrics. ``edited`` carries the option's name and value."""

    edited = Signal(str, object)

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._name = label(role="strong")
        self._shape = label(role="muted")
        head = QHBoxLayout()
        head.addWidget(self._name)
        head.addStretch(1)
        head.addWidget(self._shape)
        self._form = Form(catalogue)
        self._form.show_params(OUTPUT_PARAMS)
        self._form.edited.connect(self._edit)
        self._form.reset.connect(self._reset)
        self.metrics = MetricList(catalogue, self.tr("Metric"), self.tr("+ Add metric"))
        self.weighted_metrics = MetricList(
            catalogue, self.tr("Weighted"), self.tr("+ Add weighted metric")
        )
        self.weighted_metrics.add_button.setToolTip(
            self.tr("A metric that counts samples by their weights, as the loss does")
        )
        for name in ("metrics", "weighted_metrics"):
            listed: MetricList = getattr(self, name)
            listed.changed.connect(partial(self.edited.emit, name))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._form)
        column.addWidget(self.metrics)
        column.addWidget(self.weighted_metrics)

    def describe(self, shape: str) -> None:
        """Show the shape of the output."""
        self._shape.setText(shape)

    def show_options(self, node: Node, options: OutputOptions) -> None:
        """Show the options of the output ``node``."""
        self._name.setText(node.name)
        values: dict[str, object] = {}
        if options.loss is not None:
            values["loss"] = options.loss.plain()
        if options.loss_weight != 1.0:
            values["loss_weight"] = options.loss_weight
        self._form.set_values(values)
        self.metrics.show_metrics(options.metrics, options.loss)
        self.weighted_metrics.show_metrics(options.weighted_metrics, options.loss)

    def _edit(self, name: str, value: object) -> None:
        self.edited.emit(name, KerasObject.of(value) if isinstance(value, dict) else value)

    def _reset(self, name: str) -> None:
        self.edited.emit(name, None if name == "loss" else 1.0)


class MetricList(QWidget):
    """Metrics below each other, and a button that adds one. ``changed`` carries all of them."""

    changed = Signal(object)

    def __init__(self, catalogue: Catalogue, title: str, add: str) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._title = title
        self._loss: KerasObject | None = None
        self._metrics: tuple[KerasObject, ...] = ()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.add_button = QToolButton()
        self.add_button.setText(add)
        self.add_button.clicked.connect(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._rows)
        column.addWidget(self.add_button)

    def show_metrics(self, metrics: tuple[KerasObject, ...], loss: KerasObject | None) -> None:
        """Show these; a new one goes by the loss."""
        self._loss = loss
        if metrics == self._metrics and self._rows.count() == len(metrics):
            return
        self._metrics = metrics
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, metric in enumerate(metrics):
            row = MetricRow(self._catalogue, metric, self._title)
            row.changed.connect(partial(self._change, number))
            row.removed.connect(partial(self._remove, number))
            self._rows.addWidget(row)

    @Slot()
    def _add(self) -> None:
        self.changed.emit((*self._metrics, usual_metric(self._loss)))

    def _change(self, number: int, value: dict[str, object]) -> None:
        changed = list(self._metrics)
        changed[number] = KerasObject.of(value)
        self.changed.emit(tuple(changed))

    def _remove(self, number: int) -> None:
        self.changed.emit(self._metrics[:number] + self._metrics[number + 1 :])


class MetricRow(QWidget):
    """One metric: its class and parameters, and a button that removes it."""

    changed = Signal(object)
    removed = Signal()

    def __init__(
        self, catalogue: Catalogue, metric: KerasObject, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        editor = ObjectEditor(METRIC, catalogue)
        editor.set_value(metric.plain())
        editor.setAccessibleName(name)
        editor.changed.connect(self.changed.emit)
        remove = QToolButton()
        remove.setText("✕")
        remove.setToolTip(self.tr("Remove this metric"))
        remove.setAccessibleName(self.tr("Remove this metric"))
        remove.clicked.connect(self.removed.emit)
        title = label(name)
        title.setFixedWidth(104)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(editor, 1)
        row.addWidget(remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(editor.details)
