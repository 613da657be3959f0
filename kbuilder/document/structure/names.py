"""Names of nodes: unique, and such that Keras takes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from kbuilder.document.fixes import Fix, Rename
from kbuilder.document.graph import Graph
from kbuilder.document.naming import KERAS_NAME, FreeNames, snake_case
from kbuilder.document.problems import Problem
from kbuilder.document.tracing import count


def name_problems(graph: Graph) -> Iterator[Problem]:
    """Names that are taken twice or that Keras refuses."""
    counts = Counter(node.name for node in graph.nodes)
    free = FreeNames(counts)
    for node in graph.nodes:
        if counts[node.name] > 1:
            yield Problem(
                severity="error",
                kind="name-taken",
                node=node.id,
                parameter="name",
                text=f"{count(counts[node.name], 'node')} are called “{node.name}”. "
                "Keras needs a name of its own for each layer.",
                fixes=(_rename(node.id, free.take(node.name)),),
            )
        if not KERAS_NAME.match(node.name):
            clean = _cleaned(node.name) or snake_case(node.class_name)
            yield Problem(
                severity="error",
                kind="name-invalid",
                node=node.id,
                parameter="name",
                text=f"“{node.name}” cannot be the name of a Keras layer. "
                "Use the letters A to Z, digits, and _ . - without spaces.",
                fixes=(_rename(node.id, free.take(clean)),),
            )


def _cleaned(name: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9_.>-]+", "_", name).strip("_>")
    return kept if KERAS_NAME.match(kept) else ""


def _rename(node: str, name: str) -> Fix:
    return Fix(text=f"Rename to {name}", steps=(Rename(node=node, name=name),))
