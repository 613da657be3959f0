"""Classes that stand beside the public ones of Keras: made like them, and in the catalogue as hidden entries.

A class is added by naming it here; ``make catalogue`` then writes its parameters. It must come back from
its ``get_config``, and be registered with Keras so that files with it load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras.src.applications.convnext import LayerScale
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from kbuilder.document.catalogue import Section
from kbuilder.engine.legacy.objects import (
    LegacyNadam,
    LocallyConnected1D,
    LocallyConnected2D,
    legacy_hard_sigmoid,
)

CLASSES: dict[Section, dict[str, type]] = {
    # two layers that networks of keras.applications have for themselves, and two of Keras 2
    "layers": {
        "LayerScale": LayerScale,
        "CustomScaleLayer": CustomScaleLayer,
        "LocallyConnected1D": LocallyConnected1D,
        "LocallyConnected2D": LocallyConnected2D,
    },
    "optimizers": {"LegacyNadam": LegacyNadam},
}
"""By section and class name. They are not offered, so that files open and nothing else."""

ACTIVATIONS: dict[str, Callable[..., Any]] = {"legacy_hard_sigmoid": legacy_hard_sigmoid}
"""Functions that ``activation`` parameters may name besides those of Keras."""


def class_of(section: Section, class_name: str) -> type | None:
    """The class of that name, or None when it is Keras's own or nobody's."""
    return CLASSES.get(section, {}).get(class_name)
