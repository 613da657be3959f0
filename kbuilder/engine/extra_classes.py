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

CLASSES: dict[Section, dict[str, type]] = {
    # two layers that networks of keras.applications have for themselves
    "layers": {"LayerScale": LayerScale, "CustomScaleLayer": CustomScaleLayer},
}
"""By section and class name. They are not offered, so that files open and nothing else."""

ACTIVATIONS: dict[str, Callable[..., Any]] = {}
"""Functions that ``activation`` parameters may name besides those of Keras."""


def class_of(section: Section, class_name: str) -> type | None:
    """The class of that name, or None when it is Keras's own or nobody's."""
    return CLASSES.get(section, {}).get(class_name)
