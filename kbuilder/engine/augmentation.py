"""Layers that training batches pass through on their way to the model, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fixes import Fix, SetFit
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.objects import KERAS_ERRORS, make
from kbuilder.engine.wording import plain_text

Tensor = Any
Layers = Sequence[keras.Layer]


class Augmentation:
    """Layers for each input of a model, in its order; an input may have none."""

    def __init__(self, layers: Sequence[Layers]) -> None:
        self._layers = layers
        self._on = tf.Variable(True, trainable=False, name="augmenting")

    @property
    def on(self) -> bool:
        """Whether batches are changed; a graph that is traced already follows."""
        return bool(self._on.numpy())

    @on.setter
    def on(self, wanted: bool) -> None:
        self._on.assign(wanted)

    @property
    def variables(self) -> list[Any]:
        """The states of the random generators."""
        return [variable for one in self._layers for layer in one for variable in layer.variables]

    def __call__(self, x: Sequence[Tensor]) -> list[Tensor]:
        """The inputs of a batch, changed at random."""
        return [
            self._changed(tensor, layers) if layers else tensor
            for tensor, layers in zip(x, self._layers, strict=True)
        ]

    def _changed(self, tensor: Tensor, layers: Layers) -> Tensor:
        floats = tf.cast(tensor, keras.config.floatx())

        def changed() -> Tensor:
            values = floats
            for layer in layers:
                values = layer(values, training=True)
            return tf.ensure_shape(tf.cast(values, floats.dtype), floats.shape)

        return tf.cond(self._on, changed, lambda: floats)


def make_augmentation(project: Project, catalogue: Catalogue) -> Augmentation | None:
    """The augmentation that the fit options ask for. Layers without a seed have one by ``fit.seed``.

    Raises:
        BuildError: a layer does not take its parameters, or what the input gives.
    """
    chosen = project.fit.augmentation
    number = 0
    layers: list[list[keras.Layer]] = []
    for node in project.graph.inputs:
        layers.append([])
        values = keras.KerasTensor((None, *(node.params.get("shape") or ())))
        for wanted in chosen.get(node.id, ()):
            spec = catalogue.layer(wanted.class_name)
            params = {"dtype": keras.config.floatx(), **wanted.params}
            if spec is not None and spec.param("seed") and params.get("seed") is None:
                params["seed"] = project.fit.seed + number
            number += 1
            try:
                layer = make(catalogue, "layers", wanted.class_name, params)
                found = layer(values)
                if tuple(found.shape) != tuple(values.shape):
                    raise ValueError(
                        f"It gives {found.shape[1:]} for samples of {values.shape[1:]}. Put it into "
                        "the model, where validation and predictions pass through it as well."
                    )
            except (KBuilderError, *KERAS_ERRORS) as error:
                raise BuildError((_fault(project, node, wanted, error),)) from error
            layers[-1].append(layer)
    return Augmentation(layers) if number else None


def _fault(project: Project, node: Node, layer: KerasObject, error: Exception) -> Problem:
    chosen = project.fit.augmentation
    kept = tuple(each for each in chosen[node.id] if each != layer)
    return Problem(
        severity="error",
        kind="augmentation",
        node=node.id,
        parameter="augmentation",
        text=f"{layer.class_name} cannot augment the input “{node.name}”: {plain_text(error)}",
        fixes=(
            Fix(
                text=f"Leave out {layer.class_name}",
                steps=(SetFit(values={"augmentation": {**chosen, node.id: kept}}),),
            ),
        ),
    )
