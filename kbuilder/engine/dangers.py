"""What in the configuration of a file would run code or read files elsewhere, told without doing either."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.engine.import_params import READS_FILES, RUNS_CODE

_OF_KERAS = ("keras", "tf_keras", "kbuilder.engine.legacy", "builtins")
_ADDRESS = re.compile(r"^(https?|ftp|file|gs|s3|hdfs)://", re.IGNORECASE)
_TYPE_HOOKS = {"__typespec__", "CompositeTensor", "TypeSpec"}
_NO_CLASSES = {"__tuple__", "__tensor__", "__numpy__", "__keras_tensor__", "__bytes__", "slice"}
_MODELS = {"Sequential", "Functional", "Model", "InputLayer"}
_FUNCTIONS = {"losses", "metrics", "initializers", "regularizers", "constraints"}


@dataclass(frozen=True)
class Findings:
    """``dangers`` keep a file from being opened as it is; ``custom`` are classes of programs, by name."""

    dangers: tuple[str, ...]
    custom: tuple[str, ...]


def findings(catalogue: Catalogue, *configs: Any) -> Findings:
    """Look through configurations at any depth."""
    found = [each for config in configs for each in _Search(catalogue).walk(config, "the model")]
    return Findings(
        tuple(dict.fromkeys(text for kind, text in found if kind == "danger")),
        tuple(dict.fromkeys(text for kind, text in found if kind == "custom")),
    )


class _Search:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known = {
            spec.class_name
            for section in (*_FUNCTIONS, "layers", "optimizers", "schedules", "callbacks")
            for spec in getattr(catalogue, section)
        }

    def walk(self, value: Any, place: str) -> Iterator[tuple[str, str]]:
        """Kind and text of each finding; ``place`` is the layer at hand."""
        if isinstance(value, list):
            for item in value:
                yield from self.walk(item, place)
        elif isinstance(value, str) and _ADDRESS.match(value):
            yield "danger", f"{place} names the address “{value[:80]}”."
        elif isinstance(value, dict):
            config = value.get("config")
            name = config.get("name") if isinstance(config, dict) else None
            here = f"“{name}”" if isinstance(name, str) and "class_name" in value else place
            yield from self._object(value, here)
            for key, item in value.items():
                if key in READS_FILES and isinstance(item, str):
                    yield "danger", f"{here} names the file “{item[:80]}” to be read."
                else:
                    yield from self.walk(item, here)

    def _object(self, raw: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
        name = raw.get("class_name")
        if not isinstance(name, str) or name in _NO_CLASSES or name in _MODELS:
            return
        short = name.rpartition(">")[2]
        module = str(raw.get("module") or "")
        if name == "function":
            yield from self._function(raw, module, place)
        elif name in _TYPE_HOOKS:
            yield "danger", f"{place} names the type “{name}”, which makes objects of TensorFlow."
        elif short in RUNS_CODE - {"Lambda"}:
            yield "danger", f"{place} is a {short}, which runs a program that lies beside the file."
        elif module and not module.startswith(_OF_KERAS):
            yield "custom", f"{module}.{short}"
        elif (
            "module" in raw
            and name != "__lambda__"
            and raw.get("registered_name") not in (None, name)
        ):
            yield "custom", str(raw["registered_name"])

    def _function(self, raw: dict[str, Any], module: str, place: str) -> Iterator[tuple[str, str]]:
        """A function by its name, which a careless loader would import and call."""
        name = str(raw.get("config"))
        if module and not module.startswith(_OF_KERAS):
            yield "danger", f"{place} names the function “{module}.{name[:60]}” of another program."
        elif module.startswith("keras.") and module.split(".")[1] not in (
            *_FUNCTIONS,
            "activations",
        ):
            yield (
                "danger",
                f"{place} names the function “{module}.{name[:60]}”, which is no part of a model.",
            )
