"""What is exported: a model, the project it came from, and samples that it is tried with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from kbuilder.document.project import Project
from kbuilder.document.script.steering import Steered
from kbuilder.engine.arrays import bare
from kbuilder.engine.build import BuiltModel

PROOF_SAMPLES = 8
OPEN_LENGTH = 16
"""How long an open dimension is in random samples."""

Rebuild = Callable[[], BuiltModel]
Check = Callable[[], object]


def no_hurry() -> None:
    """The check of those who wait to the end."""


@dataclass(frozen=True)
class Subject:
    """A built model and the samples ``inputs``, one array for each input in its dtype.

    ``rebuild`` makes the model anew from its seed. ``name`` is what it is called; ``base`` the folder
    that relative data paths start from. ``from_data`` tells that the samples are the data's first.
    ``steered`` is what was changed by hand while its run trained. ``check`` raises when the user does
    not want to wait any longer.
    """

    built: BuiltModel
    project: Project
    inputs: list[np.ndarray]
    rebuild: Rebuild
    name: str = "model"
    base: str = ""
    from_data: bool = False
    check: Check = no_hurry
    steered: tuple[Steered, ...] = ()

    @classmethod
    def of(
        cls,
        built: BuiltModel,
        project: Project,
        inputs: Sequence[np.ndarray] | None,
        rebuild: Rebuild,
        name: str = "model",
        base: str = "",
        check: Check = no_hurry,
        steered: tuple[Steered, ...] = (),
    ) -> Subject:
        """With the first samples of ``inputs``, or with random ones where there are none."""
        model = built.model
        from_data = inputs is not None and len(inputs[0]) >= (fixed_rows(model) or 1)
        if inputs is not None and from_data:
            tried = [_as_input(a, t) for a, t in zip(inputs, model.inputs, strict=True)]
        else:
            tried = random_inputs(model)
        return cls(built, project, tried, rebuild, name, base, from_data, check, steered)

    @property
    def model(self) -> keras.Model:
        """The Keras model."""
        return self.built.model

    @cached_property
    def outputs(self) -> list[np.ndarray]:
        """Our own predictions for the samples."""
        return predictions(self.model, self.inputs)

    @cached_property
    def is_random(self) -> bool:
        """Whether the same samples give something else each time, so that nothing can be compared."""
        again = predictions(self.model, self.inputs)
        return any(
            not np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
            for one, other in zip(self.outputs, again, strict=True)
        )

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, in the order of the model."""
        return [tensor.name for tensor in self.model.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names for the outputs, each once, in the order of the model."""
        names = [node.name for node in self.built.graph.outputs]
        count = len(self.model.outputs)
        return names if len(names) == count else [f"output_{n}" for n in range(count)]


def predictions(model: keras.Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs in a row; texts go in as tensors, because Keras does not take NumPy's."""
    fed = [tf.constant(array) if array.dtype.kind in "OSU" else array for array in inputs]
    return [as_plain(values) for values in keras.tree.flatten(model.predict_on_batch(bare(fed)))]


def as_plain(values: np.ndarray) -> np.ndarray:
    """Values in a dtype that NumPy can store: ``bfloat16`` becomes ``float32``, texts become bytes."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return array.astype("S")
    return (
        array.astype(np.float32) if array.dtype.kind == "V" or array.dtype.isbuiltin == 2 else array
    )


def fixed_rows(model: keras.Model) -> int:
    """The size of the batch that a model asks for; 0 when it takes any."""
    return next((tensor.shape[0] for tensor in model.inputs if tensor.shape[0]), 0)


def random_inputs(model: keras.Model) -> list[np.ndarray]:
    """Samples for every input from a fixed seed. Whole numbers are 0 and 1, texts a few words."""
    generator = np.random.default_rng(0)
    rows = fixed_rows(model) or PROOF_SAMPLES
    return [_random(generator, tensor, rows) for tensor in model.inputs]


def _random(generator: np.random.Generator, tensor: keras.KerasTensor, rows: int) -> np.ndarray:
    shape = (rows, *(size or OPEN_LENGTH for size in tensor.shape[1:]))
    dtype = str(tensor.dtype)
    if dtype == "string":
        return generator.choice(np.array(["a", "few", "words", "of text"]), shape)
    if dtype.startswith(("int", "uint", "bool")):
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.random(shape).astype(dtype if dtype != "bfloat16" else "float32")


def _as_input(array: np.ndarray, tensor: keras.KerasTensor) -> np.ndarray:
    rows = array[: tensor.shape[0] or PROOF_SAMPLES]
    dtype = str(tensor.dtype)
    return rows if dtype in ("string", "bfloat16") else rows.astype(dtype)
