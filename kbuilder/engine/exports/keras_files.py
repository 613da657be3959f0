"""Files for Keras 3: whole models, weights alone, JSON. Proved by plain Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from kbuilder.document.atomic import write_bytes
from kbuilder.document.catalogue import Catalogue
from kbuilder.engine.exports.proof import Proof, ProofError, ask, compared
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.write_model import write_hdf5, write_keras, write_weights

SCRIPT = "plain_keras.py"
LEGACY = Path(__file__).parents[1] / "legacy" / "objects.py"
"""Our classes for old networks; they need nothing but Keras."""
LEGACY_PACKAGE = '"kbuilder>'
"""How the names begin under which they are registered with Keras."""


def write_whole(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """``.keras`` or ``.hdf5``: proved by its predictions."""
    if path.suffix == ".keras":
        write_keras(subject.model, path, subject.project)
    else:
        write_hdf5(subject.model, path, subject.project, catalogue)
    return compared(
        subject,
        ask(SCRIPT, ["model", path], subject.inputs, needed_code(subject), check=subject.check),
    )


def write_weights_alone(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """Weights: proved by the predictions of the model that plain Keras puts them into."""
    del catalogue
    write_weights(subject.model, path)
    files = {**needed_code(subject), "model.json": subject.model.to_json()}
    return compared(
        subject, ask(SCRIPT, ["weights", path], subject.inputs, files, check=subject.check)
    )


def write_json(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """The description alone: proved by the configuration of the model that it gives."""
    del catalogue
    write_bytes(path, json.dumps(json.loads(subject.model.to_json()), indent=1).encode())
    answer = ask(SCRIPT, ["json", path], (), needed_code(subject), check=subject.check)
    refuse_other_config(configuration(subject.model), answer.facts["config"], answer.program)
    return Proof(None, answer.program, ("The configurations are equal. Weights are not in it.",))


def needed_code(subject: Subject) -> dict[str, str]:
    """Source that plain Keras needs beside the file: own code, and what only old networks have."""
    files = {}
    if subject.project.custom_code.strip():
        files["own_code.py"] = subject.project.custom_code
    if LEGACY_PACKAGE in subject.model.to_json():
        files["legacy.py"] = LEGACY.read_text(encoding="utf-8")
    return files


def configuration(model: keras.Model) -> dict[str, Any]:
    """A model's configuration as it is after a way through JSON."""
    found: dict[str, Any] = json.loads(json.dumps(model.get_config(), default=repr))
    return found


def refuse_other_config(ours: Any, theirs: Any, program: str) -> None:
    """Refuse a model with another configuration, whatever the model as a whole is called.

    Raises:
        ProofError: with the first place where they differ.
    """
    place = first_difference({**ours, "name": ""}, {**theirs, "name": ""})
    if place:
        raise ProofError(f"the model that {program} makes of it differs from ours in {place}")


def first_difference(ours: Any, theirs: Any, place: str = "") -> str:
    """Where two configurations differ first, in words; empty when they are equal."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        inner = [(ours.get(key), theirs.get(key), key) for key in keys]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        inner = [
            (one, other, _named(one, n))
            for n, (one, other) in enumerate(zip(ours, theirs, strict=True))
        ]
    else:
        return "" if ours == theirs else f"{place or 'all'}: {theirs!r:.80} instead of {ours!r:.80}"
    return next(
        (
            found
            for one, other, key in inner
            if (found := first_difference(one, other, f"{place} › {key}" if place else str(key)))
        ),
        "",
    )


def _named(value: Any, number: int) -> str:
    return str(value["name"]) if isinstance(value, dict) and value.get("name") else str(number)
