"""Carries out the fixes that problems offer, as one edit of the project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from kbuilder.document import edits, group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fixes import (
    AddAfter,
    AddCallback,
    Connect,
    Disconnect,
    Fix,
    Freeze,
    InsertBefore,
    Remove,
    Rename,
    ReplaceClass,
    ResetParams,
    SetBlock,
    SetCall,
    SetFit,
    SetLoss,
    SetMetrics,
    SetOptimizer,
    SetParams,
    Step,
    Unshare,
)
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.naming import new_node
from kbuilder.document.places import NODE_HEIGHT
from kbuilder.document.project import Project
from kbuilder.document.rules import can_connect
from kbuilder.document.values import KerasObject

ROW = NODE_HEIGHT + 44.0
"""From one layer to the next below it, as the canvas spaces them."""


def apply_fix(project: Project, fix: Fix, catalogue: Catalogue) -> Project:
    """The project after all steps of a fix.

    Raises:
        KBuilderError: the project has changed since and a step no longer fits it.
    """
    for step in fix.steps:
        _refuse_gone(project, fix, step)
        project = _STEPS[type(step)](project, step, catalogue)
    return project


def _refuse_gone(project: Project, fix: Fix, step: Step) -> None:
    named = [
        getattr(step, name) for name in ("node", "source", "target") if getattr(step, name, "")
    ]
    named += getattr(step, "nodes", ())
    block = getattr(step, "group", "")
    gone = any(node not in project.graph.by_id for node in named)
    if gone or (block and block not in project.graph.group_by_id):
        raise KBuilderError(
            f"“{fix.text}” cannot be done any more: the layer it is for was deleted meanwhile. "
            "Look at the problems again."
        )


def _set_call(project: Project, step: SetCall, _: Catalogue) -> Project:
    return edits.set_call(project, [step.node], step.name, step.value)


def _set_params(project: Project, step: SetParams, _: Catalogue) -> Project:
    return edits.set_params(project, [step.node], step.values)


def _reset_params(project: Project, step: ResetParams, _: Catalogue) -> Project:
    return edits.reset_params(project, [step.node], step.names)


def _insert_before(project: Project, step: InsertBefore, catalogue: Catalogue) -> Project:
    graph = project.graph
    target = graph.by_id[step.node]
    wire = next((edge for edge in graph.incoming[step.node] if edge.target_port == step.port), None)
    if wire is None:
        made = _made(project, step, catalogue, target, (target.x, target.y - ROW))
        project = edits.add_node(project, made)
        return edits.connect(project, Edge(source=made.id, target=target.id, target_port=step.port))
    source = graph.by_id[wire.source]
    gap = max(target.y - source.y, 2 * ROW)
    place = ((source.x + target.x) / 2, source.y + gap / 2)
    made = _made(project, step, catalogue, target, place)
    places = _pushed_down(graph, [target], source.y + gap)
    return edits.move(edits.insert_on_edge(project, made, wire.key), places)


def _add_after(project: Project, step: AddAfter, catalogue: Catalogue) -> Project:
    graph = project.graph
    source = graph.by_id[step.node]
    made = _made(project, step, catalogue, source, (source.x, source.y + ROW))
    moved = [edge for edge in graph.outgoing[source.id] if edge.source_port == 0]
    readers = [graph.by_id[edge.target] for edge in moved]
    project = edits.disconnect(edits.add_node(project, made), [edge.key for edge in moved])
    for edge in moved:
        project = edits.connect(project, replace(edge, source=made.id))
    project = edits.connect(project, Edge(source=source.id, target=made.id))
    if not readers:
        project = _handed_over(project, source.id, made.id)
    return edits.move(project, _pushed_down(graph, readers, source.y + 2 * ROW))


def _connect(project: Project, step: Connect, catalogue: Catalogue) -> Project:
    taken = [
        edge.key for edge in project.graph.incoming[step.target] if edge.target_port == step.port
    ]
    project = edits.disconnect(project, taken)
    reason = can_connect(project.graph, catalogue, step.source, 0, step.target, step.port)
    if reason:
        raise KBuilderError(reason)
    return edits.connect(
        project, Edge(source=step.source, target=step.target, target_port=step.port)
    )


def _disconnect(project: Project, step: Disconnect, _: Catalogue) -> Project:
    wires = [
        edge.key
        for edge in project.graph.incoming[step.node]
        if edge.target_port == step.port and step.source in ("", edge.source)
    ]
    return edits.disconnect(project, wires)


def _rename(project: Project, step: Rename, _: Catalogue) -> Project:
    return edits.rename(project, step.node, step.name)


def _remove(project: Project, step: Remove, _: Catalogue) -> Project:
    for node in step.nodes:
        graph = project.graph
        wires = graph.incoming[node]
        if (
            len(wires) == 1
            and not graph.outgoing[node]
            and len(graph.outgoing[wires[0].source]) == 1
        ):
            project = _handed_over(project, node, wires[0].source)
    return edits.remove(project, step.nodes, heal=True)


def _replace_class(project: Project, step: ReplaceClass, _: Catalogue) -> Project:
    return edits.replace_class(project, step.node, step.class_name, step.params)


def _unshare(project: Project, step: Unshare, _: Catalogue) -> Project:
    return group_edits.unshare(project, step.nodes)


def _set_block(project: Project, step: SetBlock, _: Catalogue) -> Project:
    return group_edits.set_group(project, step.group, **step.values)


def _freeze(project: Project, step: Freeze, _: Catalogue) -> Project:
    return edits.freeze(project, step.nodes, step.frozen)


def _set_loss(project: Project, step: SetLoss, _: Catalogue) -> Project:
    loss = KerasObject(class_name=step.class_name, params=step.params)
    return edits.set_output(project, step.node, loss=loss)


def _set_metrics(project: Project, step: SetMetrics, _: Catalogue) -> Project:
    metrics = tuple(KerasObject(class_name=name, params=params) for name, params in step.metrics)
    return edits.set_output(project, step.node, metrics=metrics)


def _set_fit(project: Project, step: SetFit, _: Catalogue) -> Project:
    return edits.set_fit(project, **step.values)


def _set_optimizer(project: Project, step: SetOptimizer, _: Catalogue) -> Project:
    optimizer = project.compile.optimizer
    params = {**optimizer.params, **step.values}
    return edits.set_optimizer(project, replace(optimizer, params=params))


def _add_callback(project: Project, step: AddCallback, _: Catalogue) -> Project:
    made = KerasObject(class_name=step.class_name, params=step.params)
    return edits.set_fit(project, callbacks=(*project.fit.callbacks, made))


_STEPS: dict[type, Callable[[Project, Any, Catalogue], Project]] = {
    SetCall: _set_call,
    SetParams: _set_params,
    ResetParams: _reset_params,
    InsertBefore: _insert_before,
    AddAfter: _add_after,
    Connect: _connect,
    Disconnect: _disconnect,
    Rename: _rename,
    Remove: _remove,
    ReplaceClass: _replace_class,
    Unshare: _unshare,
    SetBlock: _set_block,
    Freeze: _freeze,
    SetLoss: _set_loss,
    SetMetrics: _set_metrics,
    SetFit: _set_fit,
    SetOptimizer: _set_optimizer,
    AddCallback: _add_callback,
}


def _made(
    project: Project,
    step: InsertBefore | AddAfter,
    catalogue: Catalogue,
    neighbour: Node,
    place: tuple[float, float],
) -> Node:
    """The new layer of a step, in the group of its neighbour."""
    spec = catalogue.layer(step.class_name)
    if spec is None:
        raise KBuilderError(
            f"Keras {catalogue.keras_version} has no layer class “{step.class_name}”."
        )
    node = new_node(project.graph, spec, *place)
    return replace(node, params={**node.params, **step.params}, group=neighbour.group)


def _handed_over(project: Project, old: str, new: str) -> Project:
    """Loss, metrics and targets of an output for the node that is the output in its place."""
    outputs, targets = project.compile.outputs, project.data.targets
    if old in outputs and new not in outputs:
        project = replace(
            project, compile=replace(project.compile, outputs=_renamed(outputs, old, new))
        )
    if old in targets and new not in targets:
        project = edits.set_data(
            project, replace(project.data, targets=_renamed(targets, old, new))
        )
    return project


def _renamed(values: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if key == old else key: value for key, value in values.items()}


def _pushed_down(graph: Graph, first: Iterable[Node], top: float) -> dict[str, tuple[float, float]]:
    """New places for what follows, so that none of the ``first`` nodes lies above ``top``."""
    below = list(first)
    distance = max((top - node.y for node in below), default=0.0)
    if distance <= 0.0:
        return {}
    start = min(node.y for node in below)
    found = (graph.by_id[node] for node in graph.downstream(node.id for node in below))
    return {node.id: (node.x, node.y + distance) for node in found if node.y >= start}
