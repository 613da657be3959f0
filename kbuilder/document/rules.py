"""Structural checks that need no Keras: wires, names, arity, parameters, losses."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fixes import Fix, Remove
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph, Node
from kbuilder.document.ports import input_ports, main_ports
from kbuilder.document.problems import Problem, worst_first
from kbuilder.document.project import Project
from kbuilder.document.structure.blocks import block_problems
from kbuilder.document.structure.losses import loss_problems
from kbuilder.document.structure.names import name_problems
from kbuilder.document.structure.parameters import parameter_problems
from kbuilder.document.structure.whole import whole_graph_problems
from kbuilder.document.structure.wires import Wires
from kbuilder.document.tracing import count


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
    if spec and not spec.many_inputs:
        ports = input_ports(spec, graph.layer_of(target).params)
        if target_port >= len(ports):
            return f"“{end.name}” ({end.class_name}) takes {count(len(ports), 'input')}."
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
    return min(port, max(main_ports(spec) - 1, 0))


def check(project: Project, catalogue: Catalogue) -> tuple[Problem, ...]:
    """Everything that is wrong with the structure of a project; worst first."""
    return Checker(catalogue).check(project)


class Checker:
    """``check`` for one edit after the other: nodes that stay as they are are not judged again."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[str, tuple[Node, tuple[Problem, ...]]] = {}
        self._fine: dict[str, tuple[Node, tuple[Edge, ...]]] = {}

    def check(self, project: Project) -> tuple[Problem, ...]:
        """Everything that is wrong with the structure of a project; worst first."""
        graph = project.graph
        if not graph.nodes:
            text = "The graph is empty. Drag an Input and some layers onto the canvas."
            return (Problem(severity="error", kind="empty", text=text),)
        found = [*whole_graph_problems(graph, self._catalogue), *name_problems(graph)]
        found += block_problems(graph)
        found += self._nodes(graph)
        return worst_first([*found, *loss_problems(project, self._catalogue)])

    def broken(self, graph: Graph) -> set[str]:
        """Ids of the nodes that break a rule by their class, their parameters or their own wires."""
        faults = [each for each in self._nodes(graph) if each.severity == "error"]
        return {fault.node for fault in faults if fault.parameter != "name"}

    def _nodes(self, graph: Graph) -> list[Problem]:
        """What is wrong with single nodes. What was fine stays so with the same value and wires."""
        found: list[Problem] = []
        wires, fine = Wires(graph), self._fine
        self._fine = {}
        for node in graph.nodes:
            edges = graph.incoming[node.id]
            known = fine.get(node.id)
            if known is None or known[0] is not node or known[1] != edges:
                known = (node, edges)
                problems = list(self._node(wires, node))
                if problems:
                    found += problems
                    continue
            self._fine[node.id] = known
        self._known = {key: known for key, known in self._known.items() if key in graph.by_id}
        return found

    def _node(self, wires: Wires, node: Node) -> Iterator[Problem]:
        spec = self._catalogue.layer(node.class_name)
        if spec is None:
            yield _unknown(self._catalogue, node)
            return
        yield from wires.problems(spec, node)
        if node.shares:
            return
        known = self._known.get(node.id)
        if known is None or known[0] is not node:
            known = (node, tuple(parameter_problems(self._catalogue, spec, node)))
            self._known[node.id] = known
        yield from known[1]


def _unknown(catalogue: Catalogue, node: Node) -> Problem:
    return Problem(
        severity="error",
        kind="unknown-class",
        node=node.id,
        text=f"Keras {catalogue.keras_version} has no layer class “{node.class_name}”. "
        "The node is kept as it is and saved again, but the model cannot be built with it.",
        fixes=(Fix(text=f"Delete {node.name}", steps=(Remove(nodes=(node.id,)),)),),
    )
