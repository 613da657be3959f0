"""Writing a model to a file and proving that plain Keras reads the same model from it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from kbuilder.document.errors import KBuilderError
from kbuilder.document.project import Project
from kbuilder.engine import plain_keras
from kbuilder.engine.arrays import bare
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.model_files import load_weights, write_model
from kbuilder.engine.write_model import WEIGHT_ENDINGS

PROOF_SAMPLES = 8
TIMEOUT_S = 300

Rebuild = Callable[[], BuiltModel]


def export(
    built: BuiltModel,
    project: Project,
    path: Path,
    inputs: Sequence[np.ndarray] | None,
    weights_only: bool,
    rebuild: Rebuild,
) -> float:
    """Write the model, load the file again and return the largest difference of the predictions.

    ``inputs`` are samples for each model input; random ones are made without them. A model file is
    loaded by plain Keras in a clean process; a file of weights into the model that ``rebuild`` makes.

    Raises:
        SaveError: the file could not be written.
        KBuilderError: the ending is unknown, or the file does not give the same model again.
    """
    model = built.model
    write_model(model, path, project=project, weights_only=weights_only)
    arrays = [array[:PROOF_SAMPLES] for array in inputs] if inputs else _random(model)
    here = keras.tree.flatten(model.predict_on_batch(bare(arrays)))
    if weights_only or path.name.lower().endswith(WEIGHT_ENDINGS):
        again = rebuild().model
        load_weights(again, path)
        there = keras.tree.flatten(again.predict_on_batch(bare(arrays)))
    else:
        there = _in_plain_keras(path, arrays)
    return max(
        float(np.max(np.abs(np.subtract(one, other, dtype=np.float64)), initial=0.0))
        for one, other in zip(here, there, strict=True)
    )


def _in_plain_keras(path: Path, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory(prefix="kbuilder-") as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        named = {str(number): values for number, values in enumerate(arrays)}
        np.savez(inputs, **named)  # type: ignore[arg-type]
        script = [sys.executable, "-I", plain_keras.__file__, str(path.absolute())]
        done = subprocess.run(
            [*script, str(inputs), str(outputs)],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise KBuilderError(
                f"“{path.name}” was written, but plain Keras cannot load it again: {reason}. "
                "Choose another file format, for example .keras."
            )
        with np.load(outputs) as file:
            return [file[str(number)] for number in range(len(file.files))]


def _random(model: keras.Model) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [_random_samples(generator, tensor) for tensor in model.inputs]


def _random_samples(generator: np.random.Generator, tensor: keras.KerasTensor) -> np.ndarray:
    """Values for one input; an open dimension gets 16 entries. Whole numbers are 0 and 1."""
    batch, *rest = tensor.shape
    shape = (batch or PROOF_SAMPLES, *(size or 16 for size in rest))
    if str(tensor.dtype).startswith(("int", "uint", "bool")):
        return generator.integers(0, 2, shape).astype(str(tensor.dtype))
    return generator.random(shape).astype(str(tensor.dtype))
