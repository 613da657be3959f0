"""What a network holds that a format cannot, told before anything is built or written."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from typing import Any

from kbuilder.document import approvals, tf_keras
from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec, Section
from kbuilder.document.formats import Format
from kbuilder.document.graph import INPUT_CLASS, Node
from kbuilder.document.options import OutputOptions
from kbuilder.document.problems import Problem, worst_first
from kbuilder.document.project import Project
from kbuilder.document.runtime_gaps import NOT_IN_LITERT, NOT_IN_ONNX
from kbuilder.document.values import KerasObject, Params

KIND = "format"
"""The kind of all these problems."""

RECURRENT = {"LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
AUGMENTATION = "Image augmentation"
"""The family of layers that change nothing when a network predicts."""

Found = Iterator[Problem]


def blockers(project: Project, catalogue: Catalogue, wanted: Format) -> tuple[Problem, ...]:
    """Errors for what keeps the project out of the format, and hints at what will be left out."""
    found = [
        *_missing_packages(wanted),
        *_untrusted(project, wanted),
        *(_RULES[wanted.id](project, catalogue) if wanted.id in _RULES else ()),
    ]
    return worst_first(found)


def _missing_packages(wanted: Format) -> Found:
    missing = [
        package for module, package in wanted.needs if importlib.util.find_spec(module) is None
    ]
    command = f"{sys.executable} -m pip install {' '.join(missing)}"
    if wanted.id == "tf_keras_hdf5":
        missing = [] if tf_keras.is_there() else missing
        command = tf_keras.how_to_install()
    if missing:
        needed = " and ".join(missing)
        text = f"{wanted.title} needs {needed}, which is not installed. Install it: {command}"
        yield Problem(severity="error", kind=KIND, text=text)


def _untrusted(project: Project, wanted: Format) -> Found:
    if not wanted.drawn and not approvals.is_approved(project.custom_code):
        text = "The project has own code, which does not run before you trust it."
        yield Problem(severity="error", kind="own-code-held", text=text)


def _keras(project: Project, catalogue: Catalogue) -> Found:
    del catalogue
    if project.custom_code.strip():
        yield _hint(
            "Whoever loads the file needs the own code: give its classes to load_model as custom_objects."
        )


def _hdf5(project: Project, catalogue: Catalogue) -> Found:
    yield from _keras(project, catalogue)
    for node, spec in _layers(project, catalogue):
        if spec.is_operation:
            text = f"“{node.name}” is an operation, which Keras cannot load from .hdf5. Use .keras."
            yield _error(node, text)


def _onnx(project: Project, catalogue: Catalogue) -> Found:
    yield from _without(project, catalogue, NOT_IN_ONNX, "ONNX")
    yield from _augmentation(project, catalogue, "ONNX")


def _litert(project: Project, catalogue: Catalogue) -> Found:
    yield from _without(project, catalogue, NOT_IN_LITERT, "LiteRT")
    yield from _augmentation(project, catalogue, "LiteRT")
    for node, spec in _layers(project, catalogue):
        inner = node.params.get("layer") if spec.class_name == "Bidirectional" else None
        class_name = inner["class_name"] if isinstance(inner, dict) else spec.class_name
        params = inner.get("params", {}) if isinstance(inner, dict) else node.params
        if class_name in RECURRENT and not params.get("unroll"):
            text = f"“{node.name}” loops over time, which LiteRT cannot do. Set unroll in it."
            yield _error(node, text, "unroll" if inner is None else "layer")


def _tf_keras(project: Project, catalogue: Catalogue) -> Found:
    yield from _tf_keras_layers(project, catalogue)
    optimizer = project.compile.optimizer
    if any(options.loss is not None for options in project.compile.outputs.values()):
        for reason, _ in _strange(catalogue, "optimizers", optimizer.class_name, optimizer.params):
            yield Problem(severity="error", kind=KIND, text=reason)
    for node in project.graph.outputs:
        options = project.compile.outputs.get(node.id, OutputOptions())
        for section, wanted in _judges(options):
            for reason, _ in _strange(catalogue, section, wanted.class_name, wanted.params):
                yield _error(node, f"“{node.name}”: {reason}")


def _tf_keras_layers(project: Project, catalogue: Catalogue) -> Found:
    for node, spec in _layers(project, catalogue):
        if spec.is_operation:
            yield _error(node, f"“{node.name}” is an operation, which tf.keras cannot load.")
        elif spec.own:
            yield _error(node, f"“{node.name}” is of own code, which is written for Keras 3.")
        elif node.class_name != INPUT_CLASS:
            for reason, param in _strange(catalogue, "layers", spec.class_name, node.params):
                yield _error(node, f"“{node.name}”: {reason}", param)


def _judges(options: OutputOptions) -> Iterator[tuple[Section, KerasObject]]:
    if options.loss is not None:
        yield "losses", options.loss
    for metric in (*options.metrics, *options.weighted_metrics):
        yield "metrics", metric


def _strange(
    catalogue: Catalogue, section: Section, class_name: str, params: Params
) -> Iterator[tuple[str, str]]:
    """What tf.keras does not know of an object, at any depth, with the parameter it is in."""
    if tf_keras.table().params(section, class_name) is None:
        yield f"tf.keras has no {class_name} among its {section}. Choose another one.", ""
        return
    spec = catalogue.find(section, class_name)
    for name, value in params.items():
        param = spec.param(name) if spec else None
        if value is None or (param is not None and value == param.default):
            continue
        if not tf_keras.table().takes(section, class_name, name):
            yield f"{class_name} has no parameter {name} in tf.keras. Reset it.", name
        for reason in _strange_value(catalogue, param, value):
            yield reason, name


def _strange_value(catalogue: Catalogue, param: ParamSpec | None, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _strange_value(catalogue, param, item)
    elif isinstance(value, dict) and "class_name" in value and param is not None and param.of:
        inner = _strange(catalogue, param.of, value["class_name"], value.get("params", {}))
        yield from (reason for reason, _ in inner)
    elif (
        param is not None
        and "activation" in param.name
        and isinstance(value, str)
        and value not in tf_keras.table().activations
    ):
        yield f"the activation {value} is not the same in tf.keras. Choose another one."


def _without(project: Project, catalogue: Catalogue, missing: set[str], title: str) -> Found:
    for node, spec in _layers(project, catalogue):
        if spec.class_name in missing:
            way_out = "Use other layers" if spec.is_operation else "Do it to the data beforehand"
            text = f"“{node.name}”: {title} has nothing like {spec.class_name}. {way_out}."
            yield _error(node, text)


def _augmentation(project: Project, catalogue: Catalogue, title: str) -> Found:
    names = [n.name for n, spec in _layers(project, catalogue) if spec.family == AUGMENTATION]
    if names:
        listed = ", ".join(f"“{name}”" for name in names[:4])
        yield _hint(
            f"{listed} change nothing when the network predicts, so {title} leaves them out."
        )


def _layers(project: Project, catalogue: Catalogue) -> Iterator[tuple[Node, ClassSpec]]:
    """Nodes that hold their layer, with its class; unknown classes are told by the rules."""
    for node in project.graph.nodes:
        spec = catalogue.layer(node.class_name)
        if spec is not None and not node.shares:
            yield node, spec


def _error(node: Node, text: str, parameter: str = "") -> Problem:
    return Problem(severity="error", kind=KIND, node=node.id, parameter=parameter, text=text)


def _hint(text: str) -> Problem:
    return Problem(severity="info", kind=KIND, text=text)


_RULES: dict[str, Callable[[Project, Catalogue], Found]] = {
    "keras": _keras,
    "json": _keras,
    "hdf5": _hdf5,
    "tf_keras_hdf5": _tf_keras,
    "onnx": _onnx,
    "tflite": _litert,
}
