"""Which layer can feed which, by the number of dimensions alone, before Keras is asked."""

from __future__ import annotations

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import INPUT_CLASS

HIGHEST = 8
"""More dimensions than any tensor in practice."""

_ANY = (INPUT_CLASS, "Reshape", "EinsumDense", "Dot", "TextVectorization", "RNN")
_ONE_MORE = ("Embedding", "ReversibleEmbedding", "MelSpectrogram", "STFTSpectrogram")
_RECURRENT = ("SimpleRNN", "GRU", "LSTM", "Bidirectional")


def takes(spec: ClassSpec, rank: int | None) -> bool:
    """Whether a layer takes an input of that rank; all with an input do when it is unknown."""
    if not spec.ports or spec.class_name == INPUT_CLASS:
        return False
    return rank is None or (spec.min_rank or 0) <= rank <= (spec.max_rank or rank)


def feeds(spec: ClassSpec, target: ClassSpec | None) -> bool:
    """Whether what a layer gives can have a rank that ``target`` takes."""
    if not spec.outputs:
        return False
    if target is None:
        return True
    low, high = gives(spec)
    return low <= (target.max_rank or HIGHEST) and (target.min_rank or 0) <= high


def gives(spec: ClassSpec) -> tuple[int, int]:
    """The lowest and highest rank, with the batch dimension, of what a layer can give."""
    name = spec.class_name
    low, high = spec.min_rank or 1, spec.max_rank or HIGHEST
    if name in _ANY:
        return (1, HIGHEST)
    if name == "Flatten":
        return (2, 2)
    if name == "RepeatVector":
        return (3, 3)
    if name in _ONE_MORE:
        return (low + 1, HIGHEST)
    if name.startswith("Global"):
        return (2, high)
    if name in _RECURRENT or name.startswith("ConvLSTM"):
        return (low - 1, high)
    return (low, high)
