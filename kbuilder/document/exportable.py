"""What a network holds that a format cannot, told before anything is built or written."""

from __future__ import annotations

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.formats import Format
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project


def blockers(project: Project, catalogue: Catalogue, wanted: Format) -> tuple[Problem, ...]:
    """Errors for what keeps the project out of the format, and hints for what will be left out."""
    del project, catalogue, wanted
    return ()
