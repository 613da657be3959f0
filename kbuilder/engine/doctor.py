"""What a model file holds and what is wrong with it, without running or building anything in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.project import Project
from kbuilder.engine.dangers import findings
from kbuilder.engine.legacy.origin import Origin
from kbuilder.engine.model_files import project_of
from kbuilder.engine.raw_model import RawModel, open_raw
from kbuilder.engine.weight_files import describe, parameter_count

BYTES_PER_WEIGHT = 4
_OPTIMIZERS = ("/optimizer", "/kbuilder_state/optimizer", "/_optimizer")


@dataclass(frozen=True)
class FileFacts:
    """What a model file holds. ``dangers`` are sentences on why it would not be opened as it is.

    ``custom`` are classes and functions of programs, ``lambdas`` the code of Lambda layers as it is read,
    ``notes`` what is lost or means something else. ``memory_bytes`` is what weights and the optimizer's state
    take when it is opened.
    """

    name: str
    kind: str
    keras_version: str
    family: str
    layers: int
    parameters: int
    compiled: bool
    optimizer: bool
    project: bool
    optimizer_class: str = ""
    memory_bytes: int = 0
    custom: tuple[str, ...] = ()
    lambdas: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()


def check_file(path: Path) -> FileFacts:
    """Facts about a model file; nothing in it is run or built.

    Raises:
        FileRefusedError: it is not a model file at all, or its container is not one to be read.
    """
    catalogue = load_catalogue()
    with open_raw(path) as raw:
        seen = findings(catalogue, raw.config, raw.compiled)
        dangers, layers = seen.dangers, _listed(raw)
        project, notes = Project(), tuple[str, ...]()
        if raw.config is not None:
            try:
                project, notes = project_of(catalogue, raw)
                layers = len(project.graph.nodes)
            except FileRefusedError as error:
                dangers = (*dangers, str(error))
        parameters = parameter_count(raw.file, raw.sizes) if raw.file else 0
        return FileFacts(
            name=raw.name,
            kind=raw.kind if raw.file is None or raw.is_archive else describe(raw.file),
            keras_version=raw.keras_version,
            family=Origin(raw.keras_version).family if raw.keras_version else "not told",
            layers=layers,
            parameters=parameters,
            compiled=raw.compiled is not None,
            optimizer=raw.has_optimizer,
            project=raw.own is not None and bool(raw.own.project),
            optimizer_class=_optimizer_class(raw.compiled),
            memory_bytes=(parameters + _optimizer_values(raw)) * BYTES_PER_WEIGHT,
            custom=tuple(dict.fromkeys((*seen.custom, *_unknown(catalogue, project)))),
            lambdas={
                node.name: str(node.params.get("expression"))
                for node in project.graph.nodes
                if node.class_name == "Expression" and node.params.get("approved") is False
            },
            notes=notes,
            dangers=dangers,
        )


def _listed(raw: RawModel) -> int:
    config: Any = (raw.config or {}).get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    return len(layers) if isinstance(layers, list) else 0


def _optimizer_class(compiled: Any) -> str:
    found = compiled.get("optimizer_config", compiled.get("optimizer")) if compiled else None
    name = found.get("class_name") if isinstance(found, dict) else found
    return str(name).rpartition(">")[2] if name else ""


def _optimizer_values(raw: RawModel) -> int:
    return sum(size for place, size in raw.sizes.items() if place.startswith(_OPTIMIZERS))


def _unknown(catalogue: Catalogue, project: Project) -> list[str]:
    """Layers, losses and metrics that neither Keras nor the project has."""
    outputs = project.compile.outputs.values()
    judges = [
        *(("losses", each.loss) for each in outputs if each.loss is not None),
        *(("metrics", metric) for each in outputs for metric in each.metrics),
    ]
    layers = [n.class_name for n in project.graph.nodes if catalogue.layer(n.class_name) is None]
    names: list[str] = [
        judge.class_name
        for section, judge in judges
        if catalogue.find(section, judge.class_name) is None  # type: ignore[arg-type]
    ]
    return [*layers, *names]
