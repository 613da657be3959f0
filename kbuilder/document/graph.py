"""The drawn network: nodes and edges as frozen values, and questions about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from kbuilder.document.values import Params, Value

INPUT_CLASS = "Input"
"""Class name of the node that stands for ``keras.Input``."""


class Node(Value, frozen=True, kw_only=True):
    """One layer in the graph.

    ``id`` never changes; ``name`` is what people see and what Keras calls the layer.
    ``output`` makes the node an output of the model although other nodes read it.
    ``shares`` is the id of the node whose layer, with its weights, is used here once more; class,
    parameters and ``trainable`` are then those of that node. ``call`` has arguments of the layer's call
    that are no tensors: ``training``, ``use_causal_mask``, ``return_attention_scores``. ``group`` is the
    id of the innermost group.
    ``x`` and ``y`` are the top left corner on the canvas, in scene units.
    """

    id: str
    class_name: str
    name: str
    params: Params = {}
    call: Params = {}
    trainable: bool = True
    output: bool = False
    shares: str = ""
    group: str = ""
    x: float = 0.0
    y: float = 0.0


class Edge(Value, frozen=True, kw_only=True, gc=False):
    """A wire from an output port of one node to an input port of another, ports counted from 0."""

    source: str
    target: str
    source_port: int = 0
    target_port: int = 0

    @property
    def key(self) -> EdgeKey:
        """What makes two wires the same wire."""
        return (self.source, self.source_port, self.target, self.target_port)


EdgeKey = tuple[str, int, str, int]


class Group(Value, frozen=True, kw_only=True):
    """A named block of nodes and other groups; ``parent`` is the id of the group it lies in.

    Its place on the canvas follows from its members. A collapsed group is drawn as one box, an open
    one as a frame around its members. With ``nested`` it becomes a Keras model of its own inside the
    model. ``colour`` is the name of one of the frame colours, empty for the plain one.
    """

    id: str
    name: str
    parent: str = ""
    collapsed: bool = False
    nested: bool = False
    colour: str = ""


class Comment(Value, frozen=True, kw_only=True):
    """A note on the canvas, in plain text; sizes in scene units."""

    id: str
    text: str
    x: float = 0.0
    y: float = 0.0
    width: float = 220.0
    height: float = 80.0
    colour: str = ""
    group: str = ""


class Graph(Value, frozen=True, kw_only=True, dict=True):
    """All nodes, edges, groups and comments. Lookups are built once per value, on first use."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()
    comments: tuple[Comment, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """Nodes by their id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def group_by_id(self) -> dict[str, Group]:
        """Groups by their id."""
        return {group.id: group for group in self.groups}

    @cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Ids of all nodes inside each group, at any depth, in the order of the graph."""
        found: dict[str, list[str]] = {group.id: [] for group in self.groups}
        for node in self.nodes:
            for group in self.ancestors(node.group):
                found[group].append(node.id)
        return {group: tuple(nodes) for group, nodes in found.items()}

    def ancestors(self, group: str) -> Iterator[str]:
        """``group`` and the groups around it, the innermost first; nothing for an empty id."""
        while group:
            yield group
            group = self.group_by_id[group].parent

    @cached_property
    def lenders(self) -> frozenset[str]:
        """Ids of the nodes whose layer others share."""
        return frozenset(node.shares for node in self.nodes if node.shares)

    def layer_of(self, node: str) -> Node:
        """The node that holds the layer of a node: itself, or the one that it shares with."""
        value = self.by_id[node]
        return self.by_id[value.shares] if value.shares else value

    @cached_property
    def incoming(self) -> dict[str, tuple[Edge, ...]]:
        """Edges into each node, in the order of its input ports."""
        found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in sorted(self.edges, key=lambda edge: edge.target_port):
            found.setdefault(edge.target, []).append(edge)
        return {node: tuple(edges) for node, edges in found.items()}

    @cached_property
    def outgoing(self) -> dict[str, tuple[Edge, ...]]:
        """Edges out of each node, in the order they were drawn."""
        found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return {node: tuple(edges) for node, edges in found.items()}

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """Input nodes, in the order they were added; the order in which the model takes its data."""
        return tuple(node for node in self.nodes if node.class_name == INPUT_CLASS)

    @cached_property
    def outputs(self) -> tuple[Node, ...]:
        """Nodes whose result leaves the model: nothing reads them, or they are marked as outputs."""
        return tuple(
            node
            for node in self.nodes
            if node.output or (node.class_name != INPUT_CLASS and not self.outgoing[node.id])
        )

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """Nodes with every source before its targets. Nodes on a cycle are left out."""
        return tuple(self.by_id[node] for node in self._ordered)

    @cached_property
    def _ordered(self) -> tuple[str, ...]:
        waiting = {node.id: len(self.incoming[node.id]) for node in self.nodes}
        ready = [node.id for node in self.nodes if not waiting[node.id]]
        ordered: list[str] = []
        while ready:
            current = ready.pop(0)
            ordered.append(current)
            for edge in self.outgoing[current]:
                waiting[edge.target] -= 1
                if not waiting[edge.target]:
                    ready.append(edge.target)
        return tuple(ordered)

    def take_lookups(self, other: Graph) -> None:
        """Take from another graph the lookups that follow from ids and wires, if it has the same."""
        if self.edges == other.edges and [*self.by_id] == [*other.by_id]:
            for name in ("incoming", "outgoing", "_ordered"):
                if name in other.__dict__:
                    self.__dict__.setdefault(name, other.__dict__[name])

    def downstream(self, start: Iterable[str]) -> set[str]:
        """Ids of all nodes that can be reached from ``start``, which is part of the answer."""
        seen: set[str] = set()
        stack = list(start)
        while stack:
            current = stack.pop()
            if current not in seen:
                seen.add(current)
                stack.extend(edge.target for edge in self.outgoing.get(current, ()))
        return seen
