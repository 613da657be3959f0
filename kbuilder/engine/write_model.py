"""Model files that plain Keras loads compiled and ready to train, with our own state beside its parts."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from kbuilder.document.atomic import write_atomically
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.naming import snake_case
from kbuilder.document.project import Project
from kbuilder.document.project_file import encode
from kbuilder.engine.checkpoint import State, capture
from kbuilder.engine.import_compile import class_of
from kbuilder.engine.raw_model import STATE_GROUP, STATE_MEMBER
from kbuilder.engine.weight_files import write_older_layout

WEIGHT_ENDINGS = (".weights.h5", "_weights.h5", "_weights.hdf5")
MASKING_OPERATIONS = {"NotEqual", "Any", "LogicalAnd", "LogicalOr", "ExpandDims", "Squeeze"}
"""Operations that Keras adds by itself where layers work out masks."""
_ERRNO = re.compile(r"errno = (\d+)")


def write_hdf5(
    model: keras.Model, path: Path, project: Project | None, catalogue: Catalogue
) -> None:
    """The whole model. Plain ``keras.models.load_model`` gives it compiled, to predict and to fit.

    Keras's own ``optimizer_weights`` are left out: loading them builds the optimizer for no variables
    (keras 3.15), after which ``fit`` fails. The optimizer's state lies in our own group instead.

    Raises:
        SaveError: it could not be written; what stood there before still does.
    """

    def write(temporary: Path) -> None:
        config = keras.saving.serialize_keras_object(model)
        described = {"class_name": config["class_name"], "config": config["config"]}
        with h5py.File(temporary, "w") as file:
            file.attrs["keras_version"] = keras.__version__
            file.attrs["backend"] = keras.backend.backend()
            file.attrs["model_config"] = json.dumps(_for_older_loader(described))
            if model.compiled and model.optimizer is not None:
                file.attrs["training_config"] = json.dumps(_training_config(model, catalogue))
            write_older_layout(file.create_group("model_weights"), model)
            _write_state(file.create_group(STATE_GROUP), model, project)

    write_atomically(path, _reporting(write))


def write_keras(model: keras.Model, path: Path, project: Project | None) -> None:
    """The whole model in Keras's own format, with one more member for what it leaves out.

    Raises:
        SaveError: as for ``write_hdf5``.
    """
    state = capture(model)
    added = {
        "project": json.loads(encode(project)) if project is not None else None,
        "optimizer_class": state.optimizer_class,
        "trainable": list(state.trainable),
        "digests": digests(state.weights, state.optimizer),
        "seeds": {key: values.tolist() for key, values in _seeds(model, state).items()},
    }

    def write(temporary: Path) -> None:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(STATE_MEMBER, json.dumps(added))

    write_atomically(path, _reporting(write))


def write_weights(model: keras.Model, path: Path) -> None:
    """Weights alone: Keras 3's layout for ``.weights.h5``, else the older one that ``.h5`` means.

    Raises:
        SaveError: as for ``write_hdf5``.
    """

    def write(temporary: Path) -> None:
        if path.name.lower().endswith(".weights.h5"):
            model.save_weights(temporary)
            return
        with h5py.File(temporary, "w") as file:
            write_older_layout(file, model)

    write_atomically(path, _reporting(write))


def _reporting(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """HDF5 reports a full disk as RuntimeError; make it the OSError that it is."""

    def reporting(temporary: Path) -> None:
        try:
            write(temporary)
        except RuntimeError as error:
            number = _ERRNO.search(str(error))
            if number is None:
                raise
            raise OSError(int(number.group(1)), str(error).split(",")[0]) from error

    return reporting


def _write_state(group: h5py.Group, model: keras.Model, project: Project | None) -> None:
    state = capture(model)
    seeds = _seeds(model, state)
    header = {
        "format_version": 1,
        "optimizer_class": state.optimizer_class,
        "trainable": list(state.trainable),
        "digests": digests(state.weights, state.optimizer),
        "seeds": list(seeds),
    }
    group.attrs["header"] = json.dumps(header)
    if project is not None:
        group.attrs["project"] = encode(project).decode()
    for name, values in (("optimizer", state.optimizer), ("seeds", list(seeds.values()))):
        inner = group.create_group(name)
        for number, array in enumerate(values):
            inner.create_dataset(str(number), data=array)


def digests(weights: dict[str, np.ndarray], optimizer: list[np.ndarray]) -> list[str]:
    """SHA-256 of the weights by key, and of the state of the optimizer in its order."""
    found = []
    for arrays in ([weights[key] for key in sorted(weights)], optimizer):
        digest = hashlib.sha256()
        for values in arrays:
            digest.update(f"{values.dtype.name} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
        found.append(digest.hexdigest())
    return found


def _seeds(model: keras.Model, state: State) -> dict[str, np.ndarray]:
    """Variables that no format of Keras keeps: the states of random generators."""
    found = {}
    for layer in model.layers:
        kept = {id(weight) for weight in layer.weights}
        for number, variable in enumerate(layer.variables):
            key = f"{layer.name}/{number}"
            if id(variable) not in kept and key in state.weights:
                found[key] = state.weights[key]
    return found


def _for_older_loader(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without what Keras's loader for HDF5 trips over (keras 3.15).

    It does not know the operations that work out masks; layers pass on their masks by themselves, so the
    loaded model has them again. And it takes the text "dot" for the function of that name.
    """
    layers = config["config"].get("layers", [])
    kept = [layer for layer in layers if layer.get("class_name") not in MASKING_OPERATIONS]
    names = {layer.get("name") for layer in kept}
    for layer in kept:
        if layer["config"].get("score_mode") == "dot":
            del layer["config"]["score_mode"]  # the default
        for node in layer.get("inbound_nodes") or ():
            for key in set(node.get("kwargs", {})) & {"mask", "query_mask", "value_mask"}:
                if not _sources(node["kwargs"][key]) <= names:
                    node["kwargs"][key] = None
    config["config"]["layers"] = kept
    return config


def _sources(argument: Any) -> set[str]:
    """Names of the layers that the tensors in a stored argument come from."""
    if isinstance(argument, list):
        return {name for item in argument for name in _sources(item)}
    if isinstance(argument, dict) and argument.get("class_name") == "__keras_tensor__":
        return {argument["config"]["keras_history"][0]}
    return set()


def _training_config(model: keras.Model, catalogue: Catalogue) -> dict[str, Any]:
    """What ``compile`` got, with losses and metrics as objects: names do not load back in 3.15."""
    config = model.get_compile_config() or {}
    optimizer = keras.saving.serialize_keras_object(model.optimizer)
    return {
        "loss": _as_objects(config.get("loss"), "losses", catalogue),
        "loss_weights": config.get("loss_weights"),
        "metrics": _as_objects(config.get("metrics"), "metrics", catalogue),
        "weighted_metrics": _as_objects(config.get("weighted_metrics"), "metrics", catalogue),
        "optimizer_config": {
            "class_name": optimizer["class_name"],
            "config": optimizer["config"],
        },
    }


def _as_objects(value: Any, section: str, catalogue: Catalogue) -> Any:
    if isinstance(value, str) and value not in ("accuracy", "acc", "crossentropy", "ce"):
        class_name = class_of(catalogue, value, section)
        named = section == "metrics" and value != snake_case(class_name)
        return {"class_name": class_name, "config": {"name": value} if named else {}}
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _as_objects(item, section, catalogue) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_objects(item, section, catalogue) for item in value]
    return value


def refuse_ending(path: Path, wanted: str) -> KBuilderError:
    """The error for a file name whose ending means nothing here."""
    found = f"ends in “{path.suffix}”" if path.suffix else "has no ending"
    return KBuilderError(f"“{path.name}” {found}; expected {wanted}. Choose such a name.")
