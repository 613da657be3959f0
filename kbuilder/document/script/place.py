"""Where a script finds the data of a project, and which fields feed which node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from kbuilder.document.facts import FieldFacts
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.resources import resource

Names = Mapping[str, tuple[str, ...]]


class DataPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A project with every field assigned, the fields by name, and absolute paths of the files.

    ``legacy`` is source that defines what Keras 2 had and Keras 3 has not, for scripts that need it.
    """

    project: Project
    legacy: str = ""
    fields: dict[str, FieldFacts] = {}
    path: str = ""
    targets_path: str = ""
    validation_path: str = ""
    """Data to validate with, empty where it cannot be read in the same way as that to train with."""


def data_place(
    project: Project,
    base: str,
    fields: Iterable[FieldFacts],
    inputs: Names,
    targets: Names,
    legacy: str = "",
) -> DataPlace:
    """The place of the chosen data. ``inputs`` and ``targets`` name the fields for each node."""
    if project.data.kind == "generator":
        return DataPlace(project=project, legacy=legacy)  # its own code says all there is to say
    data = replace(project.data, inputs=dict(inputs), targets=dict(targets))
    path = Path(base, data.path).absolute()
    if data.kind == "sample":
        arrays = resource("data", f"{data.path}.npz")
        path = Path(arrays if arrays.exists() else resource("data", f"{data.path}.csv"))
    return DataPlace(
        project=replace(project, data=data),
        legacy=legacy,
        fields={field.name: field for field in fields},
        path=str(path),
        targets_path=str(Path(base, data.targets_path).absolute()) if data.targets_path else "",
        validation_path=_validation_path(project.fit.validation_data, base, data.kind, str(path)),
    )


def _validation_path(own: DataOptions, base: str, kind: str, path: str) -> str:
    simple = not (own.inputs or own.targets or own.targets_path) and own.path
    same = _reader(kind, path) == _reader(own.kind, own.path) != ".npy"
    return str(Path(base, own.path).absolute()) if simple and same else ""


def _reader(kind: str, path: str) -> str:
    """What a script reads the data with."""
    return "images" if kind == "images" else Path(path).suffix
