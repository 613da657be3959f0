"""Which class was taken for which: outputs that choose classes, and their confusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kbuilder.engine.arrays import to_array
from kbuilder.engine.build import BuiltModel
from kbuilder.link.run_events import Confusion

Tensor = Any

MOST_CLASSES = 100
"""A matrix of more classes is neither to be read nor to be kept for each epoch."""
MOST_TOLD = 64
"""Samples whose place in the matrix is told."""


@dataclass(frozen=True)
class ClassJudge:
    """Reads classes out of an output and its targets.

    ``output`` is its number. ``threshold`` is that of a single value for two classes, or None where
    the largest of several values is the class; ``one_hot`` tells whether targets are vectors.
    """

    output: int
    classes: tuple[str, ...]
    threshold: float | None
    one_hot: bool

    def taken(self, values: Tensor) -> Tensor:
        """Numbers of the classes that the outputs choose, int32, one for each place."""
        if self.threshold is None:
            return tf.reshape(tf.argmax(values, axis=-1, output_type=tf.int32), [-1])
        return tf.reshape(tf.cast(values > self.threshold, tf.int32), [-1])

    def truth(self, targets: Tensor) -> Tensor:
        """Numbers of the classes that the targets name, int32, one for each place."""
        if self.one_hot:
            return tf.reshape(tf.argmax(targets, axis=-1, output_type=tf.int32), [-1])
        return tf.reshape(tf.cast(tf.round(tf.cast(targets, tf.float32)), tf.int32), [-1])


def class_judges(
    built: BuiltModel,
    y: Sequence[np.ndarray | None],
    classes: Mapping[str, tuple[str, ...]],
) -> dict[str, ClassJudge]:
    """The outputs that choose one of 2 to 100 classes, by node id.

    ``y`` has the targets of each output, samples first; ``classes`` names of classes where there are.
    """
    losses = built.model.loss
    losses = list(losses) if isinstance(losses, list | tuple) else [losses]
    judges = {}
    for number, (node, target, loss) in enumerate(zip(built.graph.outputs, y, losses, strict=True)):
        shape = built.tensors[node.id][0].shape
        if target is not None:
            judge = _judge(number, shape, target.shape, loss, classes.get(node.id, ()))
            if judge is not None:
                judges[node.id] = judge
    return judges


def _judge(
    number: int,
    shape: tuple[int | None, ...],
    target: tuple[int, ...],
    loss: Any,
    names: tuple[str, ...],
) -> ClassJudge | None:
    width = shape[-1] if len(shape) > 1 else 1
    judged = type(loss).__name__ if loss is not None else ""
    if width == 1:
        if not judged.startswith("Binary") or len(names) > 2:
            return None
        threshold = 0.0 if getattr(loss, "from_logits", False) else 0.5
        return ClassJudge(number, _named(names, 2), threshold, one_hot=False)
    one_hot = len(target) == len(shape) and target[-1] == width
    chooses = "Categorical" in judged or len(names) == width
    if width is None or width > MOST_CLASSES or not chooses:
        return None
    return ClassJudge(number, _named(names, width), None, one_hot)


def _named(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    return (*names, *(str(number) for number in range(len(names), count)))[:count]


def confusion(
    classes: tuple[str, ...], truth: np.ndarray, taken: np.ndarray, rows: np.ndarray
) -> Confusion:
    """The confusion of class numbers; ``rows`` has a row number for each sample.

    Outputs with a class for each of many places count each place; samples are told where there is one.
    """
    count = len(classes)
    inside = (truth >= 0) & (truth < count)
    pairs = truth[inside].astype(np.int64) * count + taken[inside]
    counts = np.bincount(pairs, minlength=count * count).reshape(count, count)
    told = len(truth) == len(rows)
    wrong = np.flatnonzero(inside & (truth != taken) & told)[:MOST_TOLD]
    return Confusion(
        counts=to_array(counts.astype(np.int32)),
        classes=classes,
        samples=tuple(int(rows[at]) for at in wrong),
        cells=tuple((int(truth[at]), int(taken[at])) for at in wrong),
    )
