"""Problems as lines of text that say which layer they speak of."""

from __future__ import annotations

from kbuilder.document.graph import Graph
from kbuilder.document.problems import Problem


def named(problem: Problem, graph: Graph) -> str:
    """The problem's sentence, behind the name of its node unless the sentence has it."""
    node = graph.by_id.get(problem.node)
    if node is None or f"“{node.name}”" in problem.text:
        return problem.text
    return f"{node.name}: {problem.text}"
