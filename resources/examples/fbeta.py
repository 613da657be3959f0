"""F-beta: precision and recall in one number, over the whole epoch.

`beta` above 1 counts recall more, below 1 precision. A prediction counts as positive from
0.5 - `threshold_shift` on.
"""

import keras
from keras import ops


class FBeta(keras.metrics.Metric):
    """F-beta of all batches so far, for labels and predictions from 0 to 1."""

    def __init__(self, beta=1.0, threshold_shift=0.0, name="fbeta", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.beta = beta
        self.threshold_shift = threshold_shift
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.predicted = self.add_weight(name="predicted", initializer="zeros")
        self.positive = self.add_weight(name="positive", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.cast(y_pred, self.dtype)
        y_true = ops.reshape(ops.cast(y_true, self.dtype), ops.shape(y_pred))
        guess = ops.round(ops.clip(y_pred, 0.0, 1.0) + self.threshold_shift)
        guess = ops.clip(guess, 0.0, 1.0)
        self.hits.assign_add(ops.sum(ops.round(y_true * guess)))
        self.predicted.assign_add(ops.sum(guess))
        self.positive.assign_add(ops.sum(ops.round(y_true)))

    def result(self):
        precision = ops.divide_no_nan(self.hits, self.predicted)
        recall = ops.divide_no_nan(self.hits, self.positive)
        squared = self.beta**2
        return ops.divide_no_nan((1 + squared) * precision * recall, squared * precision + recall)

    def get_config(self):
        return {
            **super().get_config(),
            "beta": self.beta,
            "threshold_shift": self.threshold_shift,
        }
