"""The data of a fit: what the training loop and its validation cut their batches from."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.project import Project
from kbuilder.engine.augmentation import make_augmentation
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.data import Dataset, load_beside
from kbuilder.engine.generator_batches import GeneratorBatches, generator_batches
from kbuilder.engine.generators import GENERATOR
from kbuilder.engine.matching import Samples, check_steps, match, split
from kbuilder.engine.sample_weights import Weights, class_weights, field_weights, multiplied


@dataclass(frozen=True)
class FitData:
    """Batches to train with and to validate with; ``validation`` is None without one."""

    train: Batches
    validation: Batches | None


def fit_data(
    built: BuiltModel, project: Project, dataset: Dataset, catalogue: Catalogue, base: str = ""
) -> FitData:
    """The batches that the fit options ask for. ``base`` is where relative paths start from.

    Class weights count for training alone, weights from a field for validation as well, as in
    ``Model.fit``.

    Raises:
        BuildError: the data does not fit the model or the options.
        KBuilderError: validation data of its own cannot be read.
    """
    fit = project.fit
    if project.data.kind == GENERATOR:
        made = generator_batches(built, project, catalogue)
        own = bool(fit.validation_data.kind)
        return FitData(made, _own_validation(built, project, dataset, base) if own else None)
    samples = match(built, project, dataset.inputs, dataset.targets)
    weights = field_weights(built, project, dataset.weights, samples)
    training, held_out = split(samples, fit)
    count = len(training.x[0])
    by_class = class_weights(built, project, training)
    train = Batches(
        training.x,
        training.y,
        fit.batch_size,
        weights=multiplied(_rows(weights, 0, count), by_class, training),
        shuffle=fit.shuffle,
        seed=fit.seed,
        epoch_steps=fit.steps_per_epoch,
        augmentation=make_augmentation(project, catalogue),
    )
    check_steps("steps_per_epoch", fit.steps_per_epoch, train.all_steps)
    if fit.validation_data.kind:
        return FitData(train, _own_validation(built, project, dataset, base))
    if held_out is None:
        return FitData(train, None)
    weights = _rows(weights, count, len(samples.x[0]))
    return FitData(train, _validation(project, held_out, weights, first_sample=count))


def _own_validation(built: BuiltModel, project: Project, dataset: Dataset, base: str) -> Batches:
    fit = project.fit
    if fit.validation_data.kind == GENERATOR:
        return GeneratorBatches(built, project, fit.validation_data, steps=fit.validation_steps)
    found = load_beside(fit.validation_data, project.graph, base, fit.sample_weights, dataset)
    samples = match(built, project, found.inputs, found.targets)
    there = {node: fit.sample_weights[node] for node in found.weights}
    weighed = replace(project, fit=replace(fit, sample_weights=there))
    return _validation(project, samples, field_weights(built, weighed, found.weights, samples))


def _validation(
    project: Project, samples: Samples, weights: Weights, first_sample: int = 0
) -> Batches:
    fit = project.fit
    batches = Batches(
        samples.x,
        samples.y,
        fit.validation_batch_size or fit.batch_size,
        weights=multiplied(weights, [None] * len(weights), samples),
        epoch_steps=fit.validation_steps,
        first_sample=first_sample,
    )
    check_steps("validation_steps", fit.validation_steps, batches.all_steps)
    return batches


def _rows(weights: Weights, start: int, end: int) -> Weights:
    return [None if each is None else each[start:end] for each in weights]
