"""Values that travel inside messages: arrays and the preview of the data."""

from __future__ import annotations

import msgspec

from kbuilder.document.facts import FieldFacts


class Array(msgspec.Struct, frozen=True):
    """A numeric array as NumPy's dtype name, shape, and bytes in C order."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


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
