"""How much each sample counts: class weights and weights from a field, as one array for each output."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from kbuilder.document.fixes import Fix, SetFit
from kbuilder.document.graph import Node
from kbuilder.document.options import ClassWeights, FitOptions
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.matching import Samples

Weights = list[np.ndarray | None]


def field_weights(
    built: BuiltModel, project: Project, weights: Mapping[str, np.ndarray], samples: Samples
) -> Weights:
    """Weights of the samples by output as their fields give them: (samples,) or (samples, steps).

    Raises:
        BuildError: a field is missing, of another shape, or has values that are no weights.
    """
    found: Weights = []
    for node in built.graph.outputs:
        values = weights.get(node.id)
        if node.id in project.fit.sample_weights and values is None:
            raise BuildError((_fault(project.fit, node, "sample", "No field weighs it."),))
        if values is not None:
            values = _as_weights(built, project, node, values, len(samples.x[0]))
        found.append(values)
    return found


def class_weights(built: BuiltModel, project: Project, samples: Samples) -> Weights:
    """Weights of the samples by output, from the classes of their targets.

    Raises:
        BuildError: the targets of an output are no classes, or a weight is none or for no class.
    """
    chosen = project.fit.class_weights
    return [
        _by_class(built, project, node, chosen[node.id], target) if node.id in chosen else None
        for node, target in zip(built.graph.outputs, samples.y, strict=True)
    ]


def multiplied(one: Weights, other: Weights, samples: Samples) -> Weights | None:
    """Both weights of each sample. None if there are none; else 1 where an output has none."""
    both = [_product(a, b) for a, b in zip(one, other, strict=True)]
    if all(values is None for values in both):
        return None
    count = len(samples.x[0])
    return [
        None
        if target is None
        else np.ones(count, keras.config.floatx())
        if values is None
        else values
        for values, target in zip(both, samples.y, strict=True)
    ]


def balanced(classes: np.ndarray) -> dict[int, float]:
    """The weight of each class so that all count the same: ``n / (classes * count)``, as scikit-learn."""
    numbers, counts = np.unique(classes, return_counts=True)
    weights = classes.size / (len(numbers) * counts)
    return {int(number): float(weight) for number, weight in zip(numbers, weights, strict=True)}


def _by_class(
    built: BuiltModel,
    project: Project,
    node: Node,
    chosen: ClassWeights,
    target: np.ndarray | None,
) -> np.ndarray:
    classes = None if target is None else class_numbers(built, project, node, target)
    if classes is None:
        text = "its targets are no class numbers."
        raise BuildError((_fault(project.fit, node, "class", text),))
    weights = balanced(classes) if isinstance(chosen, str) else chosen
    units = built.tensors[node.id][0].shape[-1]
    highest = max(int(classes.max(initial=0)) + 1, 2 if units in (None, 1) else units) - 1
    wrong = [number for number in weights if not 0 <= number <= highest]
    if wrong:
        text = f"there is no class {wrong[0]}, only 0 to {highest}."
        raise BuildError((_fault(project.fit, node, "class", text),))
    negative = [number for number, weight in weights.items() if not 0 <= weight < np.inf]
    if negative:
        text = (
            f"the weight of class {negative[0]} is {weights[negative[0]]}, where 0 or more is "
            "expected."
        )
        raise BuildError((_fault(project.fit, node, "class", text),))
    table = np.ones(highest + 1, keras.config.floatx())
    for number, weight in weights.items():
        table[number] = weight
    found: np.ndarray = table[classes]
    return found


def class_numbers(
    built: BuiltModel, project: Project, node: Node, target: np.ndarray
) -> np.ndarray | None:
    """The class of each target, (samples,) or (samples, steps); None where they are no classes."""
    shape = built.tensors[node.id][0].shape
    if target.ndim == len(shape) and shape[-1] not in (1, None) and target.shape[-1] > 1:
        return target.argmax(-1) if _one_hot(target) else None
    flat = target[..., 0] if target.ndim == len(shape) and target.shape[-1] == 1 else target
    whole = flat.dtype.kind in "iub" or bool((flat == np.floor(flat)).all())
    options = project.compile.outputs.get(node.id)
    sparse = options is not None and options.loss and options.loss.class_name.startswith("Sparse")
    if not whole or flat.min(initial=0) < 0 or (not sparse and flat.max(initial=0) > 1):
        return None
    return flat.astype(np.int64)


def _one_hot(target: np.ndarray) -> bool:
    return bool(((target == 0) | (target == 1)).all() and (target.sum(-1) == 1).all())


def _as_weights(
    built: BuiltModel, project: Project, node: Node, values: np.ndarray, count: int
) -> np.ndarray:
    flat = values[..., 0] if values.ndim > 1 and values.shape[-1] == 1 else values
    steps = built.tensors[node.id][0].shape[1:-1]
    fits = len(flat) == count and (
        flat.ndim == 1
        or (
            flat.ndim == 1 + len(steps)
            and all(a in (None, b) for a, b in zip(steps, flat.shape[1:], strict=True))
        )
    )
    field = project.fit.sample_weights.get(node.id, "")
    if not fits:
        wanted = " or ".join(map(str, dict.fromkeys([(count,), (count, *steps)])))
        text = f"the field “{field}” has the shape {values.shape}, where {wanted} is expected."
        raise BuildError((_fault(project.fit, node, "sample", text),))
    if flat.dtype.kind not in "iufb" or flat.min(initial=0) < 0:
        text = (
            f"the field “{field}” holds values that are no weights; expected are numbers from 0 on."
        )
        raise BuildError((_fault(project.fit, node, "sample", text),))
    return flat.astype(keras.config.floatx())


def _product(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    if one is None or other is None:
        return other if one is None else one
    if one.ndim < other.ndim:
        one, other = other, one
    found: np.ndarray = one * other.reshape(other.shape + (1,) * (one.ndim - other.ndim))
    return found


def _fault(fit: FitOptions, node: Node, kind: str, reason: str) -> Problem:
    option = f"{kind}_weights"
    left = {key: value for key, value in getattr(fit, option).items() if key != node.id}
    return Problem(
        severity="error",
        kind="class-weights" if kind == "class" else "sample-weights",
        node=node.id,
        parameter=option,
        text=f"The {kind} weights of “{node.name}” cannot be used: {reason} "
        "Choose others under Train, or none.",
        fixes=(Fix(text=f"No {kind} weights", steps=(SetFit(values={option: left}),)),),
    )
