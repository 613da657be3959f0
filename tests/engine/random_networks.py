"""Strategies of Hypothesis: networks of any layers of the catalogue that can be built and are small."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from msgspec.structs import replace

from kbuilder.document.catalogue import ClassSpec, ParamSpec, load_catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Edge, Graph, Group, Node
from kbuilder.engine.infer import Inference

CATALOGUE = load_catalogue()
LAYERS = [
    spec
    for spec in CATALOGUE.layers
    if not (spec.hidden or spec.class_name in ("Input", "Expression"))
]
SHAPES = ([6], [5, 4], [8, 8, 3], [4, 8, 8, 2], [3, 8, 8, 3])
DTYPES = (*["float32"] * 6, "int32", "string")
NUMBERS = {"int": (1, 2, 3), "float": (0.1, 0.5)}
MOST_VALUES = 20_000
"""Entries of a tensor for one sample; larger networks only take longer."""
MOST_LAYERS = 6
TRIES = 12
"""Layers that are tried until one takes what is there."""


@st.composite
def networks(draw: st.DrawFn, most: int = MOST_LAYERS) -> Graph:
    """One or two Inputs and some layers that each take what they are given.

    Some layers are shared, some are called with switches, and some stand in a block that is a model.
    """
    inference = Inference(CATALOGUE)
    graph = Graph(nodes=tuple(_input(draw, n) for n in range(draw(st.integers(1, 2)))))
    facts, _ = inference.infer(graph)
    for number in range(draw(st.integers(2, most))):
        for _ in range(TRIES):
            grown = _grown(draw, graph, facts, f"n{number}")
            seen, problems = inference.infer(grown)
            if not problems and _is_small(seen.get(f"n{number}")):
                graph, facts = grown, seen
                break
    used = {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges}
    graph = replace(graph, nodes=tuple(node for node in graph.nodes if node.id in used))
    assume(graph.outputs)
    nested = _nested(draw, graph)
    return graph if inference.infer(nested)[1] else nested


def _input(draw: st.DrawFn, number: int) -> Node:
    params: dict[str, Any] = {"shape": draw(st.sampled_from(SHAPES))}
    dtype = draw(st.sampled_from(DTYPES))
    params |= {"dtype": dtype} if dtype != "float32" else {}
    return Node(id=f"in{number}", class_name="Input", name=f"in{number}", params=params)


def _grown(draw: st.DrawFn, graph: Graph, facts: dict[str, NodeFacts], name: str) -> Graph:
    owners = [n for n in graph.nodes if _can_be_shared(n)]
    if owners and not draw(st.integers(0, 7)):
        owner = draw(st.sampled_from(owners))
        node = Node(id=name, class_name=owner.class_name, name=name, shares=owner.id)
    else:
        node = _made(draw, draw(st.sampled_from(LAYERS)), name)
    spec = CATALOGUE.layer(node.class_name)
    assert spec is not None
    edges = _wires(draw, graph, facts, spec, name)
    return replace(graph, nodes=(*graph.nodes, node), edges=(*graph.edges, *edges))


def _can_be_shared(node: Node) -> bool:
    spec = CATALOGUE.layer(node.class_name)
    is_layer = spec is not None and not spec.is_operation and node.class_name != "Input"
    return is_layer and not node.shares


def _made(draw: st.DrawFn, spec: ClassSpec, name: str) -> Node:
    call = {}
    for switch in spec.call_params:
        if not draw(st.integers(0, 5)):
            call[switch.name] = draw(st.booleans())
    params = dict(spec.preset) | _varied(draw, spec)
    return Node(id=name, class_name=spec.class_name, name=name, params=params, call=call)


def _wires(
    draw: st.DrawFn, graph: Graph, facts: dict[str, NodeFacts], spec: ClassSpec, name: str
) -> tuple[Edge, ...]:
    """To the ports that must be wired, sometimes to those for masks; often all from one node."""
    count = len(spec.ports) - (draw(st.integers(0, spec.optional_ports)))
    count = draw(st.integers(spec.fewest_inputs, 3)) if spec.many_inputs else count
    ends = [
        (node, port) for node, seen in facts.items() for port in range(min(len(seen.outputs), 3))
    ]
    sources = [draw(st.sampled_from(ends)) for _ in range(count)]
    if draw(st.booleans()):
        sources = sources[:1] * count
    return tuple(
        Edge(source=node, source_port=source_port, target=name, target_port=port)
        for port, (node, source_port) in enumerate(sources)
    )


def _varied(draw: st.DrawFn, spec: ClassSpec) -> dict[str, object]:
    """One parameter away from its default, where its values are known."""
    values = {param.name: _values(param) for param in spec.params if param.name != "dtype"}
    known = [name for name, found in values.items() if found]
    if not known or draw(st.integers(0, 2)):
        return {}
    name = draw(st.sampled_from(known))
    return {name: draw(st.sampled_from(values[name]))}


def _values(param: ParamSpec) -> list[object]:
    """Values that differ from the default; none for kinds whose values are not known."""
    values: list[object] = []
    for kind in param.kinds:
        values += NUMBERS.get(kind, ())
        values += [True, False] if kind == "bool" else []
        values += param.choices if kind == "choice" else []
        if kind == "object" and param.of and param.of != "layers":
            values += [
                {"class_name": spec.class_name, "params": dict(spec.preset)}
                for spec in getattr(CATALOGUE, param.of)
                if not spec.hidden
            ]
    return [value for value in values if value != param.default]


def _nested(draw: st.DrawFn, graph: Graph) -> Graph:
    """With a block around some nodes that were made one after the other: no wire comes back into it."""
    layers = [node for node in graph.nodes if node.class_name != "Input"]
    start, stop = sorted(draw(st.integers(0, len(layers))) for _ in range(2))
    inside = {node.id for node in layers[start:stop]}
    # Keras writes a layer that is shared across the border of a model as two.
    cut = any((node.id in inside) != (node.shares in inside) for node in layers if node.shares)
    if not inside or cut or draw(st.integers(0, 3)):
        return graph
    nodes = tuple(
        replace(node, group="block") if node.id in inside else node for node in graph.nodes
    )
    block = Group(id="block", name="block", nested=True)
    return replace(graph, nodes=nodes, groups=(block,))


def _is_small(seen: NodeFacts | None) -> bool:
    sizes = [np.prod([size or 4 for size in t.shape[1:]]) for t in seen.outputs] if seen else []
    return bool(sizes) and max(sizes) <= MOST_VALUES
