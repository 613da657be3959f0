"""What of the graph is on the canvas: blocks as one box or a frame, and the wires between boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import INPUT_CLASS, Edge, EdgeKey, Graph, Node
from kbuilder.document.nesting import End
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH, Box, drawn, extents
from kbuilder.document.ports import needed_ports

Place = tuple[float, float]
_GHOST_GAP = 100.0
_GHOST_PITCH = NODE_WIDTH + 30.0


@dataclass(frozen=True)
class BlockPorts:
    """Ports of a collapsed block: what each input port feeds inside, and where each output starts."""

    inputs: tuple[tuple[End, ...], ...]
    outputs: tuple[End, ...]


@dataclass
class Projection:
    """What is shown. Boxes are nodes and collapsed blocks, by their ids.

    ``wires`` has the shown ends of each wire under the key of the first wire of the document that it
    stands for; ``bundles`` has the others. ``ghosts`` are boxes outside of the block that is entered,
    shown because they are wired to it.
    """

    boxes: dict[str, Place] = field(default_factory=dict)
    ghosts: set[str] = field(default_factory=set)
    frames: dict[str, Box] = field(default_factory=dict)
    ports: dict[str, BlockPorts] = field(default_factory=dict)
    wires: dict[EdgeKey, Edge] = field(default_factory=dict)
    bundles: dict[EdgeKey, tuple[EdgeKey, ...]] = field(default_factory=dict)

    def ends(self, box: str, port: int, output: bool) -> tuple[End, ...]:
        """Nodes and ports behind a port of a box; several for an input that a block hands on."""
        ports = self.ports.get(box)
        if ports is None:
            return ((box, port),)
        if output:
            return ports.outputs[port : port + 1]
        return ports.inputs[port] if port < len(ports.inputs) else ()


def project(graph: Graph, catalogue: Catalogue, root: str = "") -> Projection:
    """What the canvas shows inside the block ``root``, or of the whole graph."""
    if not graph.groups:
        return Projection(
            boxes={node.id: (node.x, node.y) for node in graph.nodes},
            wires={edge.key: edge for edge in graph.edges},
        )
    return _Projector(graph, catalogue, root).project()


def drawn_alike(before: Graph, after: Graph, changed: Iterable[str]) -> bool:
    """Whether two graphs of which only these nodes differ have the same boxes, places and wires."""
    parts = ((graph.edges, graph.groups, graph.comments) for graph in (before, after))
    return (
        len(before.nodes) == len(after.nodes)
        and next(parts) == next(parts)
        and all(
            node in before.by_id and _drawing(before.by_id[node]) == _drawing(after.by_id[node])
            for node in changed
        )
    )


def _drawing(node: Node) -> tuple[object, ...]:
    return node.x, node.y, node.class_name, node.group, node.shares, node.output


class _Projector:
    def __init__(self, graph: Graph, catalogue: Catalogue, root: str) -> None:
        self._graph = graph
        self._catalogue = catalogue
        self._root = root
        self._around = set(graph.ancestors(root))
        self._extents = extents(graph)
        self._shown = {node.id: self._box_of(node.group) or node.id for node in graph.nodes}
        self._inside = set(graph.members[root]) if root else set(graph.by_id)
        self._made = Projection()

    def project(self) -> Projection:
        made = self._made
        for node in self._graph.nodes:
            if node.id in self._inside:
                self._show(self._shown[node.id])
        for group, extent in self._extents.items():
            if self._is_frame(group):
                made.frames[group] = drawn(self._graph, group, extent)
        self._add_wires()
        self._place_ghosts()
        return made

    def _box_of(self, group: str) -> str:
        """The outermost collapsed block that hides what lies in ``group``, if there is one."""
        found = ""
        for each in self._graph.ancestors(group):
            if each in self._around:
                break
            if self._graph.group_by_id[each].collapsed:
                found = each
        return found

    def _is_frame(self, group: str) -> bool:
        if group in self._around or self._box_of(group):
            return False
        return not self._root or self._root in self._graph.ancestors(group)

    def _show(self, box: str) -> None:
        made = self._made
        if box in made.boxes:
            return
        if box in self._graph.by_id:
            node = self._graph.by_id[box]
            made.boxes[box] = (node.x, node.y)
        else:
            extent = self._extents[box]
            made.boxes[box] = ((extent.left + extent.right - NODE_WIDTH) / 2, extent.top)
            made.ports[box] = block_ports(self._graph, self._catalogue, box)

    def _add_wires(self) -> None:
        made = self._made
        first: dict[EdgeKey, EdgeKey] = {}
        behind: dict[EdgeKey, list[EdgeKey]] = defaultdict(list)
        for edge in self._graph.edges:
            inside = (edge.source in self._inside) + (edge.target in self._inside)
            source, target = self._shown[edge.source], self._shown[edge.target]
            if not inside or source == target:
                continue
            if inside == 1:
                outer = target if edge.source in self._inside else source
                self._show(outer)
                made.ghosts.add(outer)
            shown = Edge(
                source=source,
                source_port=self._output_port(source, (edge.source, edge.source_port)),
                target=target,
                target_port=self._input_port(target, (edge.target, edge.target_port)),
            )
            key = first.setdefault(shown.key, edge.key)
            made.wires.setdefault(key, shown)
            behind[key].append(edge.key)
        made.bundles = {key: tuple(keys) for key, keys in behind.items() if len(keys) > 1}

    def _output_port(self, box: str, end: End) -> int:
        ports = self._made.ports.get(box)
        return ports.outputs.index(end) if ports else end[1]

    def _input_port(self, box: str, end: End) -> int:
        ports = self._made.ports.get(box)
        if ports is None:
            return end[1]
        return next(number for number, ends in enumerate(ports.inputs) if end in ends)

    def _place_ghosts(self) -> None:
        """Sources in a row above the block that is entered, readers in one below it."""
        made = self._made
        if not made.ghosts:
            return
        extent = self._extents[self._root]
        feeding = {edge.source for edge in made.wires.values()} & made.ghosts
        above = [box for box in made.boxes if box in feeding]
        below = [box for box in made.boxes if box in made.ghosts - feeding]
        middle = (extent.left + extent.right - NODE_WIDTH) / 2
        for row, y in (
            (above, extent.top - NODE_HEIGHT - _GHOST_GAP),
            (below, extent.bottom + _GHOST_GAP),
        ):
            for number, box in enumerate(row):
                made.boxes[box] = (middle + (number - (len(row) - 1) / 2) * _GHOST_PITCH, y)


def block_ports(graph: Graph, catalogue: Catalogue, group: str) -> BlockPorts:
    """The ports of a block.

    There is one input port for each tensor that comes in and one for each required input that is
    open; one output port for each tensor that is read outside, or by nobody.
    """
    members = graph.members[group]
    inside = set(members)
    inputs: dict[object, list[End]] = {}
    outputs: dict[End, None] = {}
    for node in members:
        for edge in graph.incoming[node]:
            if edge.source not in inside:
                source = (edge.source, edge.source_port)
                inputs.setdefault(source, []).append((node, edge.target_port))
        for end in _open_inputs(graph, catalogue, node):
            inputs[("open", *end)] = [end]
        read = graph.outgoing[node]
        if not read and graph.by_id[node].class_name != INPUT_CLASS:
            outputs[(node, 0)] = None
        for edge in read:
            if edge.target not in inside:
                outputs[(node, edge.source_port)] = None
    return BlockPorts(tuple(tuple(ends) for ends in inputs.values()), tuple(outputs))


def _open_inputs(graph: Graph, catalogue: Catalogue, node: str) -> Iterator[End]:
    spec = catalogue.layer(graph.by_id[node].class_name)
    taken = {edge.target_port for edge in graph.incoming[node]}
    if graph.by_id[node].class_name == INPUT_CLASS or spec is None:
        return
    if spec.many_inputs:
        needed = list(range(max(len(taken), spec.fewest_inputs)))
    else:
        needed = needed_ports(spec, graph.layer_of(node).params, taken)
    for port in needed:
        if port not in taken:
            yield node, port
