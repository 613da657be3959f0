"""What a data source looks like: facts of its fields, first rows, pictures, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kbuilder.document.facts import FieldFacts
from kbuilder.engine.arrays import to_array
from kbuilder.engine.data_mapping import FieldChoice
from kbuilder.engine.data_source import Field, Source
from kbuilder.link.values import Array, DataPreview

ROWS = 16
PICTURES = 24
LONGEST_PICTURE_SIDE = 256
MOST_CLASSES = 1000
IMBALANCE = 3.0
MANY_TEXT_CLASSES = 50
MOST_BYTES_FOR_DUPLICATES = 100_000_000


def make_preview(source: Source, choice: FieldChoice) -> DataPreview:
    """Facts, rows, pictures and warnings; reads the fields once."""
    values = {field.name: _readable(field) for field in source.fields}
    facts = tuple(_facts(field, values[field.name]) for field in source.fields)
    inputs = [name for names in choice.inputs.values() for name in names]
    targets = [name for names in choice.targets.values() for name in names]
    used = inputs + targets
    first = source.field(used[0]) if used else source.fields[0]
    pictures = next(
        (found for name in inputs if (found := _pictures(values[name])) is not None), None
    )
    return DataPreview(
        samples=first.samples if first is not None else 0,
        fields=facts,
        inputs=choice.inputs,
        targets=choice.targets,
        rows=_rows(source.fields),
        pictures=pictures,
        picture_labels=_labels(source, targets) if pictures is not None else (),
        warnings=(*source.warnings, *_warnings(source, values, facts, inputs, targets)),
    )


def class_names(field: Field, values: np.ndarray) -> tuple[str, ...]:
    """Names of a field's class codes; empty when the values are not class labels."""
    if field.classes:
        return field.classes
    is_label = values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)
    if not is_label or values.dtype.kind not in "iub" or not values.size:
        return ()
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= MOST_CLASSES or (values.size > MOST_CLASSES and high > values.size / 2):
        return ()
    if np.unique(values).size * 2 < high + 1:
        return ()  # counts of something, not codes
    return tuple(str(code) for code in range(high + 1))


def _readable(field: Field) -> np.ndarray | None:
    return None if field.problem else field.read()


def _facts(field: Field, values: np.ndarray | None) -> FieldFacts:
    if values is None:
        return FieldFacts(name=field.name, dtype=field.dtype, shape=field.shape)
    classes = class_names(field, values)
    counts: tuple[int, ...] = ()
    if classes:
        counted = np.bincount(values.reshape(-1).astype(np.int64), minlength=len(classes))
        counts = tuple(int(count) for count in counted)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    plain = not field.classes and finite.size
    return FieldFacts(
        name=field.name,
        dtype=field.dtype,
        shape=field.shape,
        classes=classes,
        counts=counts,
        minimum=float(finite.min()) if plain else None,
        maximum=float(finite.max()) if plain else None,
    )


def _rows(fields: Iterable[Field]) -> tuple[tuple[str, ...], ...]:
    """First samples as text. Fields of other lengths end earlier with empty cells."""
    columns = [field.cells(ROWS) for field in fields]
    length = max(len(column) for column in columns)
    filled = [column + ("",) * (length - len(column)) for column in columns]
    return tuple(zip(*filled, strict=True))


def _pictures(values: np.ndarray | None) -> Array | None:
    """The first samples as pictures, if they have a height, a width and 1, 3 or 4 channels."""
    if values is None or values.ndim not in (3, 4) or min(values.shape[1:3]) < 4:
        return None
    shown = values[:PICTURES]
    if shown.ndim == 3:
        shown = shown[..., None]
    if shown.shape[3] not in (1, 3, 4):
        return None
    step = -(-max(shown.shape[1:3]) // LONGEST_PICTURE_SIDE)
    shown = shown[:, ::step, ::step]
    if values.dtype != np.uint8 or values.max() < 128:
        shown = _stretched(shown)
    return to_array(shown.astype(np.uint8))


def _stretched(values: np.ndarray) -> np.ndarray:
    """Values spread over 0 to 255. Not-a-number becomes 0."""
    clean = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    low, high = float(clean.min()), float(clean.max())
    return (clean - low) * (255 / (high - low)) if high > low else np.zeros_like(clean)


def _labels(source: Source, targets: list[str]) -> tuple[str, ...]:
    field = source.field(targets[0]) if targets else None
    return field.cells(PICTURES) if field is not None and not field.shape else ()


def _warnings(
    source: Source,
    values: dict[str, np.ndarray | None],
    facts: tuple[FieldFacts, ...],
    inputs: list[str],
    targets: list[str],
) -> Iterable[str]:
    used = set(inputs) | set(targets)
    for field, fact in zip(source.fields, facts, strict=True):
        if field.problem and field.name in used:
            yield field.problem
        elif field.name in used:
            yield from _field_warnings(field, fact, values[field.name], field.name in targets)
    idle = [field.name for field in source.fields if field.name not in used]
    if idle and used:
        yield f"Not used: {', '.join(idle[:8])}{' and others' if len(idle) > 8 else ''}."
    if repeated := _repeated_rows([values[name] for name in [*inputs, *targets]]):
        yield f"{repeated} samples are exact copies of others; validation may look too good."


def _field_warnings(
    field: Field, fact: FieldFacts, values: np.ndarray | None, target: bool
) -> Iterable[str]:
    if values is None:
        return
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        yield f"“{field.name}” holds NaN or infinity; replace such values before training."
    if fact.minimum is not None and fact.minimum == fact.maximum:
        yield f"“{field.name}” is {fact.minimum:g} in every sample, so it tells nothing."
    if target and fact.classes:
        yield from _class_warnings(field.name, fact)
    elif len(field.classes) > MANY_TEXT_CLASSES and not target:
        yield (
            f"“{field.name}” is text with {len(field.classes)} different values; each becomes an input "
            "of its own."
        )


def _class_warnings(name: str, fact: FieldFacts) -> Iterable[str]:
    present = [
        (count, label) for count, label in zip(fact.counts, fact.classes, strict=True) if count
    ]
    empty = [label for count, label in zip(fact.counts, fact.classes, strict=True) if not count]
    if empty:
        yield f"No sample of “{name}” is of class {', '.join(empty[:5])}; classes count from 0."
    most, fewest = max(present), min(present)
    if len(present) == 1:
        yield f"All samples of “{name}” are of one class, “{most[1]}”."
    elif most[0] > IMBALANCE * fewest[0]:
        yield (
            f"“{name}” is out of balance: {most[0]} samples of “{most[1]}”, {fewest[0]} of "
            f"“{fewest[1]}”."
        )


def _repeated_rows(parts: list[np.ndarray | None]) -> int:
    """How many samples are equal to an earlier one in everything that is used."""
    arrays = [part for part in parts if part is not None]
    if not arrays or len({len(part) for part in arrays}) > 1:
        return 0
    if sum(part.nbytes for part in arrays) > MOST_BYTES_FOR_DUPLICATES:
        return 0
    flat = [np.ascontiguousarray(part.reshape(len(part), -1)) for part in arrays]
    rows = {b"".join(part[row].tobytes() for part in flat) for row in range(len(flat[0]))}
    return len(flat[0]) - len(rows)
