"""``kbuilder export``: a model, script, summary or picture of a project or run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kbuilder.cli.engine import handle
from kbuilder.cli.models import base_of, project_of
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.exportable import blockers
from kbuilder.document.formats import chosen_format
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.link.events import Exported, Inferred
from kbuilder.link.messages import Event
from kbuilder.link.requests import Export, Infer


def export(source: Path, to: Path, *, format_id: str, weights_only: bool) -> int:
    """Write a run, or a project as it is before training, and tell how the file was tried."""
    project, run = project_of(source)
    wanted = chosen_format(to, format_id, weights_only)
    if wanted.drawn:
        _draw(project, to)
        _say(f"{to} is drawn")
        return 0
    catalogue = load_catalogue()
    teach(catalogue, project.custom_code)
    for hint in blockers(project, catalogue, wanted):
        if hint.severity != "error":
            _say(f"note: {hint.text}")
    heard: list[Event] = []
    request = Export(
        request=1,
        project=project,
        path=str(to.absolute()),
        base=base_of(source, run),
        run=run,
        format=wanted.id,
        weights_only=weights_only,
    )
    handle(request, heard.append)
    for event in heard:
        if isinstance(event, Exported):
            _say(_told(event, to))
            for note in event.notes:
                _say(f"note: {note}")
    return 0


def _told(event: Exported, to: Path) -> str:
    text = f"{to} is written"
    if event.verified_by:
        text += f"; {event.verified_by} loaded it in a clean process"
    if event.difference is not None:
        text += f", and what it computes differs by {event.difference:.1e} at most"
    return text


def _draw(project: Project, to: Path) -> None:
    """Draw offscreen; shapes and counts come from the engine, as in the window."""
    heard: list[Event] = []
    request = Infer(
        request=1,
        graph=project.graph,
        code=project.custom_code,
        dtype_policy=project.compile.dtype_policy,
    )
    handle(request, heard.append)
    inferred = next(event for event in heard if isinstance(event, Inferred))
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from kbuilder.cli.display import check_libraries

    check_libraries()
    from kbuilder.app import draw_picture

    draw_picture(project, inferred.nodes, to)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
