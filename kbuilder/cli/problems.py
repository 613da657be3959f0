"""Problems as lines of text that say which layer they speak of, and as JSON."""

from __future__ import annotations

from typing import Any

from kbuilder.document.graph import Graph
from kbuilder.document.problems import Problem


def named(problem: Problem, graph: Graph) -> str:
    """The problem's sentence, behind the name of its node unless the sentence has it."""
    node = graph.by_id.get(problem.node)
    if node is None or f"“{node.name}”" in problem.text:
        return problem.text
    return f"{node.name}: {problem.text}"


def as_plain(problem: Problem, graph: Graph) -> dict[str, Any]:
    """The problem for ``--json``: the node by its name, fixes by their texts."""
    node = graph.by_id.get(problem.node)
    return {
        "severity": problem.severity,
        "kind": problem.kind,
        "node": node.name if node else "",
        "parameter": problem.parameter,
        "text": named(problem, graph),
        "fixes": [fix.text for fix in problem.fixes],
    }
