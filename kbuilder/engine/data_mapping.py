"""Which fields feed which input and output nodes: the user's choice, else a sensible guess."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import Graph, Node
from kbuilder.document.options import DataOptions
from kbuilder.engine.data_source import Field, Source

INPUT_NAMES = (
    *("x", "x_train", "image", "images", "features", "data", "input", "inputs", "sequence"),
    "sequences",
)
TARGET_NAMES = (
    *("y", "y_train", "label", "labels", "class", "classes", "target", "targets", "species"),
    "output",
)

Names = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class FieldChoice:
    """Field names by node id."""

    inputs: Names
    targets: Names


def map_fields(
    source: Source, graph: Graph, data: DataOptions, kept: Collection[str] = ()
) -> FieldChoice:
    """The fields of every input and output node for which there is a choice or a good guess.

    Fields in ``kept`` are for something else and are not guessed.

    Raises:
        KBuilderError: a chosen field is not in the source.
    """
    targets = _chosen(source, graph.outputs, data.targets)
    inputs = _chosen(source, graph.inputs, data.inputs)
    used = {name for names in (*targets.values(), *inputs.values(), kept) for name in names}
    free = [field for field in source.fields if field.name not in used]
    targets |= _targets(source, _without(graph.outputs, targets), free)
    taken = {name for names in targets.values() for name in names}
    free = [field for field in free if field.name not in taken]
    inputs |= _inputs(source, _without(graph.inputs, inputs), free)
    return FieldChoice(inputs, targets)


def _chosen(source: Source, nodes: Iterable[Node], choice: Mapping[str, tuple[str, ...]]) -> Names:
    found: Names = {}
    for node in nodes:
        names = choice.get(node.id, ())
        for name in names:
            if source.field(name) is None:
                has = ", ".join(f"“{field.name}”" for field in source.fields[:12])
                raise KBuilderError(
                    f"“{node.name}” is to take “{name}”, which “{source.name}” does not have; it has "
                    f"{has}. Choose one of these."
                )
        if names:
            found[node.id] = tuple(names)
    return found


def _without(nodes: Iterable[Node], found: Names) -> list[Node]:
    return [node for node in nodes if node.id not in found]


def _targets(source: Source, nodes: list[Node], free: list[Field]) -> Names:
    found = _by_name(nodes, free)
    rest = _without(nodes, found)
    if len(rest) == 1 and (field := _target_field(source, free, found)) is not None:
        found[rest[0].id] = (field.name,)
    return found


def _target_field(source: Source, free: list[Field], found: Names) -> Field | None:
    taken = {name for names in found.values() for name in names}
    open_fields = [field for field in free if field.name not in taken]
    named = _named(open_fields, TARGET_NAMES)
    if named is not None:
        return named
    if source.columns and len(open_fields) > 1:
        return open_fields[-1]
    return None


def _inputs(source: Source, nodes: list[Node], free: list[Field]) -> Names:
    found = _by_name(nodes, free)
    rest = _without(nodes, found)
    taken = {name for names in found.values() for name in names}
    left = [field for field in free if field.name not in taken]
    if len(rest) != 1 or not left:
        return found
    if source.columns:
        found[rest[0].id] = tuple(field.name for field in left)
        return found
    field = _named(left, INPUT_NAMES) or next(
        (field for field in left if field.name.lower() not in TARGET_NAMES), None
    )
    if field is not None:
        found[rest[0].id] = (field.name,)
    return found


def _by_name(nodes: list[Node], fields: list[Field]) -> Names:
    """Fields that are called like a node, when there are several nodes to tell apart."""
    if len(nodes) < 2:
        return {}
    by_name = {field.name.lower(): field.name for field in fields}
    return {
        node.id: (by_name[node.name.lower()],) for node in nodes if node.name.lower() in by_name
    }


def _named(fields: list[Field], names: tuple[str, ...]) -> Field | None:
    by_name = {field.name.lower(): field for field in fields}
    return next((by_name[name] for name in names if name in by_name), None)
