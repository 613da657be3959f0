"""All advice on a project, in one pass over its nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kbuilder.document.advice.activations import activation_problems
from kbuilder.document.advice.calls import mask_problems, training_problems
from kbuilder.document.advice.endings import endings
from kbuilder.document.advice.evidence import Evidence, Fields
from kbuilder.document.advice.freezing import freezing_problems
from kbuilder.document.advice.inputs import data_problems, embedding_problems, merge_problems
from kbuilder.document.advice.labels import label_problems
from kbuilder.document.advice.layers import dropout_problems, linear_problems, softmax_problems
from kbuilder.document.advice.memory import activation_problems as batch_problems
from kbuilder.document.advice.memory import weight_problems
from kbuilder.document.advice.metrics import metric_problems
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import INPUT_CLASS, Node
from kbuilder.document.problems import Problem, worst_first
from kbuilder.document.project import Project

_Rule = Callable[[Evidence, Node], Iterator[Problem]]
_BY_CLASS: dict[str, _Rule] = {INPUT_CLASS: data_problems, "Embedding": embedding_problems}
_BY_FAMILY: dict[str, _Rule] = {"Merging": merge_problems, "Regularization": dropout_problems}


def advise(
    project: Project,
    catalogue: Catalogue,
    facts: Mapping[str, NodeFacts],
    fields: Fields | None = None,
    memory_bytes: int = 0,
) -> tuple[Problem, ...]:
    """What is legal and most likely not meant; worst first.

    ``facts`` are of the same graph; nodes without facts are not judged. ``fields`` are what the data
    holds for input and output nodes, None while that is not known; ``memory_bytes`` is the memory of
    the machine that trains, 0 while nobody has said.
    """
    evidence = Evidence(project, catalogue, facts, fields or {}, memory_bytes)
    found: list[Problem] = []
    for ending in endings(evidence):
        found += activation_problems(ending)
        found += label_problems(ending)
        found += metric_problems(ending)
    rules = {name: _rules(evidence, name) for name in {n.class_name for n in project.graph.nodes}}
    for node in project.graph.nodes:
        for rule in rules[node.class_name]:
            found += rule(evidence, node)
    found += freezing_problems(evidence)
    found += batch_problems(evidence)
    return tuple(_once(worst_first(found)))


def _rules(evidence: Evidence, class_name: str) -> tuple[_Rule, ...]:
    """What can be told of the nodes of a class."""
    spec = evidence.catalogue.layer(class_name)
    own = _BY_CLASS.get(class_name) or _BY_FAMILY.get(spec.family if spec else "")
    activated = spec is None or class_name == "Softmax" or spec.param("activation")
    return (
        *((own,) if own else ()),
        weight_problems,
        *((training_problems,) if spec is not None and spec.call_params else ()),
        *((mask_problems,) if spec is not None and "mask" in spec.ports else ()),
        *((softmax_problems,) if activated else ()),
        *((linear_problems,) if class_name == "Dense" else ()),
    )


def _once(found: Iterable[Problem]) -> Iterator[Problem]:
    """The worst problem of each parameter; the others are mostly its consequence."""
    told: set[tuple[str, str]] = set()
    for problem in found:
        key = (problem.node, problem.parameter)
        if not problem.parameter or key not in told:
            told.add(key)
            yield problem
