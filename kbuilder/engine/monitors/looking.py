"""A look into a model in training: norms by layer, dead units and taken classes, leaving no trace.

All of it is one graph call on a few probe samples with ``training=False``. Whatever the call could
change (metrics, seed generators, statistics and states of layers) is put back inside the same call, so
a training is bit for bit the same with and without looks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.engine.arrays import bare
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.costs import elements
from kbuilder.engine.monitors.confusing import ClassJudge, class_judges, confusion
from kbuilder.engine.monitors.units import dead_share, units_of
from kbuilder.link.run_events import LayerHealth, Monitored

Tensor = Any

MOST_SAMPLES = 256
MOST_VALUES = 48_000_000
"""Values of activations that a look may hold; fewer samples are taken of models with larger ones."""
MOST_COPIED = 50_000_000
"""Weights that are copied from look to look to tell how far they went; larger models do without."""
FLOATS = ("float", "bfloat")
LEAST_S = 1.0
"""Seconds between two looks in a training of some minutes: its record is not to grow without need."""
SHARE = 0.02
"""The part of the training's time that looks may take."""


class Look:
    """Looks into one model with the same samples each time.

    ``x`` has one array for each model input, ``y`` one for each output (None: not judged), ``weights``
    is None or as ``y``; only the first samples are used. ``classes`` are the names of the classes of
    an output, by its id; ``rows`` the row numbers of the samples in the data, 0, 1, ... by default.
    """

    def __init__(
        self,
        built: BuiltModel,
        x: Sequence[np.ndarray],
        y: Sequence[np.ndarray | None],
        weights: Sequence[np.ndarray | None] | None = None,
        classes: Mapping[str, tuple[str, ...]] | None = None,
        rows: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        self._model = built.model
        self.samples = count = probe_size(built, len(x[0]))
        self.rows = np.asarray(range(count) if rows is None else rows[:count])
        self._owners = {n: layer for n, layer in built.layers.items() if not _shares(built, n)}
        self._units = units_of(built)
        self._judges = class_judges(built, y, classes or {})
        self._x = [_tensor(array[:count]) for array in x]
        self._y = _first(y, count)
        self._weights = None if weights is None else _first(weights, count)
        watched = [tensor for unit in self._units.values() for tensor in unit.tensors]
        outputs = [built.tensors[node.id][0] for node in built.graph.outputs]
        self._wide = keras.Model(bare(self._model.inputs), [*outputs, *watched])
        self._outputs = len(outputs)
        self._traced: tuple[Any, ...] = ()
        self._spent = 0.0
        self._begun = self._since = time.perf_counter()

    def due(self, *, last: bool = False) -> bool:
        """Whether there are samples, and time for a look: always at the first and the last epoch."""
        now = time.perf_counter()
        elapsed = now - self._since
        least = min(LEAST_S, SHARE * (now - self._begun))
        rested = elapsed >= max(self._spent / SHARE, least)
        return self.samples > 0 and (last or not self._spent or rested)

    def look(self, request: int, epoch: int, step: int) -> Monitored:
        """How the layers fare now.

        Raises:
            KERAS_ERRORS: the samples cannot be judged by the losses.
        """
        begun = time.perf_counter()
        known = self._prepare()
        found: dict[str, dict[str, np.ndarray]] = tf.nest.map_structure(
            lambda tensor: tensor.numpy(), self._run()
        )
        update = found["update"] if known else {}
        layers = {
            node: LayerHealth(
                weight=float(found["weight"].get(node, 0.0)),
                gradient=_number(found["gradient"].get(node)),
                update=_number(update.get(node)),
                dead=_number(found["dead"].get(node)),
            )
            for node in self._owners
            if node in found["weight"] or node in found["dead"]
        }
        taken = {
            node: confusion(judge.classes, found["truth"][node], found["taken"][node], self.rows)
            for node, judge in self._judges.items()
        }
        ended = time.perf_counter()
        # What a first look takes to be traced says nothing of how long the next will take.
        self._spent, self._since = ended - begun if known else 0.0, ended
        return Monitored(
            request=request,
            epoch=epoch,
            step=step,
            layers=layers,
            confusion=taken,
            seconds=ended - begun,
        )

    def _prepare(self) -> bool:
        """Trace anew when the model was compiled anew; tells whether it is as at the look before."""
        model = self._model
        now = (model.optimizer, model._compile_loss, [id(w) for w in model.trainable_weights])
        if now == self._traced:
            return True
        self._traced = now
        self._moving = {
            node: layer.trainable_weights
            for node, layer in self._owners.items()
            if layer.trainable_weights
        }
        values = sum(math.prod(each.shape) for each in model.trainable_weights)
        copied = self._moving if values <= MOST_COPIED else {}
        self._before = {
            node: [tf.Variable(weight.value, trainable=False) for weight in weights]
            for node, weights in copied.items()
        }
        self._run = tf.function(self._looked, autograph=False)
        return False

    def _looked(self) -> dict[str, dict[str, Tensor]]:
        """Everything that is to be known, as tensors by node id."""
        kept = touched(self._model)
        saved = [tf.identity(variable.value) for variable in kept]
        learning = self._model.trainable_weights
        with tf.GradientTape() as tape:
            results = keras.tree.flatten(self._wide(bare(self._x), training=False))
            outputs, watched = results[: self._outputs], results[self._outputs :]
            loss = self._model.compute_loss(
                x=bare(self._x),
                y=bare(self._y),
                y_pred=bare(outputs),
                sample_weight=None if self._weights is None else bare(self._weights),
                training=False,
            )
            scaled = self._model.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, learning) if learning else []
        scale = tf.cast(self._model.optimizer.scale_loss(tf.ones_like(loss)), tf.float32)
        for variable, value in zip(kept, saved, strict=True):
            variable.assign(value)
        slopes = {id(w): g for w, g in zip(learning, gradients, strict=True) if g is not None}
        return {
            "weight": self._weight_norms(),
            "gradient": self._gradient_norms(slopes, scale),
            "update": self._update_norms(),
            "dead": self._dead_shares(watched),
            "truth": self._by_judge(self._y, ClassJudge.truth),
            "taken": self._by_judge(outputs, ClassJudge.taken),
        }

    def _weight_norms(self) -> dict[str, Tensor]:
        return {
            node: norm(self._moving.get(node) or layer.weights)
            for node, layer in self._owners.items()
            if any(weight.dtype.startswith(FLOATS) for weight in layer.weights)
        }

    def _gradient_norms(self, slopes: Mapping[int, Tensor], scale: Tensor) -> dict[str, Tensor]:
        reached = {
            node: [slopes[id(weight)] for weight in weights if id(weight) in slopes]
            for node, weights in self._moving.items()
        }
        return {node: norm(found) / scale for node, found in reached.items() if found}

    def _update_norms(self) -> dict[str, Tensor]:
        """How far the weights are from where they were, which becomes where they are now."""
        norms = {}
        for node, before in self._before.items():
            now = [tf.identity(weight.value) for weight in self._moving[node]]
            norms[node] = norm([new - old for new, old in zip(now, before, strict=True)])
            for old, new in zip(before, now, strict=True):
                old.assign(new)
        return norms

    def _dead_shares(self, watched: list[Tensor]) -> dict[str, Tensor]:
        waiting = iter(watched)
        return {
            node: dead_share([next(waiting) for _ in unit.tensors], unit.axis)
            for node, unit in self._units.items()
        }

    def _by_judge(
        self, values: Sequence[Tensor], read: Callable[[ClassJudge, Tensor], Tensor]
    ) -> dict[str, Tensor]:
        return {node: read(judge, values[judge.output]) for node, judge in self._judges.items()}


def norm(tensors: Sequence[Any]) -> Tensor:
    """The L2 norm over all values of all tensors, float32."""
    parts = [
        tf.reduce_sum(tf.square(tf.cast(tf.convert_to_tensor(each), tf.float32)))
        for each in tensors
    ]
    return tf.sqrt(tf.add_n(parts))


def touched(model: keras.Model) -> list[Any]:
    """The variables that a call for a loss may change: of metrics, random generators and layers.

    Weights that an optimizer changes are none of them, frozen or not.
    """
    learned = {
        id(variable) for layer in model._flatten_layers() for variable in layer._trainable_variables
    }
    own = [variable for variable in model.variables if id(variable) not in learned]
    return [*own, *model.metrics_variables]


def probe_size(built: BuiltModel, samples: int) -> int:
    """How many samples to look with: not too many values at once, and whole batches of a fixed size."""
    fixed = built.model.inputs[0].shape[0]
    if fixed is not None:
        return int(fixed) if samples >= fixed else 0
    values = sum(elements(tensor.shape) for ports in built.tensors.values() for tensor in ports)
    return min(samples, MOST_SAMPLES, max(MOST_VALUES // max(values, 1), 1))


def _shares(built: BuiltModel, node: str) -> bool:
    return built.graph.layer_of(node).id != node


def _first(arrays: Sequence[np.ndarray | None], count: int) -> list[Tensor | None]:
    return [None if array is None else _tensor(array[:count]) for array in arrays]


def _tensor(values: Any) -> Tensor:
    tensor = tf.convert_to_tensor(values)
    return tf.cast(tensor, keras.config.floatx()) if tensor.dtype.is_floating else tensor


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
