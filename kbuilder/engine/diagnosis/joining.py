"""Concatenate, Dot and attention: inputs that must agree in some dimensions only."""

from __future__ import annotations

import math
from itertools import product

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.fixes import Disconnect, Fix
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import known_size, words
from kbuilder.engine.diagnosis.case import Case, Input


def unequal_beside_axis(case: Case) -> Problem | None:
    """Inputs of Concatenate that differ in more than its axis."""
    if case.node.class_name != "Concatenate" or len(case.inputs) < 2:
        return None
    shapes = [given.shape for given in case.inputs]
    axis = case.value("axis")
    rank = len(shapes[0])
    if not isinstance(axis, int):
        return None
    if any(len(shape) != rank for shape in shapes):
        what = f"inputs with the same number of dimensions and gets {_listed(shapes)}"
        return case.problem(
            "concat-shapes",
            f"{case.title} needs {what}. Flatten the larger ones.",
            [_flatten_all(case)],
            "axis",
        )
    if not -rank <= axis < rank or _agree(shapes, axis % rank):
        return None
    others = [other for other in range(1, rank) if _agree(shapes, other)]
    return case.problem(
        "concat-shapes",
        f"{case.title} joins along axis {axis}, so all other dimensions must be equal, but it gets "
        f"{_listed(shapes)}. Choose another axis, or make the other dimensions equal.",
        [
            *(case.set(axis=other) for other in others[:1]),
            _crop(case, axis % rank),
            _flatten_all(case),
        ],
        "axis",
    )


def _listed(shapes: list[tuple[int | None, ...]]) -> str:
    return " and ".join(words(shape) for shape in shapes)


def _agree(shapes: list[tuple[int | None, ...]], axis: int) -> bool:
    """Whether shapes of one rank differ in one dimension at most."""
    return all(
        len({shape[place] for shape in shapes} - {None}) <= 1
        for place in range(len(shapes[0]))
        if place != axis
    )


def _flatten_all(case: Case) -> Fix | None:
    large = [given for given in case.inputs if len(given.shape) != 2]
    if any(known_size(given.shape) is None for given in large) or case.value("axis") not in (-1, 1):
        return None
    ports = " and ".join(str(given.port + 1) for given in large)
    steps = tuple(case.before("Flatten", given.port) for given in large)
    return Fix(text=f"Insert Flatten before port {ports}", steps=steps) if large else None


def _crop(case: Case, axis: int) -> Fix | None:
    """Cut steps or pictures of unequal size down to the smallest one."""
    rank = len(case.inputs[0].shape)
    if axis != rank - 1 or rank not in (3, 4, 5):
        return None
    sizes = [given.shape[1:-1] for given in case.inputs]
    if any(None in size for size in sizes):
        return None
    smallest = [min(size[place] or 0 for size in sizes) for place in range(rank - 2)]
    steps = []
    for given in case.inputs:
        over = [
            (size or 0) - small for size, small in zip(given.shape[1:-1], smallest, strict=True)
        ]
        if any(over):
            cut = [[extra // 2, extra - extra // 2] for extra in over]
            cropping = cut[0] if rank == 3 else cut
            steps.append(case.before(f"Cropping{rank - 2}D", given.port, cropping=cropping))
    return Fix(text=f"Insert Cropping{rank - 2}D", steps=tuple(steps))


def unequal_dot_axes(case: Case) -> Problem | None:
    """Dot over two axes of different length."""
    if case.node.class_name != "Dot" or len(case.inputs) != 2:
        return None
    first, second = (given.shape for given in case.inputs)
    axes = case.value("axes")
    pair = list(axes) if isinstance(axes, list | tuple) else [axes, axes]
    if len(pair) != 2 or not all(type(axis) is int for axis in pair):
        return None
    one, two = pair
    if not (-len(first) <= one < len(first) and -len(second) <= two < len(second)):
        return None
    if first[one] == second[two]:
        return None
    pairs = [
        [a, b]
        for a, b in product(range(len(first) - 1, 0, -1), range(len(second) - 1, 0, -1))
        if first[a] == second[b] and first[a] is not None
    ]
    width = first[one]
    fixes: list[Fix | None] = [case.set(axes=pairs[0])] if pairs else []
    if width is not None and two in (-1, len(second) - 1):
        text = f"Insert Dense({width}) before port 2"
        fixes.append(case.insert(text, "Dense", 1, units=width))
    return case.problem(
        "dot-axes",
        f"{case.title} multiplies along axis {one} of {words(first)} and axis {two} of "
        f"{words(second)}, which need the same length. Choose other axes.",
        fixes,
        "axes",
    )


def unequal_attention(case: Case) -> Problem | None:
    """Query, value and key whose sizes do not go together."""
    if case.spec.family != "Attention" or len(case.inputs) < 2:
        return None
    by_port = {given.port: given for given in case.inputs}
    query, value, key = (by_port.get(port) for port in range(3))
    if key and value and key.shape[1:-1] != value.shape[1:-1]:
        return case.problem(
            "attention-shapes",
            f"{case.title} needs one key for each value, but its key is {words(key.shape)} and its "
            f"value {words(value.shape)}. Feed both from the same sequence.",
            [Fix(text="Use the value as key", steps=(Disconnect(node=case.node.id, port=2),))],
        )
    measured = key or value
    if not (query and measured and widths_differ(case.spec, case.inputs)):
        return None
    width = query.shape[-1]
    text = f"Insert Dense({width}) before port {measured.port + 1}"
    return case.problem(
        "attention-shapes",
        f"{case.title} compares query with key, so both need the same last dimension, but it gets "
        f"{words(query.shape)} and {words(measured.shape)}. Bring them to one size.",
        [case.insert(text, "Dense", measured.port, units=width)],
    )


def widths_differ(spec: ClassSpec, inputs: tuple[Input, ...]) -> bool:
    """Whether query and key of an attention by product or sum have different last dimensions."""
    by_port = {given.port: given.shape[-1] for given in inputs if given.shape}
    query, key = by_port.get(0), by_port.get(2, by_port.get(1))
    by_comparison = spec.class_name in ("Attention", "AdditiveAttention")
    return by_comparison and query is not None and key is not None and query != key


def uneven_heads(case: Case) -> Problem | None:
    """Query heads that cannot be shared out among the key and value heads."""
    if case.node.class_name != "GroupQueryAttention":
        return None
    queries, keys = case.value("num_query_heads"), case.value("num_key_value_heads")
    if not isinstance(queries, int) or not isinstance(keys, int) or queries % keys == 0:
        return None
    return case.problem(
        "attention-heads",
        f"{case.title} shares {queries} query heads among {keys} key and value heads, which does not "
        "come out even. Choose a divisor.",
        [case.set(num_key_value_heads=math.gcd(queries, keys))],
        "num_key_value_heads",
    )
