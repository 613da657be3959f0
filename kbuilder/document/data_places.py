"""Paths of data that hold wherever the project lies."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project


def with_fixed_data(project: Project, base: str | Path) -> Project:
    """The project with absolute paths of its data, for a run that does not lie beside it.

    ``base`` is the folder that relative paths start from; empty: they stay as they are.
    """
    if not str(base):
        return project
    project = edits.set_data(project, fixed(project.data, base))
    own = fixed(project.fit.validation_data, base)
    return edits.set_fit(project, validation_data=own)


def fixed(data: DataOptions, base: str | Path) -> DataOptions:
    """The data with absolute paths; a bundled sample and what names code have none."""
    if data.kind not in ("arrays", "table", "images"):
        return data
    paths = {
        name: str(Path(base, given))
        for name in ("path", "targets_path")
        if (given := getattr(data, name))
    }
    return replace(data, **paths)
