"""The SHA-256 over the meaning of a project: what it trains, not how it is written or drawn."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from kbuilder.document.project import Project
from kbuilder.document.project_file import plain

_DRAWN = {
    "nodes": ("x", "y"),
    "groups": ("collapsed", "colour"),
}


def project_digest(project: Project) -> str:
    """Hexadecimal; equal for projects with equal values.

    Places, colours, folding, comments and notes do not count, nor the order of keys and wires, nor how
    a number is written (1, 1.0 and 1e0 are one number).
    """
    return hashlib.sha256(canonical(_meaning(project))).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON of a plain value, with one form for each number and each set of keys."""
    return msgspec.json.encode(_one_form(value), order="sorted")


def _meaning(project: Project) -> dict[str, Any]:
    content: dict[str, Any] = plain(project)
    content.pop("notes", None)
    graph: dict[str, Any] = dict(content.get("graph", {}))
    graph.pop("comments", None)
    for name, drawn in _DRAWN.items():
        graph[name] = [
            {key: item for key, item in part.items() if key not in drawn}
            for part in graph.get(name, [])
        ]
    graph["edges"] = sorted(graph.get("edges", []), key=canonical)
    return {**content, "graph": graph}


def _one_form(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _one_form(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_one_form(item) for item in value]
    if isinstance(value, float) and abs(value) < 2**53 and value.is_integer():
        return int(value)
    return value
