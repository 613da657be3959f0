"""Where tf.keras 2 puts the weights of each layer in the ``.weights.h5`` of a ``.keras`` file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras.src.saving.saving_lib import naming


class Counter:
    """Counts the layers of one model by class: ``layers/dense``, ``layers/dense_1``, ..."""

    def __init__(self, inside: str) -> None:
        self._inside = inside
        self._counts: dict[str, int] = {}

    def place(self, raw: Mapping[str, Any]) -> str:
        """The group of the next layer."""
        kind = str(raw.get("class_name")).rpartition(">")[2]
        name = naming.to_snake_case("Functional" if kind == "Model" else kind)
        number = self._counts.get(name, -1) + 1
        self._counts[name] = number
        return f"{self._inside}layers/{name}_{number}" if number else f"{self._inside}layers/{name}"
