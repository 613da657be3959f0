"""Compile and fit options as forms: optimizer, loss and metrics of each output, epochs and the like."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import COMPILE_PARAMS, OPTIMIZER
from kbuilder.document.options import OutputOptions
from kbuilder.document.values import KerasObject, Value
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.form import Form
from kbuilder.ui.panels.fit_panel import FitPanel
from kbuilder.ui.panels.output_form import OutputForm
from kbuilder.ui.panels.schedule_preview import SchedulePreview
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
        self._schedule = SchedulePreview(bridge, workbench)
        self._options = Form(catalogue)
        self._options.show_params(COMPILE_PARAMS)
        self._options.edited.connect(self._set_option)
        self._options.reset.connect(self._reset_option)
        self._fit = FitPanel(bridge, catalogue, workbench)
        self._output_column = QVBoxLayout()
        self._output_column.setSpacing(6)
        column.addWidget(label(self.tr("COMPILE"), "heading"))
        column.addWidget(self._optimizer)
        column.addWidget(self._schedule)
        column.addWidget(self._options)
        column.addWidget(_line())
        column.addWidget(label(self.tr("Outputs"), "strong"))
        column.addLayout(self._output_column)
        column.addWidget(_line())
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
        self._options.set_values(_changed(project.compile, self._options.names()))
        self._fit.refresh()
        self._sync_outputs(project.graph.outputs)
        for node in project.graph.outputs:
            self._outputs[node.id].show_options(
                node, project.compile.outputs.get(node.id, OutputOptions())
            )
        self._describe()

    @Slot()
    def offer_anew(self) -> None:
        """Offer the losses and metrics that the catalogue knows now."""
        for form in self._outputs.values():
            form.setParent(None)
            form.deleteLater()
        self._outputs = {}
        self.refresh()

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
    def _set_option(self, name: str, value: object) -> None:
        self._document.apply(
            self.tr("Set {0}").format(name),
            lambda project: edits.set_compile(project, **{name: value}),
        )

    @Slot(str)
    def _reset_option(self, name: str) -> None:
        default = next(param.default for param in COMPILE_PARAMS if param.name == name)
        self._set_option(name, default)


def _changed(options: Value, names: Iterable[str]) -> dict[str, object]:
    """The options that differ from their default."""
    default = type(options)()
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value != getattr(default, name)}


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "line")
    return line
