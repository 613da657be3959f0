"""What is known of nodes and data without building or training: rules judge a project by it."""

from __future__ import annotations

import msgspec

Shape = tuple[int | None, ...]


class TensorFacts(msgspec.Struct, frozen=True, gc=False):
    """Shape with the batch dimension (None where open) and dtype of one tensor.

    ``masked`` means that Keras carries a mask along, which tells layers what to pass over.
    """

    shape: Shape
    dtype: str
    masked: bool = False


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a node without building it: its tensors, weights and costs.

    ``weight_bytes`` is the memory of its weights, ``activation_bytes`` that of its outputs for one
    sample (open dimensions count as 1), ``mult_adds`` the multiply-adds for one sample. A node that
    shares another one's layer counts no weights of its own.
    """

    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    trainable_params: int = 0
    fixed_params: int = 0
    weight_bytes: int = 0
    activation_bytes: int = 0
    mult_adds: int = 0


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
