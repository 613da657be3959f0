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
from kbuilder.engine.own_code import make_own

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


IN_GRAPH = re.compile(r"\n(?P<text>[^\n]+)\n\s*\[\[\{\{node (?P<path>\S+?)\}\}")
"""What a graph that fails while it runs says last: the cause, and the operation by its path."""

REMEDIES = (
    ("must be fully-defined", "Give every dimension in the shape of the Input a number."),
    ("incompatible shapes", "Let the branches end in equal shapes, or join them by Concatenate."),
    ("except for the concat", "Make the other dimensions equal, or choose another axis."),
    (
        "negative dimension|output size would be negative|would be (zero or )?negative",
        "The kernel is larger than what is left of its input: use padding “same”, a smaller kernel, "
        "or fewer strides and poolings in front of it.",
    ),
    (
        r"is not in \[0,",
        "Make the first dimension (input_dim) larger than every number in the data.",
    ),
    (
        "OOM|out of memory",
        "There is not enough memory for it: choose fewer units or smaller inputs.",
    ),
)
"""What to do about the errors that people meet most. Patterns of Keras 3.15 and TensorFlow 2.21."""


def make(catalogue: Catalogue, section: Section, class_name: str, params: Params) -> Any:
    """The Keras object of that class. Parameters that are objects themselves are made first.

    Raises:
        KBuilderError: the class is unknown, or runs code that is not the project's.
        BuildError: it is of own code that is not approved or fails.
        KERAS_ERRORS: Keras does not take the parameters.
    """
    spec = catalogue.find(section, class_name)
    if spec is None:
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
    return getattr(MODULES[section], spec.class_name)(**given)


def arguments(catalogue: Catalogue, spec: ClassSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments for the class of ``spec``: presets are not added, objects are made."""
    return {name: _value(catalogue, spec.param(name), value) for name, value in params.items()}


def _value(catalogue: Catalogue, param: ParamSpec | None, value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value and param is not None and param.of:
        return make(catalogue, param.of, value["class_name"], value.get("params", {}))
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


def plain_text(error: BaseException) -> str:
    """What an error of Keras or TensorFlow says, without call stacks, and how to mend it if known."""
    if isinstance(error, KBuilderError):
        return str(error)
    text = str(error) or type(error).__name__
    if at_node := IN_GRAPH.search(text):
        text = at_node["text"]
    # The reason why an inner layer cannot be made comes behind its whole configuration.
    text = text.rpartition("Exception encountered: ")[2]
    text = text.split("Arguments received by")[0]
    text = re.sub(r"Exception encountered when calling .*?\.\s*\n+", "", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*|on /job:\S+.*|\x1b\[\d*m", "", text).strip()
    sentence = " ".join(text.split("\n\n")[0].split())
    if not sentence.endswith((".", "?", "!")):
        sentence += "."
    remedy = next((remedy for words, remedy in REMEDIES if re.search(words, sentence, re.I)), "")
    return f"{sentence} {remedy}".rstrip()


def _blamed(text: str, spec: ClassSpec | None) -> str:
    """The parameter that an error speaks of, as far as its words tell."""
    if spec is None:
        return ""
    for pattern in (r"[`'\"“]{name}[`'\"”=]", r"\b{name}\s*=", r"\b{name}\b"):
        for param in spec.params:
            if param.name != "name" and re.search(pattern.format(name=re.escape(param.name)), text):
                return param.name
    return ""
