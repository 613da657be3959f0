"""All that advice is drawn from: the project, what is known of its nodes, and its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import FieldFacts, NodeFacts, Shape
from kbuilder.document.fixes import Fix, ReplaceClass, SetParams, Step
from kbuilder.document.graph import Graph
from kbuilder.document.project import Project
from kbuilder.document.tracing import Wiring

Fields = Mapping[str, tuple[FieldFacts, ...]]
"""For the id of an input or output node: the fields of the data that are stacked for it."""

_TRANSPARENT = {"Identity", "Flatten", "Reshape", "Permute", "Masking"}
_BY_CLASS = {"Softmax": "softmax", "ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu"}


def fields_by_node(fields: Iterable[FieldFacts], *choices: Mapping[str, tuple[str, ...]]) -> Fields:
    """The fields of each node; ``choices`` give their names by node, as a preview of the data does."""
    by_name = {field.name: field for field in fields}
    return {
        node: tuple(by_name[name] for name in names)
        for chosen in choices
        for node, names in chosen.items()
        if all(name in by_name for name in names)
    }


@dataclass(frozen=True)
class Evidence:
    """What is known when advice is given; ``memory_bytes`` is 0 while nobody has said."""

    project: Project
    catalogue: Catalogue
    facts: Mapping[str, NodeFacts]
    fields: Fields
    memory_bytes: int

    @property
    def graph(self) -> Graph:
        """The graph of the project."""
        return self.project.graph

    @cached_property
    def wiring(self) -> Wiring:
        """The graph with the catalogue."""
        return Wiring(self.graph, self.catalogue)

    def name(self, node: str) -> str:
        """The name of a node."""
        return self.graph.by_id[node].name

    def shape(self, node: str) -> Shape:
        """The shape of a node's first output; empty when it is not known."""
        facts = self.facts.get(node)
        return facts.outputs[0].shape if facts and facts.outputs else ()

    def activation(self, node: str) -> str:
        """What a node does to its values last; empty for a layer that has no activation."""
        layer = self.graph.layer_of(node)
        if layer.class_name in _BY_CLASS:
            return _BY_CLASS[layer.class_name]
        if layer.class_name == "TimeDistributed":
            return self._inner_activation(layer.params.get("layer"))
        if self.wiring.has_param(node, "activation"):
            return str(self.wiring.value(node, "activation") or "linear")
        return ""

    def _inner_activation(self, inner: Any) -> str:
        if not isinstance(inner, dict):
            return ""
        spec = self.catalogue.layer(str(inner.get("class_name")))
        if spec is None or spec.param("activation") is None:
            return ""
        return str(inner.get("params", {}).get("activation") or "linear")

    def last_activation(self, node: str) -> tuple[str, str]:
        """The activation that the values of a node come from, and the node that has it."""
        seen = set()
        while node and node not in seen:
            seen.add(node)
            found = self.activation(node)
            plain = found == "linear" and self.graph.by_id[node].class_name == "Activation"
            if found and not plain:
                return found, node
            if not (plain or self._is_transparent(node)):
                return "", node
            node = self.wiring.source(node)
        return "", ""

    def _is_transparent(self, node: str) -> bool:
        class_name = self.graph.by_id[node].class_name
        return class_name in _TRANSPARENT or self.wiring.family(node) == "Regularization"


def set_activation(evidence: Evidence, node: str, name: str) -> Step:
    """The step that gives a node another activation."""
    if evidence.wiring.has_param(node, "activation"):
        return SetParams(node=node, values={"activation": name})
    return ReplaceClass(node=node, class_name="Activation", params={"activation": name})


def can_change_activation(evidence: Evidence, node: str) -> bool:
    """Whether ``set_activation`` can be used on a node."""
    class_name = evidence.graph.by_id[node].class_name
    return evidence.wiring.has_param(node, "activation") or class_name in _BY_CLASS


def activation_fix(evidence: Evidence, node: str, name: str, *more: Step) -> Fix | None:
    """A button that gives a node another activation, and does what goes with it."""
    if not can_change_activation(evidence, node):
        return None
    text = f"Use {name} in {evidence.name(node)}"
    return Fix(text=text, steps=(set_activation(evidence, node, name), *more))
