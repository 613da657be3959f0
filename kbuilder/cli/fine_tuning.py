"""``kbuilder base`` and ``kbuilder freeze``: a pretrained network as a project, and what of it learns."""

from __future__ import annotations

import sys
from pathlib import Path

from kbuilder.cli.engine import handle
from kbuilder.cli.report import ProgressReport
from kbuilder.document import edits
from kbuilder.document.errors import KBuilderError
from kbuilder.document.freezing import first, named, up_to
from kbuilder.document.graph import Graph
from kbuilder.document.project_file import load, save
from kbuilder.link.events import ModelOpened, WeightsLoaded
from kbuilder.link.messages import Event
from kbuilder.link.requests import MakeApplication


def base(
    name: str,
    output: Path,
    *,
    weights: str,
    top: bool,
    size: tuple[int, int] | None,
    preprocess: bool,
    block: bool,
) -> int:
    """Write a network of ``keras.applications`` as a project, its weights as the first run beside it.

    Raises:
        KBuilderError: there is no such network, or its weights cannot be had.
    """
    if output.exists():
        raise KBuilderError(f"“{output}” is there already. Choose another name.")
    run = output.with_suffix(".runs") / "base"
    report, heard = ProgressReport(), list[Event]()

    def hear(event: Event) -> None:
        heard.append(event)
        report(event)

    request = MakeApplication(
        request=1,
        name=name,
        run=str(run.absolute()),
        weights=weights,
        include_top=top,
        shape=(*size, 3) if size else (),
        pooling="" if top else "avg",
        preprocess=preprocess,
        block=block,
    )
    handle(request, hear)
    opened = next(event for event in heard if isinstance(event, ModelOpened))
    save(opened.project, output)
    sys.stderr.write(f"{output} is written: {name}, {len(opened.project.graph.nodes)} layers\n")
    if any(isinstance(event, WeightsLoaded) for event in heard):
        sys.stderr.write(f"Its weights lie in {run}; train with --weights {run}\n")
    return 0


def freeze(
    path: Path, *, count: int | None, pattern: str | None, layer: str | None, frozen: bool
) -> int:
    """Freeze or unfreeze layers of a project file, and say which.

    Raises:
        KBuilderError: no layer is meant.
    """
    project = load(path)
    nodes = _meant(project.graph, count, pattern, layer)
    if not nodes:
        raise KBuilderError(f"No layer of “{path}” is meant by this.")
    save(edits.freeze(project, nodes, frozen), path)
    for node in nodes:
        sys.stdout.write(f"{project.graph.by_id[node].name}\n")
    return 0


def _meant(
    graph: Graph, count: int | None, pattern: str | None, layer: str | None
) -> tuple[str, ...]:
    if count is not None:
        return first(graph, count)
    if pattern is not None:
        return named(graph, pattern)
    return up_to(graph, [node.id for node in graph.nodes if node.name == layer])
