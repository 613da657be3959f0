"""Compile and fit options as forms: optimizer, loss and metrics of each output, epochs and the like."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import (
    FIT_PARAMS,
    METRIC,
    OPTIMIZER,
    OUTPUT_PARAMS,
    usual_metric,
)
from kbuilder.document.options import OutputOptions
from kbuilder.document.values import KerasObject
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.form import Form
from kbuilder.ui.forms.object_editor import ObjectEditor
from kbuilder.ui.text import label, shape_text
from kbuilder.ui.workbench import Workbench


class CompilePanel(QScrollArea):
    """Everything that is chosen before Train is pressed."""

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._workbench = workbench
        self._outputs: dict[str, OutputForm] = {}
        self.setProperty("role", "side-left")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setProperty("role", "side")
        self.setWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        self._optimizer = Form(catalogue)
        self._optimizer.show_params((OPTIMIZER,))
        self._optimizer.edited.connect(self._set_optimizer)
        self._fit = Form(catalogue)
        self._fit.show_params(FIT_PARAMS)
        self._fit.edited.connect(self._set_fit)
        self._fit.reset.connect(self._reset_fit)
        self._output_column = QVBoxLayout()
        self._output_column.setSpacing(6)
        column.addWidget(label(self.tr("COMPILE"), "heading"))
        column.addWidget(self._optimizer)
        column.addWidget(_line())
        column.addWidget(label(self.tr("Outputs"), "strong"))
        column.addLayout(self._output_column)
        column.addWidget(_line())
        column.addWidget(label(self.tr("FIT"), "heading"))
        column.addWidget(self._fit)
        column.addStretch(1)
        bridge.changed.connect(self._follow)
        workbench.facts_changed.connect(self._describe)
        self.refresh()

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        if changes.graph or changes.compile or changes.fit or changes.replaced:
            self.refresh()

    def refresh(self) -> None:
        """Show the options as they are now."""
        project = self._document.project
        self._optimizer.set_values({"optimizer": project.compile.optimizer.plain()})
        default = type(project.fit)()
        names = self._fit.names()
        self._fit.set_values(
            {
                name: getattr(project.fit, name)
                for name in names
                if getattr(project.fit, name) != getattr(default, name)
            }
        )
        self._sync_outputs(project.graph.outputs)
        for node in project.graph.outputs:
            self._outputs[node.id].show_options(
                node, project.compile.outputs.get(node.id, OutputOptions())
            )
        self._describe()

    @Slot()
    def _describe(self) -> None:
        for node, form in self._outputs.items():
            facts = self._workbench.facts.get(node)
            form.describe(shape_text(facts.outputs[0].shape) if facts and facts.outputs else "")

    def _sync_outputs(self, outputs: tuple[Node, ...]) -> None:
        wanted = [node.id for node in outputs]
        if list(self._outputs) == wanted:
            return
        for form in self._outputs.values():
            form.setParent(None)
            form.deleteLater()
        self._outputs = {}
        for node in outputs:
            form = OutputForm(self._catalogue)
            form.edited.connect(partial(self._set_output, node.id))
            self._outputs[node.id] = form
            self._output_column.addWidget(form)

    @Slot(str, object)
    def _set_optimizer(self, _: str, value: dict[str, object]) -> None:
        self._document.apply(
            self.tr("Set the optimizer"),
            partial(edits.set_optimizer, optimizer=KerasObject.of(value)),
        )

    def _set_output(self, node: str, name: str, value: object) -> None:
        output = self._document.project.graph.by_id[node].name
        self._document.apply(
            self.tr("Set {0} of {1}").format(name, output),
            lambda project: edits.set_output(project, node, **{name: value}),
        )

    @Slot(str, object)
    def _set_fit(self, name: str, value: object) -> None:
        self._document.apply(
            self.tr("Set {0}").format(name),
            lambda project: edits.set_fit(project, **{name: value}),
        )

    @Slot(str)
    def _reset_fit(self, name: str) -> None:
        default = next(param.default for param in FIT_PARAMS if param.name == name)
        self._set_fit(name, default)


class OutputForm(QWidget):
    """Loss, loss weight and metrics of one output. ``edited`` carries the option's name and value."""

    edited = Signal(str, object)

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._loss: KerasObject | None = None
        self._metrics: tuple[KerasObject, ...] = ()
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
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        add = QToolButton()
        add.setText(self.tr("+ Add metric"))
        add.clicked.connect(self._add)
        self.add_button = add
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 6)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._form)
        column.addLayout(self._rows)
        column.addWidget(add)

    def describe(self, shape: str) -> None:
        """Show the shape of the output."""
        self._shape.setText(shape)

    def show_options(self, node: Node, options: OutputOptions) -> None:
        """Show the options of the output ``node``."""
        self._name.setText(node.name)
        self._loss = options.loss
        values: dict[str, object] = {}
        if options.loss is not None:
            values["loss"] = options.loss.plain()
        if options.loss_weight != 1.0:
            values["loss_weight"] = options.loss_weight
        self._form.set_values(values)
        if options.metrics != self._metrics or self._rows.count() != len(options.metrics):
            self._metrics = options.metrics
            self._show_metrics()

    def _show_metrics(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, metric in enumerate(self._metrics):
            row = MetricRow(self._catalogue, metric)
            row.changed.connect(partial(self._change, number))
            row.removed.connect(partial(self._remove, number))
            self._rows.addWidget(row)

    def _edit(self, name: str, value: object) -> None:
        self.edited.emit(name, KerasObject.of(value) if isinstance(value, dict) else value)

    def _reset(self, name: str) -> None:
        self.edited.emit(name, None if name == "loss" else 1.0)

    def _add(self) -> None:
        self.edited.emit("metrics", (*self._metrics, usual_metric(self._loss)))

    def _change(self, number: int, value: dict[str, object]) -> None:
        changed = list(self._metrics)
        changed[number] = KerasObject.of(value)
        self.edited.emit("metrics", tuple(changed))

    def _remove(self, number: int) -> None:
        self.edited.emit("metrics", self._metrics[:number] + self._metrics[number + 1 :])


class MetricRow(QWidget):
    """One metric: its class and parameters, and a button that removes it."""

    changed = Signal(object)
    removed = Signal()

    def __init__(
        self, catalogue: Catalogue, metric: KerasObject, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        editor = ObjectEditor(METRIC, catalogue)
        editor.set_value(metric.plain())
        editor.setAccessibleName(self.tr("Metric"))
        editor.changed.connect(self.changed.emit)
        remove = QToolButton()
        remove.setText("✕")
        remove.setToolTip(self.tr("Remove this metric"))
        remove.setAccessibleName(self.tr("Remove this metric"))
        remove.clicked.connect(self.removed.emit)
        title = label(self.tr("Metric"))
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


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "line")
    return line
