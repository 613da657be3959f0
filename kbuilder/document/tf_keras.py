"""What tf.keras 2.x knows: its classes and their parameters, from ``resources/tf_keras.json``.

The table is made by ``packaging/make_tf_keras_table.py`` from the package tf-keras.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document.catalogue import Section
from kbuilder.resources import resource

MODULE = "tf_keras"
PACKAGE = "tf_keras==2.21.0"

RENAMED: dict[tuple[str, str], str] = {("LeakyReLU", "negative_slope"): "alpha"}
"""Parameters that tf.keras calls otherwise, by class."""
OF_NO_WEIGHT = {
    *("seed", "use_cudnn", "flash_attention", "data_format", "salt", "loss_scale_factor"),
    *("quantization_config", "axes_are_stored"),
}
"""Parameters that can be left out, because they change no output."""

Params = dict[str, Any]


def folder() -> Path | None:
    """The folder beside our packages that tf-keras may be installed in, if it is there.

    It stands apart because Keras 3 and tf.keras 2.x should not find each other.
    """
    place = Path(sys.prefix, MODULE)
    return place if (place / MODULE).is_dir() else None


def is_there() -> bool:
    """Whether tf-keras can be imported by the process that proves a file."""
    return folder() is not None or importlib.util.find_spec(MODULE) is not None


def how_to_install() -> str:
    """The command that installs it."""
    return (
        f"{sys.executable} -m pip install --no-deps --target {Path(sys.prefix, MODULE)} {PACKAGE}"
    )


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters with their defaults, by section and class; activations that mean the same."""

    version: str
    layers: dict[str, Params]
    optimizers: dict[str, Params]
    losses: dict[str, Params]
    metrics: dict[str, Params]
    initializers: dict[str, Params]
    regularizers: dict[str, Params]
    constraints: dict[str, Params]
    schedules: dict[str, Params]
    activations: tuple[str, ...]

    def params(self, section: Section, class_name: str) -> Params | None:
        """The parameters of a class, or None when tf.keras does not have it."""
        classes: dict[str, Params] = getattr(self, section, {})
        return classes.get(class_name)

    def takes(self, section: Section, class_name: str, param: str) -> bool:
        """Whether the class takes the parameter, or does the same without it."""
        known = self.params(section, class_name) or {}
        return param in known or (class_name, param) in RENAMED or param in OF_NO_WEIGHT


@lru_cache(maxsize=1)
def table() -> Table:
    """The table, read once."""
    return msgspec.json.decode(resource("tf_keras.json").read_bytes(), type=Table)
