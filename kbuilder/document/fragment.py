"""A piece of a graph on its own: what the clipboard, templates and the block library hold.

A fragment keeps its nodes as they were, with their ids and places, and knows where wires came in and
went out. ``place`` puts a copy of it into a project, ``attach`` also feeds it from a node, ``insert``
puts it into a wire. All ids of the copy are fresh, its names are free, its wires and groups its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.graph import Comment, Edge, EdgeKey, Graph, Group, Node
from kbuilder.document.naming import FreeNames
from kbuilder.document.project import Project
from kbuilder.document.values import Value

Place = tuple[float, float]
Outlet = tuple[str, int]
"""A node and the number of one of its output ports."""


class End(Value, frozen=True, kw_only=True):
    """One port of a node inside a fragment."""

    node: str
    port: int = 0


class Inlet(Value, frozen=True, kw_only=True):
    """One tensor from outside and the input ports it fed.

    ``source`` and ``source_port`` say where it came from; templates leave them empty.
    """

    ends: tuple[End, ...]
    source: str = ""
    source_port: int = 0


class Fragment(Value, frozen=True, kw_only=True):
    """Nodes with the wires, groups and comments among them.

    ``inputs`` has one entry for each tensor that came from outside, ``outputs`` the output ports that
    were read outside or that nothing read. A node that shares the layer of a node outside carries
    that layer's class and parameters, so that it can become a layer of its own.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    groups: tuple[Group, ...] = ()
    comments: tuple[Comment, ...] = ()
    inputs: tuple[Inlet, ...] = ()
    outputs: tuple[End, ...] = ()

    @property
    def corner(self) -> Place:
        """The top left corner of everything in it."""
        places = [(node.x, node.y) for node in self.nodes]
        places += [(note.x, note.y) for note in self.comments]
        return (min((x for x, _ in places), default=0.0), min((y for _, y in places), default=0.0))


class Placed(NamedTuple):
    """A project with a copy of a fragment in it, and the ids of what was added, in its order."""

    project: Project
    nodes: tuple[str, ...]
    groups: tuple[str, ...]
    comments: tuple[str, ...]


def cut_out(graph: Graph, ids: Iterable[str], comments: Iterable[str] = ()) -> Fragment:
    """The nodes as a fragment, with the groups that lie wholly in it and these comments."""
    inside = set(ids) & set(graph.by_id)
    groups = {
        group
        for group, members in graph.members.items()
        if members and all(node in inside for node in members)
    }
    notes = set(comments)
    return Fragment(
        nodes=tuple(
            _alone(graph, node, groups, inside) for node in graph.nodes if node.id in inside
        ),
        edges=tuple(e for e in graph.edges if e.source in inside and e.target in inside),
        groups=tuple(
            group if group.parent in groups else replace(group, parent="")
            for group in graph.groups
            if group.id in groups
        ),
        comments=tuple(
            note if note.group in groups else replace(note, group="")
            for note in graph.comments
            if note.id in notes or note.group in groups
        ),
        inputs=_inlets(graph, inside),
        outputs=_outlets(graph, inside),
    )


def place(
    project: Project,
    fragment: Fragment,
    at: Place | None = None,
    *,
    group: str = "",
    wire: bool = False,
) -> Placed:
    """Put a copy of a fragment into a project.

    Args:
        project: where to.
        fragment: what.
        at: where its top left corner goes; without it everything keeps its place.
        group: id of the group that the copy goes into.
        wire: feed it from the nodes that fed the original, as far as they are there.
    """
    return _place(project, fragment, at, group, wire)[0]


def attach(
    project: Project,
    fragment: Fragment,
    source: Outlet,
    at: Place | None = None,
    *,
    group: str = "",
) -> Placed:
    """Put a copy into a project and feed its first input from an output port of a node."""
    placed, fresh = _place(project, fragment, at, group, False)
    wires = _feeds(fragment.inputs[:1], fresh, source)
    return placed._replace(project=_wired(placed.project, wires))


def insert(
    project: Project, fragment: Fragment, key: EdgeKey, at: Place | None = None, *, group: str = ""
) -> Placed:
    """Put a copy into a wire, by its first input and first output; lacking one, only beside it."""
    source, source_port, target, target_port = key
    if not (fragment.inputs and fragment.outputs):
        return place(project, fragment, at, group=group)
    placed, fresh = _place(edits.disconnect(project, [key]), fragment, at, group, False)
    end = fragment.outputs[0]
    last = Edge(
        source=fresh[end.node], source_port=end.port, target=target, target_port=target_port
    )
    wires = [*_feeds(fragment.inputs[:1], fresh, (source, source_port)), last]
    return placed._replace(project=_wired(placed.project, wires))


def common_group(graph: Graph, ids: Iterable[str]) -> str:
    """The innermost group that holds all of these nodes; empty if none does."""
    return next(_common_groups(graph, set(ids)), "")


def home(graph: Graph, ids: Iterable[str]) -> str:
    """The innermost group that holds all of these nodes and more: where a copy of them belongs."""
    inside = set(ids)
    groups = _common_groups(graph, inside)
    return next((each for each in groups if not inside.issuperset(graph.members[each])), "")


def _common_groups(graph: Graph, ids: Collection[str]) -> Iterator[str]:
    chains = [tuple(graph.ancestors(graph.by_id[node].group)) for node in ids]
    for group in chains[0] if chains else ():
        if all(group in chain for chain in chains):
            yield group


def _alone(graph: Graph, node: Node, groups: Collection[str], inside: Collection[str]) -> Node:
    """The node as it stands in a fragment: nothing of it is left outside but the id it shares with."""
    if node.shares and node.shares not in inside:
        layer = graph.layer_of(node.id)
        node = replace(
            node, class_name=layer.class_name, params=layer.params, trainable=layer.trainable
        )
    return node if node.group in groups or not node.group else replace(node, group="")


def _inlets(graph: Graph, inside: Collection[str]) -> tuple[Inlet, ...]:
    fed: dict[Outlet, list[End]] = {}
    for node in graph.nodes:
        for edge in graph.incoming[node.id] if node.id in inside else ():
            if edge.source not in inside:
                ends = fed.setdefault((edge.source, edge.source_port), [])
                ends.append(End(node=edge.target, port=edge.target_port))
    return tuple(
        Inlet(source=source, source_port=port, ends=tuple(ends))
        for (source, port), ends in fed.items()
    )


def _outlets(graph: Graph, inside: Collection[str]) -> tuple[End, ...]:
    found = []
    for node in graph.nodes:
        if node.id in inside:
            wires = graph.outgoing[node.id]
            ports = {edge.source_port for edge in wires if edge.target not in inside}
            if node.output or not wires:
                ports.add(0)
            found += [End(node=node.id, port=port) for port in sorted(ports)]
    return tuple(found)


def _place(
    project: Project, fragment: Fragment, at: Place | None, group: str, wire: bool
) -> tuple[Placed, dict[str, str]]:
    graph = project.graph
    old = [*(node.id for node in fragment.nodes), *(each.id for each in fragment.groups)]
    fresh = {each: secrets.token_hex(4) for each in old}
    names = FreeNames([*(node.name for node in graph.nodes), *(each.name for each in graph.groups)])
    dx, dy = _offset(fragment, at)
    owners = _owners(graph, fragment, fresh)
    nodes = tuple(
        replace(
            node,
            id=fresh[node.id],
            name=names.take(node.name),
            params={} if node.id in owners else node.params,
            shares=owners.get(node.id, ""),
            group=fresh.get(node.group, group),
            x=node.x + dx,
            y=node.y + dy,
        )
        for node in fragment.nodes
    )
    groups = tuple(
        replace(
            each,
            id=fresh[each.id],
            name=names.take(each.name),
            parent=fresh.get(each.parent, group),
        )
        for each in fragment.groups
    )
    comments = tuple(
        replace(
            note,
            id=secrets.token_hex(4),
            group=fresh.get(note.group, group),
            x=note.x + dx,
            y=note.y + dy,
        )
        for note in fragment.comments
    )
    wires = tuple(
        replace(edge, source=fresh[edge.source], target=fresh[edge.target])
        for edge in fragment.edges
    )
    added = replace(
        graph,
        nodes=graph.nodes + nodes,
        edges=graph.edges + wires,
        groups=graph.groups + groups,
        comments=graph.comments + comments,
    )
    made = replace(project, graph=added)
    if wire:
        for inlet in fragment.inputs:
            if inlet.source in graph.by_id:
                source = (inlet.source, inlet.source_port)
                made = _wired(made, _feeds([inlet], fresh, source))
    return Placed(made, _ids(nodes), _ids(groups), _ids(comments)), fresh


def _owners(graph: Graph, fragment: Fragment, fresh: dict[str, str]) -> dict[str, str]:
    """Which node each sharing node of the copy shares with; without an entry it shares with none."""
    owners: dict[str, str] = {}
    heirs: dict[str, str] = {}
    for node in fragment.nodes:
        if not node.shares:
            continue
        outside = graph.by_id.get(node.shares)
        if node.shares in fresh:
            owners[node.id] = fresh[node.shares]
        elif outside and not outside.shares and outside.class_name == node.class_name:
            owners[node.id] = outside.id
        elif node.shares in heirs:
            owners[node.id] = heirs[node.shares]
        else:
            heirs[node.shares] = fresh[node.id]
    return owners


def _offset(fragment: Fragment, at: Place | None) -> Place:
    if at is None:
        return (0.0, 0.0)
    x, y = fragment.corner
    return (at[0] - x, at[1] - y)


def _feeds(inlets: Iterable[Inlet], fresh: dict[str, str], source: Outlet) -> list[Edge]:
    return [
        Edge(
            source=source[0],
            source_port=source[1],
            target=fresh[end.node],
            target_port=end.port,
        )
        for inlet in inlets
        for end in inlet.ends
    ]


def _wired(project: Project, wires: Iterable[Edge]) -> Project:
    for wire in wires:
        project = edits.connect(project, wire)
    return project


def _ids(parts: Iterable[Node | Group | Comment]) -> tuple[str, ...]:
    return tuple(part.id for part in parts)
