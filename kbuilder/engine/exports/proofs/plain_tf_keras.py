"""Run as a script in a process of its own: load a model file with nothing but tf.keras 2.x and predict.

Arguments: the file, and a folder with ``inputs.npz`` that takes the answers. ``outputs.npz`` gets the
predictions and, behind them, the variables of the optimizer.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

sys.path[:0] = [path for path in os.environ["KBUILDER_PROOF_PATH"].split(os.pathsep) if path]
import tf_keras  # noqa: E402 - it lies in a folder of its own


def main(file: str, folder: str) -> None:
    """Predict with the model in a file."""
    place = Path(folder)
    model = tf_keras.models.load_model(file)
    with np.load(place / "inputs.npz") as inputs:
        arrays = [inputs[str(number)] for number in range(len(inputs.files))]
    fed = [tf.constant(array) if array.dtype.kind in "SU" else array for array in arrays]
    outputs = tf.nest.flatten(model.predict_on_batch(fed[0] if len(fed) == 1 else fed))
    optimizer = getattr(model, "optimizer", None)
    state = [variable.numpy() for variable in optimizer.variables()] if optimizer else []
    kept = [as_plain(values) for values in (*outputs, *state)]
    named = {str(number): values for number, values in enumerate(kept)}
    np.savez(place / "outputs.npz", **named)
    (place / "program.txt").write_text(f"tf-keras {tf_keras.__version__}", encoding="utf-8")


def as_plain(values: Any) -> Any:
    """Values in a dtype that NumPy can store."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return array.astype("S")
    return array.astype(np.float32) if array.dtype.kind == "V" else array


if __name__ == "__main__":
    main(*sys.argv[1:])
