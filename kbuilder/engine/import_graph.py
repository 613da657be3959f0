"""The configuration of a Sequential or Functional model as a graph of our own."""

from __future__ import annotations

from typing import Any

import msgspec

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.layout import layout
from kbuilder.engine.import_calls import MODELS, MOST_LAYERS, Call, Calls, Ref
from kbuilder.engine.import_masks import is_automatic_mask, without_automatic_masks
from kbuilder.engine.import_params import class_and_config
from kbuilder.engine.import_wires import border


def graph_from(catalogue: Catalogue, raw: Any, where: str) -> Graph:
    """The graph in a model configuration, laid out from top to bottom. Ids are the layer names.

    Raises:
        FileRefusedError: it is another kind of model, is damaged, or holds what would run code.
    """
    class_name, config = class_and_config(raw, where)
    if class_name not in MODELS or not isinstance(config.get("layers"), list):
        raise FileRefusedError(
            f"{where} is of class “{class_name}”. Only Sequential and Functional models can be opened; a "
            "subclassed model is a program."
        )
    if len(config["layers"]) > MOST_LAYERS:
        raise FileRefusedError(
            f"{where} has {len(config['layers']):,} layers; at most {MOST_LAYERS:,} are opened."
        )
    calls = Calls(catalogue)
    outputs = calls.read(class_name, config, where)
    if class_name == "Sequential":
        return _laid_out(_assembled(calls, [], catalogue, where))
    inputs = dict.fromkeys(name for name, _, _ in border(config, "input_layers", where))
    by_id = {call.id: call for call in calls.found}
    if missing := [name for name in inputs if name not in by_id]:
        raise FileRefusedError(f"{where} names an input “{missing[0]}” that is not there.")
    calls.found = [
        *(by_id[name] for name in inputs),
        *(call for call in calls.found if call.id not in inputs),
    ]
    return _laid_out(_assembled(calls, outputs, catalogue, where))


def _assembled(calls: Calls, outputs: list[Ref], catalogue: Catalogue, where: str) -> Graph:
    chosen = _chosen(calls, outputs, where)
    edges = [
        Edge(source=source, source_port=output, target=call.id, target_port=port)
        for call in calls.found
        for port, (source, output) in _sources(calls, call, where)
    ]
    nodes = [
        Node(
            id=call.id,
            class_name=call.class_name,
            name=call.id,
            params=call.params,
            call=call.call,
            trainable=call.trainable,
            shares=call.shares,
            group=call.group,
        )
        for call in calls.found
    ]
    graph = Graph(nodes=tuple(nodes), edges=tuple(edges), groups=tuple(calls.groups))
    if len(graph.order) != len(graph.nodes):
        raise FileRefusedError(f"{where} feeds a layer with its own result. It is damaged.")
    _refuse_own_masks(calls, graph)
    graph = without_automatic_masks(graph, catalogue, chosen)
    marked = [
        msgspec.structs.replace(node, output=node.id in chosen and bool(graph.outgoing[node.id]))
        for node in graph.nodes
    ]
    return msgspec.structs.replace(
        graph,
        nodes=tuple(_outputs_in_order(marked, chosen)),
        groups=tuple(group for group in graph.groups if graph.members[group.id]),
    )


def _sources(calls: Calls, call: Call, where: str) -> list[tuple[int, tuple[str, int]]]:
    found = []
    for port, ref in call.sources:
        source = calls.node(ref)
        if source is None:
            raise FileRefusedError(
                f"{where}, layer “{call.id}”, takes its input from “{ref[1]}”, which is not a layer that can "
                "be opened."
            )
        found.append((port, source))
    return found


def _refuse_own_masks(calls: Calls, graph: Graph) -> None:
    """A block has no port for a mask: it must be one that Keras works out again by itself."""
    for where, ref in calls.masks:
        source = calls.node(ref)
        if source is None or not is_automatic_mask(graph, source[0]):
            raise FileRefusedError(
                f"{where} is called with a mask that a program made, “{ref[1]}”, which cannot be opened "
                "yet. Call the model without a mask and save it again."
            )


def _chosen(calls: Calls, outputs: list[Ref], where: str) -> list[str]:
    """Ids of the nodes that give out what the model does, in its order.

    A node gives out its first output, once; others leave through an Identity of their own.
    """
    made = [(ref, calls.node(ref)) for ref in outputs]
    if unknown := [ref[1] for ref, found in made if found is None]:
        raise FileRefusedError(f"{where} gives out “{unknown[0]}”, which is not a layer.")
    chosen: list[str] = []
    for ref, found in made:
        node, output = found or ("", 0)
        chosen.append(calls.by_itself(ref) if output or node in chosen else node)
    return chosen


def _outputs_in_order(nodes: list[Node], chosen: list[str]) -> list[Node]:
    """The order of the nodes is the order of the outputs; give them each other's places."""
    by_id = {node.id: node for node in nodes}
    wanted = iter(chosen)
    swapped = set(chosen)
    return [by_id[next(wanted)] if node.id in swapped else node for node in nodes]


def _laid_out(graph: Graph) -> Graph:
    places = layout(graph)
    placed = (
        msgspec.structs.replace(node, x=places[node.id][0], y=places[node.id][1])
        for node in graph.nodes
    )
    return msgspec.structs.replace(graph, nodes=tuple(placed))
