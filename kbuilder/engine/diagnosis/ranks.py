"""Inputs with too few or too many dimensions."""

from __future__ import annotations

import math
from dataclasses import replace

from msgspec.structs import replace as changed

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.facts import Shape
from kbuilder.document.fixes import Fix
from kbuilder.document.graph import INPUT_CLASS
from kbuilder.document.ports import main_ports
from kbuilder.document.problems import Problem
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import known_size, words
from kbuilder.engine.diagnosis.case import Case, Input

MEANINGS = {
    2: "batch, features",
    3: "batch, steps, features",
    4: "batch, height, width, channels",
    5: "batch, depth, height, width, channels",
}


def wrong_rank(case: Case) -> Problem | None:
    """An input that the class cannot take, or whose steps a recurrent layer keeps to itself."""
    ranked = replace(case, spec=_ranked(case))
    for given in judged_inputs(ranked.spec, case.inputs):
        if not takes_rank(ranked.spec, len(given.shape)):
            return _without_sequences(ranked, given) or _other_rank(ranked, given)
    return None


def _ranked(case: Case) -> ClassSpec:
    """The class whose ranks count: of a wrapper, those of the layer inside."""
    inner = case.value("layer")
    name = inner.get("class_name") if isinstance(inner, dict) else None
    spec = case.wiring.catalogue.layer(name) if isinstance(name, str) else None
    if spec is None or case.node.class_name not in ("Bidirectional", "TimeDistributed"):
        return case.spec
    steps = 1 if case.node.class_name == "TimeDistributed" else 0
    return changed(
        case.spec,
        min_rank=max((spec.min_rank or 0) + steps, case.spec.min_rank or 0),
        max_rank=spec.max_rank + steps if spec.max_rank else None,
    )


def takes_rank(spec: ClassSpec, rank: int) -> bool:
    """Whether the catalogue allows that number of dimensions for a class."""
    return (spec.min_rank or 0) <= rank <= (spec.max_rank or rank)


def judged_inputs(spec: ClassSpec, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """The inputs that the ranks in the catalogue speak of: all of attention, else the first."""
    if spec.family != "Attention":
        return inputs[:1]
    return tuple(given for given in inputs if given.port < main_ports(spec))


def wanted_rank(spec: ClassSpec) -> str:
    """The ranks that a class takes, in words."""
    if spec.max_rank is None:
        return f"at least {spec.min_rank} dimensions"
    if spec.min_rank == spec.max_rank:
        meaning = MEANINGS.get(spec.max_rank)
        return f"{spec.max_rank} dimensions" + (f" ({meaning})" if meaning else "")
    return f"{spec.min_rank or 1} to {spec.max_rank} dimensions"


def _without_sequences(case: Case, given: Input) -> Problem | None:
    source = case.wiring.origin(given.source)
    lacking = (case.spec.min_rank or 0) - len(given.shape)
    if lacking != 1 or not source or not case.wiring.reads_last_step(source):
        return None
    name = case.name_of(source)
    values = case.wiring.recurrent_values(source, return_sequences=True)
    return case.problem(
        "sequences-missing",
        f"{case.title} takes {wanted_rank(case.spec)}, but “{name}” gives its last step only, "
        f"{words(given.shape)}. Turn on return_sequences in “{name}”.",
        [case.set_on(source, f"Use return_sequences in {name}", **values)],
    )


def _other_rank(case: Case, given: Input) -> Problem:
    rank = len(given.shape)
    many = case.spec.max_rank is not None and rank > case.spec.max_rank
    fixes = _flattening(case, given) if many else _widening(case, given)
    ports = case.spec.ports
    port = f" as its {ports[given.port]}" if len(ports) > 1 and given.port < len(ports) else ""
    advice = "Put a Flatten or Reshape in front of it" if many else "Put a Reshape in front of it"
    return case.problem(
        "rank",
        f"{case.title} takes tensors with {wanted_rank(case.spec)}{port} and gets {words(given.shape)}, "
        f"which has {rank}. {advice}, or change the shape of the Input.",
        fixes,
    )


def _flattening(case: Case, given: Input) -> list[Fix | None]:
    """Fewer dimensions: the last ones made one, or pooled away."""
    highest, shape = case.spec.max_rank or 0, given.shape
    fixes: list[Fix | None] = []
    if highest == 2:
        if known_size(shape) is not None:
            fixes.append(case.insert("Insert Flatten", "Flatten", given.port))
        if 3 <= len(shape) <= 5:
            pooling = f"GlobalAveragePooling{len(shape) - 2}D"
            fixes.append(case.insert(f"Insert {pooling}", pooling, given.port))
        return fixes
    rest = shape[highest - 1 :]
    merged = -1 if None in rest else math.prod(size for size in rest if size is not None)
    return [_reshape(case, given, [*shape[1 : highest - 1], merged])]


def _widening(case: Case, given: Input) -> list[Fix | None]:
    """More dimensions: a last one of size 1, or a flat picture laid out again."""
    lowest, shape = case.spec.min_rank or 0, given.shape
    lacking = lowest - len(shape)
    if lacking == 1:
        target = [*shape[1:], 1]
        return [_reshape(case, given, target), _input_shape(case, given, target)]
    picture = _picture(shape) if lowest == 4 and len(shape) == 2 else None
    return [_reshape(case, given, picture or [*shape[1:], *[1] * lacking])]


def _picture(shape: Shape) -> list[int | None] | None:
    """Height, width and channels of a square picture with that many values."""
    for channels in (1, 3, 4):
        side = math.isqrt((shape[1] or 0) // channels)
        if side > 1 and side * side * channels == shape[1]:
            return [side, side, channels]
    return None


def _reshape(case: Case, given: Input, target: list[int | None]) -> Fix | None:
    """A Reshape to ``target``, where one dimension may be open."""
    if target.count(None) + target.count(-1) > 1:
        return None
    sizes = [-1 if size is None else size for size in target]
    text = f"Insert Reshape to {shown(sizes)}"
    return case.insert(text, "Reshape", given.port, target_shape=sizes)


def _input_shape(case: Case, given: Input, target: list[int | None]) -> Fix | None:
    """The same shape from the Input itself, if nothing else reads it."""
    graph = case.wiring.graph
    source = graph.by_id[given.source]
    if source.class_name != INPUT_CLASS or len(graph.outgoing[source.id]) > 1 or len(target) < 2:
        return None
    text = f"Set shape of {source.name} to {shown(target)}"
    return case.set_on(source.id, text, shape=target)
