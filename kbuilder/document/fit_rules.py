"""Whether a value fits an option of fit, and what text, as from a command line, stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec, Section
from kbuilder.document.graph import Graph
from kbuilder.document.option_specs import (
    AUGMENTING_FAMILY,
    BEYOND_A_PROJECT,
    NEEDS_LABELS,
)
from kbuilder.document.options import FitOptions
from kbuilder.document.param_rules import fault, param_faults
from kbuilder.document.values import KerasObject

BALANCED = "balanced"
BY_NODE = ("class_weights", "sample_weights", "augmentation")
"""Options that have an entry for each input or output."""

_TYPES = get_type_hints(FitOptions)


def fit_fault(param: ParamSpec, value: Any, catalogue: Catalogue) -> str:
    """Why an option of fit cannot have this value; empty when it can."""
    if param.kinds != ("value",):
        return fault(param, value, catalogue)
    if param.name == "class_weights":
        wrong = [each for each in value.values() if isinstance(each, str) and each != BALANCED]
        text = f"class_weights are “{BALANCED}” or a number for each class, not {{!r}}."
        return text.format(wrong[0]) if wrong else ""
    if param.name == "callbacks":
        return _objects_fault("callbacks", value, catalogue)
    if param.name == "augmentation":
        return next(
            (
                text
                for each in value.values()
                if (text := _objects_fault("layers", each, catalogue))
            ),
            "",
        )
    return ""


def fit_faults(fit: FitOptions, samples: int = 0) -> dict[str, str]:
    """What is wrong between options that are each right, by the name of the one to change.

    ``samples`` is how many the data has, 0 where that is not known.
    """
    faults = {}
    if fit.initial_epoch >= fit.epochs:
        faults["initial_epoch"] = (
            f"Training from epoch {fit.initial_epoch} on is over before it begins: epochs is "
            f"{fit.epochs}, and counts those before as well. Choose more epochs or begin earlier."
        )
    split = 0.0 if fit.validation_data.kind else fit.validation_split
    batches = -(-math.floor(samples * (1.0 - split)) // max(fit.batch_size, 1))
    if samples and fit.steps_per_epoch > batches:
        faults["steps_per_epoch"] = too_many_steps("steps_per_epoch", fit.steps_per_epoch, batches)
    return faults


def too_many_steps(option: str, wanted: int, there: int) -> str:
    """That an epoch cannot have so many steps."""
    return (
        f"{option} is {wanted}, but the data has only {there} batches. Choose fewer steps, smaller "
        "batches, or 0 for all."
    )


def offered_callback(spec: ClassSpec) -> bool:
    """Whether a callback is offered."""
    return spec.own or not (spec.hidden or spec.class_name in BEYOND_A_PROJECT)


def augments(spec: ClassSpec) -> bool:
    """Whether a layer is offered for augmentation."""
    return spec.family == AUGMENTING_FAMILY and spec.class_name not in NEEDS_LABELS


def of_json(name: str, value: Any, graph: Graph) -> Any:
    """The value of an option of fit from plain JSON.

    Inputs and outputs may be given by their names, objects without parameters by that of their class.

    Raises:
        ValueError: it does not have the form of the option.
    """
    wanted = _TYPES[name]
    if wanted in (int, float, str, bool) or name == "shuffle":
        return value  # judged in words of its own
    if name in BY_NODE and isinstance(value, Mapping):
        value = _by_id(value, graph)
    if name == "callbacks":
        value = _as_objects(value)
    elif name == "augmentation" and isinstance(value, Mapping):
        value = {node: _as_objects(layers) for node, layers in value.items()}
    try:
        return msgspec.convert(value, wanted, str_keys=True)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _by_id(value: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    ends = (*graph.inputs, *graph.outputs)
    ids = {node.name: node.id for node in ends} | {node.id: node.id for node in ends}
    unknown = [key for key in value if key not in ids]
    if unknown:
        known = ", ".join(node.name for node in ends)
        raise ValueError(f"there is no input or output “{unknown[0]}”; there are {known}")
    return {ids[key]: each for key, each in value.items()}


def _as_objects(value: Any) -> Any:
    listed = value if isinstance(value, list) else [value]
    return [{"class_name": each} if isinstance(each, str) else each for each in listed]


def _objects_fault(section: Section, objects: tuple[KerasObject, ...], catalogue: Catalogue) -> str:
    for each in objects:
        spec = catalogue.find(section, each.class_name)
        if spec is None:
            return f"Keras has nothing called “{each.class_name}” among its {section}."
        if section == "callbacks" and not offered_callback(spec):
            return f"{each.class_name} cannot be used here. Choose another callback."
        for _, text in param_faults(spec, each.params, catalogue):
            return f"{each.class_name}: {text}"
    return ""
