"""From class names and parameters to Keras objects, and from Keras's errors to sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec, Section
from kbuilder.document.errors import KBuilderError
from kbuilder.document.problems import Problem
from kbuilder.document.values import Params
from kbuilder.engine.extra_classes import ACTIVATIONS, class_of
from kbuilder.engine.own_code import make_own
from kbuilder.engine.wording import plain_text

MODULES: dict[Section, Any] = {
    "layers": keras.layers,
    "optimizers": keras.optimizers,
    "losses": keras.losses,
    "metrics": keras.metrics,
    "callbacks": keras.callbacks,
    "initializers": keras.initializers,
    "regularizers": keras.regularizers,
    "constraints": keras.constraints,
    "schedules": keras.optimizers.schedules,
}
"""Where Keras keeps the classes of each section of the catalogue."""

RUNS_FOREIGN_CODE = {"TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "Lambda"}
"""Layers that run code which comes with a file. A project alone never makes them."""

KERAS_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    tf.errors.OpError,
)
"""What Keras and TensorFlow raise for a parameter or a tensor that does not fit."""


def make(catalogue: Catalogue, section: Section, class_name: str, params: Params) -> Any:
    """The Keras object of that class. Parameters that are objects themselves are made first.

    Raises:
        KBuilderError: the class is unknown, or runs code that is not the project's.
        BuildError: it is of own code that is not approved or fails.
        KERAS_ERRORS: Keras does not take the parameters.
    """
    spec = catalogue.find(section, class_name)
    if spec is None or spec.is_operation:
        raise KBuilderError(
            f"Keras {catalogue.keras_version} has nothing called “{class_name}” among its {section}. "
            "Choose another class."
        )
    if spec.class_name in RUNS_FOREIGN_CODE:
        raise KBuilderError(
            f"{spec.class_name} runs code from outside the project, so it is kept but not built. "
            "Replace it with other layers."
        )
    given = arguments(catalogue, spec, params)
    if spec.own:
        return make_own(catalogue, spec, given)
    cls = class_of(section, spec.class_name) or getattr(MODULES[section], spec.class_name)
    return cls(**given)


def arguments(catalogue: Catalogue, spec: ClassSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments for the class of ``spec``: presets are not added, objects are made."""
    return {name: _value(catalogue, spec.param(name), value) for name, value in params.items()}


def _value(catalogue: Catalogue, param: ParamSpec | None, value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value and param is not None and param.of:
        return make(catalogue, param.of, value["class_name"], value.get("params", {}))
    if isinstance(value, str) and value in ACTIVATIONS and param and "choice" in param.kinds:
        return ACTIVATIONS[value]
    if isinstance(value, list):
        items = [_value(catalogue, param, item) for item in value]
        return tuple(items) if param is not None and "shape" in param.kinds else items
    return value


def problem(
    error: BaseException, spec: ClassSpec | None, *, node: str = "", subject: str = ""
) -> Problem:
    """A Keras error as a problem of ``node``; ``subject`` names the thing in the sentence."""
    text = plain_text(error)
    start = f"{subject}: " if subject else ""
    return Problem(
        severity="error", node=node, parameter=_blamed(text, spec), text=f"{start}{text}"
    )


def _blamed(text: str, spec: ClassSpec | None) -> str:
    """The parameter that an error speaks of, as far as its words tell."""
    if spec is None:
        return ""
    for pattern in (r"[`'\"“]{name}[`'\"”=]", r"\b{name}\s*=", r"\b{name}\b"):
        for param in spec.params:
            if param.name != "name" and re.search(pattern.format(name=re.escape(param.name)), text):
                return param.name
    return ""
