"""Run as a script in a process of its own: load a SavedModel with nothing but TensorFlow and predict.

Arguments: the folder of the SavedModel, and one with ``inputs.npz`` that takes the answers.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


def main(file: str, folder: str) -> None:
    """Predict with the function ``serve``."""
    place = Path(folder)
    with np.load(place / "inputs.npz") as inputs:
        arrays = [tf.constant(inputs[str(number)]) for number in range(len(inputs.files))]
    model = tf.saved_model.load(file)  # holds the variables of its functions
    outputs = model.serve(arrays[0] if len(arrays) == 1 else arrays)
    flat = [
        tf.cast(v, tf.float32) if v.dtype == tf.bfloat16 else v for v in tf.nest.flatten(outputs)
    ]
    arrays = [
        values.numpy().astype("S") if values.dtype == tf.string else values for values in flat
    ]
    np.savez(place / "outputs.npz", **{str(n): values for n, values in enumerate(arrays)})
    (place / "program.txt").write_text(f"tensorflow {tf.__version__}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
