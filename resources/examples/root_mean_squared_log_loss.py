"""A loss as a function: what it takes beside targets and predictions are its parameters."""

from keras import ops


def root_mean_squared_log(y_true, y_pred, offset=1.0):
    """Root of the mean squared difference of logarithms, one value for each sample."""
    y_true = ops.cast(y_true, y_pred.dtype)
    difference = ops.log(y_pred + offset) - ops.log(y_true + offset)
    return ops.sqrt(ops.mean(ops.square(difference), axis=-1))
