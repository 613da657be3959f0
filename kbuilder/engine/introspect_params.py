"""Parameters of Keras classes as ``ParamSpec``: kind, limits and choices, found by name, default and text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import msgspec

from kbuilder.document.catalogue import Kind, ParamSpec, Section
from kbuilder.engine.extra_classes import ACTIVATIONS
from kbuilder.engine.introspect_facts import DTYPES, FACTS, INITIALIZERS, PENALTIES
from kbuilder.engine.introspect_overrides import (
    INHERITED,
    NO_ACTIVITY_REGULARIZER,
    PARAMS_LEFT_OUT,
)

_OBJECT_ENDINGS: dict[str, tuple[Section, str]] = {
    "_initializer": ("initializers", INITIALIZERS),
    "_regularizer": ("regularizers", PENALTIES),
    "_constraint": ("constraints", PENALTIES),
}

_AT_LEAST_ONE = re.compile(
    r"^(units|filters|groups|kernel_size|strides|pool_size|dilation_rate|depth_multiplier|size"
    r"|height|width|input_dim|output_dim|num_\w+|key_dim|value_dim|head_dim|output_size|n|k"
    r"|max_tokens|ngrams|decay_steps|first_decay_steps|power_iterations|fft_length|frame_length"
    r"|sequence_stride|sampling_rate|max_number|bins|chain_depth|output_sequence_length)$"
)
_NOT_NEGATIVE = {"num_oov_indices", "num_regressors", "patience", "cooldown", "warmup_steps"}
_SPATIAL = re.compile(r"^(kernel_size|strides|pool_size|dilation_rate|size|output_size)$")
_RANK = re.compile(r"([123])D")
_TEXT_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"^(optional |a |an |positive |non-negative |scalar )*(int|integer)\b", "int"),
    (r"^(optional |a |an |positive |scalar |python )*(float|floating)\b", "float"),
    (r"^(optional |a |whether|if true|if set)*\s*(bool|boolean|whether|if true)", "bool"),
    (r"^(optional |a |the )*(str|string|name|path)\b", "text"),
    (r"^(optional |a |the )*(tuple|shape|list of int)", "shape"),
)


def params_of(cls: type, section: Section, helps: dict[str, str]) -> tuple[ParamSpec, ...]:
    """All parameters of a class that a user may set, in the order of its signature."""
    found = []
    signature = inspect.signature(cls)
    for param in signature.parameters.values():
        named = param.kind in (param.POSITIONAL_OR_KEYWORD, param.KEYWORD_ONLY)
        if named and param.name not in PARAMS_LEFT_OUT and not _is_layer_name(section, param.name):
            found.append(_param(cls.__name__, section, param, helps.get(param.name, "")))
    if section == "layers":
        for name, default in _inherited(cls.__name__, signature):
            extra = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            found.append(_param(cls.__name__, section, extra, _INHERITED_HELP[name]))
    return tuple(found)


CALL_PARAMS: dict[str, ParamSpec] = {
    "training": ParamSpec(
        name="training",
        kinds=("bool",),
        optional=True,
        help="On or off: the layer always works as in training, or never, whatever the model does. "
        "Otherwise it follows the model.",
    ),
    "use_causal_mask": ParamSpec(
        name="use_causal_mask",
        kinds=("bool",),
        default=False,
        help="Whether each step looks only at itself and the steps before it.",
    ),
    "return_attention_scores": ParamSpec(
        name="return_attention_scores",
        kinds=("bool",),
        default=False,
        help="Whether the attention scores come out as a second output.",
    ),
}
"""Arguments of a layer's call that are no tensors and mean something in a graph.

The default is that of the call: Keras writes it into files for a layer that follows the model.
"""


def call_params_of(cls: Any) -> tuple[ParamSpec, ...]:
    """Those of them that the call of a layer class takes."""
    try:
        taken = inspect.signature(cls.call).parameters
    except (AttributeError, ValueError):
        return ()
    return tuple(
        msgspec.structs.replace(param, default=taken[name].default)
        for name, param in CALL_PARAMS.items()
        if name in taken and isinstance(taken[name].default, bool | None.__class__)
    )


def _inherited(owner: str, signature: inspect.Signature) -> list[tuple[str, Any]]:
    """Parameters that the class hands to the one it is made from, with their defaults."""
    takes_more = any(param.kind is param.VAR_KEYWORD for param in signature.parameters.values())
    if not takes_more:
        return []
    found: list[tuple[str, Any]] = [("dtype", None)]
    if owner not in NO_ACTIVITY_REGULARIZER:
        found.insert(0, ("activity_regularizer", None))
    found += [(name, default) for name, default, owners in INHERITED if owner in owners]
    return [(name, default) for name, default in found if name not in signature.parameters]


_INHERITED_HELP = {
    "activity_regularizer": "Optional regularizer of the layer's output.",
    "dtype": "Dtype or dtype policy of the layer's computations and weights.",
    "data_format": "Whether the channels are the last or the first dimension of a sample.",
    "zero_output_for_mask": "Whether the output is zero, not the last value, where time is masked.",
}


def _is_layer_name(section: Section, name: str) -> bool:
    return section == "layers" and name == "name"  # the node has its own


def _param(owner: str, section: Section, param: inspect.Parameter, text: str) -> ParamSpec:
    required = param.default is param.empty
    default = None if required else plain(param.default)
    facts: dict[str, Any] = {"optional": not required and default is None}
    facts |= _object_facts(param.name) or _guess(owner, param.name, default, text)
    facts |= FACTS.get(param.name, {})
    facts |= FACTS.get(f"{owner}.{param.name}", {})
    if facts["kinds"] == ("choice",) and param.name.endswith("activation"):
        facts["choices"] = activation_names()
    if facts.get("of") and isinstance(default, str):
        default = _object_default(default, facts["of"])
    if not required and default is None:
        facts["optional"] = True
    if section != "layers" and param.name == "dtype":
        facts["choices"] = DTYPES
    if isinstance(default, int) and facts["kinds"] == ("shape",):
        default = [default] * facts["length"]
    _drop_unfit(facts)
    return ParamSpec(name=param.name, default=default, required=required, help=text, **facts)


def _drop_unfit(facts: dict[str, Any]) -> None:
    """Guesses that a later fact about the kind has made meaningless."""
    if not {"int", "float", "shape"} & set(facts["kinds"]):
        facts.pop("minimum", None)
        facts.pop("maximum", None)
    if "shape" not in facts["kinds"]:
        facts.pop("length", None)
    if "choice" not in facts["kinds"]:
        facts.pop("choices", None)


def _object_facts(name: str) -> dict[str, Any] | None:
    for ending, (section, group) in _OBJECT_ENDINGS.items():
        if name.endswith(ending):
            return {"kinds": ("object",), "of": section, "advanced": True, "group": group}
    return None


def _guess(owner: str, name: str, default: Any, text: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"kinds": (_kind_of(default) or _kind_in(text),)}
    if _AT_LEAST_ONE.match(name):
        facts["minimum"] = 0 if name in _NOT_NEGATIVE else 1
        if facts["kinds"] == ("value",):
            facts["kinds"] = ("int",)
    elif name in _NOT_NEGATIVE:
        facts["minimum"] = 0
    if _SPATIAL.match(name) and (rank := _RANK.search(owner)):
        length = int(rank.group(1))
        facts["kinds"] = ("int",) if length == 1 else ("shape",)
        facts["length"] = None if length == 1 else length
    elif facts["kinds"] == ("shape",) and isinstance(default, list):
        facts["length"] = len(default)
    if facts["kinds"] == ("text",) and (choices := _choices_in(text)):
        facts |= {"kinds": ("choice",), "choices": choices}
    return facts


def _kind_of(default: Any) -> Kind | None:
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    if isinstance(default, float):
        return "float"
    if isinstance(default, str):
        return "text"
    if isinstance(default, list):
        return "shape" if all(isinstance(item, int) for item in default) else "value"
    return None


def _kind_in(text: str) -> Kind:
    for pattern, kind in _TEXT_KINDS:
        if re.match(pattern, text.lower()):
            return kind
    return "value"


def _choices_in(text: str) -> tuple[str, ...]:
    quoted = re.findall(r'"([a-z][\w]*)"', text)
    return tuple(dict.fromkeys(quoted)) if len(set(quoted)) > 1 else ()


def _object_default(name: str, section: Section) -> dict[str, Any]:
    made = getattr(keras, section).get(name)
    return {"class_name": type(made).__name__, "params": {}}


@cache
def activation_names() -> tuple[str, ...]:
    """Names of Keras's activation functions, the common ones first."""
    common = ("relu", "softmax", "sigmoid", "tanh", "linear", "gelu", "elu", "selu", "swish")
    skipped = {"get", "serialize", "deserialize"}
    names = [
        name
        for name, made in vars(keras.activations).items()
        if inspect.isfunction(made) and _needs_only_values(made)
    ]
    return common + tuple(sorted(set(names) - skipped - set(common))) + tuple(ACTIVATIONS)


def _needs_only_values(activation: Callable[..., Any]) -> bool:
    """Whether it can be called by name: ``threshold`` asks for more."""
    params = inspect.signature(activation).parameters.values()
    return sum(param.default is param.empty for param in params) <= 1


def plain(value: Any) -> Any:
    """A default as JSON holds it: tuples become lists."""
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
