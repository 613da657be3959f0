"""The graph as a whole: inputs, outputs, circles, and what cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fixes import Disconnect, Fix, InsertBefore, Remove
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import count

MOST_TRIED = 8
"""So many wires of a circle are tried for one that opens it."""


def whole_graph_problems(graph: Graph, catalogue: Catalogue) -> Iterator[Problem]:
    """No input, no output, circles, nodes behind an open port, and Inputs that lead nowhere."""
    if not graph.inputs:
        yield Problem(
            severity="error",
            kind="no-input",
            text="The model has no input. Drag an Input onto the canvas and wire it in.",
            fixes=_input_fixes(graph, catalogue),
        )
    elif not graph.outputs:
        yield Problem(
            severity="error",
            kind="no-output",
            text="The model has no output. Add a layer behind the input.",
        )
    yield from _circles(graph)
    yield from _unreachable(graph)
    yield from _unused_inputs(graph)


def _input_fixes(graph: Graph, catalogue: Catalogue) -> tuple[Fix, ...]:
    """An Input in front of the only node that nothing feeds."""
    starts = [
        node
        for node in graph.nodes
        if not graph.incoming[node.id] and (spec := catalogue.layer(node.class_name)) and spec.ports
    ]
    if len(starts) != 1:
        return ()
    step = InsertBefore(node=starts[0].id, class_name=INPUT_CLASS)
    return (Fix(text=f"Insert Input before {starts[0].name}", steps=(step,)),)


def _circles(graph: Graph) -> Iterator[Problem]:
    if len(graph.order) == len(graph.nodes):
        return
    ordered = {node.id for node in graph.order}
    left = [node for node in graph.nodes if node.id not in ordered]
    on_circle = {node.id for node in left}
    names = ", ".join(graph.by_id[node].name for node in sorted(on_circle))
    # The wire that leads up the canvas is most likely the one that was not meant.
    upward = [
        edge
        for edge in graph.edges
        if {edge.source, edge.target} <= on_circle
        and graph.by_id[edge.source].y >= graph.by_id[edge.target].y
    ]
    opening = [edge for edge in upward[:MOST_TRIED] if _opens(graph, edge)][:3]
    yield Problem(
        severity="error",
        kind="circle",
        node=left[0].id,
        text=f"The wires form a circle ({names}). Remove one of them.",
        fixes=tuple(
            Fix(
                text=f"Remove the wire from {graph.by_id[edge.source].name} "
                f"to {graph.by_id[edge.target].name}",
                steps=(Disconnect(node=edge.target, port=edge.target_port, source=edge.source),),
            )
            for edge in opening
        ),
    )


def _opens(graph: Graph, edge: Edge) -> bool:
    """Whether no circle is left without this wire."""
    others = Graph(nodes=graph.nodes, edges=tuple(other for other in graph.edges if other != edge))
    return len(others.order) == len(graph.nodes)


def _unreachable(graph: Graph) -> Iterator[Problem]:
    """Nodes behind a node that nothing feeds; that node itself is told of its open port."""
    starts = [
        node
        for node in graph.order
        if not graph.incoming[node.id]
        and node.class_name != INPUT_CLASS
        and graph.outgoing[node.id]
    ]
    if not graph.inputs or not starts:
        return
    reached = graph.downstream(node.id for node in graph.inputs)
    place = {node.id: number for number, node in enumerate(graph.order)}
    told: set[str] = set()
    for start in starts:
        lost = graph.downstream([start.id]) - reached - told - {start.id}
        behind = [graph.by_id[node] for node in sorted(lost & place.keys(), key=place.__getitem__)]
        if not behind:
            continue
        told |= {node.id for node in behind}
        first = behind[0]
        all_lost = (start.id, *(node.id for node in behind))
        yield Problem(
            severity="warning",
            kind="unreachable",
            node=first.id,
            text=f"No Input leads to “{first.name}”"
            + (f" and {count(len(behind) - 1, 'layer')} behind it" if len(behind) > 1 else "")
            + f". Wire an Input into “{start.name}”, or delete them.",
            fixes=(
                Fix(
                    text=f"Insert Input before {start.name}",
                    steps=(InsertBefore(node=start.id, class_name=INPUT_CLASS),),
                ),
                Fix(
                    text=f"Delete {count(len(all_lost), 'layer')}",
                    steps=(Remove(nodes=all_lost),),
                ),
            ),
        )


def _unused_inputs(graph: Graph) -> Iterator[Problem]:
    if not graph.outputs:
        return
    for node in graph.inputs:
        if not graph.outgoing[node.id] and not node.output:
            yield Problem(
                severity="warning",
                kind="unused-input",
                node=node.id,
                text=f"The Input “{node.name}” leads to no layer, so its data is not used. "
                "Wire it into a layer, or delete it.",
                fixes=(Fix(text=f"Delete {node.name}", steps=(Remove(nodes=(node.id,)),)),),
            )
