"""``kbuilder adapt``: let preprocessing layers learn from the data, and keep it in the project."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kbuilder.cli.engine import handle
from kbuilder.document import edits
from kbuilder.document.adapting import to_adapt
from kbuilder.document.errors import KBuilderError
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save
from kbuilder.link.events import Adapted
from kbuilder.link.messages import Event
from kbuilder.link.requests import Adapt


def adapt(path: Path, names: Sequence[str]) -> int:
    """Adapt these layers, or all that have not learned yet, and save the project.

    Raises:
        KBuilderError: there is no such layer, or it cannot be adapted.
    """
    project = load(path)
    nodes = _nodes(project, names, path)
    if not nodes:
        sys.stderr.write("every layer has what it needs\n")
        return 0
    heard: list[Event] = []
    base = str(path.absolute().parent)
    handle(Adapt(request=1, project=project, nodes=nodes, base=base), heard.append)
    for event in heard:
        if isinstance(event, Adapted):
            save(edits.take_learned(project, event.params), path)
            for node, params in event.params.items():
                told = ", ".join(_short(name, value) for name, value in params.items() if value)
                sys.stderr.write(f"{project.graph.by_id[node].name}: {told}\n")
    return 0


def _nodes(project: Project, names: Sequence[str], path: Path) -> tuple[str, ...]:
    if not names:
        return to_adapt(project.graph)
    by_name = {node.name: node.id for node in project.graph.nodes}
    if missing := [name for name in names if name not in by_name]:
        raise KBuilderError(
            f"There is no layer “{missing[0]}” in {path}. There are: {', '.join(by_name)}."
        )
    return tuple(by_name[name] for name in names)


def _short(name: str, value: object) -> str:
    return f"{name} of {len(value)}" if isinstance(value, list) else f"{name} {value}"
