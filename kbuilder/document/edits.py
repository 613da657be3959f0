"""What a user can do to a project, as functions from project to project.

Each is one user intention; bind the arguments with a lambda or ``functools.partial`` and hand it to
``Document.apply``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from kbuilder.document.graph import Edge, EdgeKey, Graph, Node
from kbuilder.document.options import CompileOptions, DataOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject


def add_node(project: Project, node: Node) -> Project:
    """Put a new node into the graph."""
    return _with_graph(project, nodes=(*project.graph.nodes, node))


def add_after(project: Project, node: Node, source: str) -> Project:
    """Put a new node into the graph and wire it to the first output of ``source``."""
    return connect(add_node(project, node), Edge(source=source, target=node.id))


def insert_on_edge(project: Project, node: Node, key: EdgeKey) -> Project:
    """Put a new node into a wire: source -> node -> target."""
    source, source_port, target, target_port = key
    project = disconnect(add_node(project, node), [key])
    first = Edge(source=source, source_port=source_port, target=node.id)
    second = Edge(source=node.id, target=target, target_port=target_port)
    return connect(connect(project, first), second)


def connect(project: Project, edge: Edge) -> Project:
    """Add a wire. One that already ends at the same input port is replaced."""
    kept = tuple(
        other
        for other in project.graph.edges
        if (other.target, other.target_port) != (edge.target, edge.target_port)
    )
    return _with_graph(project, edges=(*kept, edge))


def disconnect(project: Project, keys: Iterable[EdgeKey]) -> Project:
    """Remove wires."""
    gone = set(keys)
    return _with_graph(
        project, edges=tuple(edge for edge in project.graph.edges if edge.key not in gone)
    )


def remove(project: Project, ids: Iterable[str], *, heal: bool = False) -> Project:
    """Remove nodes with their wires and options, and groups that lose their last member.

    With ``heal``, whatever fed a removed node with one input feeds what that node fed. A layer that
    other nodes share stays with the first of them.
    """
    gone = set(ids)
    graph = project.graph
    edges = _healed(graph, gone) if heal else graph.edges
    graph = without_empty_groups(
        replace(
            graph,
            nodes=tuple(node for node in _handed_on(graph, gone) if node.id not in gone),
            edges=tuple(
                edge for edge in edges if edge.source not in gone and edge.target not in gone
            ),
        )
    )
    return replace(
        project,
        graph=graph,
        compile=replace(project.compile, outputs=_without(project.compile.outputs, gone)),
        data=replace(
            project.data,
            inputs=_without(project.data.inputs, gone),
            targets=_without(project.data.targets, gone),
        ),
        fit=replace(
            project.fit,
            class_weights=_without(project.fit.class_weights, gone),
            sample_weights=_without(project.fit.sample_weights, gone),
            augmentation=_without(project.fit.augmentation, gone),
        ),
    )


def move(project: Project, places: Mapping[str, tuple[float, float]]) -> Project:
    """Put nodes at new places (top left corner, scene units)."""
    return _with_nodes(
        project,
        places,
        lambda node: replace(node, x=places[node.id][0], y=places[node.id][1]),
    )


def rename(project: Project, node_id: str, name: str) -> Project:
    """Give a node another name."""
    return _with_nodes(project, [node_id], lambda node: replace(node, name=name))


def set_params(project: Project, ids: Iterable[str], values: Mapping[str, Any]) -> Project:
    """Give parameters of nodes a value of their own."""
    return _with_layers(project, ids, lambda node: replace(node, params={**node.params, **values}))


def take_learned(project: Project, learned: Mapping[str, Mapping[str, Any]]) -> Project:
    """Give nodes the parameters that their layers learned from data, by node id."""
    for node, values in learned.items():
        if node in project.graph.by_id:
            project = set_params(project, [node], values)
    return project


def reset_params(project: Project, ids: Iterable[str], names: Iterable[str]) -> Project:
    """Let parameters of nodes have Keras's default again."""
    gone = set(names)
    return _with_layers(
        project, ids, lambda node: replace(node, params=_without(node.params, gone))
    )


def set_call(project: Project, ids: Iterable[str], name: str, value: Any) -> Project:
    """Fix an argument of the calls of these nodes, as ``training``; None: it is as usual again."""
    return _with_nodes(
        project,
        ids,
        lambda node: replace(
            node,
            call={
                **_without(node.call, {name}),
                **({} if value is None else {name: value}),
            },
        ),
    )


def freeze(project: Project, ids: Iterable[str], frozen: bool) -> Project:
    """Keep the weights of these nodes as they are in training, or let them learn again."""
    return _with_layers(project, ids, lambda node: replace(node, trainable=not frozen))


def replace_class(
    project: Project, node_id: str, class_name: str, params: Mapping[str, Any]
) -> Project:
    """Make the layer of a node, and of all that share it, one of another class; wires stay."""
    owner = project.graph.layer_of(node_id).id
    return _with_nodes(
        project,
        [node.id for node in project.graph.nodes if owner in (node.id, node.shares)],
        lambda node: replace(
            node, class_name=class_name, params={} if node.shares else dict(params)
        ),
    )


def mark_output(project: Project, node_id: str, output: bool) -> Project:
    """Make a node an output of the model although other nodes read it, or no longer."""
    return _with_nodes(project, [node_id], lambda node: replace(node, output=output))


def set_optimizer(project: Project, optimizer: KerasObject) -> Project:
    """Choose the optimizer with its parameters."""
    return replace(project, compile=replace(project.compile, optimizer=optimizer))


def set_output(project: Project, node_id: str, **changes: Any) -> Project:
    """Change loss, loss_weight or metrics of one output."""
    options: CompileOptions = project.compile
    output = replace(options.outputs.get(node_id, OutputOptions()), **changes)
    return replace(project, compile=replace(options, outputs={**options.outputs, node_id: output}))


def set_compile(project: Project, **changes: Any) -> Project:
    """Change compile options that belong to no single output."""
    return replace(project, compile=replace(project.compile, **changes))


def set_code(project: Project, code: str) -> Project:
    """Replace the project's own code."""
    return replace(project, custom_code=code)


def set_fit(project: Project, **changes: Any) -> Project:
    """Change arguments of fit."""
    return replace(project, fit=replace(project.fit, **changes))


def set_sweep(project: Project, **changes: Any) -> Project:
    """Change what a sweep tries and what it looks for."""
    return replace(project, sweep=replace(project.sweep, **changes))


def set_data(project: Project, data: DataOptions) -> Project:
    """Choose the data and how it feeds the graph."""
    return replace(project, data=data)


def _with_graph(project: Project, **changes: Any) -> Project:
    return replace(project, graph=replace(project.graph, **changes))


def _with_nodes(project: Project, ids: Iterable[str], change: Any) -> Project:
    wanted = set(ids)
    return _with_graph(
        project,
        nodes=tuple(change(node) if node.id in wanted else node for node in project.graph.nodes),
    )


def _with_layers(project: Project, ids: Iterable[str], change: Any) -> Project:
    """Change the nodes that hold the layers of these nodes."""
    return _with_nodes(project, {project.graph.layer_of(node).id for node in ids}, change)


def _handed_on(graph: Graph, gone: set[str]) -> Iterator[Node]:
    """The nodes; the first that shares a layer of a removed node holds it from now on."""
    heirs: dict[str, str] = {}
    for node in graph.nodes:
        if node.shares not in gone or node.id in gone:
            yield node
        elif node.shares in heirs:
            yield replace(node, shares=heirs[node.shares])
        else:
            heirs[node.shares] = node.id
            owner = graph.by_id[node.shares]
            yield replace(node, shares="", params=owner.params, trainable=owner.trainable)


def without_empty_groups(graph: Graph) -> Graph:
    """The graph without groups that hold no node; comments in them move to the group around."""
    empty = {group for group, members in graph.members.items() if not members}
    if not empty:
        return graph

    def kept(group: str) -> str:
        return next((each for each in graph.ancestors(group) if each not in empty), "")

    return replace(
        graph,
        groups=tuple(group for group in graph.groups if group.id not in empty),
        comments=tuple(replace(each, group=kept(each.group)) for each in graph.comments),
    )


def _without(values: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in gone}


def _healed(graph: Graph, gone: set[str]) -> tuple[Edge, ...]:
    def origin(edge: Edge) -> Edge | None:
        """The wire that feeds ``edge``'s source from outside the removed nodes."""
        passed: set[str] = set()
        while edge.source in gone:
            above = graph.incoming[edge.source]
            if len(above) != 1 or edge.source in passed:
                return None
            passed.add(edge.source)
            edge = above[0]
        return edge

    edges = []
    for edge in graph.edges:
        if edge.source in gone and edge.target not in gone:
            above = origin(edge)
            if above is not None and above.source != edge.target:
                edges.append(replace(edge, source=above.source, source_port=above.source_port))
        else:
            edges.append(edge)
    return tuple(edges)
