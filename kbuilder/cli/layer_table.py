"""The layers of a project with shapes and costs, as a table for people or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Graph

_COLUMNS = ("name", "class", "output", "trainable", "fixed", "weight_bytes", "mult_adds")


def layer_rows(graph: Graph, facts: Mapping[str, NodeFacts]) -> list[dict[str, Any]]:
    """One dictionary for each layer, in the order in which data passes them.

    Unknown shapes are empty lists; open dimensions None. Costs are for one sample.
    """
    rows = []
    for node in graph.order:
        known = facts.get(node.id, NodeFacts())
        shares = {"shares": graph.by_id[node.shares].name} if node.shares else {}
        rows.append(
            {
                "name": node.name,
                "class": node.class_name,
                "output": list(known.outputs[0].shape) if known.outputs else [],
                "dtype": known.outputs[0].dtype if known.outputs else "",
                "trainable": known.trainable_params,
                "fixed": known.fixed_params,
                "weight_bytes": known.weight_bytes,
                "activation_bytes": known.activation_bytes,
                "mult_adds": known.mult_adds,
                **shares,
            }
        )
    return rows


def layer_table(rows: list[dict[str, Any]]) -> str:
    """The rows as text in columns."""
    cells = [list(_COLUMNS), *([_cell(row[column]) for column in _COLUMNS] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(_COLUMNS))]
    lines = []
    for line in cells:
        words = [word.ljust(width) for word, width in zip(line[:3], widths[:3], strict=True)]
        numbers = [word.rjust(width) for word, width in zip(line[3:], widths[3:], strict=True)]
        lines.append("  " + "  ".join([*words, *numbers]))
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " x ".join("?" if size is None else str(size) for size in value[1:])
    return f"{value:,}" if isinstance(value, int) else str(value)
