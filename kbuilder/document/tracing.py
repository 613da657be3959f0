"""Following wires backwards, and reading what a layer is set to."""

from __future__ import annotations

import math
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import Shape
from kbuilder.document.graph import Graph, Node

_KEEPING_FAMILIES = {"Regularization", "Activation", "Normalization"}
_KEEPING_CLASSES = {"Activation", "Identity", "Masking", "Rescaling"}
_KEEPING_WIDTH = ("UpSampling", "ZeroPadding", "Cropping", "Depthwise")
_RECURRENT = {"LSTM", "GRU", "SimpleRNN", "RNN"}


class Wiring:
    """A graph with the catalogue: questions about single nodes, each answered along the wires."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self.graph = graph
        self.catalogue = catalogue

    def value(self, node: str, name: str) -> Any:
        """What a parameter of a node's layer is set to, or its default."""
        layer = self.graph.layer_of(node)
        if name in layer.params:
            return layer.params[name]
        spec = self.catalogue.layer(layer.class_name)
        param = spec.param(name) if spec else None
        return param.default if param else None

    def has_param(self, node: str, name: str) -> bool:
        """Whether the class of a node takes that parameter."""
        spec = self.catalogue.layer(self.graph.by_id[node].class_name)
        return spec is not None and spec.param(name) is not None

    def family(self, node: str) -> str:
        """The palette group of a node's class; empty for an unknown class."""
        spec = self.catalogue.layer(self.graph.by_id[node].class_name)
        return spec.family if spec else ""

    def source(self, node: str, port: int = 0) -> str:
        """The node that feeds an input port; empty when none does."""
        wires = self.graph.incoming[node]
        return next((edge.source for edge in wires if edge.target_port == port), "")

    def keeps_shape(self, node: str) -> bool:
        """Whether a node gives what it gets in the same shape."""
        class_name = self.graph.by_id[node].class_name
        return class_name in _KEEPING_CLASSES or self.family(node) in _KEEPING_FAMILIES

    def origin(self, node: str) -> str:
        """A node itself, or the one above it that its shape comes from."""
        seen = set()
        while node and self.keeps_shape(node) and node not in seen:
            seen.add(node)
            node = self.source(node)
        return node

    def width_source(self, node: str) -> str:
        """The node whose parameter decides the last dimension of what a node gives, or empty."""
        seen = set()
        while node and node not in seen:
            seen.add(node)
            if width_param(self.graph.by_id[node]):
                return node
            class_name = self.graph.by_id[node].class_name
            keeps_width = self.family(node) == "Pooling" or class_name.startswith(_KEEPING_WIDTH)
            if not (keeps_width or self.keeps_shape(node)):
                return ""
            node = self.source(node)
        return ""

    def reads_last_step(self, node: str) -> bool:
        """Whether a node is a recurrent layer that gives its last step only."""
        return self.is_recurrent(node) and not self.recurrent_value(node, "return_sequences")

    def is_recurrent(self, node: str) -> bool:
        """Whether a node is a recurrent layer, also inside Bidirectional."""
        layer = self.graph.layer_of(node)
        if layer.class_name == "Bidirectional":
            inner = layer.params.get("layer")
            return isinstance(inner, dict) and inner.get("class_name") in _RECURRENT
        return layer.class_name in _RECURRENT or layer.class_name.startswith("ConvLSTM")

    def recurrent_value(self, node: str, name: str) -> Any:
        """A parameter of a recurrent layer, also inside Bidirectional."""
        layer = self.graph.layer_of(node)
        if layer.class_name == "Bidirectional":
            return layer.params["layer"].get("params", {}).get(name, False)
        return self.value(node, name)

    def recurrent_values(self, node: str, **values: Any) -> dict[str, Any]:
        """Parameters that set these values on a recurrent layer, also inside Bidirectional."""
        layer = self.graph.layer_of(node)
        if layer.class_name != "Bidirectional":
            return values
        inner = layer.params["layer"]
        return {"layer": {**inner, "params": {**inner.get("params", {}), **values}}}


def width_param(node: Node) -> str:
    """The parameter that decides the last dimension of a node's output; empty for most classes."""
    name = node.class_name
    if name in ("Dense", "LSTM", "GRU", "SimpleRNN"):
        return "units"
    if "Conv" in name and "Depthwise" not in name:
        return "filters"
    return "output_dim" if name == "Embedding" else ""


def known_size(shape: Shape) -> int | None:
    """How many values one sample has; None when a dimension is open."""
    sizes = [size for size in shape[1:] if size is not None]
    return math.prod(sizes) if len(sizes) == len(shape) - 1 else None


def words(shape: Shape | list[int | None]) -> str:
    """A shape with its batch dimension as Keras writes it: (None, 28, 28)."""
    return str(tuple(shape))


def count(number: int, noun: str) -> str:
    """1 layer, 2 layers."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
