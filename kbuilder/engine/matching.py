"""Data brought into the order of a model's inputs and outputs, and what does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fit_rules import fit_fault, fit_faults, too_many_steps
from kbuilder.document.fixes import (
    Fix,
    SetFit,
    SetLoss,
    SetMetrics,
    SetParams,
    Step,
)
from kbuilder.document.graph import Node
from kbuilder.document.option_specs import FIT_PARAMS
from kbuilder.document.options import FitOptions, OutputOptions
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import width_param
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.build_error import BuildError

Arrays = Mapping[str, np.ndarray]
Shape = tuple[int | None, ...]

OTHER_SHAPE = {"CTC"}
"""Losses whose targets have a shape of their own; they are not judged here."""

SPARSE_TWINS = {
    "CategoricalAccuracy": "SparseCategoricalAccuracy",
    "CategoricalCrossentropy": "SparseCategoricalCrossentropy",
    "TopKCategoricalAccuracy": "SparseTopKCategoricalAccuracy",
}
"""Metrics that take vectors, and what they are called for class numbers."""


@dataclass(frozen=True)
class Samples:
    """Rows for a model: ``x`` by input, ``y`` by output, None for an output that is not judged."""

    x: list[np.ndarray]
    y: list[np.ndarray | None]

    def rows(self, start: int, end: int) -> Samples:
        """The samples from ``start`` to ``end - 1``."""
        return Samples(
            [array[start:end] for array in self.x],
            [None if array is None else array[start:end] for array in self.y],
        )


def match(built: BuiltModel, project: Project, inputs: Arrays, targets: Arrays) -> Samples:
    """The arrays of each node in the order in which the model takes them.

    Raises:
        BuildError: an array is missing or its shape does not fit the node.
    """
    graph = built.graph
    options = {
        node.id: project.compile.outputs.get(node.id, OutputOptions()) for node in graph.outputs
    }
    problems = [
        *(fault for node in graph.inputs for fault in _input_faults(built, node, inputs)),
        *(
            fault
            for node in graph.outputs
            for fault in _target_faults(built, node, options[node.id], targets)
        ),
    ]
    if problems:
        raise BuildError(tuple(problems))
    return Samples(
        [inputs[node.id] for node in graph.inputs],
        [targets[node.id] if _judged(options[node.id]) else None for node in graph.outputs],
    )


def split(samples: Samples, fit: FitOptions) -> tuple[Samples, Samples | None]:
    """Training and validation samples: the last part validates, rounded as ``Model.fit`` does.

    Raises:
        BuildError: one of the parts would be empty.
    """
    count = len(samples.x[0])
    if not fit.validation_split or fit.validation_data.kind:
        return samples, None
    at = math.floor(count * (1.0 - fit.validation_split))
    if at in (0, count):
        raise BuildError(
            (
                Problem(
                    severity="error",
                    kind="split-empty",
                    parameter="validation_split",
                    fixes=(
                        Fix(
                            text="Train without validation",
                            steps=(SetFit(values={"validation_split": 0.0}),),
                        ),
                    ),
                    text=f"{count} sample{'' if count == 1 else 's'} cannot be split at validation_split="
                    f"{fit.validation_split}: one part would be empty. "
                    "Bring more data or choose another value.",
                ),
            )
        )
    return samples.rows(0, at), samples.rows(at, count)


def check_fit(fit: FitOptions, catalogue: Catalogue) -> None:
    """Refuse options that mean nothing.

    Raises:
        BuildError: one of them is outside the limits that its form shows.
    """
    problems = [
        fit_problem(param.name, reason, param.default)
        for param in FIT_PARAMS
        if (reason := fit_fault(param, getattr(fit, param.name), catalogue))
    ]
    if not problems:
        problems += [fit_problem(name, text, 0) for name, text in fit_faults(fit).items()]
    if problems:
        raise BuildError(tuple(problems))


def check_steps(option: str, wanted: int, there: int) -> None:
    """Refuse more steps in an epoch than the data has batches.

    Raises:
        BuildError: ``wanted`` is larger than ``there``.
    """
    if wanted > there:
        text = too_many_steps(option, wanted, there)
        raise BuildError((fit_problem(option, text, 0),))


def fit_problem(option: str, text: str, remedy: object) -> Problem:
    """An option of fit that cannot be used, with a value that can."""
    return Problem(
        severity="error",
        kind="fit-value",
        parameter=option,
        text=text,
        fixes=(Fix(text=f"Set {option} to {remedy}", steps=(SetFit(values={option: remedy}),)),),
    )


def _judged(options: OutputOptions) -> bool:
    return options.loss is not None or bool(options.metrics)


def _input_faults(built: BuiltModel, node: Node, inputs: Arrays) -> Iterator[Problem]:
    wanted: Shape = tuple(built.tensors[node.id][0].shape[1:])
    if node.id not in inputs:
        text = f"No field of the data feeds the input “{node.name}”. Choose one under Data."
        yield _fault(node, text, kind="no-field")
        return
    found = inputs[node.id].shape[1:]
    if not _fits(wanted, found):
        yield _fault(
            node,
            f"The input “{node.name}” takes samples of shape {_text(wanted)}, but the data gives "
            f"{_text(found)}. Set its shape to {_text(found)} or choose another field under Data.",
            "shape",
            kind="input-data",
            fix=(
                f"Set shape to {shown(found)}",
                SetParams(node=node.id, values={"shape": [*found]}),
            ),
        )


def _target_faults(
    built: BuiltModel, node: Node, options: OutputOptions, targets: Arrays
) -> Iterator[Problem]:
    if not _judged(options):
        return
    if node.id not in targets:
        text = f"No field of the data is the target of “{node.name}”. Choose one under Data."
        yield _fault(node, text, kind="no-field")
        return
    yield from _metric_faults(built, node, options, targets[node.id])
    loss = options.loss
    if loss is None or loss.class_name in OTHER_SHAPE or not hasattr(keras.losses, loss.class_name):
        return  # a loss of own code may compare what it likes
    output: Shape = tuple(built.tensors[node.id][0].shape[1:])
    if loss.class_name.startswith("Sparse"):
        yield from _class_number_faults(node, loss.class_name, output, targets[node.id])
    else:
        yield from _value_faults(node, loss.class_name, output, targets[node.id])


def _metric_faults(
    built: BuiltModel, node: Node, options: OutputOptions, target: np.ndarray
) -> Iterator[Problem]:
    """Metrics for vectors that Keras would compute from class numbers without a word, to nonsense."""
    output: Shape = tuple(built.tensors[node.id][0].shape[1:])
    if len(output) != 1 or output == (1,) or target.shape[1:] not in ((), (1,)):
        return
    for metric in options.metrics:
        if metric.class_name in SPARSE_TWINS:
            twin = SPARSE_TWINS[metric.class_name]
            kept = ((other.class_name, other.params) for other in options.metrics)
            metrics = tuple(
                (twin, {}) if name == metric.class_name else (name, params) for name, params in kept
            )
            yield _fault(
                node,
                f"{metric.class_name} compares vectors, but the targets of “{node.name}” are class "
                f"numbers. Choose {twin}.",
                "metrics",
                kind="metric-targets",
                fix=(f"Use {twin}", SetMetrics(node=node.id, metrics=metrics)),
            )


def _value_faults(node: Node, loss: str, output: Shape, target: np.ndarray) -> Iterator[Problem]:
    found = target.shape[1:]
    if _fits(output, found) or (output == (1,) and found == ()):
        return
    codes = found in ((), (1,)) and len(output) == 1
    remedy = (
        "For class numbers choose SparseCategoricalCrossentropy"
        if codes
        else "Change the last layer"
    )
    sparse = SetLoss(node=node.id, class_name="SparseCategoricalCrossentropy")
    yield _fault(
        node,
        f"{loss} compares value with value, but the output “{node.name}” gives {_text(output)} for "
        f"each sample and the data has {_text(found)}. {remedy} or choose another target under Data.",
        "loss",
        kind="labels-class-numbers" if codes else "target-shape",
        fix=(f"Use {sparse.class_name}", sparse) if codes else None,
    )


def _class_number_faults(
    node: Node, loss: str, output: Shape, target: np.ndarray
) -> Iterator[Problem]:
    found = target.shape[1:]
    vector = SetLoss(node=node.id, class_name="CategoricalCrossentropy")
    if not output or not (_fits(output[:-1], found) or _fits((*output[:-1], 1), found)):
        yield _fault(
            node,
            f"{loss} needs one class number for each output vector: the output “{node.name}” gives "
            f"{_text(output)}, so the target needs {_text(output[:-1])}, but the data has "
            f"{_text(found)}. Choose another loss or target.",
            "loss",
            kind="labels-vectors",
            fix=("Use CategoricalCrossentropy", vector) if output == found else None,
        )
        return
    if not _whole(target):
        yield _fault(
            node,
            f"{loss} needs whole numbers as classes, but the targets of “{node.name}” have fractions. "
            "For values choose a loss such as MeanSquaredError, or choose another target under Data.",
            "loss",
            kind="labels-fractions",
            fix=("Use MeanSquaredError", SetLoss(node=node.id, class_name="MeanSquaredError")),
        )
        return
    classes = output[-1]
    low, high = (target.min(), target.max()) if target.size else (0, 0)
    if classes is not None and (low < 0 or high >= classes):
        parameter, units = width_param(node), int(high) + 1
        more = SetParams(node=node.id, values={parameter: units})
        yield _fault(
            node,
            f"The targets of “{node.name}” are class numbers from {low:g} to {high:g}, but the output "
            f"has {classes} values, for classes 0 to {classes - 1}. Give the last layer "
            f"{units} units or correct the data.",
            "loss",
            kind="units-classes",
            fix=(f"Set {parameter} to {units}", more) if parameter and low >= 0 else None,
        )


def _whole(values: np.ndarray) -> bool:
    return values.dtype.kind != "f" or bool((values == np.floor(values)).all())


def _fits(wanted: Shape, found: tuple[int, ...]) -> bool:
    return len(wanted) == len(found) and all(
        size is None or size == given for size, given in zip(wanted, found, strict=True)
    )


def _text(shape: Shape) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"


def _fault(
    node: Node, text: str, parameter: str = "", *, kind: str, fix: tuple[str, Step] | None = None
) -> Problem:
    return Problem(
        severity="error",
        kind=kind,
        node=node.id,
        parameter=parameter,
        text=text,
        fixes=(Fix(text=fix[0], steps=(fix[1],)),) if fix else (),
    )
