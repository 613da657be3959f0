"""``kbuilder runs``: the runs of a project, their state and results, and what differs between them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kbuilder.document.errors import FileRefusedError
from kbuilder.document.own_code import catalogue_for
from kbuilder.document.project_file import load
from kbuilder.document.run_difference import differences
from kbuilder.document.run_settings import differing, setting_text, settings_of
from kbuilder.link.run_facts import PROJECT, RunFacts, read_run, run_folders

SHOWN_SETTINGS = 6


def runs(path: Path, diff: Sequence[str] | None, *, as_json: bool) -> int:
    """List the runs of a project, oldest first, or what differs between two of them.

    Raises:
        FileRefusedError: the project or one of the two runs is none.
    """
    project = load(path)
    folder = path.with_suffix(".runs")
    if diff:
        return _tell_differences(folder, diff[0], diff[1], as_json=as_json)
    facts = [read_run(run) for run in reversed(run_folders(folder))]
    catalogue = catalogue_for(project)
    settings = [settings_of(each.project, catalogue) for each in facts]
    names = differing(settings) if settings else ()
    own = [{n: s[n] for n in names if n in s} for s in settings]
    if as_json:
        for each, values in zip(facts, own, strict=True):
            _write_json(_plain(each) | {"settings": values})
        return 0
    for each, values in zip(facts, own, strict=True):
        sys.stdout.write(_line(each, values) + "\n")
    if not facts:
        sys.stderr.write(f"{path} has no runs yet. Train it: kbuilder train {path}\n")
    return 0


def _plain(facts: RunFacts) -> dict[str, Any]:
    return {
        "run": facts.folder,
        "name": facts.name,
        "state": facts.state,
        "started": facts.started,
        "seconds": facts.seconds,
        "epochs": facts.epochs,
        "wanted": facts.wanted,
        "last": facts.last,
        "best": facts.best,
        "checkpoints": list(facts.checkpoints),
        "note": facts.notes.note,
        "tags": list(facts.notes.tags),
        "fault": facts.fault,
    }


def _line(facts: RunFacts, settings: dict[str, Any]) -> str:
    parts = [facts.name, facts.state, f"{facts.epochs} epochs"]
    parts += [
        f"{name} {value:.4f} (best {facts.best[name]:.4f})"
        if name in facts.best
        else f"{name} {value}"
        for name, value in facts.last.items()
    ]
    parts += [f"{n}={setting_text(v)}" for n, v in list(settings.items())[:SHOWN_SETTINGS]]
    return "  ".join(_one_line(part) for part in (*parts, *(f"#{t}" for t in facts.notes.tags)))


def _tell_differences(folder: Path, one: str, other: str, *, as_json: bool) -> int:
    before, after = (load(_find(folder, name) / PROJECT) for name in (one, other))
    rows = differences(before, after)
    for row in rows:
        if as_json:
            _write_json(msgspec.to_builtins(row))
        else:
            text = f"{row.part}  {row.what}  {row.before or '–'} → {row.after or '–'}"
            sys.stdout.write(_one_line(text) + "\n")
    if not rows:
        sys.stderr.write("The two were trained from the same project.\n")
    return 0


def _find(folder: Path, name: str) -> Path:
    """A run by its path, or by its name or label among those of the project."""
    known = run_folders(folder)
    for path in (Path(name), folder / name, *_labelled(known, name)):
        if (path / PROJECT).is_file():
            return path
    there = ", ".join(run.name for run in known) or "none"
    raise FileRefusedError(f"There is no run “{name}” in {folder}. There are: {there}.")


def _labelled(runs_known: Iterable[Path], name: str) -> list[Path]:
    return [run for run in runs_known if read_run(run).notes.label == name]


def _one_line(text: str) -> str:
    """Names of other people's runs must not steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def _write_json(content: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
