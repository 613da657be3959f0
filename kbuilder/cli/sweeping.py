"""``kbuilder sweep``: many trainings of a project with other options, the best one told."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from kbuilder.cli.engine import handle
from kbuilder.cli.report import JsonReport
from kbuilder.cli.training import refuse_faulty
from kbuilder.document import edits
from kbuilder.document.errors import KBuilderError
from kbuilder.document.own_code import catalogue_for
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.document.run_settings import setting_text
from kbuilder.document.sweep_params import shown_name
from kbuilder.document.sweep_rules import sweep_problems
from kbuilder.link.messages import Event
from kbuilder.link.requests import Sweep
from kbuilder.link.run_events import TrialEnded, TrialStarted
from kbuilder.link.trials import Trial, best_trial, read_trials


def sweep(path: Path, *, trials: int | None, out: Path | None, as_json: bool) -> int:
    """Run the sweep that the project describes; a folder with trials in it goes on.

    Raises:
        KBuilderError: the project cannot be trained, or the sweep means nothing.
    """
    project = load(path)
    if trials is not None:
        project = edits.set_sweep(project, trials=trials)
    refuse_faulty(project)
    problems = sweep_problems(project, catalogue_for(project))
    if problems:
        raise KBuilderError("\n".join(problem.text for problem in problems))
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = out or path.with_suffix(".runs") / f"sweep_{stamp}"
    request = Sweep(
        request=1,
        project=project,
        folder=str(folder.absolute()),
        base=str(path.absolute().parent),
    )
    try:
        handle(request, JsonReport() if as_json else _Report(project))
    finally:
        _tell_best(folder, project)
    return 0


class _Report:
    """A line for each trial on stderr."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            values = _values(self._project, event.values)
            sys.stderr.write(f"trial {event.number}: {values}\n")
        elif isinstance(event, TrialEnded):
            value = "" if event.objective is None else f" {event.objective:.6g}"
            text = f" ({event.text})" if event.text else ""
            sys.stderr.write(f"trial {event.number}: {event.state}{value}{text}\n")


def _tell_best(folder: Path, project: Project) -> None:
    best = best_trial(read_trials(folder), project.sweep.direction)
    if best is not None:
        sys.stderr.write(f"best: {_told(best, project)}\nThe trials lie in {folder}\n")


def _told(trial: Trial, project: Project) -> str:
    values = _values(project, trial.values)
    return f"trial {trial.number}  {project.sweep.objective} {trial.objective:.6g}  {values}"


def _values(project: Project, values: dict[str, object]) -> str:
    return "  ".join(f"{shown_name(project, n)}={setting_text(v)}" for n, v in values.items())
