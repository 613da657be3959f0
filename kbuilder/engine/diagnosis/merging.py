"""Inputs of merging layers that do not fit each other."""

from __future__ import annotations

from collections.abc import Sequence

from kbuilder.document.facts import Shape
from kbuilder.document.fixes import Fix, ReplaceClass, Step
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import width_param, words
from kbuilder.engine.diagnosis.case import Case, Input

ELEMENTWISE = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"}


def unequal_shapes(case: Case) -> Problem | None:
    """Inputs of an element by element layer that cannot be broadcast to one shape."""
    if case.node.class_name not in ELEMENTWISE or len(case.inputs) < 2:
        return None
    ideal = _ideal(case.inputs)
    unfit = [given for given in case.inputs if not _fits(given.shape, ideal.shape)]
    if not unfit:
        return None
    other = unfit[0]
    return case.problem(
        "merge-shapes",
        f"{case.title} needs equal shapes and gets {words(ideal.shape)} at port {ideal.port + 1} "
        f"but {words(other.shape)} at port {other.port + 1}. Let the branches end in equal shapes, "
        "or join them by Concatenate.",
        [
            _narrower_layer(case, ideal, unfit),
            _layers_before(case, ideal, unfit),
            _concatenate(case, ideal),
        ],
    )


def _ideal(inputs: Sequence[Input]) -> Input:
    """The input whose shape the others shall have: fewest dimensions, then the smallest picture."""
    rank = min(len(given.shape) for given in inputs)
    low = [given for given in inputs if len(given.shape) == rank]
    return min(low, key=lambda given: [size or 0 for size in given.shape[1:-1]])


def _fits(shape: Shape, ideal: Shape) -> bool:
    if len(shape) != len(ideal):
        return False
    pairs = zip(shape[1:], ideal[1:], strict=True)
    return all(None in pair or 1 in pair or pair[0] == pair[1] for pair in pairs)


def _narrower_layer(case: Case, ideal: Input, unfit: Sequence[Input]) -> Fix | None:
    """Another number of units or filters in the layer that ends the one branch that does not fit."""
    width = ideal.shape[-1]
    if len(unfit) != 1 or width is None or unfit[0].shape[:-1] != ideal.shape[:-1]:
        return None
    source = case.wiring.width_source(unfit[0].source)
    if not source or source == case.wiring.width_source(ideal.source):
        return None
    name = width_param(case.wiring.graph.by_id[source])
    text = f"Set {name} of {case.name_of(source)} to {width}"
    return case.set_on(source, text, **{name: width})


def _layers_before(case: Case, ideal: Input, unfit: Sequence[Input]) -> Fix | None:
    """Layers in front of the ports that bring every branch to the ideal shape."""
    found = [_bringing(case, given, ideal.shape) for given in unfit]
    if None in found:
        return None
    steps = tuple(step for named in found if named for step in named[1])
    ports = " and ".join(str(given.port + 1) for given in unfit)
    names = " and ".join(dict.fromkeys(named[0] for named in found if named))
    return Fix(text=f"Insert {names} before port {ports}", steps=steps)


def _bringing(case: Case, given: Input, ideal: Shape) -> tuple[str, tuple[Step, ...]] | None:
    """The layers that bring an input to a shape, with their description; None if none is known."""
    width, rank = ideal[-1], len(given.shape)
    if width is None or len(ideal) < 2:
        return None
    if rank != len(ideal):
        return _pooled(case, given, ideal) if len(ideal) == 2 and rank <= 5 else None
    if rank <= 3:
        if given.shape[:-1] != ideal[:-1]:
            return None
        return f"Dense({width})", (case.before("Dense", given.port, units=width),)
    strides = _strides(given.shape[1:-1], ideal[1:-1])
    if strides is None or rank > 5:
        return None
    conv, ones = f"Conv{rank - 2}D", [1] * (rank - 2)
    moved = {} if strides == ones else {"strides": strides}
    step = case.before(conv, given.port, filters=width, kernel_size=ones, **moved)
    return f"{conv} 1×1 with {width} filters", (step,)


def _pooled(case: Case, given: Input, ideal: Shape) -> tuple[str, tuple[Step, ...]]:
    pooling = f"GlobalAveragePooling{len(given.shape) - 2}D"
    steps = [case.before(pooling, given.port)]
    if given.shape[-1] == ideal[-1]:
        return pooling, tuple(steps)
    steps.append(case.before("Dense", given.port, units=ideal[-1]))
    return f"{pooling} and Dense({ideal[-1]})", tuple(steps)


def _strides(sizes: Sequence[int | None], ideal: Sequence[int | None]) -> list[int] | None:
    """Strides of a 1 x 1 convolution that brings a picture to the ideal size, if there are any."""
    found = []
    for size, small in zip(sizes, ideal, strict=True):
        if size == small:
            found.append(1)
        elif size is None or small is None or size < small:
            return None
        else:
            stride = -(-size // small)
            if -(-size // stride) != small:
                return None
            found.append(stride)
    return found


def _concatenate(case: Case, ideal: Input) -> Fix | None:
    """The same inputs side by side, where they differ in the last dimension only."""
    if any(given.shape[:-1] != ideal.shape[:-1] for given in case.inputs) or len(ideal.shape) < 2:
        return None
    step = ReplaceClass(node=case.node.id, class_name="Concatenate")
    return Fix(text="Use Concatenate instead", steps=(step,))
