"""What a list of runs tells of each folder, and what people write on them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from kbuilder.document import edits
from kbuilder.document.cells import csv_text, inert
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.project import Project
from kbuilder.document.project_file import save
from kbuilder.document.scores import best_of, smaller_is_better
from kbuilder.link import run_lock
from kbuilder.link.run_facts import (
    find_checkpoint,
    read_history,
    read_run,
    run_folders,
    sweep_folders,
)
from kbuilder.link.run_notes import RunNotes, read_notes, tags_in, write_notes
from kbuilder.link.trials import Trial, read_trials, trial_folder, write_trial

LINES = ("epoch,loss,acc,val_loss\n", "0,2.0,0.5,1.5\n", "1,1.0,0.7,1.7\n", "2,0.5,nan,1.6\n")


def make_run(folder: Path, *events: str, rows: str = "".join(LINES)) -> Path:
    folder.mkdir(parents=True)
    save(edits.set_fit(Project(), epochs=9), folder / "project.kbuilder")
    (folder / "history.csv").write_text(rows, "utf-8")
    told = [
        {"time": f"2026-01-02T10:00:{second:02d}.000+00:00", "event": event}
        for second, event in enumerate(events)
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told), "utf-8")
    return folder


def test_results_and_times(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", "started", "epoch ended", "epoch ended", "finished")
    facts = read_run(run)
    assert (facts.state, facts.epochs, facts.wanted, facts.seconds) == ("complete", 3, 9, 3.0)
    assert facts.best == {"loss": 0.5, "acc": 0.7, "val_loss": 1.5}
    assert facts.last["val_loss"] == 1.6
    assert facts.started == 1767348000.0
    assert facts.name == "one"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (("started", "finished"), "complete"),
        (("started", "stopped"), "stopped"),
        (("started", "failed"), "failed"),
        (("resumed", "epoch ended"), "cut off"),
        (("opened",), "opened"),
        ((), "cut off"),
    ],
)
def test_the_last_event_tells_the_state(
    tmp_path: Path, events: tuple[str, ...], state: str
) -> None:
    assert read_run(make_run(tmp_path / "r", *events)).state == state


def test_the_lock_tells_who_trains(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "started")
    run_lock.take(run)
    assert read_run(run).state == "running"
    holder = msgspec.json.decode((run / run_lock.LOCK).read_bytes())
    (run / run_lock.LOCK).write_bytes(msgspec.json.encode(holder | {"started": 1.0}))
    assert read_run(run).state == "cut off"


def test_a_damaged_run_is_still_listed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "started", rows="".join(LINES) + "3,0.1\n4,x,y,z\n\0")
    (run / "project.kbuilder").write_text("{", "utf-8")
    (run / "events.jsonl").write_bytes(b"\xff\xfe\n[]\n{\n")
    (run / "notes.json").write_text("[1]", "utf-8")
    facts = read_run(run)
    assert facts.epochs == 3
    assert "cut off or damaged" in facts.fault
    assert facts.notes == RunNotes()
    assert read_history(tmp_path) == {}
    assert read_run(tmp_path / "nowhere").epochs == 0


def test_a_long_list_of_events_is_read_at_both_ends(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", "started", *["epoch ended"] * 50)
    path = run / "events.jsonl"
    middle = path.read_text("utf-8") * 150
    end = '{"time": "2026-01-02T11:00:00.000+00:00", "event": "finished"}\n'
    path.write_text(middle + end, "utf-8")
    facts = read_run(run)
    assert (facts.state, facts.seconds) == ("complete", 3600.0)


def test_runs_and_sweeps_are_told_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "a", "started")
    make_run(tmp_path / "b", "started")
    (tmp_path / "notes").mkdir()
    write_trial(trial_folder(tmp_path / "s", 1), Trial(number=1, values={"x": 2}))
    write_trial(trial_folder(tmp_path / "s", 0), Trial(number=0, values={"x": [1, None]}))
    (trial_folder(tmp_path / "s", 0) / "trial.json").chmod(0o600)
    (tmp_path / "s" / "trial-7").mkdir()
    assert [run.name for run in run_folders(tmp_path)] == ["b", "a"]
    assert [sweep.name for sweep in sweep_folders(tmp_path)] == ["s"]
    assert [trial.values["x"] for trial in read_trials(tmp_path / "s")] == [[1, None], 2]
    assert run_folders(tmp_path / "gone") == sweep_folders(tmp_path / "gone") == []
    assert read_trials(tmp_path / "gone") == ()


def test_checkpoints_by_name(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r")
    for name in ("", ".previous", ".best", ".epoch-0003"):
        (run / f"checkpoint{name}.npz").touch()
    assert read_run(run).checkpoints == (
        "checkpoint.npz",
        "checkpoint.best.npz",
        "checkpoint.epoch-0003.npz",
    )
    assert find_checkpoint(run, "") == "checkpoint.npz"
    assert find_checkpoint(run, "best") == "checkpoint.best.npz"
    assert find_checkpoint(run, "epoch-3") == "checkpoint.epoch-0003.npz"
    assert find_checkpoint(run, "checkpoint.best.npz") == "checkpoint.best.npz"
    with pytest.raises(FileRefusedError, match=r"no checkpoint “\.\./x”.*checkpoint\.best"):
        find_checkpoint(run, "../x")


def test_notes_are_kept(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == RunNotes()
    notes = RunNotes(label="<b>best</b>", note="line\nline", tags=tags_in(" a, b,,a "))
    write_notes(tmp_path, notes)
    assert read_notes(tmp_path) == notes
    assert notes.tags == ("a", "b")
    assert os.listdir(tmp_path) == ["notes.json"]


def test_which_value_is_best_follows_from_the_name() -> None:
    assert [smaller_is_better(n) for n in ("val_loss", "mean_absolute_error", "auc")] == [
        True,
        True,
        False,
    ]
    values = (float("nan"), 3.0, 1.0)
    assert best_of("loss", values) == 1.0
    assert best_of("loss", values, "max") == 3.0
    assert best_of("accuracy", values) == 3.0
    assert best_of("loss", ()) is None


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]
)
def test_no_formula_lives_in_a_table(text: str) -> None:
    table = csv_text([text, "n"], [[text, -1.5], [None, "plain"]])
    assert inert(text) == f"'{text}"
    assert f"'{text}" in table.replace('""', '"')
    assert ",-1.5" in table
    assert inert("a=1") == "a=1"
