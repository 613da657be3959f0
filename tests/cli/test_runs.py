"""``runs``, ``digest``, ``predict``, ``evaluate`` and ``sweep``, on one small training."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from kbuilder.cli import main
from kbuilder.document import edits
from kbuilder.document.project_file import load, save
from kbuilder.document.sweep import SweepParam
from kbuilder.link.run_notes import RunNotes, write_notes
from kbuilder.link.trials import read_trials
from kbuilder.resources import resource

WINE = load(resource("samples", "wine-two-in-two-out.kbuilder"))
DATA = resource("data", "wine.csv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two runs, one and two; two saw larger batches and has a label."""
    path = tmp_path_factory.mktemp("runs") / "wine.kbuilder"
    rate = SweepParam(name="optimizer.learning_rate", values=(0.001, 0.1))
    save(edits.set_sweep(edits.set_fit(WINE, epochs=1), params=(rate,), method="grid"), path)
    runs = path.with_suffix(".runs")
    assert main(["train", str(path), "--out", str(runs / "one")]) == 0
    words = ["--out", str(runs / "two"), "--set", "fit.batch_size=99"]
    assert main(["train", str(path), *words]) == 0
    write_notes(runs / "two", RunNotes(label="large\x1b[31m", tags=("t",)))
    return path


def test_runs_tell_state_results_and_what_differs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", str(project)]) == 0
    one, two = capsys.readouterr().out.splitlines()
    assert one.startswith("one  complete  1 epochs  loss ")
    assert "fit.batch_size=16" in one
    assert two.startswith("large�[31m  complete")
    assert "#t" in two
    assert main(["runs", str(project), "--json"]) == 0
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["settings"] for each in facts] == [{"fit.batch_size": 16}, {"fit.batch_size": 99}]


@pytest.mark.parametrize("other", ["two", "large\x1b[31m"])
def test_two_runs_differ_by_rows(
    project: Path, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", str(project), "--diff", "one", other]) == 0
    assert capsys.readouterr().out == "setting  fit.batch_size  16 → 99\n"
    assert main(["runs", str(project), "--json", "--diff", other, "one"]) == 0
    assert json.loads(capsys.readouterr().out)["after"] == "16"


def test_a_run_that_is_not_there_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", str(project), "--diff", "one", "three"]) == 3
    assert "no run “three”" in capsys.readouterr().err
    assert main(["predict", str(project), "--data", str(DATA), "-o", "x.csv"]) == 3
    assert "Give the folder of a run" in capsys.readouterr().err


def test_digests_follow_the_meaning(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def digest(path: Path) -> str:
        assert main(["digest", str(path)]) == 0
        return capsys.readouterr().out.strip()

    runs = project.with_suffix(".runs")
    assert digest(project) != digest(runs / "two" / "project.kbuilder")
    one = digest(runs / "one")
    assert one != digest(runs / "two")
    assert main(["train", str(project), "--out", str(project.parent / "again")]) == 0
    capsys.readouterr()
    assert digest(project.parent / "again") == one


def test_a_run_judges_and_predicts_other_data(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(project.with_suffix(".runs") / "one")
    out = tmp_path / "p.csv"
    assert main(["predict", run, "--data", str(DATA), "-o", str(out)]) == 0
    with out.open(encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 179
    capsys.readouterr()
    assert main(["evaluate", run, "--data", str(DATA), "--json"]) == 0
    logs = json.loads(capsys.readouterr().out)
    assert logs["samples"] == 178
    assert main(["evaluate", run, "--data", str(DATA), "--checkpoint", "checkpoint.npz"]) == 0
    assert f"loss {logs['loss']:.6g}" in capsys.readouterr().out.splitlines()
    assert main(["evaluate", run, "--data", str(DATA), "--checkpoint", "best-ever"]) == 3
    assert main(["evaluate", run, "--data", str(tmp_path / "x.txt")]) == 1
    assert "expected a .csv, .npz or .npy" in capsys.readouterr().err


def test_a_sweep_leaves_trials_and_tells_the_best(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(project), "--out", str(tmp_path / "s")]) == 0
    said = capsys.readouterr().err
    assert "trial 1: complete" in said
    assert "best: trial 1  val_loss" in said
    assert [trial.state for trial in read_trials(tmp_path / "s")] == ["complete", "complete"]
    assert main(["sweep", str(project), "--out", str(tmp_path / "s"), "--json"]) == 0
    assert [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()] == [
        "Finished"
    ]


def test_a_sweep_of_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(WINE, tmp_path / "p.kbuilder")
    assert main(["sweep", str(tmp_path / "p.kbuilder")]) == 1
    assert "varies nothing" in capsys.readouterr().err
