"""Keras configurations as parameters of our own, against the catalogue as the list of what is allowed.

Nothing here calls Keras: a configuration from a file becomes plain values or a refusal.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from kbuilder.document.catalogue import Catalogue, ParamSpec, Section
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.values import Params

RUNS_CODE = {"TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "Lambda"}
OF_KERAS_2 = "kbuilder.engine.legacy.objects"
"""Where classes are made that Keras 2 had; files that kbuilder writes name it."""
_OWN_OF_NODES = {"name", "trainable", "build_config", "shared_object_id"}
_WITHOUT_EFFECT = {"is_legacy_optimizer", "jit_compile", "vocabulary_size", "oov_method"}
_MEANS_NONE = {"dtype": "float32", "data_format": "channels_last"}
READS_FILES = {"vocabulary", "filepath", "idf_weights", "embeddings_metadata"}


def params_from(
    catalogue: Catalogue, section: Section, class_name: str, config: Mapping[str, Any], where: str
) -> Params:
    """Parameters that differ from their default.

    Raises:
        FileRefusedError: the class, or something in its configuration, is not in the catalogue.
    """
    spec = catalogue.find(section, class_name)
    if class_name in RUNS_CODE:
        raise FileRefusedError(
            f"{where} is a {class_name}, which runs code from the file. Such files are not opened; replace "
            "the layer in the program that made it."
        )
    if spec is None:
        raise FileRefusedError(
            f"{where} is of class “{class_name}”, which is not among the {section} of Keras "
            f"{catalogue.keras_version}. Only models of Keras's own classes can be opened."
        )
    params: Params = {}
    for key, raw in config.items():
        if (section == "layers" and key in _OWN_OF_NODES) or key in _WITHOUT_EFFECT:
            continue
        param = spec.param(key)
        if param is None:
            if raw in (None, False):
                continue
            raise FileRefusedError(
                f"{where} ({class_name}) has “{key}” = {_short(raw)}, which Keras {catalogue.keras_version} "
                "does not know. Save the model again with that version."
            )
        here = f"{where} parameter “{key}”"
        if isinstance(raw, str) and key in READS_FILES:
            raise FileRefusedError(
                f"{here} is the text “{raw[:60]}”, which would be read as a file. Such files are not opened."
            )
        value = _value(catalogue, param, raw, here)
        if not _same(value, param.default):
            params[key] = value
    return _tidied(spec.class_name, params)


def class_and_config(raw: Any, where: str) -> tuple[str, dict[str, Any]]:
    """Class name and configuration of a serialised Keras object.

    Raises:
        FileRefusedError: it is none, or is registered by a program of its own.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("class_name"), str):
        raise FileRefusedError(f"{where} is {_short(raw)}, expected a Keras object. It is damaged.")
    module = raw.get("module")
    if module is not None and not str(module).startswith(("keras", OF_KERAS_2)):
        raise FileRefusedError(
            f"{where} is “{raw['class_name']}” from “{module}”, which is not part of Keras. Only models of "
            "Keras's own classes can be opened."
        )
    config = raw.get("config", {})
    if not isinstance(config, dict):
        raise FileRefusedError(f"{where} has {_short(config)} as configuration. It is damaged.")
    return raw["class_name"].removeprefix("keras.").split(">")[-1], config


def plain_value(raw: Any, where: str) -> Any:
    """A value of an operation: numbers, texts and lists of such, arrays as lists.

    Raises:
        FileRefusedError: it is anything else.
    """
    if isinstance(raw, list):
        return [plain_value(item, where) for item in raw]
    if isinstance(raw, dict):
        config = raw.get("config")
        if raw.get("class_name") == "__tuple__" and isinstance(raw.get("items"), list):
            return plain_value(raw["items"], where)
        if raw.get("class_name") in ("__numpy__", "__tensor__") and isinstance(config, dict):
            return plain_value(config.get("value"), where)
    elif raw is None or isinstance(raw, bool | int | float | str):
        return raw
    raise FileRefusedError(f"{where} is {_short(raw)}, which is no plain value. It is damaged.")


def _value(catalogue: Catalogue, param: ParamSpec, raw: Any, where: str) -> Any:
    if isinstance(raw, dict):
        return _from_dict(catalogue, param, raw, where)
    if isinstance(raw, list):
        items = [_value(catalogue, param, item, where) for item in raw]
        return items[0] if len(items) == 1 and param.kinds[0] == "int" else items
    if isinstance(raw, str):
        return _from_text(catalogue, param, raw, where)
    if isinstance(raw, float):
        return _readable(raw)
    if raw is None or isinstance(raw, bool | int):
        return _without_usual(param, raw)
    raise FileRefusedError(f"{where} is {_short(raw)}, which is no plain value. It is damaged.")


def _from_dict(catalogue: Catalogue, param: ParamSpec, raw: dict[str, Any], where: str) -> Any:
    class_name = raw.get("class_name")
    if class_name == "__tuple__" and isinstance(raw.get("items"), list):
        return _value(catalogue, param, raw["items"], where)
    if param.name == "dtype" or param.name.endswith("_dtype"):
        _, config = class_and_config(raw, where)
        return _from_text(catalogue, param, str(config.get("name", "float32")), where)
    if class_name == "function" and isinstance(raw.get("config"), str):
        return _from_text(catalogue, param, raw["config"], where)
    if param.kinds == ("value",) and all(isinstance(each, int | float) for each in raw.values()):
        return dict(raw) or None  # numbers by name, such as the limits of batch renormalization
    if param.of is None:
        raise FileRefusedError(
            f"{where} is {_short(raw)}, expected {' or '.join(param.kinds)}. Such files are not opened."
        )
    name, config = class_and_config(raw, where)
    params = params_from(catalogue, param.of, name, config, where)
    spec = catalogue.find(param.of, name)
    return {"class_name": spec.class_name if spec else name, "params": params}


def _from_text(catalogue: Catalogue, param: ParamSpec, raw: str, where: str) -> Any:
    raw = raw.removeprefix("kbuilder>")
    if param.of is not None:
        spec = catalogue.find(param.of, raw)
        if spec is None:
            raise FileRefusedError(
                f"{where} is “{raw[:60]}”, which is not among the {param.of} of Keras. Only models of "
                "Keras's own classes can be opened."
            )
        return {"class_name": spec.class_name, "params": {}}
    if param.name.endswith("activation"):
        if raw not in catalogue.activations:
            raise FileRefusedError(
                f"{where} is “{raw[:60]}”, which is not an activation of Keras. Only models of Keras's own "
                "functions can be opened."
            )
        return None if raw == "linear" and param.optional else raw
    return _without_usual(param, raw)


def _without_usual(param: ParamSpec, raw: Any) -> Any:
    """None for values that Keras writes out although they are what None means."""
    means_none = _MEANS_NONE.get(param.name) == raw and raw != param.default
    return None if param.optional and means_none else raw


def _readable(number: float) -> float:
    """The shortest decimal that is the same in float32: 0.001 for 0.0010000000474974513."""
    if not math.isfinite(number):
        return number
    for digits in range(1, 9):
        short = float(f"{number:.{digits}g}")
        if _float32(short) == _float32(number):
            is_float32 = number == _float32(number)
            return short if is_float32 else number
    return number


def _float32(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, bool) != isinstance(default, bool):
        return False
    return bool(value == default)


def _tidied(class_name: str, params: Params) -> Params:
    """Without what a wrapper writes into its inner layers by itself."""
    inner = params.get("layer")
    if class_name != "Bidirectional" or not isinstance(inner, dict):
        return params
    forward = dict(inner["params"])
    forward.pop("zero_output_for_mask", None)
    tidy = {**params, "layer": {"class_name": inner["class_name"], "params": forward}}
    backward = tidy.get("backward_layer")
    if isinstance(backward, dict):
        mirrored = dict(backward["params"])
        mirrored.pop("zero_output_for_mask", None)
        backwards = bool(mirrored.pop("go_backwards", False))
        plain = {key: value for key, value in forward.items() if key != "go_backwards"}
        if mirrored == plain and backwards != bool(forward.get("go_backwards", False)):
            tidy.pop("backward_layer")
    return tidy


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
