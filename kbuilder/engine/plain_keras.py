"""Run as a script in a process of its own: load a model file with nothing but Keras and predict.

Arguments: the model file, an ``.npz`` with the inputs (``0``, ``1``, ... in the model's order), and the
``.npz`` to write the outputs to.
"""

import sys

import keras
import numpy as np


def main(model_path: str, inputs_path: str, outputs_path: str) -> None:
    """Predict with the model in a file."""
    model = keras.models.load_model(model_path)
    with np.load(inputs_path) as inputs:
        arrays = [inputs[str(number)] for number in range(len(inputs.files))]
    outputs = keras.tree.flatten(model.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays))
    named = {str(number): values for number, values in enumerate(outputs)}
    np.savez(outputs_path, **named)


if __name__ == "__main__":
    main(*sys.argv[1:])
