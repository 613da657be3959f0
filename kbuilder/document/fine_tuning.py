"""The recipe of fine-tuning a pretrained network, step by step, each an edit of the project.

Cut the top of the base, add a head for the new classes, freeze the base and train the head; then let
the last layers of the base learn too, with a much lower rate (Chollet, "Deep Learning with Python",
chapter 8; keras.io/guides/transfer_learning).
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.freezing import up_to
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.naming import FreeNames
from kbuilder.document.options import OutputOptions
from kbuilder.document.places import NODE_HEIGHT
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject, Params

HEAD = "head"
"""Names of the layers of a head begin so."""
SLOWER = 100.0
"""By how much the second training is slower than the first."""
FIRST_RATE, SECOND_RATE = 1e-3, 1e-5

_POOLS = ("GlobalAveragePooling", "GlobalMaxPooling", "Flatten")
_KEEPS_FROZEN = ("BatchNormalization",)
_STEP = NODE_HEIGHT + 32.0


def top_of(graph: Graph) -> str:
    """Where the top of a classifier begins: the layer that makes a vector of a picture, or empty.

    The last one counts; what lies behind it judges.
    """
    pools = [node.id for node in graph.order if node.class_name.startswith(_POOLS)]
    return pools[-1] if pools else ""


def cut_top(project: Project, node: str) -> Project:
    """Remove everything that lies behind a layer."""
    behind = project.graph.downstream([node]) - {node}
    return edits.remove(project, behind)


def add_head(project: Project, source: str, rank: int, classes: int, dropout: float) -> Project:
    """Put a classifier behind a layer: pooling where it gives pictures, Dropout, Dense with softmax.

    ``rank`` is that of the layer's output with the batch, ``classes`` how many there are.
    """
    below = project.graph.by_id[source]
    names = FreeNames(node.name for node in project.graph.nodes)
    chain: list[tuple[str, str, Params]] = [
        *([("GlobalAveragePooling2D", "pool", {})] if rank == 4 else []),
        *([("Flatten", "flatten", {})] if rank not in (2, 4) else []),
        *([("Dropout", "dropout", {"rate": dropout})] if dropout else []),
        ("Dense", "classes", {"units": classes, "activation": "softmax"}),
    ]
    last, y = source, below.y
    for class_name, name, params in chain:
        y += _STEP
        chosen = names.take(f"{HEAD}_{name}")
        made = Node(id=chosen, class_name=class_name, name=chosen, params=params, x=below.x, y=y)
        project = edits.add_after(project, made, last)
        last = made.id
    options = OutputOptions(
        loss=KerasObject(class_name="SparseCategoricalCrossentropy"),
        metrics=(KerasObject(class_name="SparseCategoricalAccuracy"),),
    )
    compiled = replace(project.compile, outputs={last: options})
    return replace(project, compile=compiled)


def head_of(graph: Graph) -> tuple[str, ...]:
    """The layers of the head, by their names."""
    return tuple(node.id for node in graph.order if node.name.startswith(f"{HEAD}_"))


def base_of(graph: Graph) -> tuple[str, ...]:
    """All layers but Inputs and the head."""
    head = set(head_of(graph))
    return tuple(
        node.id for node in graph.order if node.class_name != INPUT_CLASS and node.id not in head
    )


def freeze_base(project: Project) -> Project:
    """Freeze the base, let the head learn, and begin with the weights in use."""
    project = edits.freeze(project, base_of(project.graph), True)
    project = edits.freeze(project, head_of(project.graph), False)
    return edits.set_fit(project, begin_with="in use")


def unfreeze_top(project: Project, start: str) -> Project:
    """Let the layers of the base from ``start`` on learn; BatchNormalization keeps its statistics."""
    graph = project.graph
    wanted = _from(graph, start)
    return edits.freeze(project, wanted, False)


def _from(graph: Graph, start: str) -> list[str]:
    before = set(up_to(graph, [start])) - {start}
    return [
        node
        for node in base_of(graph)
        if node not in before and graph.by_id[node].class_name not in _KEEPS_FROZEN
    ]


def learning_part(graph: Graph) -> Collection[str]:
    """The layers of the base that learn."""
    return [node for node in base_of(graph) if graph.layer_of(node).trainable]


def rate_of(project: Project, catalogue: Catalogue) -> float | None:
    """The learning rate, or None where a schedule gives it."""
    optimizer = project.compile.optimizer
    spec = catalogue.find("optimizers", optimizer.class_name)
    param = spec.param("learning_rate") if spec else None
    rate = optimizer.params.get("learning_rate", param.default if param else None)
    return float(rate) if isinstance(rate, int | float) else None


def lower_rate(project: Project, catalogue: Catalogue) -> Project:
    """Divide the learning rate by ``SLOWER``, and begin with the weights in use."""
    rate = rate_of(project, catalogue)
    optimizer = project.compile.optimizer
    params = {**optimizer.params, "learning_rate": (rate or FIRST_RATE) / SLOWER}
    project = edits.set_optimizer(project, replace(optimizer, params=params))
    return edits.set_fit(project, begin_with="in use")
