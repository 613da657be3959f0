"""``kbuilder check``: the file doctor for projects, models and data. Runs nothing that is in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import psutil

from kbuilder.cli.engine import handle
from kbuilder.cli.layer_table import layer_rows, layer_table
from kbuilder.cli.problems import as_plain
from kbuilder.document.advice.advising import advise
from kbuilder.document.advice.evidence import fields_by_node
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Graph
from kbuilder.document.options import DataOptions
from kbuilder.document.own_code import catalogue_for, code_problems
from kbuilder.document.problems import joined
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.rules import check as check_rules
from kbuilder.link.events import Inferred, Previewed
from kbuilder.link.messages import Event
from kbuilder.link.requests import Infer, Preview
from kbuilder.link.values import DataPreview

MODEL_ENDINGS = (".hdf5", ".h5", ".keras", ".json")
DATA_KINDS = {".npz": "arrays", ".npy": "arrays", ".csv": "table"}


def check(file: Path, kind: str | None, *, as_json: bool, layers: bool = False) -> int:
    """Say what a file holds and what is wrong with it; 1 if something is.

    With ``layers``, a project's layers are listed with their shapes and costs.

    Raises:
        FileRefusedError: it cannot be read as what it claims to be.
    """
    kind = kind or _kind_of(file)
    facts, problems = {"project": _project, "model": _model, "data": _data}[kind](file)
    rows = facts.pop("layer_rows", [])
    if as_json:
        facts |= {"layer_rows": rows} if layers else {}
        sys.stdout.write(json.dumps({"kind": kind, **facts, "problems": problems}) + "\n")
    else:
        sys.stdout.write(f"{file}: {kind}\n")
        for name, value in facts.items():
            sys.stdout.write(f"  {name.replace('_', ' ')}: {_text(value)}\n")
        if layers and rows:
            sys.stdout.write(layer_table(rows) + "\n")
        for problem in problems:
            sys.stdout.write(f"  {problem['severity']}: {problem['text']}\n")
            for fix in problem.get("fixes", ()):
                sys.stdout.write(f"    can be mended: {fix}\n")
    return 1 if any(problem["severity"] == "error" for problem in problems) else 0


Findings = tuple[dict[str, Any], list[dict[str, Any]]]


def _kind_of(file: Path) -> str:
    if not file.exists():
        raise FileRefusedError(f"“{file}” does not exist.")
    ending = file.suffix.lower()
    if file.is_dir() or ending in DATA_KINDS:
        return "data"
    return "model" if ending in MODEL_ENDINGS else "project"


def _project(file: Path) -> Findings:
    project = load(file)
    catalogue = catalogue_for(project)
    inferred = _inferred(project)
    preview = None
    facts: dict[str, Any] = {
        "layers": len(project.graph.nodes),
        "inputs": [node.name for node in project.graph.inputs],
        "outputs": [node.name for node in project.graph.outputs],
        "parameters": _sum(inferred, "trainable_params") + _sum(inferred, "fixed_params"),
        "trainable": _sum(inferred, "trainable_params"),
        "weight_bytes": _sum(inferred, "weight_bytes"),
        "activation_bytes": _sum(inferred, "activation_bytes"),
        "mult_adds": _sum(inferred, "mult_adds"),
        "layer_rows": layer_rows(project.graph, inferred.nodes),
    }
    if project.data.kind:
        preview = _previewed(project.data, project, str(file.absolute().parent))
        facts |= _preview_facts(preview)
    problems = joined(
        check_rules(project, catalogue),
        code_problems(project.custom_code, catalogue)[1],
        inferred.problems,
        advise(
            project,
            catalogue,
            inferred.nodes,
            fields_by_node(preview.fields, preview.inputs, preview.targets) if preview else None,
            psutil.virtual_memory().total,
        ),
    )
    return facts, [as_plain(problem, project.graph) for problem in problems]


def _inferred(project: Project) -> Inferred:
    heard: list[Event] = []
    handle(Infer(request=1, graph=project.graph, code=project.custom_code), heard.append)
    return next(event for event in heard if isinstance(event, Inferred))


def _sum(inferred: Inferred, name: str) -> int:
    return sum(getattr(found, name) for found in inferred.nodes.values())


def _model(file: Path) -> Findings:
    from kbuilder.engine.doctor import check_file

    found = msgspec.to_builtins(check_file(file))
    dangers = [{"severity": "error", "text": text} for text in found.pop("dangers")]
    notes = [{"severity": "warning", "text": text} for text in found.pop("notes")]
    return found, dangers + notes


def _data(file: Path) -> Findings:
    kind = "images" if file.is_dir() else DATA_KINDS.get(file.suffix.lower(), "table")
    options = DataOptions(kind=kind, path=str(file.absolute()))
    return _preview_facts(_previewed(options, Project(graph=Graph()), "")), []


def _previewed(options: DataOptions, project: Project, base: str) -> DataPreview:
    heard: list[Event] = []
    handle(Preview(request=1, graph=project.graph, data=options, base=base), heard.append)
    return next(event.preview for event in heard if isinstance(event, Previewed))


def _preview_facts(preview: DataPreview) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "samples": preview.samples,
        "fields": [f"{field.name}{list(field.shape) or ''}" for field in preview.fields],
    }
    classes = {
        field.name: dict(zip(field.classes, field.counts, strict=True))
        for field in preview.fields
        if field.classes
    }
    return facts | {"classes": classes, "warnings": list(preview.warnings)}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    if value == "":
        return "none"
    return str(value)
