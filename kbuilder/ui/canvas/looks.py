"""How nodes, blocks and wires look by what is known of them: shapes, counts, problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from PySide6.QtCore import QCoreApplication

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.ui.canvas.node_item import NodeLook
from kbuilder.ui.canvas.projection import BlockPorts
from kbuilder.ui.text import shape_text

BLOCK = "Block"
"""What stands for a class on the box of a collapsed block."""


class Looks:
    """Facts and problems as they were told last, and the looks that follow from them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._facts: Mapping[str, NodeFacts] = {}
        self._problems: tuple[Problem, ...] = ()
        self.errors: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    def set_facts(
        self, facts: Mapping[str, NodeFacts], problems: Iterable[Problem]
    ) -> frozenset[str]:
        """Take what is known now; the ids of the nodes of which it is something else than before."""
        new = _differing(self._facts, facts)
        self._facts = facts
        found = tuple(problems)
        if found != self._problems:
            new |= _differing(_by_node(self._problems), _by_node(found))
            self._problems = found
            self.errors = Counter(each.node for each in found if each.severity == "error")
            self.warnings = Counter(each.node for each in found if each.severity == "warning")
        return frozenset(new)

    def node(self, graph: Graph, node: Node, *, is_output: bool, ghost: bool) -> NodeLook:
        """The look of one node."""
        owner = graph.by_id[node.shares].name if node.shares else ""
        return NodeLook(
            spec=self._catalogue.layer(node.class_name),
            facts=self._facts.get(node.id),
            inputs=len(graph.incoming[node.id]),
            output=_tr("output") if is_output else "",
            errors=self.errors[node.id],
            warnings=self.warnings[node.id],
            shared=_tr("layer of {name}").format(name=owner) if owner else "",
            lent=_tr("shared") if node.id in graph.lenders else "",
            training=training_text(node),
            ghost=ghost,
        )

    def block(self, graph: Graph, group: str, ports: BlockPorts, *, ghost: bool) -> NodeLook:
        """The look of a collapsed block: sums over its nodes, and the shape of its first output."""
        members = graph.members[group]
        facts = [self._facts[node] for node in members if node in self._facts]
        shapes = [
            self._facts[node].outputs[port]
            for node, port in ports.outputs
            if node in self._facts and port < len(self._facts[node].outputs)
        ]
        text = QCoreApplication.translate("canvas", "%n layers", "", len(members))
        if graph.group_by_id[group].nested:
            text = " · ".join([text, _tr("Keras model")])
        return NodeLook(
            spec=None,
            facts=NodeFacts(
                outputs=tuple(shapes),
                trainable_params=sum(each.trainable_params for each in facts),
                fixed_params=sum(each.fixed_params for each in facts),
            ),
            inputs=len(ports.inputs),
            output="",
            errors=sum(self.errors[node] for node in members),
            warnings=sum(self.warnings[node] for node in members),
            block=text,
            ghost=ghost,
        )

    def shape(self, node: str, port: int) -> str:
        """The shape that an output port of a node gives, empty when it is not known."""
        facts = self._facts.get(node)
        if facts is None or port >= len(facts.outputs):
            return ""
        return shape_text(facts.outputs[port].shape)

    def is_masked(self, node: str, port: int) -> bool:
        """Whether Keras carries a mask along with what an output port gives."""
        facts = self._facts.get(node)
        return facts is not None and port < len(facts.outputs) and facts.outputs[port].masked

    def rank(self, node: str, port: int) -> int | None:
        """Rank of what an output port gives, with the batch dimension; None when unknown."""
        facts = self._facts.get(node)
        if facts is None or port >= len(facts.outputs):
            return None
        return len(facts.outputs[port].shape)

    def wrong_with(self, nodes: Iterable[str]) -> list[str]:
        """The texts of the problems of these nodes."""
        wanted = set(nodes)
        return [problem.text for problem in self._problems if problem.node in wanted]

    def spoken(self, node: Node) -> str:
        """A node in words: name, class, output shape, frozen or not, what is wrong with it."""
        facts = self._facts.get(node.id)
        parts = [node.name, node.class_name]
        if facts is not None and facts.outputs:
            parts.append(shape_text(facts.outputs[0].shape))
            if facts.outputs[0].masked:
                parts.append(_tr("gives a mask"))
        if not node.trainable:
            parts.append(_tr("frozen"))
        if training := training_text(node):
            parts.append(training)
        return ", ".join([*parts, *self.wrong_with([node.id])])


def training_text(node: Node) -> str:
    """That a node does not follow the model in training, in words; empty when it does."""
    fixed = node.call.get("training")
    if fixed is None:
        return ""
    return _tr("training on") if fixed else _tr("training off")


def block_node(graph: Graph, group: str) -> Node:
    """What a block's box shows as if it were a node: its name, and frozen when all in it is."""
    value = graph.group_by_id[group]
    trainable = any(graph.layer_of(node).trainable for node in graph.members[group])
    return Node(id=group, class_name=BLOCK, name=value.name, trainable=trainable)


def _by_node(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.node, []).append(problem)
    return found


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Keys under which two mappings have something else."""
    if before is after:
        return set()
    gone = before.keys() - after.keys()
    return {key for key, value in after.items() if before.get(key) != value} | gone


def _tr(text: str) -> str:
    return QCoreApplication.translate("canvas", text)
