"""Sample weights as Keras 2 counted them: those of 0 are left out of the mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops
from keras.src.trainers.compile_utils import CompileLoss

KERAS_2 = "keras 2"
"""The value of ``FitOptions.weighting`` that asks for it."""

_MEANS = ("sum_over_batch_size", "mean")


class Keras2Weighting(keras.losses.Loss):  # type: ignore[misc]
    """A loss reduced as Keras 2.1 did: ``sum(weights * losses) / count(weights != 0)``.

    Masks count as they did there, and time steps are averaged before weights of whole samples come in.
    It only serves a fit: the compiled model still names the loss itself, and saves that.
    """

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self._loss = loss

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The mean over a batch."""
        mask = getattr(y_pred, "_keras_mask", None)
        losses = self._loss.call(
            ops.convert_to_tensor(y_true, self.dtype), ops.convert_to_tensor(y_pred, self.dtype)
        )
        if mask is not None:
            mask = ops.cast(mask, losses.dtype)
            losses = losses * mask / ops.mean(mask)
        if sample_weight is not None:
            weights = ops.cast(sample_weight, losses.dtype)
            while len(losses.shape) > len(weights.shape):
                losses = ops.mean(losses, -1)
            counted = ops.mean(ops.cast(ops.not_equal(weights, 0), losses.dtype))
            losses = losses * weights / ops.maximum(counted, keras.config.epsilon())
        return ops.mean(losses)


def weigh_as_keras_2(model: keras.Model) -> None:
    """Let the losses of a compiled model that take the mean over a batch take that of Keras 2."""
    compiled: Any = model._compile_loss

    def wrapped(loss: Any) -> Any:
        means = isinstance(loss, keras.losses.Loss) and loss.reduction in _MEANS
        return Keras2Weighting(loss) if means else loss

    losses = compiled._user_loss
    model._compile_loss = CompileLoss(
        [wrapped(loss) for loss in losses] if isinstance(losses, list) else wrapped(losses),
        compiled._user_loss_weights,
        output_names=compiled.output_names,
    )
