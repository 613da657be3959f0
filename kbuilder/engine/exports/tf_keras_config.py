"""Configurations of Keras 3 in the form that tf.keras 2.x reads.

It is the older of its two forms, without modules and registered names, which every tf.keras from 2.0 on
reads. What has the default of tf.keras is left out, because older versions do not know newer parameters.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import keras

from kbuilder.document.catalogue import Section
from kbuilder.document.tf_keras import RENAMED, table
from kbuilder.engine.write_model import MASKING_OPERATIONS

Config = dict[str, Any]

ALWAYS_KEPT = {"name", "trainable", "dtype"}
WITH_DEFAULTS = {"TextVectorization"}
"""Classes that ask for every parameter, also where it has its default."""
OWN_DTYPE = {"IntegerLookup", "StringLookup", "TextVectorization"}
"""Classes whose dtype follows from what they give."""
ASKED_FOR = {"MultiHeadAttention": ("query_shape", "key_shape", "value_shape")}
"""Keys that must be there although nothing follows from None."""
SECTIONS: tuple[Section, ...] = (
    *("layers", "initializers", "regularizers", "constraints", "optimizers", "schedules"),
    *("losses", "metrics"),
)
BY_NAME = ("query", "value", "key")
"""Inputs of MultiHeadAttention; tf.keras takes the first by position and the others by name."""
RECURRENT_STATE = "initial_state"
OLDER_OPTIMIZERS = ("SGD", "Adam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Ftrl")
"""Optimizers that train in every tf.keras as in Keras 3."""
NEWER_OPTIONS = ("weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency")
"""Options that optimizers have since tf.keras 2.11."""


def model_config(model: keras.Model) -> Config:
    """``model_config`` of a functional model."""
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    return {"class_name": "Functional", "config": _functional(serialized["config"])}


def training_config(model: keras.Model) -> Config:
    """``training_config`` of a compiled model."""
    config = json.loads(json.dumps(model.get_compile_config() or {}))
    return {
        "loss": _older(config.get("loss")),
        "metrics": _older(config.get("metrics")),
        "weighted_metrics": _older(config.get("weighted_metrics")),
        "loss_weights": config.get("loss_weights"),
        "optimizer_config": _optimizer(model.optimizer, _older(config["optimizer"])),
    }


def in_every_version(optimizer: Any) -> bool:
    """Whether tf.keras has the optimizer with these options from 2.0 on, and not only since 2.11.

    It then is what a configuration without ``is_legacy_optimizer`` means, in newer versions too.
    """
    config = optimizer.get_config()
    newer = config.get("weight_decay") or config.get("use_ema")
    return type(optimizer).__name__ in OLDER_OPTIMIZERS and not newer


def _optimizer(optimizer: Any, config: Config) -> Config:
    if in_every_version(optimizer):
        known = {k: v for k, v in config["config"].items() if k not in NEWER_OPTIONS}
        return {**config, "config": known}
    return {**config, "config": {**config["config"], "is_legacy_optimizer": False}}


def _functional(config: Config) -> Config:
    layers = [each for each in config["layers"] if each["class_name"] not in MASKING_OPERATIONS]
    names = {each["name"] for each in layers}
    nested = {each["name"] for each in layers if each["class_name"] == "Functional"}
    ends = _Ends(names, nested)
    return {
        "name": config["name"],
        "trainable": config.get("trainable", True),
        "layers": [_layer(each, ends) for each in layers],
        "input_layers": [ends.place(end) for end in _listed(config["input_layers"])],
        "output_layers": [ends.place(end) for end in _listed(config["output_layers"])],
    }


def _layer(layer: Config, ends: _Ends) -> Config:
    name = layer["name"]
    if layer["class_name"] == "Functional":
        config = _functional(layer["config"])
    else:
        config = _older({"class_name": layer["class_name"], "config": layer["config"]})["config"]
    nodes = [ends.node(layer["class_name"], node) for node in layer["inbound_nodes"]]
    return {
        "class_name": layer["class_name"],
        "config": config,
        "name": name,
        "inbound_nodes": nodes,
    }


class _Ends:
    """Wires as tf.keras writes them: name of the layer, number of its call, number of the output.

    Calls of nested models count from 1, because making such a model was its first.
    """

    def __init__(self, names: set[str], nested: set[str]) -> None:
        self._names = names
        self._nested = nested

    def place(self, history: list[Any]) -> list[Any]:
        """A place in a configuration."""
        name, call, output = history
        return [name, call + (name in self._nested), output]

    def node(self, class_name: str, node: Config) -> list[list[Any]]:
        """One call of a layer: its inputs, each with the other arguments of the call."""
        usual = _usual_arguments(class_name)
        kwargs = {
            key: value
            for key, value in node.get("kwargs", {}).items()
            if value is not None and value != usual.get(key)
        }
        tensors = list(_tensors(node.get("args", [])))
        if class_name == "MultiHeadAttention":
            kwargs |= dict(zip(BY_NAME, tensors, strict=False))
            tensors = [kwargs.pop(BY_NAME[0])]
        tensors += _tensors(kwargs.pop(RECURRENT_STATE, []))
        given = {key: self._argument(value) for key, value in kwargs.items()}
        given = {key: value for key, value in given.items() if value is not None}
        return [[*self.place(_history(tensor)), given] for tensor in tensors]

    def _argument(self, value: Any) -> Any:
        """An argument of a call; the masks that Keras works out by itself are left out."""
        found = list(_tensors(value))
        if not found:
            return None if isinstance(value, list) and not any(value) else value
        if any(_history(tensor)[0] not in self._names for tensor in found):
            return None
        places = [self.place(_history(tensor)) for tensor in found]
        return places if isinstance(value, list) else places[0]


def _usual_arguments(class_name: str) -> dict[str, Any]:
    """Arguments of a call with the defaults that Keras 3 writes out, as ``training`` of Dropout."""
    found = getattr(keras.layers, class_name, None)
    if found is None:
        return {}
    parameters = inspect.signature(found.call).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


def _tensors(value: Any) -> Iterator[Config]:
    """The tensors in an argument, in order."""
    if isinstance(value, list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield value


def _history(tensor: Config) -> list[Any]:
    history: list[Any] = tensor["config"]["keras_history"]
    return history


def _listed(ends: list[Any]) -> list[list[Any]]:
    """Ends of a model: Keras 3 writes a single one without its list."""
    return [ends] if ends and isinstance(ends[0], str) else ends


def _older(value: Any) -> Any:
    """Any serialized object, at any depth."""
    if isinstance(value, list):
        return [_older(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: _older(item) for key, item in value.items()}
    class_name, config = value["class_name"], value.get("config")
    if not isinstance(config, dict):
        return config  # a function by its name
    if class_name == "DTypePolicy":
        name = config["name"]
        return {"class_name": "Policy", "config": {"name": name}} if "mixed" in name else name
    if class_name == "InputLayer":
        return {"class_name": class_name, "config": _input(config)}
    return {"class_name": class_name, "config": _known(class_name, _older(config))}


def _known(class_name: str, config: Config) -> Config:
    """The parameters that the class of tf.keras takes and that differ from its defaults."""
    params: Config = {}
    for section in SECTIONS:
        params = params or table().params(section, class_name) or {}
    if not params:
        return config
    renamed = {RENAMED.get((class_name, key), key): value for key, value in config.items()}
    kept = ALWAYS_KEPT | (params.keys() if class_name in WITH_DEFAULTS else set())
    found = {
        key: value
        for key, value in renamed.items()
        if key in params and (key in kept or value != params[key])
    }
    if class_name in OWN_DTYPE:
        found.pop("dtype", None)
    return found | dict.fromkeys(ASKED_FOR.get(class_name, ()))


def _input(config: Config) -> Config:
    return {
        "batch_input_shape": config["batch_shape"],
        "dtype": _older(config["dtype"]),
        "sparse": bool(config.get("sparse")),
        "ragged": bool(config.get("ragged")),
        "name": config["name"],
    }
