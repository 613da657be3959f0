"""How one output is judged: loss, loss weight, metrics."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import METRIC, OUTPUT_PARAMS, usual_metric
from kbuilder.document.options import OutputOptions
from kbuilder.document.values import KerasObject
from kbuilder.ui.forms.form import Form
from kbuilder.ui.forms.object_list import ObjectList
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
        self._loss: KerasObject | None = None
        self.metrics = self._metric_list(self.tr("Metric"), self.tr("+ Add metric"))
        self.weighted_metrics = self._metric_list(
            self.tr("Weighted"), self.tr("+ Add weighted metric")
        )
        self.weighted_metrics.add_button.setToolTip(
            self.tr("A metric that counts samples by their weights, as the loss does")
        )
        for name in ("metrics", "weighted_metrics"):
            listed: ObjectList = getattr(self, name)
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
        self._loss = options.loss
        self.metrics.show_objects(options.metrics)
        self.weighted_metrics.show_objects(options.weighted_metrics)

    def _metric_list(self, title: str, add: str) -> ObjectList:
        return ObjectList(
            METRIC,
            self._catalogue,
            title=title,
            add=add,
            remove=self.tr("Remove this metric"),
            new=lambda: usual_metric(self._loss),
        )

    def _edit(self, name: str, value: object) -> None:
        self.edited.emit(name, KerasObject.of(value) if isinstance(value, dict) else value)

    def _reset(self, name: str) -> None:
        self.edited.emit(name, None if name == "loss" else 1.0)
