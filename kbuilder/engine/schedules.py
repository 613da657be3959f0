"""The learning rate over the steps of a training, as the optimizer will see it."""

from __future__ import annotations

import keras
import numpy as np

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.values import KerasObject
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.objects import KERAS_ERRORS, make, problem


def learning_rates(
    catalogue: Catalogue, optimizer: KerasObject, last: int, points: int
) -> np.ndarray:
    """Rates, float32, at ``points`` evenly spaced steps from 0 to ``last``.

    Raises:
        BuildError: the optimizer or its schedule does not take its parameters.
    """
    try:
        made = make(catalogue, "optimizers", optimizer.class_name, optimizer.params)
        rate = made._learning_rate
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            return np.full(points, float(made.learning_rate), np.float32)
        steps = np.linspace(0, last, points).round()
        return np.array([float(rate(step)) for step in steps.astype(int)], np.float32)
    except KERAS_ERRORS as error:
        spec = catalogue.find("optimizers", optimizer.class_name)
        raise BuildError((problem(error, spec, subject=optimizer.class_name),)) from error
