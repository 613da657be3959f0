"""Data for a graph: every input and output node gets one array."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.graph import Graph, Node
from kbuilder.document.options import DataOptions
from kbuilder.engine.data_arrays import open_arrays
from kbuilder.engine.data_images import open_images
from kbuilder.engine.data_mapping import FieldChoice, map_fields
from kbuilder.engine.data_preview import class_names, make_preview
from kbuilder.engine.data_source import Field, Source
from kbuilder.engine.data_table import open_table
from kbuilder.engine.generators import GENERATOR, open_generator
from kbuilder.link.values import DataPreview
from kbuilder.resources import resource


@dataclass(frozen=True)
class Dataset:
    """Arrays by node id, first dimension the samples.

    ``targets`` lacks output nodes for which the data has nothing. ``classes`` are the names of the
    integer codes of a target. ``weights`` weigh the samples of an output. ``fields`` are those that the
    nodes take, ``codes`` the names of all fields of classes, by the name of the field.
    """

    inputs: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    samples: int
    classes: dict[str, tuple[str, ...]]
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    fields: FieldChoice | None = None
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load(
    data: DataOptions,
    graph: Graph,
    base: str | Path = "",
    weights: Mapping[str, str] | None = None,
    code: str = "",
) -> Dataset:
    """Read the fields that the graph's nodes take. ``base`` is the folder relative paths start from.

    ``weights`` names the field that weighs the samples of an output node. ``code`` is the own code,
    which may make the data; then these are its first samples.

    Raises:
        FileRefusedError: a file is not what it should be.
        KBuilderError: an input node gets no data, or data of another shape or length.
    """
    return read_source(open_source(data, base, code), data, graph, weights or {})


def load_beside(
    data: DataOptions, graph: Graph, base: str | Path, weights: Mapping[str, str], other: Dataset
) -> Dataset:
    """Read data that goes with ``other``: the same fields where none are chosen, the same class numbers.

    A field of weights that is not there weighs nothing.

    Raises:
        FileRefusedError: a file is not what it should be.
        KBuilderError: as for ``load``, or a class is named that ``other`` does not have.
    """
    source = open_source(data, base)
    fields = tuple(_with_codes(source, found, other.codes) for found in source.fields)
    source = dataclasses.replace(source, fields=fields)
    if other.fields is not None:
        data = msgspec.structs.replace(
            data,
            inputs={**other.fields.inputs, **data.inputs},
            targets={**other.fields.targets, **data.targets},
        )
    there = {node: name for node, name in weights.items() if source.field(name) is not None}
    return read_source(source, data, graph, there)


def read_source(
    source: Source, data: DataOptions, graph: Graph, weights: Mapping[str, str]
) -> Dataset:
    """The fields that the graph's nodes take, as ``load`` does for the source of ``data``."""
    choice = map_fields(source, graph, data, kept=weights.values())
    _refuse_without_input(source, graph, choice)
    inputs = {node.id: _input_values(source, node, choice.inputs[node.id]) for node in graph.inputs}
    targets = {
        node.id: _stacked([_values(source, _field(source, name)) for name in names])
        for node in graph.outputs
        if (names := choice.targets.get(node.id))
    }
    _refuse_unequal(source, graph, inputs, targets)
    classes = {
        node: names
        for node, fields in choice.targets.items()
        if len(fields) == 1 and (names := class_names(_field(source, fields[0]), targets[node]))
    }
    return Dataset(
        inputs,
        targets,
        samples=len(next(iter(inputs.values()))),
        classes=classes,
        weights={
            node.id: _values(source, _field(source, weights[node.id]))
            for node in graph.outputs
            if node.id in weights
        },
        fields=choice,
        codes={found.name: found.classes for found in source.fields if found.classes},
    )


def _with_codes(source: Source, field: Field, codes: Mapping[str, tuple[str, ...]]) -> Field:
    """The field with these class numbers, which may be others than its own file would give."""
    wanted = codes.get(field.name)
    if wanted is None or wanted == field.classes or not field.classes:
        return field
    unknown = [name for name in field.classes if name not in wanted]
    if unknown:
        raise KBuilderError(
            f"“{source.name}”, field “{field.name}”, has the class “{unknown[0]}”, which the training "
            f"data does not have; it has {', '.join(wanted[:12])}. Choose other validation data."
        )
    numbers = np.array([wanted.index(name) for name in field.classes], np.int32)
    return dataclasses.replace(field, classes=wanted, read=lambda: numbers[field.read()])


def preview(
    data: DataOptions,
    graph: Graph,
    base: str | Path = "",
    code: str = "",
    weights: Collection[str] = (),
) -> DataPreview:
    """What the source holds and how it would feed the graph; fields in ``weights`` feed nothing.

    Raises:
        FileRefusedError: a file is not what it should be.
        KBuilderError: a field was chosen that the source does not have.
    """
    source = open_source(data, base, code)
    return make_preview(source, map_fields(source, graph, data, kept=weights))


def open_source(data: DataOptions, base: str | Path = "", code: str = "") -> Source:
    """Open the source that the options name, reading as little as its kind allows.

    Raises:
        FileRefusedError: a file is not what it should be.
        KBuilderError: no data was chosen.
    """
    if not data.kind or not data.path:
        raise KBuilderError("No data is chosen. Choose a file, a folder or a sample under Data.")
    if data.kind == "sample":
        return _sample(data.path)
    if data.kind == GENERATOR:
        return open_generator(code, data.path)
    path = Path(base, data.path)
    if data.kind == "arrays":
        return open_arrays(path, Path(base, data.targets_path) if data.targets_path else None)
    if data.kind == "table":
        return open_table(path)
    if data.kind == "images":
        return open_images(path, data.image_size, data.image_channels)
    raise KBuilderError(
        f"The kind of data “{data.kind}” is not known; expected sample, arrays, table, images or generator."
    )


def sample_names() -> tuple[str, ...]:
    """Names of the bundled data sets."""
    return tuple(
        sorted(file.stem for file in resource("data").iterdir() if file.suffix in (".npz", ".csv"))
    )


def _sample(name: str) -> Source:
    if name not in sample_names():
        raise KBuilderError(
            f"There is no sample “{name}”; there are {', '.join(sample_names())}. Choose one of these."
        )
    arrays = resource("data", f"{name}.npz")
    return open_arrays(arrays) if arrays.exists() else open_table(resource("data", f"{name}.csv"))


def _field(source: Source, name: str) -> Field:
    field = source.field(name)
    if field is None:
        raise KBuilderError(f"“{source.name}” has no field “{name}”. Choose another one.")
    return field


def _values(source: Source, field: Field) -> np.ndarray:
    values = field.read()
    if values.dtype.kind == "f":
        finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise FileRefusedError(
                f"“{source.name}”, field “{field.name}”, sample {row}, holds NaN or infinity "
                f"({int((~finite).sum())} samples in all). Replace such values or leave them out."
            )
    return values


def _refuse_without_input(source: Source, graph: Graph, choice: FieldChoice) -> None:
    for node in graph.inputs:
        if not choice.inputs.get(node.id):
            has = ", ".join(f"“{field.name}”" for field in source.fields[:12])
            raise KBuilderError(
                f"The input “{node.name}” gets no data from “{source.name}”, which has {has}. "
                "Choose the fields for it under Data."
            )


def _input_values(source: Source, node: Node, names: Sequence[str]) -> np.ndarray:
    """The fields of an input node, in the shape that the node wants."""
    wanted = tuple(node.params.get("shape") or ())
    takes_codes = str(node.params.get("dtype", "")).startswith(("int", "uint"))
    takes_text = node.params.get("dtype") == "string"
    parts = []
    for name in names:
        field = _field(source, name)
        values = _values(source, field)
        if takes_text:
            values = _texts(field, values)
        elif field.classes and not field.shape and not takes_codes:
            values = np.eye(len(field.classes), dtype=np.float32)[values]
        parts.append(values)
    values = _stacked(parts)
    found = values.shape[1:]
    for candidate in (found, (*found, 1), found[:-1] if found[-1:] == (1,) else found):
        if _fits(candidate, wanted):
            return values.reshape(len(values), *candidate)
    fields = names[0] if len(names) == 1 else f"{names[0]}” to “{names[-1]}"
    raise KBuilderError(
        f"The input “{node.name}” has shape {_words(wanted)} and its data “{fields}” has {_words(found)} "
        f"for each sample. Set the shape of “{node.name}” to {_words(found)}, or choose other fields."
    )


def _texts(field: Field, values: np.ndarray) -> np.ndarray:
    """The words of a field, which a table keeps as codes; numbers as they are written."""
    words = np.array(field.classes)[values] if field.classes and not field.shape else values
    return words.astype(str).astype(object)


def _words(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if length is None else str(length) for length in shape)})"


def _fits(found: tuple[int, ...], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(
        length in (None, size) for size, length in zip(found, wanted, strict=True)
    )


def _stacked(parts: list[np.ndarray]) -> np.ndarray:
    """Several fields on the last axis; scalars count as one column."""
    if len(parts) == 1:
        return parts[0]
    columns = [part[:, None] if part.ndim == 1 else part for part in parts]
    try:
        stacked = np.concatenate(columns, axis=-1)
    except ValueError as error:
        shapes = " and ".join(_words(part.shape) for part in parts[:3])
        raise KBuilderError(
            f"Fields of shapes {shapes} cannot be stacked for one node. Choose fields that differ only in "
            "the last dimension."
        ) from error
    return stacked.astype(np.float32) if stacked.dtype == np.float64 else stacked


def _refuse_unequal(
    source: Source,
    graph: Graph,
    inputs: dict[str, np.ndarray],
    targets: dict[str, np.ndarray],
) -> None:
    lengths = {graph.by_id[node].name: len(values) for node, values in (inputs | targets).items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count} for “{name}”" for name, count in lengths.items())
        raise KBuilderError(
            f"“{source.name}” has different numbers of samples: {told}. Choose fields of equal length."
        )
