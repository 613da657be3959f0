"""Values that travel inside messages: arrays, shapes, facts about nodes, data and activations."""

from __future__ import annotations

import msgspec

Shape = tuple[int | None, ...]


class Array(msgspec.Struct, frozen=True):
    """A numeric array as NumPy's dtype name, shape, and bytes in C order."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


class TensorFacts(msgspec.Struct, frozen=True):
    """Shape with the batch dimension (None where open) and dtype of one tensor."""

    shape: Shape
    dtype: str


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a node without building it: its tensors and the number of its weights."""

    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    trainable_params: int = 0
    fixed_params: int = 0


class FieldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a data source: an array of an ``.npz``, a column of a table, the pictures of a folder.

    ``shape`` is without the sample dimension. ``classes`` are the class names in the order of their
    integer codes, empty when the field is not a class label. ``counts`` has one count for each class.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class DataPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a data source holds and how it would feed the graph.

    ``inputs`` and ``targets`` are the fields for each input and output node: the user's choice, or a
    proposal where nothing was chosen. ``rows`` are the first samples as text, one cell for each field;
    ``pictures`` the first samples (count, height, width, channels) in uint8 if an input is a picture,
    with ``picture_labels`` as their class names. ``warnings`` are sentences for the user.
    """

    samples: int
    fields: tuple[FieldFacts, ...]
    inputs: dict[str, tuple[str, ...]]
    targets: dict[str, tuple[str, ...]]
    rows: tuple[tuple[str, ...], ...] = ()
    pictures: Array | None = None
    picture_labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
