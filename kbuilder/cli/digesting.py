"""``kbuilder digest``: one SHA-256 over what a project or a run means."""

from __future__ import annotations

import sys
from pathlib import Path

from kbuilder.cli.models import project_of
from kbuilder.document.meaning import project_digest


def digest(source: Path) -> int:
    """Print the digest of a project's values, or of a run's weights, optimizer state and history."""
    project, run = project_of(source)
    sys.stdout.write(f"{_of_run(Path(run)) if run else project_digest(project)}\n")
    return 0


def _of_run(run: Path) -> str:
    from kbuilder.cli.engine import load_quietly

    load_quietly()
    from kbuilder.engine.digesting import state_digest
    from kbuilder.engine.runs import Run

    return state_digest(Run.open(run).state)
