"""``kbuilder train``."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from kbuilder.cli.engine import handle
from kbuilder.cli.problems import named
from kbuilder.cli.report import JsonReport, ProgressReport
from kbuilder.document import edits
from kbuilder.document.data_places import with_fixed_data
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fit_rules import fit_fault, of_json
from kbuilder.document.option_specs import FIT_PARAMS
from kbuilder.document.own_code import catalogue_for
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.rules import check
from kbuilder.document.values import KerasObject
from kbuilder.link.requests import DryRun, Train


def train(
    path: Path,
    *,
    epochs: int | None,
    out: Path | None,
    resume: Path | None,
    weights: Path | None,
    settings: list[str],
    extend: int,
    devices: tuple[str, ...],
    only_try: bool,
    as_json: bool,
) -> int:
    """Train a project file into a run folder, or with ``only_try`` say what that would take.

    Raises:
        KBuilderError: the project cannot be trained, or an option does not exist or fit.
    """
    project = load(path)
    if epochs is not None:
        settings = [*settings, f"fit.epochs={epochs}"]
    for setting in settings:
        project = with_setting(project, setting)
    refuse_faulty(project)
    base = path.absolute().parent
    report = JsonReport() if as_json else ProgressReport(project.fit.verbose)
    if only_try:
        handle(DryRun(request=1, project=project, base=str(base), devices=devices), report)
        return 0
    if out:
        project = with_fixed_data(project, base)
    run = out or path.with_suffix(".runs") / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    request = Train(
        request=1,
        project=project,
        run=str(run.absolute()),
        base=str(base),
        resume=str(resume.absolute()) if resume else "",
        weights=str(weights.absolute()) if weights else "",
        extend=extend,
        devices=devices,
    )
    handle(request, report)
    sys.stderr.write(f"The run lies in {run}\n")
    return 0


def refuse_faulty(project: Project) -> None:
    """Stop before TensorFlow is loaded if the structure cannot be trained.

    Raises:
        KBuilderError: with one line for each error.
    """
    errors = [p for p in check(project, catalogue_for(project)) if p.severity == "error"]
    if errors:
        lines = [f"  {named(problem, project.graph)}" for problem in errors]
        raise KBuilderError("\n".join(["The project cannot be trained:", *lines]))


def with_setting(project: Project, setting: str) -> Project:
    """The project with one option changed, as in ``fit.batch_size=64``; the value is JSON or a text.

    Inputs and outputs go by their names, and callbacks and layers may be given by the class name alone:
    ``fit.class_weights={"label": "balanced"}``, ``fit.callbacks=["TerminateOnNaN"]``.

    Raises:
        KBuilderError: there is no such option, or the value does not fit it.
    """
    name, equals, text = setting.partition("=")
    part, _, option = name.partition(".")
    if not equals or part not in ("fit", "optimizer"):
        raise KBuilderError(
            f"“{setting}” is not an option. Write fit.NAME=VALUE or optimizer.NAME=VALUE."
        )
    catalogue = catalogue_for(project)
    optimizer = project.compile.optimizer
    spec = catalogue.find("optimizers", optimizer.class_name)
    params = FIT_PARAMS if part == "fit" else (spec.params if spec else ())
    param = next((param for param in params if param.name == option), None)
    if param is None:
        known = ", ".join(f"{part}.{param.name}" for param in params)
        raise KBuilderError(f"There is no option “{name}”. There are: {known}.")
    value = _value(text)
    try:
        if part == "fit":
            value = of_json(option, value, project.graph)
        reason = fit_fault(param, value, catalogue)
    except ValueError as error:
        reason = f"{option}: {error}."
    if reason:
        raise KBuilderError(f"“{setting}” does not fit: {reason}")
    if part == "fit":
        return edits.set_fit(project, **{option: value})
    changed = KerasObject(
        class_name=optimizer.class_name, params={**optimizer.params, option: value}
    )
    return edits.set_optimizer(project, changed)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
