"""The configuration of one layer of Keras 2 as Keras 3 would write it.

Renamed classes and parameters are a table. What else Keras 3 does not take is dropped where its value means
nothing (a table too) and told where it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from kbuilder.document.catalogue import Catalogue, ClassSpec

Config = dict[str, Any]
Shapes = list[tuple[int, ...]]

_PREFIX = re.compile(r"^(Custom|keras|Keras|tf_keras|tensorflow)>")
_OWN_OF_NODES = {"name", "trainable"}
_CELLS = {"LSTMCell", "GRUCell", "SimpleRNNCell"}

RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "LSTMCellV2": "LSTMCell",
    "GRUCellV2": "GRUCell",
    "DenseFeaturesV2": "DenseFeatures",
    "NormalizationV2": "Normalization",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "ThresholdedReLU": "ReLU",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "Conv2DTransposeV2": "Conv2DTranspose",
    "DepthwiseConv2DV2": "DepthwiseConv2D",
    "RandomFlipV2": "RandomFlip",
}
"""Classes of Keras 2 by their name in Keras 3."""

RENAMED_PARAMS = {
    ("LeakyReLU", "alpha"): "negative_slope",
    ("ReLU", "theta"): "threshold",
    ("Normalization", "input_mean"): "mean",
}

_WITHOUT_MEANING = {
    "autocast",
    "batch_input_shape",
    "batch_size",
    "build_config",
    "build_input_shape",
    "experimental_autocast",
    "fused",
    "implementation",
    "input_dim",
    "input_dtype",
    "input_length",
    "input_shape",
    "key_shape",
    "query_shape",
    "renorm_clipping",
    "renorm_momentum",
    "rng_type",
    "value_shape",
    "weights",
}
"""Parameters that say how Keras 2 worked and not what it computed."""

_MEANS_NOTHING: dict[str, tuple[Any, ...]] = {
    "groups": (1,),
    "interpolation": ("nearest",),
    "output_mode": ("int",),
    "output_padding": ([0], [0, 0], [0, 0, 0]),
    "data_format": ("channels_last",),
    "padding": ("valid",),
}
"""Values, besides None, False and empty ones, that are what Keras 3 does anyway."""

_UNUSED_BY_CONVOLUTIONS = re.compile(r"^kernel_(initializer|regularizer|constraint)$")


class LayerConfigs:
    """Rewrites configurations, and collects notes on what is lost.

    ``shapes`` gives those of the stored weights of a layer.
    """

    def __init__(self, catalogue: Catalogue, shapes: Callable[[str], Shapes]) -> None:
        self.notes: list[str] = []
        self._catalogue = catalogue
        self._shapes = shapes

    def rewritten(self, raw: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The class and configuration of a layer; a class that nobody knows stays as it is."""
        old = _PREFIX.sub("", str(raw.get("class_name")))
        config = dict(raw.get("config") or {})
        class_name, config = _renamed(old, config)
        spec = self._catalogue.layer(class_name)
        if spec is None or ((raw.get("registered_name") or "").count(">") and old == class_name):
            return {**raw, "module": raw.get("module") or "program", "config": config}
        if class_name == "StackedRNNCells":
            config = {**config, "cells": self._with_units(config.get("cells", ()), name)}
        if class_name == "RNN" and isinstance(config.get("cell"), list):
            cells = {"name": "stacked", "cells": config["cell"]}
            config["cell"] = {"class_name": "StackedRNNCells", "config": cells}
        elif class_name == "RNN" and isinstance(config.get("cell"), dict):
            config["cell"] = self._with_units([config["cell"]], name)[0]
        return {"class_name": class_name, "config": self._filtered(spec, config, name)}

    def _filtered(self, spec: ClassSpec, config: Config, name: str) -> Config:
        kept: Config = {}
        for old_key, value in config.items():
            key = RENAMED_PARAMS.get((spec.class_name, old_key), old_key)
            if key in _OWN_OF_NODES:
                kept[key] = value
            elif spec.param(key) is not None:
                kept[key] = self._value(key, value, name)
            elif not _is_benign(spec.class_name, key, value):
                self.notes.append(
                    f"“{name}” ({spec.class_name}) had {key}={_short(value)}, which Keras 3 does not have; "
                    "it is left out."
                )
        return kept

    def _value(self, key: str, value: Any, name: str) -> Any:
        if key == "dtype" or key.endswith("_dtype"):
            return _dtype(value)
        if key.endswith("activation"):
            return _activation(value)
        if key in ("layer", "backward_layer", "cell") and isinstance(value, dict):
            return self.rewritten(value, name)
        if key == "cells" and isinstance(value, list):
            return [self.rewritten(cell, name) for cell in value if isinstance(cell, dict)]
        if key == "axis" and isinstance(value, list) and len(value) == 1:
            return value[0]
        if isinstance(value, dict) and isinstance(value.get("class_name"), str):
            return self._object(key, value, name)
        return value

    def _object(self, key: str, value: dict[str, Any], name: str) -> Any:
        """An initializer, regularizer or constraint, without what Keras 3 does not take."""
        section = next((s for e, s in _SECTIONS.items() if key.endswith(e)), None)
        if section is None:
            return value
        class_name = _PREFIX.sub("", value["class_name"]).removesuffix("V2")
        spec = self._catalogue.find(section, class_name)  # type: ignore[arg-type]
        if spec is None:
            self.notes.append(
                f"“{name}” had {key}={_short(class_name)}, which Keras 3 does not have; it is left out."
            )
            return {"class_name": "Zeros", "config": {}} if section == "initializers" else None
        config = {k: v for k, v in (value.get("config") or {}).items() if spec.param(k) is not None}
        if config.get("distribution") == "normal":
            config["distribution"] = "truncated_normal"
        return {"class_name": spec.class_name, "config": config}

    def _with_units(self, raw: Sequence[Any], name: str) -> list[dict[str, Any]]:
        """Keras 2.1 saved cells without their parameters: the sizes are those of the weights."""
        cells = [dict(cell) for cell in raw if isinstance(cell, dict)]
        nameless = [
            cell
            for cell in cells
            if cell.get("class_name") in _CELLS and "units" not in (cell.get("config") or {})
        ]
        sizes = [shape[0] for shape, before in _pairs(self._shapes(name)) if shape[1] == before[-1]]
        if not nameless or len(sizes) != len(cells):
            return cells
        for cell, units in zip(cells, sizes, strict=True):
            hard = {"recurrent_activation": "hard_sigmoid"}
            usual = {} if cell["class_name"] == "SimpleRNNCell" else hard
            cell["config"] = {"units": units, **usual, **(cell.get("config") or {})}
        self.notes.append(
            f"“{name}”: Keras 2.1 saved its cells without their parameters; the units are taken from the "
            "weights and the rest is what Keras 2.1 had by default."
        )
        return cells


_SECTIONS = {
    "_initializer": "initializers",
    "_regularizer": "regularizers",
    "_constraint": "constraints",
}


def _renamed(old: str, config: Config) -> tuple[str, Config]:
    class_name = RENAMED.get(old, old)
    if old.startswith("CuDNN"):
        config = {**config, "activation": "tanh", "recurrent_activation": "sigmoid"}
    if old == "SyncBatchNormalization":
        config = {**config, "synchronized": True}
    if class_name in ("GRU", "GRUCell"):
        config = {**config, "reset_after": bool(config.get("reset_after", old == "CuDNNGRU"))}
    return class_name, config


def _is_benign(class_name: str, key: str, value: Any) -> bool:
    if value in (None, False, [], {}, "") or key in _WITHOUT_MEANING:
        return True
    if value in _MEANS_NOTHING.get(key, ()):
        return True
    takes_parts = class_name.startswith(("Depthwise", "Separable"))
    return takes_parts and _UNUSED_BY_CONVOLUTIONS.match(key) is not None


def _dtype(value: Any) -> Any:
    """Keras 2 wrote the dtype out where it is the usual one, and a policy as an object."""
    if isinstance(value, dict):
        value = (value.get("config") or {}).get("name")
    return None if value in ("float32", "_infer") else value


def _activation(value: Any) -> Any:
    """Keras 2's ``hard_sigmoid`` is not the function that Keras 3 has under that name."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = value.get("config")
    if isinstance(value, dict):
        value = value.get("registered_name") or value.get("class_name")
    if isinstance(value, str):
        value = _PREFIX.sub("", value)
    return "legacy_hard_sigmoid" if value == "hard_sigmoid" else value


def _pairs(shapes: Shapes) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Each shape with the one before it: a recurrent kernel follows its kernel."""
    return [
        (shape, before)
        for before, shape in pairwise(shapes)
        if len(shape) == 2 and len(before) == 2
    ]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
