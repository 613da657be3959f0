"""Inputs against the data that feeds them, and what embeddings and merges are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbuilder.document.advice.evidence import Evidence
from kbuilder.document.facts import FieldFacts
from kbuilder.document.fixes import Fix, SetParams
from kbuilder.document.graph import INPUT_CLASS, Node
from kbuilder.document.problems import Problem
from kbuilder.document.structure.parameters import shown


def data_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """An Input whose shape the data does not have."""
    fields, wanted = evidence.fields.get(node.id, ()), node.params.get("shape")
    if not fields or not isinstance(wanted, list | tuple):
        return
    found = _sample_shape(fields, takes_codes=_takes_codes(node))
    if found is None or any(_fits(shape, wanted) for shape in _alternatives(found)):
        return
    shape = _wanted_by_readers(evidence, node, found)
    names = fields[0].name if len(fields) == 1 else f"{fields[0].name}” to “{fields[-1].name}"
    yield Problem(
        severity="error",
        kind="input-data",
        node=node.id,
        parameter="shape",
        text=f"“{node.name}” takes samples of shape {shown(wanted)}, but its data “{names}” gives "
        f"{shown(list(found))}. Set its shape to the data's, or choose another field under Data.",
        fixes=(
            Fix(
                text=f"Set shape to {shown(shape)}",
                steps=(SetParams(node=node.id, values={"shape": shape}),),
            ),
        ),
    )


def _takes_codes(node: Node) -> bool:
    return str(node.params.get("dtype", "")).startswith(("int", "uint"))


def _sample_shape(fields: Sequence[FieldFacts], *, takes_codes: bool) -> tuple[int, ...] | None:
    """What the fields give for one sample, stacked on the last axis; None when they cannot be stacked."""
    shapes = []
    for field in fields:
        # Text becomes a vector with one value for each class, unless the node wants the codes.
        coded = field.dtype == "text" and not field.shape and not takes_codes
        shapes.append((len(field.classes),) if coded else field.shape)
    if len(shapes) == 1:
        return shapes[0]
    columns = [shape or (1,) for shape in shapes]
    if len({shape[:-1] for shape in columns}) > 1:
        return None
    return (*columns[0][:-1], sum(shape[-1] for shape in columns))


def _alternatives(found: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes that the engine makes of the data as the Input wants it."""
    bare = found[:-1] if found[-1:] == (1,) else found
    return [found, (*found, 1), bare]


def _fits(found: tuple[int, ...], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(
        size in (None, given) for given, size in zip(found, wanted, strict=True)
    )


def _wanted_by_readers(evidence: Evidence, node: Node, found: tuple[int, ...]) -> list[int]:
    """The data's shape, with a channel where a layer that reads it needs one."""
    for edge in evidence.graph.outgoing[node.id]:
        spec = evidence.catalogue.layer(evidence.graph.by_id[edge.target].class_name)
        if spec and spec.min_rank == len(found) + 2:
            return [*found, 1]
    return list(found) or [1]


def embedding_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """An Embedding with too few rows for its data, or fed with fractions."""
    wiring = evidence.wiring
    source = wiring.origin(wiring.source(node.id))
    start = evidence.graph.by_id.get(source)
    fields = evidence.fields.get(source, ()) if start and start.class_name == INPUT_CLASS else ()
    highest = _highest(fields)
    rows = wiring.value(node.id, "input_dim")
    if highest is not None and isinstance(rows, int) and highest >= rows:
        needed = int(highest) + 1
        yield Problem(
            severity="error",
            kind="vocabulary",
            node=node.id,
            parameter="input_dim",
            text=f"“{node.name}” has rows for the numbers 0 to {rows - 1}, but “{fields[0].name}” goes up "
            f"to {int(highest)}. Set input_dim to {needed} or more.",
            fixes=(
                Fix(
                    text=f"Set input_dim to {needed}",
                    steps=(SetParams(node=node.id, values={"input_dim": needed}),),
                ),
            ),
        )
    facts = evidence.facts.get(node.id)
    if facts and facts.inputs and "float" in facts.inputs[0].dtype:
        yield _floats(node, start, facts.inputs[0].dtype)


def _highest(fields: Sequence[FieldFacts]) -> float | None:
    found = [
        len(field.classes) - 1 if field.dtype == "text" else field.maximum
        for field in fields
        if field.maximum is not None or field.classes
    ]
    return max((value for value in found if value is not None), default=None)


def _floats(node: Node, start: Node | None, dtype: str) -> Problem:
    from_input = start is not None and start.class_name == INPUT_CLASS
    fixes: tuple[Fix, ...] = ()
    if start is not None and from_input:
        step = SetParams(node=start.id, values={"dtype": "int32"})
        fixes = (Fix(text=f"Set dtype of {start.name} to int32", steps=(step,)),)
    return Problem(
        severity="info" if from_input else "warning",
        kind="embedding-floats",
        node=node.id,
        text=f"“{node.name}” looks up whole numbers, but gets {dtype}; fractions are cut off. "
        "Feed it with int32.",
        fixes=fixes,
    )


def merge_problems(evidence: Evidence, node: Node) -> Iterator[Problem]:
    """Inputs of different dtypes, which Keras turns into one."""
    facts = evidence.facts.get(node.id)
    if facts is None:
        return
    dtypes = list(dict.fromkeys(given.dtype for given in facts.inputs))
    if len(dtypes) < 2:
        return
    wanted = next((dtype for dtype in dtypes if "float" in dtype), dtypes[0])
    wires = zip(evidence.graph.incoming[node.id], facts.inputs, strict=False)
    others = [evidence.graph.by_id[edge.source] for edge, given in wires if given.dtype != wanted]
    fixable = bool(others) and all(other.class_name == INPUT_CLASS for other in others)
    steps = tuple(SetParams(node=other.id, values={"dtype": wanted}) for other in others)
    names = " and ".join(other.name for other in others)
    yield Problem(
        severity="info",
        kind="merge-dtypes",
        node=node.id,
        text=f"{node.class_name} “{node.name}” joins {' and '.join(dtypes)}; Keras turns all into "
        f"{wanted}. Give the inputs one dtype.",
        fixes=(Fix(text=f"Set dtype of {names} to {wanted}", steps=steps),) if fixable else (),
    )
