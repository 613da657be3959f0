"""Blocks that are to be built as Keras models: whether they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kbuilder.document.fixes import Fix, SetBlock
from kbuilder.document.graph import Graph, Group
from kbuilder.document.naming import KERAS_NAME, FreeNames
from kbuilder.document.nesting import ordered_units
from kbuilder.document.problems import Problem


def block_problems(graph: Graph) -> Iterator[Problem]:
    """Nested blocks that a wire leaves and enters again, and names that Keras would not take."""
    nested = [group for group in graph.groups if group.nested and graph.members[group.id]]
    if not nested:
        return
    if len(graph.order) == len(graph.nodes):  # else the wires form a circle by themselves
        for scope in ("", *(group.id for group in nested)):
            for unit in ordered_units(graph, scope)[1]:
                if unit in graph.group_by_id:
                    yield _torn(graph, graph.group_by_id[unit])
    taken = Counter(node.name for node in graph.nodes) + Counter(group.name for group in nested)
    free = FreeNames(taken)
    for group in nested:
        if taken[group.name] > 1 or not KERAS_NAME.match(group.name):
            yield _badly_named(graph, group, free.take(_cleaned(group.name)))


def _torn(graph: Graph, group: Group) -> Problem:
    return Problem(
        severity="error",
        kind="nested-circle",
        node=graph.members[group.id][0],
        text=f"The block “{group.name}” cannot be a Keras model: a wire leaves it and comes back into it. "
        "Put what lies between into the block, or build its layers as layers of the whole model.",
        fixes=(
            Fix(
                text=f"Build {group.name} as layers of the model",
                steps=(SetBlock(group=group.id, values={"nested": False}),),
            ),
        ),
    )


def _badly_named(graph: Graph, group: Group, name: str) -> Problem:
    return Problem(
        severity="error",
        kind="nested-name",
        node=graph.members[group.id][0],
        text=f"A block that is built as a Keras model needs a name of its own, of letters, digits and "
        f"_ . - without spaces; “{group.name}” is taken or is none.",
        fixes=(
            Fix(
                text=f"Rename the block to {name}",
                steps=(SetBlock(group=group.id, values={"name": name}),),
            ),
        ),
    )


def _cleaned(name: str) -> str:
    letters = "".join(letter if KERAS_NAME.match(letter) else "_" for letter in name)
    return letters if KERAS_NAME.match(letters) else "block"
