"""From an error of Keras at a node to a problem that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import Wiring
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.diagnosis.case import Case, Tensor
from kbuilder.engine.diagnosis.dtypes import wrong_dtype
from kbuilder.engine.diagnosis.joining import (
    unequal_attention,
    unequal_beside_axis,
    unequal_dot_axes,
    uneven_heads,
)
from kbuilder.engine.diagnosis.merging import unequal_shapes
from kbuilder.engine.diagnosis.ranks import wrong_rank
from kbuilder.engine.diagnosis.reshaping import (
    open_dimension,
    other_size,
    wrong_axis,
    wrong_order,
)
from kbuilder.engine.diagnosis.sources import (
    missing_output,
    other_shape_shared,
    without_samples,
    wrong_inner_layer,
)
from kbuilder.engine.diagnosis.windows import (
    crop_too_large,
    strides_and_dilation,
    too_large,
    uneven_groups,
)
from kbuilder.engine.objects import problem
from kbuilder.engine.own_code import own_line, own_problem

CAUSES: tuple[Callable[[Case], Problem | None], ...] = (
    missing_output,
    without_samples,
    wrong_dtype,
    wrong_rank,
    other_shape_shared,
    wrong_inner_layer,
    wrong_order,
    wrong_axis,
    unequal_shapes,
    unequal_beside_axis,
    unequal_dot_axes,
    unequal_attention,
    uneven_heads,
    open_dimension,
    strides_and_dilation,
    uneven_groups,
    too_large,
    crop_too_large,
    other_size,
)
"""Known causes, the most basic first: a wrong rank makes all that follows meaningless."""


def explain(
    error: BaseException,
    node: Node,
    graph: Graph,
    outputs: Mapping[str, Sequence[Tensor | None]],
    catalogue: Catalogue,
) -> tuple[Problem, ...]:
    """Why a node cannot be built: a known cause with its fixes, else what Keras says.

    ``outputs`` has the tensors of every node above it that could be judged.
    """
    if own_line(error):
        return (own_problem(error, node.id),)
    spec = catalogue.layer(node.class_name)
    if spec is not None and not spec.own:
        case = Case(Wiring(graph, catalogue), node, spec, outputs)
        for cause in CAUSES:
            if (found := cause(case)) is not None:
                return (found,)
    if isinstance(error, BuildError):
        return tuple(replace(each, node=each.node or node.id) for each in error.problems)
    subject = f"{node.class_name} “{node.name}”"
    told = problem(error, spec, node=node.id, subject=subject)
    return (replace(told, kind="keras"),)
