"""The data of a fit: what the training loop and its validation cut their batches from."""

from __future__ import annotations

from dataclasses import dataclass

from kbuilder.document.project import Project
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.data import Dataset
from kbuilder.engine.matching import match, split


@dataclass(frozen=True)
class FitData:
    """Batches to train with and to validate with; ``validation`` is None without one."""

    train: Batches
    validation: Batches | None


def fit_data(built: BuiltModel, project: Project, dataset: Dataset) -> FitData:
    """The batches that the fit options ask for.

    Raises:
        BuildError: the data does not fit the model or the options.
    """
    fit = project.fit
    samples = match(built, project, dataset.inputs, dataset.targets)
    training, held_out = split(samples, fit)
    train = Batches(training.x, training.y, fit.batch_size, shuffle=bool(fit.shuffle))
    if held_out is None:
        return FitData(train, None)
    first = len(training.x[0])
    return FitData(train, Batches(held_out.x, held_out.y, fit.batch_size, first_sample=first))
