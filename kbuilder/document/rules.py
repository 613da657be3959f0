"""Structural checks that need no Keras: wires, names, arity, parameters, losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.naming import KERAS_NAME
from kbuilder.document.param_rules import param_faults
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project


def can_connect(
    graph: Graph,
    catalogue: Catalogue,
    source: str,
    source_port: int,
    target: str,
    target_port: int,
) -> str:
    """Why this wire cannot be drawn, as a sentence for the user; empty when it can."""
    start, end = graph.by_id[source], graph.by_id[target]
    if source == target:
        return f"“{start.name}” cannot feed itself."
    if end.class_name == INPUT_CLASS:
        return f"“{end.name}” is an input of the model: data feeds it, not another layer."
    if source in graph.downstream([target]):
        return f"“{end.name}” already feeds “{start.name}”: the wire would close a circle."
    spec = catalogue.layer(end.class_name)
    if spec and not spec.many_inputs and target_port >= len(spec.ports):
        return f"“{end.name}” ({end.class_name}) takes {_count(len(spec.ports), 'input')}."
    if any(
        edge.key == (source, source_port, target, target_port) for edge in graph.incoming[target]
    ):
        return f"“{start.name}” already feeds this input of “{end.name}”."
    return ""


def free_port(graph: Graph, catalogue: Catalogue, target: str) -> int:
    """The first input port of a node without a wire; its last port if all are taken."""
    taken = {edge.target_port for edge in graph.incoming[target]}
    spec = catalogue.layer(graph.by_id[target].class_name)
    port = next(number for number in range(len(taken) + 1) if number not in taken)
    if spec is None or spec.many_inputs:
        return port
    return min(port, max(len(spec.ports) - 1, 0))


def check(project: Project, catalogue: Catalogue) -> tuple[Problem, ...]:
    """Everything that is wrong with the structure of a project; worst first."""
    graph = project.graph
    if not graph.nodes:
        return (
            Problem(
                severity="error",
                text="The graph is empty. Drag an Input and some layers onto the canvas.",
            ),
        )
    found = [
        *_whole_graph(graph),
        *_names(graph),
        *(problem for node in graph.nodes for problem in _node(graph, catalogue, node)),
        *_losses(project),
    ]
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found, key=lambda problem: rank[problem.severity]))


def _whole_graph(graph: Graph) -> Iterator[Problem]:
    if not graph.inputs:
        yield Problem(
            severity="error",
            text="The model has no input. Drag an Input onto the canvas and wire it in.",
        )
    elif not graph.outputs:
        yield Problem(
            severity="error",
            text="The model has no output. Add a layer behind the input.",
        )
    on_cycle = {node.id for node in graph.nodes} - {node.id for node in graph.order}
    if on_cycle:
        first = next(node for node in graph.nodes if node.id in on_cycle)
        names = ", ".join(graph.by_id[node].name for node in sorted(on_cycle))
        yield Problem(
            severity="error",
            node=first.id,
            text=f"The wires form a circle ({names}). Remove one of them.",
        )


def _names(graph: Graph) -> Iterator[Problem]:
    counts = Counter(node.name for node in graph.nodes)
    for node in graph.nodes:
        if counts[node.name] > 1:
            yield Problem(
                severity="error",
                node=node.id,
                parameter="name",
                text=f"{_count(counts[node.name], 'node')} are called “{node.name}”. "
                "Keras needs a name of its own for each layer.",
            )
        if not KERAS_NAME.match(node.name):
            yield Problem(
                severity="error",
                node=node.id,
                parameter="name",
                text=f"“{node.name}” cannot be the name of a Keras layer. "
                "Use the letters A to Z, digits, and _ . - without spaces.",
            )


def _node(graph: Graph, catalogue: Catalogue, node: Node) -> Iterator[Problem]:
    spec = catalogue.layer(node.class_name)
    if spec is None:
        yield Problem(
            severity="error",
            node=node.id,
            text=f"Keras {catalogue.keras_version} has no layer class “{node.class_name}”. "
            "The node is kept as it is and saved again, but the model cannot be built with it.",
        )
        return
    yield from _arity(graph, spec, node)
    for name, text in param_faults(spec, node.params, catalogue):
        yield Problem(severity="error", node=node.id, parameter=name, text=text)


def _arity(graph: Graph, spec: ClassSpec, node: Node) -> Iterator[Problem]:
    if node.class_name == INPUT_CLASS:
        return
    wires = Counter(edge.target_port for edge in graph.incoming[node.id])
    ports = set(wires)
    for port in sorted(port for port in wires if wires[port] > 1):
        yield Problem(
            severity="error",
            node=node.id,
            text=f"{wires[port]} wires end at its input number {port + 1}, which takes one. "
            "Remove the others.",
        )
    if spec.many_inputs:
        if len(ports) < 2:
            yield Problem(
                severity="error",
                node=node.id,
                text=f"{node.class_name} joins at least 2 inputs and has {len(ports)}. "
                "Wire more layers into it.",
            )
        return
    for port, name in enumerate(spec.ports[: len(spec.ports) - spec.optional_ports]):
        if port not in ports:
            which = f"Its input “{name}”" if len(spec.ports) > 1 else "Its input"
            yield Problem(
                severity="error",
                node=node.id,
                text=f"{which} is not connected. Draw a wire into it.",
            )
    for port in sorted(port for port in ports if port >= len(spec.ports)):
        yield Problem(
            severity="error",
            node=node.id,
            text=f"{node.class_name} takes {_count(len(spec.ports), 'input')}, "
            f"but a wire ends at number {port + 1}. Remove it.",
        )


def _losses(project: Project) -> Iterator[Problem]:
    outputs = project.graph.outputs
    chosen = project.compile.outputs
    judged = [node for node in outputs if node.id in chosen and chosen[node.id].loss]
    for node in outputs:
        if node not in judged:
            yield Problem(
                severity="warning" if judged else "error",
                node=node.id,
                parameter="loss",
                text=f"The output “{node.name}” has no loss"
                + (", so it is not trained." if judged else ". Choose one under Train."),
            )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
