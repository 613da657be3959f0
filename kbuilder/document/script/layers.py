"""The graph as statements: each layer made and called, in the order in which the engine does it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import INPUT_CLASS, Edge, Graph, Node
from kbuilder.document.nesting import border, ordered_units
from kbuilder.document.ports import (
    gives_list,
    input_ports,
    main_ports,
    output_ports,
    stacked_cells,
    states_of_cell,
)
from kbuilder.document.script.code import (
    Call,
    Expression,
    Listed,
    Names,
    Raw,
    call,
    quoted,
    sequence,
    statement,
    value,
)
from kbuilder.document.script.objects import Objects

KEYWORD_PORTS = ("MultiHeadAttention", "GroupQueryAttention")
"""Layers with several inputs that take each by its name; the others take a list."""
LISTED_MASKS = ("Attention", "AdditiveAttention")
MODULES_TAKEN = (
    *("Path", "csv", "keras", "layers", "losses", "metrics", "np", "ops", "optimizers", "partial"),
    *("callbacks", "constraints", "initializers", "regularizers", "model", "main", "fit", "data"),
    *("build_model", "compile_model", "load_data", "train", "DATA", "TARGETS", "SEED"),
)

End = tuple[str, int]
Places = dict[End, str]
"""What the tensor at an output port of a node is called."""


class LayerWriter:
    """Writes the body of ``build_model`` for a graph; ``lines`` grows while it does."""

    def __init__(self, graph: Graph, catalogue: Catalogue, objects: Objects) -> None:
        self.lines: list[str] = []
        self._graph = graph
        self._catalogue = catalogue
        self._objects = objects
        self._names = Names(MODULES_TAKEN)
        self._variables = {node.id: self._names.take(node.name) for node in graph.nodes}
        self._shared: dict[str, str] = {}
        self._places: Places = {}

    def write(self) -> None:
        """All layers, the model and what is frozen in it.

        Raises:
            KBuilderError: a node is of a class that nobody knows, or on a circle of wires.
        """
        self._write_units("", self._places)
        inputs = [Raw(self._places[node.id, 0]) for node in self._graph.inputs]
        outputs = [Raw(self._places[node.id, 0]) for node in self._graph.outputs]
        self._add(call("keras.Model", inputs=_bare(inputs), outputs=_bare(outputs)), "model = ")
        self._write_freezing()
        self._add(Raw("model"), "return ")

    def _add(self, expression: Expression, start: str) -> None:
        self.lines += statement(expression, start)

    def _write_units(self, scope: str, places: Places) -> None:
        ordered, circling = ordered_units(self._graph, scope)
        if circling:
            raise KBuilderError("The graph has a circle of wires. Remove one of them.")
        for unit in ordered:
            if unit in self._graph.by_id:
                self._write_node(self._graph.by_id[unit], places)
            else:
                self._write_model(unit, places)

    def _write_node(self, node: Node, places: Places) -> None:
        variable = self._variables[node.id]
        spec = self._catalogue.layer(node.class_name)
        if node.class_name == INPUT_CLASS:
            made = self._objects.made("layers", INPUT_CLASS, {**node.params, "name": node.name})
            self._add(Call(Raw("keras.Input"), made.parts, made.names), f"{variable} = ")
            places[node.id, 0] = variable
            return
        if spec is None:
            raise KBuilderError(
                f"“{node.name}” is of class “{node.class_name}”, which Keras "
                f"{self._catalogue.keras_version} does not have. Replace it by other layers."
            )
        owner = self._graph.layer_of(node.id)
        ports = output_ports(spec, owner.params, node.call)
        result = self._called(node, spec, places)
        listed = len(ports) > 1 or gives_list(spec, owner.params)
        if listed:
            result = call("keras.tree.flatten", result)
        self._add(result, f"{variable} = ")
        for port in range(len(ports)):
            places[node.id, port] = f"{variable}[{port}]" if listed else variable

    def _called(self, node: Node, spec: ClassSpec, places: Places) -> Expression:
        owner = self._graph.layer_of(node.id)
        edges = self._graph.incoming[node.id]
        if spec.class_name == "Expression":
            tensors = [places[edge.source, edge.source_port] for edge in edges]
            return Raw(self._expression(str(owner.params.get("expression", "x")), tensors))
        if spec.is_operation:
            return self._operation(owner, spec, edges, places)
        parts, named = _arguments(owner, spec, edges, places)
        named |= {name: value(found) for name, found in node.call.items()}
        return call(self._layer(owner), *parts, **named)

    def _layer(self, owner: Node) -> Expression:
        """The layer: made on the spot, or under a name of its own where it is called again."""
        made = self._objects.made("layers", owner.class_name, {**owner.params, "name": owner.name})
        if owner.id not in self._graph.lenders:
            return made
        if owner.id not in self._shared:
            self._shared[owner.id] = self._names.take(f"{owner.name}_layer")
            self._add(made, f"{self._shared[owner.id]} = ")
        return Raw(self._shared[owner.id])

    def _operation(
        self, owner: Node, spec: ClassSpec, edges: Sequence[Edge], places: Places
    ) -> Expression:
        self._objects.module("ops")
        given = {name: _tupled(each) for name, each in owner.params.items() if each is not None}
        tensors = {edge.target_port: Raw(places[edge.source, edge.source_port]) for edge in edges}
        name = spec.class_name.removeprefix("ops.")
        if name == "get_item":
            return Raw(f"{tensors[0].text}[{owner.params.get('key', '')}]")
        if not spec.many_inputs:
            ports = {spec.ports[port]: tensor for port, tensor in tensors.items()}
            rest = {key: value(each) for key, each in given.items() if key not in ports}
            return call(spec.class_name, **ports, **rest)
        parts: list[Expression] = [tensors[port] for port in sorted(tensors)]
        first = [value(given.pop("subscripts"))] if name == "einsum" else []
        rest = {key: value(each) for key, each in given.items()}
        if name in ("einsum", "meshgrid"):
            return call(spec.class_name, *first, *parts, **rest)
        return call(spec.class_name, sequence(parts, "()"), **rest)

    def _expression(self, text: str, tensors: Sequence[str]) -> str:
        self._objects.module("ops")
        tree = _Renamed(tensors).visit(ast.parse(text.strip(), mode="eval"))
        written = ast.unparse(tree)
        return re.sub(r"(?<=\w) \*\* (?=-?[\w.]+(?![\w.(\[]))", "**", written)

    # --- blocks that are models of their own ----------------------------------------------------

    def _write_model(self, group: str, places: Places) -> None:
        block = self._graph.group_by_id[group]
        entries, exits = border(self._graph, group)
        variable = self._names.take(block.name)
        self.lines += ["", f"    # The block “{block.name}” is a model of its own."]
        inner: Places = {}
        for number, end in enumerate(entries):
            outer = places[end]
            inner[end] = self._names.take(f"{variable}_input_{number}")
            arguments = {"batch_shape": Raw(f"{outer}.shape"), "dtype": Raw(f"{outer}.dtype")}
            self._add(call("keras.Input", **arguments), f"{inner[end]} = ")
        self._write_units(group, inner)
        starts, ends = [Raw(inner[end]) for end in entries], [Raw(inner[end]) for end in exits]
        made = call("keras.Model", _bare(starts), _bare(ends), name=value(block.name))
        self._add(made, f"{variable} = ")
        result = call(variable, _bare([Raw(places[end]) for end in entries]))
        if len(exits) == 1:
            places[exits[0]] = self._names.take(f"{variable}_output")
            self._add(result, f"{places[exits[0]]} = ")
        else:
            results = self._names.take(f"{variable}_outputs")
            self._add(result, f"{results} = ")
            places.update({end: f"{results}[{number}]" for number, end in enumerate(exits)})
        self.lines.append("")

    # --- frozen layers --------------------------------------------------------------------------

    def _write_freezing(self) -> None:
        frozen: dict[str, list[str]] = {}
        for node in self._graph.nodes:
            spec = self._catalogue.layer(node.class_name)
            is_layer = spec is not None and not spec.is_operation
            if node.trainable or node.shares or not is_layer or node.class_name == INPUT_CLASS:
                continue
            around = reversed(list(self._graph.ancestors(node.group)))
            models = [self._graph.group_by_id[group] for group in around]
            path = "".join(f".get_layer({quoted(b.name)})" for b in models if b.nested)
            frozen.setdefault(path, []).append(node.name)
        for path, names in frozen.items():
            self.lines.append("")
            self._add(Listed("()", tuple(value(name) for name in names)), "for name in ")
            self.lines[-1] += ":"
            self.lines.append(f"        model{path}.get_layer(name).trainable = False")


class _Renamed(ast.NodeTransformer):
    """Puts variables in the place of ``x`` and ``x[0]``."""

    def __init__(self, tensors: Sequence[str]) -> None:
        self._tensors = tensors

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """``x[1]`` is the second of several inputs."""
        picked = isinstance(node.value, ast.Name) and node.value.id == "x"
        if picked and len(self._tensors) > 1 and isinstance(node.slice, ast.Constant):
            return _source(self._tensors[int(str(node.slice.value))])
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """``x`` is the only input, or the list of all."""
        if node.id != "x":
            return node
        if len(self._tensors) == 1:
            return _source(self._tensors[0])
        return ast.List([_source(tensor) for tensor in self._tensors], ast.Load())


def _source(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _arguments(
    owner: Node, spec: ClassSpec, edges: Sequence[Edge], places: Places
) -> tuple[list[Expression], dict[str, Expression]]:
    """What a layer is called with: its inputs by position, masks and states by name."""
    tensors = {edge.target_port: Raw(places[edge.source, edge.source_port]) for edge in edges}
    if spec.many_inputs:
        return [sequence(tensors[port] for port in sorted(tensors))], {}
    main, first_state = main_ports(spec), len(spec.ports)
    data = [(spec.ports[port], tensors[port]) for port in sorted(tensors) if port < main]
    named = dict(_aside(owner, spec, tensors, main, first_state))
    if main > 1 and (spec.class_name in KEYWORD_PORTS or spec.own):
        return [], {**dict(data), **named}
    parts = [tensor for _, tensor in data]
    return ([sequence(parts)] if main > 1 else list(parts)), named


def _aside(
    owner: Node, spec: ClassSpec, tensors: dict[int, Raw], main: int, first_state: int
) -> Iterator[tuple[str, Expression]]:
    """Masks and initial states."""
    masks = {port: tensors[port] for port in range(main, first_state) if port in tensors}
    if masks and spec.class_name in LISTED_MASKS:
        yield "mask", sequence(masks.get(port, Raw("None")) for port in range(main, first_state))
    else:
        yield from ((spec.ports[port], tensor) for port, tensor in masks.items())
    ports = range(first_state, len(input_ports(spec, owner.params)))
    states: list[Expression] = [tensors[port] for port in ports if port in tensors]
    cells = stacked_cells(owner.params) if spec.class_name == "RNN" else []
    if states and cells:
        waiting = iter(states)
        states = [sequence(next(waiting) for _ in range(states_of_cell(cell))) for cell in cells]
    if states:
        yield "initial_state", sequence(states)


def _bare(parts: Sequence[Expression]) -> Expression:
    """One tensor alone, several as a list."""
    return parts[0] if len(parts) == 1 else sequence(parts)


def _tupled(found: Any) -> Any:
    return tuple(_tupled(item) for item in found) if isinstance(found, list) else found
