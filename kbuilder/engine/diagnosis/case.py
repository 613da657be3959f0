"""A node that Keras refuses, with all that is known around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.facts import Shape
from kbuilder.document.fixes import Fix, InsertBefore, SetParams, Step
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import Wiring


class Tensor(Protocol):
    """What is asked of a tensor: Keras's symbolic ones and ``TensorFacts`` both have it."""

    @property
    def shape(self) -> Shape:
        """With the batch dimension."""

    @property
    def dtype(self) -> str:
        """Keras's name of it."""


@dataclass(frozen=True)
class Input:
    """What arrives at one port of the node."""

    port: int
    source: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class Case:
    """A node that Keras refuses. ``outputs`` has the tensors of every node that could be judged."""

    wiring: Wiring
    node: Node
    spec: ClassSpec
    outputs: Mapping[str, Sequence[Tensor | None]]

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What the wires bring, in the order of the ports; nothing for an output that is not there."""
        return tuple(
            Input(edge.target_port, edge.source, tuple(tensor.shape), str(tensor.dtype))
            for edge in self.wiring.graph.incoming[self.node.id]
            if edge.source_port < len(self.outputs.get(edge.source, ()))
            for tensor in (self.outputs[edge.source][edge.source_port],)
            if tensor is not None
        )

    @property
    def title(self) -> str:
        """How sentences about the node begin: Dense “hidden”."""
        return f"{self.node.class_name} “{self.node.name}”"

    def value(self, name: str) -> Any:
        """What a parameter of the layer is set to, or its default."""
        return self.wiring.value(self.node.id, name)

    def given_by(self, node: str) -> Shape:
        """The shape of the first output of a node; empty when it is not known."""
        tensors = self.outputs.get(node) or (None,)
        return tuple(tensors[0].shape) if tensors[0] is not None else ()

    def name_of(self, node: str) -> str:
        """The name of a node."""
        return self.wiring.graph.by_id[node].name

    def problem(
        self, kind: str, text: str, fixes: Sequence[Fix | None] = (), parameter: str = ""
    ) -> Problem:
        """An error of this node with the first three of the fixes that are there."""
        offered = tuple(fix for fix in fixes if fix is not None)[:3]
        return Problem(
            severity="error",
            kind=kind,
            node=self.node.id,
            parameter=parameter,
            text=text,
            fixes=offered,
        )

    def set(self, text: str = "", **values: Any) -> Fix:
        """Give parameters of this node other values."""
        named = " and ".join(f"{name} to {shown(value)}" for name, value in values.items())
        return self.set_on(self.node.id, text or f"Set {named}", **values)

    def set_on(self, node: str, text: str, **values: Any) -> Fix:
        """Give parameters of another node other values."""
        return Fix(text=text, steps=(SetParams(node=node, values=values),))

    def insert(self, text: str, class_name: str, port: int = 0, **params: Any) -> Fix:
        """Put a layer in front of a port of this node."""
        return Fix(text=text, steps=(self.before(class_name, port, **params),))

    def before(self, class_name: str, port: int = 0, **params: Any) -> Step:
        """The step that puts a layer in front of a port of this node."""
        return InsertBefore(node=self.node.id, class_name=class_name, port=port, params=params)
