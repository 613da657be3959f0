"""``kbuilder check``: the file doctor for projects, models and data. Runs nothing that is in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.cli.engine import handle
from kbuilder.cli.problems import named
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Graph
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.rules import check as check_rules
from kbuilder.link.messages import Event, Infer, Inferred, Preview, Previewed

MODEL_ENDINGS = (".hdf5", ".h5", ".keras")
DATA_KINDS = {".npz": "arrays", ".npy": "arrays", ".csv": "table"}


def check(file: Path, kind: str | None, *, as_json: bool) -> int:
    """Say what a file holds and what is wrong with it; 1 if something is.

    Raises:
        FileRefusedError: it cannot be read as what it claims to be.
    """
    kind = kind or _kind_of(file)
    facts, problems = {"project": _project, "model": _model, "data": _data}[kind](file)
    if as_json:
        sys.stdout.write(json.dumps({"kind": kind, **facts, "problems": problems}) + "\n")
    else:
        sys.stdout.write(f"{file}: {kind}\n")
        for name, value in facts.items():
            sys.stdout.write(f"  {name.replace('_', ' ')}: {_text(value)}\n")
        for problem in problems:
            sys.stdout.write(f"  {problem['severity']}: {problem['text']}\n")
    return 1 if any(problem["severity"] == "error" for problem in problems) else 0


Findings = tuple[dict[str, Any], list[dict[str, str]]]


def _kind_of(file: Path) -> str:
    if not file.exists():
        raise FileRefusedError(f"“{file}” does not exist.")
    ending = file.suffix.lower()
    if file.is_dir() or ending in DATA_KINDS:
        return "data"
    return "model" if ending in MODEL_ENDINGS else "project"


def _project(file: Path) -> Findings:
    project = load(file)
    heard: list[Event] = []
    handle(Infer(request=1, graph=project.graph), heard.append)
    problems = list(check_rules(project, load_catalogue()))
    weights = 0
    for event in heard:
        if isinstance(event, Inferred):
            known = {problem.node for problem in problems}
            problems += [problem for problem in event.problems if problem.node not in known]
            weights = sum(n.trainable_params + n.fixed_params for n in event.nodes.values())
    facts: dict[str, Any] = {
        "layers": len(project.graph.nodes),
        "inputs": [node.name for node in project.graph.inputs],
        "outputs": [node.name for node in project.graph.outputs],
        "parameters": weights,
    }
    if project.data.kind:
        facts |= _preview_facts(project.data, project, str(file.absolute().parent))
    return facts, [
        {"severity": problem.severity, "text": named(problem, project.graph)}
        for problem in problems
    ]


def _model(file: Path) -> Findings:
    from kbuilder.engine.model_files import check_file

    found = msgspec.to_builtins(check_file(file))
    dangers = found.pop("dangers", [])
    return found, [{"severity": "error", "text": text} for text in dangers]


def _data(file: Path) -> Findings:
    kind = "images" if file.is_dir() else DATA_KINDS.get(file.suffix.lower(), "table")
    options = DataOptions(kind=kind, path=str(file.absolute()))
    return _preview_facts(options, Project(graph=Graph()), ""), []


def _preview_facts(options: DataOptions, project: Project, base: str) -> dict[str, Any]:
    heard: list[Event] = []
    handle(Preview(request=1, graph=project.graph, data=options, base=base), heard.append)
    preview = next(event.preview for event in heard if isinstance(event, Previewed))
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
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
