"""What can be changed while a training runs, and how the change is told."""

from __future__ import annotations

from typing import Any

import keras
import msgspec

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.callbacks import learning_rate
from kbuilder.link.requests import Steer


def changes_of(steer: Steer) -> dict[str, Any]:
    """The fields of a Steer that are set, as plain values."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(steer).items()
        if value not in (None, {})
    }


class Steering:
    """Applies changes to a model in training. ``done`` holds all that a later process must do again."""

    def __init__(self, built: BuiltModel) -> None:
        self._built = built
        self.done: dict[str, Any] = {}

    def change(self, changes: dict[str, Any], batches: Batches, epoch: int) -> str:
        """Apply changes between two steps; says in words what was done.

        Raises:
            KBuilderError: one of them is not possible.
        """
        model, rate = self._built.model, learning_rate(self._built.model)
        if changes.get("batch_size", 1) < 1:
            raise KBuilderError(f"The batch size must be at least 1, not {changes['batch_size']}.")
        if "learning_rate" in changes:
            set_learning_rate(model, changes["learning_rate"])
        if "epochs" in changes:
            changes["epochs"] = max(changes["epochs"], epoch + 1)
        self.redo(changes, batches)
        return self._in_words(changes, rate)

    def redo(self, changes: dict[str, Any], batches: Batches) -> None:
        """Apply what neither the optimizer's state nor the loop keeps by itself."""
        if changes.get("frozen"):
            set_frozen(self._built, changes["frozen"])
        if "augment" in changes:
            batches.set_augmenting(changes["augment"])
        frozen = {**self.done.get("frozen", {}), **changes.get("frozen", {})}
        self.done = {**self.done, **changes, "frozen": frozen}
        # The optimizer keeps its learning rate itself, and callbacks may have changed it since.
        self.done.pop("learning_rate", None)

    def _in_words(self, changes: dict[str, Any], rate: float | None) -> str:
        words = []
        for name, value in changes.items():
            if name == "frozen":
                for node, frozen in value.items():
                    layer = self._built.graph.by_id[node].name
                    words.append(f"{layer} {'frozen' if frozen else 'free'}")
            elif name == "learning_rate":
                words.append(f"learning rate {rate or 0.0:g} → {value:g}")
            elif name == "augment":
                words.append(f"augmentation {'on' if value else 'off'}")
            else:
                words.append(f"{name.replace('_', ' ')} {value}")
        return ", ".join(words)


def set_learning_rate(model: keras.Model, rate: float) -> None:
    """Give the optimizer another learning rate.

    Raises:
        KBuilderError: it follows a schedule, or the rate is no number above 0.
    """
    if not rate > 0:
        raise KBuilderError(f"The learning rate must be above 0, not {rate:g}.")
    try:
        model.optimizer.learning_rate = rate
    except TypeError as error:
        raise KBuilderError(
            "The learning rate follows a schedule and cannot be set by hand. "
            "Choose a number as learning rate before training."
        ) from error


def set_frozen(built: BuiltModel, frozen: dict[str, bool]) -> None:
    """Freeze and unfreeze layers of a model in training; the optimizer keeps what it has learned.

    Raises:
        KBuilderError: no layer would be left to learn, or a node has no layer.
    """
    layers = {}
    for node in frozen:
        layer = built.layers.get(node)
        if layer is None or not layer.weights:
            raise KBuilderError("Only layers with weights can be frozen. Choose another one.")
        layers[node] = layer
    before = {node: layer.trainable for node, layer in layers.items()}
    for node, layer in layers.items():
        layer.trainable = not frozen[node]
    if not built.model.trainable_weights:
        for node, layer in layers.items():
            layer.trainable = before[node]
        raise KBuilderError("No layer would be left to learn. Leave one of them free.")
    _renew_optimizer(built.model)


def _renew_optimizer(model: keras.Model) -> None:
    """An optimizer like the one in use, for the weights that learn now.

    Keras's optimizers know the weights they were built for, and no others.
    """
    old = model.optimizer
    new = old.__class__.from_config(old.get_config())
    new.build(model.trainable_variables)
    known = {variable.path: variable for variable in old.variables}
    for variable in new.variables:
        same = known.get(variable.path)
        if same is not None and same.shape == variable.shape:
            variable.assign(same.value)
    model.optimizer = new
