"""For every layer of the catalogue a tensor that it really takes, and a model around it."""

from __future__ import annotations

from typing import Any

import keras

from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.values import Params
from kbuilder.engine.objects import make

CATALOGUE = load_catalogue()

SPECIAL_INPUTS: dict[str, tuple[tuple[int, ...], str]] = {
    "Embedding": ((8,), "int32"),
    "ReversibleEmbedding": ((8,), "int32"),
    "EinsumDense": ((16,), "float32"),
    "GroupNormalization": ((64,), "float32"),
    "Permute": ((6, 8), "float32"),
    "CategoryEncoding": ((4,), "int32"),
    "Hashing": ((4,), "int32"),
    "HashedCrossing": ((), "int32"),
    "IntegerLookup": ((4,), "int32"),
    "StringLookup": ((4,), "string"),
    "TextVectorization": ((), "string"),
    "MelSpectrogram": ((16000,), "float32"),
    "STFTSpectrogram": ((4000, 1), "float32"),
}
SIZES = {2: (8,), 3: (6, 8), 4: (32, 32, 3), 5: (12, 12, 12, 3), 6: (4, 12, 12, 12, 2)}


def input_for(spec: ClassSpec) -> Any:
    """A symbolic tensor of a shape and dtype that the layer takes."""
    usual = (SIZES[max(spec.min_rank or 2, 2)], "float32")
    size, dtype = SPECIAL_INPUTS.get(spec.class_name, usual)
    assert (spec.min_rank or 1) <= len(size) + 1 <= (spec.max_rank or 99)
    return keras.Input(size, dtype=dtype, name="in")


def call(layer: Any, spec: ClassSpec, tensor: Any) -> Any:
    """The layer on that tensor at every port that has to be fed."""
    if spec.many_inputs:
        return layer([tensor, tensor, tensor])
    fed = len(spec.ports) - spec.optional_ports
    if spec.class_name in ("MultiHeadAttention", "GroupQueryAttention"):
        return layer(*[tensor] * fed)
    return layer([tensor] * fed) if fed > 1 else layer(tensor)


def model_with(spec: ClassSpec, params: Params | None = None) -> keras.Model:
    """A model of that one layer, called ``it``; with its preset unless other parameters are given."""
    values = spec.preset if params is None else params
    layer = make(CATALOGUE, "layers", spec.class_name, {**values, "name": "it"})
    tensor = input_for(spec)
    return keras.Model(tensor, call(layer, spec, tensor))
