"""``kbuilder predict`` and ``kbuilder evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from kbuilder.cli.engine import handle
from kbuilder.cli.models import base_of, project_of
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.link.messages import Event
from kbuilder.link.requests import Evaluate, Predict
from kbuilder.link.run_events import Evaluated, Predicted
from kbuilder.link.run_facts import find_checkpoint

KINDS = {".csv": "table", ".npz": "arrays", ".npy": "arrays"}


def predict(source: Path, data: Path, output: Path, checkpoint: str) -> int:
    """Write what a run predicts for each sample of a data file."""
    project, run = _run(source)
    heard: list[Event] = []
    request = Predict(
        request=1,
        project=project,
        run=run,
        data=_data(data, project),
        path=str(output.absolute()),
        base=base_of(source, run),
        checkpoint=_checkpoint(run, checkpoint),
    )
    handle(request, heard.append)
    for event in heard:
        if isinstance(event, Predicted):
            sys.stderr.write(f"{output} is written: {event.samples} samples\n")
    return 0


def evaluate(source: Path, data: Path, checkpoint: str, *, as_json: bool) -> int:
    """Print losses and metrics of a run on a data file."""
    project, run = _run(source)
    heard: list[Event] = []
    request = Evaluate(
        request=1,
        project=project,
        run=run,
        data=_data(data, project),
        base=base_of(source, run),
        checkpoint=_checkpoint(run, checkpoint),
    )
    handle(request, heard.append)
    for event in heard:
        if isinstance(event, Evaluated):
            _tell(event, as_json=as_json)
    return 0


def _tell(event: Evaluated, *, as_json: bool) -> None:
    if as_json:
        facts = {"samples": event.samples, **event.logs}
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
        return
    for name, value in event.logs.items():
        sys.stdout.write(f"{name} {value:.6g}\n")
    sys.stderr.write(f"{event.samples} samples\n")


def _run(source: Path) -> tuple[Project, str]:
    project, run = project_of(source)
    if not run:
        raise FileRefusedError(
            f"“{source}” is a project without weights. Give the folder of a run."
        )
    return project, run


def _checkpoint(run: str, name: str) -> str:
    return find_checkpoint(Path(run), name) if name else ""


def _data(path: Path, project: Project) -> DataOptions:
    """A data file by its ending, a folder as pictures of the size that the project has chosen."""
    absolute = path.absolute()
    if path.is_dir():
        size = {name: getattr(project.data, name) for name in ("image_size", "image_channels")}
        return DataOptions(kind="images", path=str(absolute), **size)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise KBuilderError(
            f"“{path.name}” ends in “{path.suffix}”; expected a .csv, .npz or .npy file, or a folder of "
            "pictures. Choose such data."
        )
    return DataOptions(kind=kind, path=str(absolute))
