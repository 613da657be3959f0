"""Focal loss (Lin et al., 2017): binary cross-entropy that cares less for what is easy.

`gamma` 0 is plain cross-entropy; `alpha` weighs positives against negatives.
"""

import keras
from keras import ops


class FocalLoss(keras.losses.Loss):
    """Focal loss for labels 0 and 1 and predictions from 0 to 1, mean over the last axis."""

    def __init__(self, gamma=2.0, alpha=0.25, name="focal_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.gamma = gamma
        self.alpha = alpha

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        # At exactly 0 or 1 the logarithm would be infinite.
        y_pred = ops.clip(y_pred, keras.config.epsilon(), 1 - keras.config.epsilon())
        chance = ops.where(y_true == 1, y_pred, 1 - y_pred)
        weight = ops.where(y_true == 1, self.alpha, 1 - self.alpha)
        return ops.mean(-weight * (1 - chance) ** self.gamma * ops.log(chance), axis=-1)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "alpha": self.alpha}
