"""Outputs that nothing trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fixes import Fix, Remove, SetLoss
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.tracing import Wiring, count

_BY_ACTIVATION: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "softmax": (("SparseCategoricalCrossentropy", {}), ("CategoricalCrossentropy", {})),
    "sigmoid": (("BinaryCrossentropy", {}),),
    "linear": (
        ("MeanSquaredError", {}),
        ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ),
}


def loss_problems(project: Project, catalogue: Catalogue) -> Iterator[Problem]:
    """Outputs without a loss: an error if no output has one, else a hint."""
    graph = project.graph
    wiring = Wiring(graph, catalogue)
    chosen = project.compile.outputs
    judged = {node.id for node in graph.outputs if node.id in chosen and chosen[node.id].loss}
    for node in graph.outputs:
        if node.id in judged:
            continue
        dead = bool(judged) and not graph.outgoing[node.id]
        yield Problem(
            severity="warning" if judged else "error",
            kind="dead-end" if dead else "no-loss",
            node=node.id,
            parameter="loss",
            text=f"The output “{node.name}” has no loss"
            + (
                ", so it is not trained. Choose one, or delete what only leads to it."
                if dead
                else (", so it is not trained." if judged else ". Choose one under Train.")
            ),
            fixes=(
                *((_delete(graph, node),) if dead else ()),
                *_losses(wiring, node),
            )[:3],
        )


def _losses(wiring: Wiring, node: Node) -> tuple[Fix, ...]:
    return tuple(
        Fix(
            text=f"Use {name}" + (" from logits" if params else ""),
            steps=(SetLoss(node=node.id, class_name=name, params=params),),
        )
        for name, params in _BY_ACTIVATION.get(_activation(wiring, node), _BY_ACTIVATION["linear"])
    )


def _activation(wiring: Wiring, node: Node) -> str:
    if node.class_name == "Softmax":
        return "softmax"
    return str(wiring.value(node.id, "activation") or "linear")


def _delete(graph: Graph, node: Node) -> Fix:
    """Delete an output and all that leads to nothing else; Inputs stay."""
    gone = {node.id}
    stack = [node.id]
    while stack:
        for edge in graph.incoming[stack.pop()]:
            source = graph.by_id[edge.source]
            if source.id in gone or source.class_name == INPUT_CLASS or source.output:
                continue
            if {wire.target for wire in graph.outgoing[source.id]} <= gone:
                gone.add(source.id)
                stack.append(source.id)
    text = f"Delete {node.name}" if len(gone) == 1 else f"Delete {count(len(gone), 'layer')}"
    nodes = tuple(each.id for each in graph.nodes if each.id in gone)
    return Fix(text=text, steps=(Remove(nodes=nodes),))
