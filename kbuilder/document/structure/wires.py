"""Ports of single nodes: open, doubled, or not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.fixes import Connect, Disconnect, Fix, InsertBefore, Remove
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.ports import input_ports, needed_ports
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import count


class Wires:
    """What is wrong with the wires into single nodes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def _unread(self) -> list[Node]:
        outgoing = self._graph.outgoing
        return [node for node in self._graph.nodes if not outgoing[node.id] and not node.output]

    def problems(self, spec: ClassSpec, node: Node) -> Iterator[Problem]:
        """Problems of a node of a known class."""
        edges = self._graph.incoming[node.id]
        plain = len(edges) == 1 == len(spec.ports) - spec.optional_ports and not spec.many_inputs
        if node.class_name == INPUT_CLASS or (plain and not edges[0].target_port):
            return  # nearly every node of a large graph
        params = self._graph.layer_of(node.id).params
        wires = Counter(edge.target_port for edge in edges)
        yield from self._doubled(node, wires)
        if spec.many_inputs:
            if len(wires) < spec.fewest_inputs:
                yield self._too_few(spec, node, wires)
            return
        names = input_ports(spec, params)
        for port in needed_ports(spec, params, wires):
            if port not in wires:
                yield self._open(spec, node, port, names)
        for port in sorted(port for port in wires if port >= len(names)):
            yield Problem(
                severity="error",
                kind="port-extra",
                node=node.id,
                text=f"{node.class_name} takes {count(len(names), 'input')}, "
                f"but a wire ends at number {port + 1}. Remove it.",
                fixes=(Fix(text="Remove the wire", steps=(Disconnect(node=node.id, port=port),)),),
            )

    def _open(self, spec: ClassSpec, node: Node, port: int, names: tuple[str, ...]) -> Problem:
        which = f"Its input “{names[port]}”" if len(spec.ports) > 1 else "Its input"
        value = spec.is_operation and spec.param(names[port]) is not None
        return Problem(
            severity="error",
            kind="input-open",
            node=node.id,
            text=f"{which} is not connected. Draw a wire into it"
            + (", or give it a value." if value else "."),
            fixes=self._feeding(node, port),
        )

    def _doubled(self, node: Node, wires: Counter[int]) -> Iterator[Problem]:
        for port in sorted(port for port in wires if wires[port] > 1):
            edges = [edge for edge in self._graph.incoming[node.id] if edge.target_port == port]
            first = self._graph.by_id[edges[0].source].name
            steps = tuple(
                Disconnect(node=node.id, port=port, source=edge.source)
                for edge in edges[1:]
                if edge.source != edges[0].source
            )
            yield Problem(
                severity="error",
                kind="wires-doubled",
                node=node.id,
                text=f"{wires[port]} wires end at its input number {port + 1}, which takes one. "
                "Remove the others.",
                fixes=(Fix(text=f"Keep the wire from {first}", steps=steps),) if steps else (),
            )

    def _too_few(self, spec: ClassSpec, node: Node, wires: Counter[int]) -> Problem:
        port = 1 if 0 in wires else 0
        fixes = self._feeding(node, port) if wires else ()
        if len(wires) == 1 and self._graph.outgoing[node.id]:
            fixes += (Fix(text=f"Delete {node.name}", steps=(Remove(nodes=(node.id,)),)),)
        return Problem(
            severity="error",
            kind="merge-too-few",
            node=node.id,
            text=f"{node.class_name} joins at least 2 inputs and has {len(wires)}. "
            "Wire more layers into it."
            if spec.fewest_inputs > 1
            else "Its input is not connected. Draw a wire into it.",
            fixes=fixes,
        )

    def _feeding(self, node: Node, port: int) -> tuple[Fix, ...]:
        """A wire from the one layer above that nothing reads; if there is none, an Input."""
        below = self._graph.downstream([node.id])
        above = (other for other in self._unread if other.id not in below and other.y <= node.y)
        free = list(islice(above, 2))
        if len(free) == 1:
            step = Connect(source=free[0].id, target=node.id, port=port)
            return (Fix(text=f"Connect {free[0].name} to {node.name}", steps=(step,)),)
        if free or self._graph.incoming[node.id]:
            return ()
        new = InsertBefore(node=node.id, class_name=INPUT_CLASS, port=port)
        return (Fix(text=f"Insert Input before {node.name}", steps=(new,)),)
