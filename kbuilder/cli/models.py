"""``kbuilder import`` and ``inspect``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kbuilder.cli.engine import handle
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save
from kbuilder.link.events import ActivationsComputed, ModelOpened, WeightsLoaded
from kbuilder.link.messages import Event
from kbuilder.link.requests import ComputeActivations, OpenModel

RUN_PROJECT = "project.kbuilder"


def import_model(model: Path, output: Path) -> int:
    """Make a project of a model file; its weights, if it has any, go to a run beside the project."""
    if output.exists():
        raise KBuilderError(f"“{output}” is there already. Choose another name.")
    heard: list[Event] = []
    run = output.absolute().with_suffix(".runs") / "imported"
    handle(OpenModel(request=1, path=str(model.absolute()), run=str(run)), heard.append)
    for event in heard:
        if isinstance(event, ModelOpened):
            save(event.project, output)
            sys.stderr.write(f"{output} is written\n")
        if isinstance(event, ModelOpened | WeightsLoaded):
            for note in event.notes:
                sys.stderr.write(f"note: {note}\n")
        if isinstance(event, WeightsLoaded):
            sys.stderr.write(f"the weights lie in {event.run}\n")
    return 0


def inspect(run: Path, layer: str, samples: tuple[int, ...], output: Path) -> int:
    """Write a layer's outputs, the model's inputs and predictions for some samples to ``.npz``."""
    project, folder = project_of(run)
    node = next((node for node in project.graph.nodes if node.name == layer), None)
    if node is None:
        names = ", ".join(node.name for node in project.graph.order)
        raise KBuilderError(f"There is no layer “{layer}” in {run}. There are: {names}.")
    heard: list[Event] = []
    request = ComputeActivations(
        request=1,
        project=project,
        node=node.id,
        samples=samples,
        base=base_of(run, folder),
        run=folder,
    )
    handle(request, heard.append)
    for event in heard:
        if isinstance(event, ActivationsComputed):
            _write_activations(event, project, output)
            sys.stderr.write(f"{output} is written: {layer} {event.activations.shape}\n")
    return 0


def project_of(source: Path) -> tuple[Project, str]:
    """The project of a project file or run folder, and the run folder or an empty text."""
    if source.is_dir():
        if not (source / RUN_PROJECT).is_file():
            raise FileRefusedError(f"“{source}” is not a run: it has no {RUN_PROJECT}.")
        return load(source / RUN_PROJECT), str(source.absolute())
    return load(source), ""


def base_of(source: Path, run: str) -> str:
    """The folder that relative data paths start from: a run lies in NAME.runs beside its project."""
    return str(source.absolute().parent.parent if run else source.absolute().parent)


def _write_activations(event: ActivationsComputed, project: Project, output: Path) -> None:
    import numpy as np

    from kbuilder.document.atomic import write_atomically
    from kbuilder.engine.arrays import to_numpy

    names = {node.id: node.name for node in project.graph.nodes}
    tensors = {names[event.node]: event.activations}
    for part in ("inputs", "outputs", "truth"):
        tensors |= {f"{part}/{names[node]}": a for node, a in getattr(event, part).items()}
    arrays: dict[str, Any] = {name: to_numpy(tensor) for name, tensor in tensors.items()}
    arrays["samples"] = np.array(event.samples)

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)

    write_atomically(output, write)
