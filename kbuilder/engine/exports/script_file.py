"""A Python script, proved by building its model in a clean process: same configuration, same weights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kbuilder.document.atomic import write_bytes
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import FieldFacts
from kbuilder.document.naming import snake_case
from kbuilder.document.project import Project
from kbuilder.document.script.place import DataPlace, data_place
from kbuilder.document.script.whole import script
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.data import open_source
from kbuilder.engine.data_mapping import map_fields
from kbuilder.engine.exports.keras_files import (
    LEGACY,
    LEGACY_PACKAGE,
    SCRIPT,
    configuration,
    first_difference,
    refuse_other_config,
)
from kbuilder.engine.exports.proof import Proof, ProofError, ask, difference
from kbuilder.engine.exports.subject import PROOF_SAMPLES, Subject
from kbuilder.engine.generators import GENERATOR

_MADE_UP = re.compile(r"(keras_tensor|input_layer)(_\d+)?")
"""Names that Keras counts up by itself."""


def write(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """The script; the difference is that of the weights which it starts with and ours."""
    place = place_of(subject.project, subject.base)
    write_bytes(path, script(place, catalogue, subject.name, subject.steered).encode())
    answer = ask(
        SCRIPT, ["python", path], files={"rows.txt": str(PROOF_SAMPLES)}, check=subject.check
    )
    built = subject.rebuild()
    ours = built.model
    if subject.model.compiled:
        # The run's own optimizer has the learning rate that the run ended with.
        compile_model(built, subject.project, catalogue)
    refuse_other_config(plain_configuration(ours), _plain(answer.facts["config"]), answer.program)
    _refuse_other_compile(ours, subject.project, answer.facts["compile"])
    count = int(answer.facts["weights"])
    _refuse_other_arrays(
        ours.get_weights(), answer.arrays[:count], "the weights that it starts with"
    )
    notes = ["Its model has the same configuration and starts with the same weights."]
    if place.fields and subject.from_data:
        read = [
            array.astype(kept.dtype)
            for array, kept in zip(answer.arrays[count:], subject.inputs, strict=True)
        ]
        _refuse_other_arrays(subject.inputs, read, "the samples that it reads")
    if not place.fields:
        notes.append("No data is chosen, so the script builds the model and does not train it.")
    return Proof(0.0, answer.program, tuple(notes))


def place_of(project: Project, base: str) -> DataPlace:
    """Where a script finds the data, and which of its fields feed which node.

    Raises:
        KBuilderError: the data cannot be read.
    """
    legacy = LEGACY.read_text(encoding="utf-8")
    if project.data.kind in ("", GENERATOR) or not project.data.path:
        return DataPlace(project=project, legacy=legacy)
    source = open_source(project.data, base)
    weights = project.fit.sample_weights.values()
    choice = map_fields(source, project.graph, project.data, kept=weights)
    fields = (
        FieldFacts(name=field.name, dtype=field.dtype, shape=field.shape, classes=field.classes)
        for field in source.fields
    )
    return data_place(project, base, fields, choice.inputs, choice.targets, legacy)


def _refuse_other_compile(model: keras.Model, project: Project, found: Any) -> None:
    """Own functions are wrapped in ways that look different, so such options are not compared."""
    if not model.compiled or found is None or project.custom_code.strip():
        return
    ours = json.loads(json.dumps(model.get_compile_config(), default=repr))
    for options in (ours, found):
        options["optimizer"]["config"]["name"] = ""  # counted up by Keras
        options["steps_per_execution"] = 1  # we run several steps in a loop of our own
        for part in ("metrics", "weighted_metrics"):
            options[part] = options[part] if any(options[part] or []) else None
    place = first_difference(ours, found)
    if place:
        raise ProofError(f"it compiles the model with other options: {place}")


def _refuse_other_arrays(
    ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray], what: str
) -> None:
    if [array.shape for array in ours] != [array.shape for array in theirs]:
        raise ProofError(f"{what} have other shapes than ours")
    pairs = zip(ours, theirs, strict=True)
    largest = max((difference(*pair) for pair in pairs), default=0.0)
    if largest:
        raise ProofError(f"{what} differ from ours by {largest:.1e}")


def plain_configuration(model: keras.Model) -> Any:
    """A model's configuration without the names that a script cannot choose."""
    return _plain(configuration(model))


def _plain(config: Any) -> Any:
    """Without names that Keras counts up, and those of operations, which no script can name."""
    operations = set(_operation_names(config))
    seen: dict[str, str] = {}

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rename(item) for key, item in _settled(value).items()}
        if isinstance(value, list):
            return [rename(item) for item in value]
        if isinstance(value, str) and (value in operations or _MADE_UP.fullmatch(value)):
            return seen.setdefault(value, f"made up {len(seen)}")
        return value

    return rename(config)


def _settled(value: dict[str, Any]) -> dict[str, Any]:
    """Without the module of legacy classes, and the name that Keras gave a layer inside another."""
    if str(value.get("registered_name")).startswith(LEGACY_PACKAGE.strip('"')):
        value = {**value, "module": ""}
    config = value.get("config")
    if isinstance(config, dict) and "name" in config and "inbound_nodes" not in value:
        usual = rf"((forward|backward)_)?{snake_case(str(value.get('class_name')))}(_\d+)?"
        if re.fullmatch(usual, str(config["name"])):
            value = {**value, "config": {**config, "name": ""}}
    return value


def _operation_names(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        if str(config.get("module", "")).startswith("keras.src.ops"):
            yield config["name"]
        for value in config.values():
            yield from _operation_names(value)
    elif isinstance(config, list):
        for value in config:
            yield from _operation_names(value)
