"""Reshape, Permute, axes, and dimensions that are open where a number is needed."""

from __future__ import annotations

import math

from kbuilder.document.fixes import Fix, ReplaceClass
from kbuilder.document.graph import INPUT_CLASS
from kbuilder.document.problems import Problem
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import known_size, words
from kbuilder.engine.diagnosis.case import Case


def other_size(case: Case) -> Problem | None:
    """A target shape with another number of values than the input."""
    target = case.value("target_shape")
    if case.node.class_name != "Reshape" or not case.inputs or not _whole(target):
        return None
    size = known_size(case.inputs[0].shape)
    if size is None or _holds(list(target), size):
        return None
    wanted = "several open dimensions"
    if list(target).count(-1) < 2:
        wanted = f"{abs(math.prod(target))} values" + (" or a multiple" if -1 in target else "")
    return case.problem(
        "reshape-size",
        f"{case.title} makes {shown(list(target))}, {wanted}, of {words(case.inputs[0].shape)}, which "
        f"has {size}. Choose a shape of {size} values; one dimension may be -1.",
        [case.set(target_shape=shape) for shape in _shapes(list(target), size)[:3]],
        "target_shape",
    )


def _holds(target: list[int], size: int) -> bool:
    known = math.prod(number for number in target if number != -1)
    if target.count(-1) == 1:
        return known > 0 and size % known == 0
    return -1 not in target and known == size


def _shapes(target: list[int], size: int) -> list[list[int]]:
    """Shapes that hold the values and look most like the target."""
    found = []
    for place in range(len(target) - 1, -1, -1):
        rest = target[:place] + target[place + 1 :]
        known = math.prod(number for number in rest)
        if -1 not in rest and known > 0 and size % known == 0:
            found.append([*target[:place], size // known, *target[place + 1 :]])
    known = math.prod(target)
    if -1 not in target and known > 0 and size % known == 0:
        found.append([*target, size // known])
    return [*found, [-1]]


def wrong_order(case: Case) -> Problem | None:
    """Dims of Permute that do not name each dimension of the input once."""
    if case.node.class_name != "Permute" or not case.inputs:
        return None
    rank, dims = len(case.inputs[0].shape), case.value("dims")
    if not _whole(dims) or sorted(dims) == list(range(1, rank)):
        return None
    swapped = [*range(2, rank), 1]
    return case.problem(
        "permute-dims",
        f"{case.title} must name each of the {rank - 1} dimensions of {words(case.inputs[0].shape)} "
        f"behind the batch once, and has {shown(list(dims))}.",
        [case.set(dims=swapped)],
        "dims",
    )


def _whole(numbers: object) -> bool:
    return isinstance(numbers, list | tuple) and all(type(number) is int for number in numbers)


def wrong_axis(case: Case) -> Problem | None:
    """An axis that the input does not have."""
    axis = case.value("axis")
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if not case.inputs or not all(type(each) is int for each in axes):
        return None
    rank = len(case.inputs[0].shape)
    if not axes or all(-rank <= each < rank for each in axes):
        return None
    return case.problem(
        "axis",
        f"{case.title} works along axis {shown(axis)}, but its input {words(case.inputs[0].shape)} has "
        f"the axes 0 to {rank - 1}, the batch being 0. Choose one of them.",
        [case.set(axis=-1)],
        "axis",
    )


def open_dimension(case: Case) -> Problem | None:
    """A dimension without a number from which the size of the weights would follow."""
    given = next((each for each in case.inputs if None in each.shape[1:]), None)
    if given is None or not _sized_by_input(case, given.shape):
        return None
    start = _open_input(case, given.source)
    where = f"“{case.name_of(start)}”" if start else "the Input"
    return case.problem(
        "open-dimension",
        f"{case.title} needs a fixed size to make its weights, but gets {words(given.shape)}. Give "
        f"every dimension of {where} a number, or pool the open one away.",
        [_pooling_instead(case, given.source), _fixed_channels(case, given.source)],
    )


def _sized_by_input(case: Case, shape: tuple[int | None, ...]) -> bool:
    return shape[-1] is None or case.node.class_name in ("PReLU", "LayerNormalization")


def _open_input(case: Case, node: str) -> str:
    """The one Input with an open dimension that leads to a node, if there is one."""
    graph = case.wiring.graph
    above, stack = set(), [node]
    while stack:
        current = stack.pop()
        if current not in above:
            above.add(current)
            stack += [edge.source for edge in graph.incoming[current]]
    found = [
        each.id
        for each in graph.inputs
        if each.id in above and None in each.params.get("shape", ())
    ]
    return found[0] if len(found) == 1 else ""


def _pooling_instead(case: Case, source: str) -> Fix | None:
    """Global pooling in the place of a Flatten that cannot know its size."""
    flatten = case.wiring.origin(source)
    if not flatten or case.wiring.graph.by_id[flatten].class_name != "Flatten":
        return None
    shape = case.given_by(case.wiring.source(flatten))
    if not 3 <= len(shape) <= 5 or shape[-1] is None:
        return None
    pooling = f"GlobalAveragePooling{len(shape) - 2}D"
    step = ReplaceClass(node=flatten, class_name=pooling)
    return Fix(text=f"Use {pooling} instead of {case.name_of(flatten)}", steps=(step,))


def _fixed_channels(case: Case, source: str) -> Fix | None:
    """One channel for an Input that leaves them open."""
    start = case.wiring.graph.by_id[case.wiring.origin(source) or source]
    shape = list(start.params.get("shape") or ())
    if start.class_name != INPUT_CLASS or not shape or shape[-1] is not None or len(shape) < 2:
        return None
    if None in shape[:-1] and case.node.class_name in ("PReLU", "LayerNormalization"):
        return None
    fixed = [*shape[:-1], 1]
    return case.set_on(start.id, f"Set shape of {start.name} to {shown(fixed)}", shape=fixed)
