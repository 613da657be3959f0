"""Batches of own code for the training loop, asked for one by one from inside the graph."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fit_rules import BALANCED
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.engine.arrays import bare
from kbuilder.engine.augmentation import Augmentation, make_augmentation
from kbuilder.engine.batches import Batches, Order, Rows, as_floatx
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.data import read_source
from kbuilder.engine.generators import WEIGHT, Feed, Fields, Generated, source_of
from kbuilder.engine.matching import fit_problem, match
from kbuilder.engine.sample_weights import Weights, class_weights, field_weights, multiplied

Tensor = Any


class GeneratorBatches(Batches):
    """Batches as own code makes them: their size, order and number are its own.

    A batch is a function of the seed, its epoch and its number if the code is one: when a training goes
    on, the batches before are made again and passed over.
    """

    def __init__(
        self,
        built: BuiltModel,
        project: Project,
        data: DataOptions,
        *,
        steps: int,
        shuffle: bool = False,
        weighs_classes: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._built, self._project, self._data = built, project, data
        self.data_seconds = 0.0
        self._weighs_classes = weighs_classes
        self._generated = Generated(project.custom_code, data.path)
        self._seed, self._mixes = project.fit.seed, shuffle
        self.all_steps = 0 if steps else self._generated.counted()
        self.steps = steps or self.all_steps
        first = next(self._generated.turn())
        self._example = self._arrays(first)
        self.batch_size = len(self._example[0])
        self.samples = self.steps * self.batch_size
        self.augmentation = augmentation
        self._feed = Feed(self._turn, self._generated.length)

    def with_batch_size(self, batch_size: int) -> Batches:
        """The same: the own code says how large its batches are."""
        return self

    def targets(self, count: int) -> list[np.ndarray | None]:
        """The first ``count`` targets of each output."""
        return _first(self._parts(self._example)[1], count)

    def head(self, count: int) -> Rows:
        """The first samples of the first batch, at most ``count``."""
        x, y, weights = (_first(part or [], count) for part in self._parts(self._example))
        return Rows(x, y, weights, np.arange(min(count, self.batch_size)))

    def order(self, epoch: int) -> Order:
        """Where the epoch begins."""
        return Order(tf.constant(epoch * self.steps), None)

    def numbers(self, step: int, order: Order | None) -> np.ndarray:
        """Numbers of the samples as they are made, from 0, int64."""
        first = (step + (0 if order is None else int(order.first))) * self.batch_size
        return np.arange(first, first + self.batch_size)

    def cut(self, step: Tensor, order: Order | None) -> tuple[Any, Any, Any]:
        """Batch number ``step`` of an epoch, as (x, y, weights). For use inside a graph."""
        position = step if order is None else step + order.first
        kinds = [array.dtype for array in self._example]
        with tf.device("CPU:0"):
            tensors = tf.numpy_function(self._fetch, [position], kinds)
        for tensor, array in zip(tensors, self._example, strict=True):
            tensor.set_shape([None, *array.shape[1:]])
        x, y, weights = self._parts(tensors)
        if self.augmentation is not None:
            x = self.augmentation(x)
        return bare(x), bare(y), None if weights is None else bare(weights)

    def _fetch(self, position: Any) -> list[np.ndarray]:
        begun = time.perf_counter()
        arrays = self._arrays(self._feed.get(int(position)))
        self.data_seconds += time.perf_counter() - begun
        return arrays

    def _turn(self, number: int) -> Iterator[Fields]:
        length = self._generated.length
        if not self._mixes or length is None:
            return self._generated.turn()
        order = np.random.default_rng((self._seed, number)).permutation(length)
        return self._generated.turn(order)

    def _arrays(self, fields: Fields) -> list[np.ndarray]:
        """The arrays of a batch one after the other; ``_parts`` takes them apart again."""
        project = self._project
        chosen = project.fit.sample_weights or (
            {node.id: WEIGHT for node in project.graph.outputs} if WEIGHT in fields else {}
        )
        source = source_of(self._data.path, fields)
        dataset = read_source(source, self._data, project.graph, chosen)
        samples = match(self._built, project, dataset.inputs, dataset.targets)
        weights = field_weights(self._built, project, dataset.weights, samples)
        by_class: Weights = [None] * len(weights)
        if self._weighs_classes:
            by_class = class_weights(self._built, project, samples)
        both = multiplied(weights, by_class, samples)
        self._judged = [target is not None for target in samples.y]
        self._weighed = both is not None
        arrays = [*samples.x, *samples.y, *(both or ())]
        return [as_floatx(array) for array in arrays if array is not None]

    def _parts(self, arrays: Any) -> tuple[list[Any], list[Any], list[Any] | None]:
        """Inputs, targets and weights."""
        left = iter(arrays)
        x = [next(left) for _ in self._project.graph.inputs]
        y = [next(left) if judged else None for judged in self._judged]
        if not self._weighed:
            return x, y, None
        return x, y, [next(left) if judged else None for judged in self._judged]


def generator_batches(
    built: BuiltModel, project: Project, catalogue: Catalogue
) -> GeneratorBatches:
    """The training batches of a project whose data its own code makes.

    Raises:
        BuildError: an option needs to know all samples.
        KBuilderError: the code gives no batches that fit.
    """
    fit = project.fit
    if fit.validation_split and not fit.validation_data.kind:
        text = (
            "Batches of own code cannot be split, since nobody knows the last of them. Choose validation "
            "data of its own, or none."
        )
        raise BuildError((fit_problem("validation_split", text, 0.0),))
    if BALANCED in fit.class_weights.values():
        raise KBuilderError(
            "Balanced class weights need to know all samples, which batches of own code do not tell. "
            "Choose the weights by hand."
        )
    return GeneratorBatches(
        built,
        project,
        project.data,
        steps=fit.steps_per_epoch,
        shuffle=bool(fit.shuffle),
        weighs_classes=bool(fit.class_weights),
        augmentation=make_augmentation(project, catalogue),
    )


def _first(arrays: list[np.ndarray | None], count: int) -> list[np.ndarray | None]:
    """The first samples of each array."""
    return [None if array is None else array[:count] for array in arrays]
