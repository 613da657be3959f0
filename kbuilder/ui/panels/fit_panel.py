"""Everything that ``fit`` takes: a form, callbacks, and augmentation for each input of pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.facts import FieldFacts
from kbuilder.document.fit_rules import fit_faults
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import AUGMENTATION, CALLBACK, FIT_PARAMS
from kbuilder.document.options import DataOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.fit_editors import (
    AllEditor,
    ClassWeightsEditor,
    FromEditor,
    NamedChoiceEditor,
    ValidationEditor,
)
from kbuilder.ui.forms.form import Form, MakeEditor
from kbuilder.ui.forms.object_list import ObjectList
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench

VALIDATION = ParamSpec(
    name="validation",
    kinds=("value",),
    default=(FitOptions().validation_split, DataOptions()),
    help="What the training is judged by after each epoch: the last part of the samples, kept out of "
    "training, or data of its own.",
)
_WEIGHTS = ("class_weights", "sample_weights")
_ELSEWHERE = ("callbacks", "augmentation", "validation_split")
_COUNTS = ("steps_per_epoch", "validation_steps")


class FitPanel(QWidget):
    """Shows the options of fit of the open project; each change is one edit."""

    def __init__(self, bridge: DocumentBridge, catalogue: Catalogue, workbench: Workbench) -> None:
        super().__init__()
        self._document = bridge.document
        self._catalogue = catalogue
        self._workbench = workbench
        self._shown: object = None
        self._editors: dict[str, MakeEditor] = {}
        self._titles: dict[str, str] = {}
        self.form = Form(catalogue, editors=self._editors, titles=self._titles)
        self.form.edited.connect(self._set)
        self.form.reset.connect(self._reset)
        self._lists = QVBoxLayout()
        self._lists.setSpacing(8)
        self.callbacks: ObjectList
        self.augmentation: dict[str, ObjectList] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(label(self.tr("FIT"), "heading"))
        column.addWidget(self.form)
        column.addLayout(self._lists)
        workbench.preview_changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Show the options as they are now."""
        project = self._document.project
        fields = self._workbench.preview.fields if self._workbench.preview else ()
        ends = [(n.id, n.name, self._classes(n), _has_classes(project, n)) for n in self._outputs]
        sources = [(node.id, node.name) for node in self._inputs]
        shown = (ends, sources, [field.name for field in fields], self._catalogue.code)
        if shown != self._shown:
            self._shown = shown
            self._build(fields)
        fit = project.fit
        values = {
            name: value
            for name in self.form.names()
            if hasattr(fit, name) and (value := getattr(fit, name)) != getattr(FitOptions(), name)
        }
        validation = (fit.validation_split, fit.validation_data)
        if validation != VALIDATION.default:
            values[VALIDATION.name] = validation
        for part in _WEIGHTS:
            values |= {f"{part} {node}": value for node, value in getattr(fit, part).items()}
        self.form.set_values(values)
        samples = self._workbench.preview.samples if self._workbench.preview else 0
        self.form.set_faults(fit_faults(fit, samples))
        self.callbacks.show_objects(fit.callbacks)
        for node, listed in self.augmentation.items():
            listed.show_objects(fit.augmentation.get(node, ()))

    @property
    def _outputs(self) -> tuple[Node, ...]:
        return self._document.project.graph.outputs

    @property
    def _inputs(self) -> tuple[Node, ...]:
        """Those that take pictures, or are augmented already."""
        project = self._document.project
        return tuple(
            node
            for node in project.graph.inputs
            if len(node.params.get("shape") or ()) == 3 or node.id in project.fit.augmentation
        )

    def _classes(self, node: Node) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names and counts of the classes of an output, as far as the data tells."""
        preview = self._workbench.preview
        names = preview.targets.get(node.id, ()) if preview else ()
        fields = {field.name: field for field in preview.fields} if preview else {}
        field = fields.get(names[0]) if len(names) == 1 else None
        if field is not None and field.classes:
            return field.classes, field.counts
        by_hand = self._document.project.fit.class_weights.get(node.id)
        count = 1 + max(by_hand) if isinstance(by_hand, dict) and by_hand else 2
        return tuple(str(number) for number in range(count)), ()

    def _build(self, fields: tuple[FieldFacts, ...]) -> None:
        specs = {param.name: param for param in FIT_PARAMS if param.name not in _ELSEWHERE}
        self._editors.clear()
        self._editors |= {
            "initial_epoch": FromEditor,
            "shuffle": partial(_choice_editor, self._orders()),
            VALIDATION.name: ValidationEditor,
            **dict.fromkeys(_COUNTS, AllEditor),
        }
        self._titles.clear()
        self._titles |= {"steps_per_epoch": self.tr("Steps / epoch")}
        rows: list[ParamSpec] = []
        for name, param in specs.items():
            if name == "validation_data":
                rows.append(VALIDATION)
            elif name == "class_weights":
                rows += self._class_weights(param)
            elif name == "sample_weights":
                rows += self._sample_weights(param, fields)
            else:
                rows.append(param)
        self.form.show_params(tuple(rows))
        self.form.put_beside("epochs", "initial_epoch")
        self._build_lists()

    def _orders(self) -> dict[Any, str]:
        return {
            True: self.tr("all samples"),
            False: self.tr("no"),
            "batch": self.tr("within each batch"),
            "batch order": self.tr("order of batches"),
        }

    def _class_weights(self, param: ParamSpec) -> list[ParamSpec]:
        project = self._document.project
        nodes = [node for node in self._outputs if _has_classes(project, node)]
        rows = []
        for node in nodes:
            classes, counts = self._classes(node)
            title = self.tr("Class weights")
            rows.append(self._row_of(param, node, title, len(nodes) > 1))
            self._editors[rows[-1].name] = partial(_class_weights_editor, classes, counts)
        return rows

    def _sample_weights(self, param: ParamSpec, fields: tuple[FieldFacts, ...]) -> list[ParamSpec]:
        chosen = self._document.project.fit.sample_weights
        rows = []
        for node in self._outputs:
            if not fields and node.id not in chosen:
                continue
            names: dict[Any, str] = {None: self.tr("none")}
            names |= {field.name: field.name for field in fields}
            title = self.tr("Sample weights")
            rows.append(self._row_of(param, node, title, len(self._outputs) > 1))
            self._editors[rows[-1].name] = partial(_choice_editor, names)
        return rows

    def _row_of(self, param: ParamSpec, node: Node, title: str, several: bool) -> ParamSpec:
        """The option for one output."""
        name = f"{param.name} {node.id}"
        self._titles[name] = f"{title} · {node.name}" if several else title
        return msgspec.structs.replace(param, name=name, default=None)

    def _build_lists(self) -> None:
        while (item := self._lists.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.callbacks = ObjectList(
            CALLBACK,
            self._catalogue,
            title="",
            add=self.tr("+ Add callback"),
            remove=self.tr("Remove this callback"),
            new=lambda: KerasObject(class_name="EarlyStopping", params={"patience": 5}),
        )
        self.callbacks.changed.connect(
            partial(self._apply, self.tr("Set the callbacks"), "callbacks")
        )
        self._lists.addWidget(label(self.tr("CALLBACKS"), "heading"))
        self._lists.addWidget(self.callbacks)
        self.augmentation = {}
        if self._inputs:
            self._lists.addWidget(label(self.tr("AUGMENTATION"), "heading"))
        for node in self._inputs:
            if len(self._inputs) > 1:
                self._lists.addWidget(label(node.name, "strong"))
            listed = ObjectList(
                AUGMENTATION,
                self._catalogue,
                title="",
                add=self.tr("+ Add layer"),
                remove=self.tr("Remove this layer"),
                new=lambda: KerasObject(class_name="RandomFlip"),
            )
            listed.changed.connect(partial(self._augment, node))
            self.augmentation[node.id] = listed
            self._lists.addWidget(listed)

    @Slot(str, object)
    def _set(self, name: str, value: Any) -> None:
        part, _, node = name.partition(" ")
        fit = self._document.project.fit
        if name == VALIDATION.name:
            self._set_validation(*value)
        elif node:
            self._apply(self._of_node(part, node), part, {**getattr(fit, part), node: value})
        else:
            self._apply(self.tr("Set {0}").format(name), name, value)

    @Slot(str)
    def _reset(self, name: str) -> None:
        part, _, node = name.partition(" ")
        if name == VALIDATION.name:
            self._set_validation(*VALIDATION.default)
        elif node:
            left = getattr(self._document.project.fit, part)
            kept = {key: value for key, value in left.items() if key != node}
            self._apply(self._of_node(part, node), part, kept)
        else:
            self._apply(self.tr("Set {0}").format(name), name, getattr(FitOptions(), name))

    def _set_validation(self, split: float, data: DataOptions) -> None:
        size = self._document.project.data
        data = (
            msgspec.structs.replace(
                data, image_size=size.image_size, image_channels=size.image_channels
            )
            if data.kind == "images"
            else data
        )
        self._document.apply(
            self.tr("Set the validation"),
            partial(edits.set_fit, validation_split=split, validation_data=data),
        )

    def _augment(self, node: Node, layers: tuple[KerasObject, ...]) -> None:
        chosen = self._document.project.fit.augmentation
        kept = {key: value for key, value in chosen.items() if key != node.id}
        self._apply(
            self.tr("Set the augmentation of {0}").format(node.name),
            "augmentation",
            {**kept, node.id: layers} if layers else kept,
        )

    def _of_node(self, part: str, node: str) -> str:
        name = self._document.project.graph.by_id[node].name
        return self.tr("Set {0} of {1}").format(part, name)

    def _apply(self, text: str, name: str, value: object) -> None:
        self._document.apply(text, lambda project: edits.set_fit(project, **{name: value}))


def _class_weights_editor(
    classes: tuple[str, ...], counts: tuple[int, ...], _: ParamSpec, parent: QWidget
) -> QWidget:
    return ClassWeightsEditor(classes, counts, parent)


def _choice_editor(choices: dict[Any, str], _: ParamSpec, parent: QWidget) -> QWidget:
    return NamedChoiceEditor(choices, parent)


def _has_classes(project: Project, node: Node) -> bool:
    loss = project.compile.outputs.get(node.id, OutputOptions()).loss
    named = loss is not None and any(word in loss.class_name for word in ("rossentropy", "Hinge"))
    return named or node.id in project.fit.class_weights
