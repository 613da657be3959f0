"""The command: usage, exit codes, and what each verb leaves."""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from kbuilder.cli import main
from kbuilder.cli.display import PACKAGES, check_libraries, has_display
from kbuilder.cli.training import refuse_faulty, with_setting
from kbuilder.document import edits
from kbuilder.document.data_places import with_fixed_data
from kbuilder.document.errors import KBuilderError
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save
from kbuilder.document.values import KerasObject
from kbuilder.resources import resource

SAMPLE = resource("samples", "wine-two-in-two-out.kbuilder")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "wine é.kbuilder"
    save(edits.set_fit(load(SAMPLE), epochs=2), path)
    return path


def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without a display."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-m", "kbuilder", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )


@pytest.mark.parametrize("words", [["train"], ["frob", "--x"], ["inspect", "r"], ["demo", "--no"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["train", "check", "runs"])
def test_a_truncated_project_is_refused_with_3_and_left(
    verb: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = project.read_bytes()[:300]
    project.write_bytes(content)
    assert main([verb, str(project)]) == 3
    said = capsys.readouterr().err
    assert "cut off or damaged" in said
    assert project.name in said
    assert project.read_bytes() == content


def test_a_missing_project_is_refused_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.kbuilder"]) == 3
    assert "“nowhere.kbuilder” does not exist" in capsys.readouterr().err


def test_an_empty_graph_cannot_be_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(Project(), tmp_path / "p.kbuilder")
    assert main(["train", str(tmp_path / "p.kbuilder")]) == 1
    assert "The graph is empty" in capsys.readouterr().err


def test_faults_name_their_layers() -> None:
    project = load(SAMPLE)
    output = project.graph.outputs[0]
    faulty = edits.set_params(project, [output.id], {"units": 0})
    with pytest.raises(KBuilderError, match=rf"{output.name}: units must be at least 1"):
        refuse_faulty(faulty)


def test_options_are_set_by_name() -> None:
    project = with_setting(load(SAMPLE), "fit.batch_size=7")
    assert project.fit.batch_size == 7
    project = with_setting(project, "optimizer.learning_rate=0.5")
    assert project.compile.optimizer.params["learning_rate"] == 0.5


def test_structured_options_are_json_and_go_by_names() -> None:
    project = load(SAMPLE)
    image, digit = project.graph.inputs[0], project.graph.outputs[0]
    for setting in (
        f'fit.class_weights={{"{digit.name}": {{"0": 2, "3": 0.5}}}}',
        f'fit.sample_weights={{"{digit.name}": "weight"}}',
        'fit.callbacks=["TerminateOnNaN", {"class_name": "EarlyStopping", "params": {"patience": 3}}]',
        f'fit.augmentation={{"{image.name}": "RandomFlip"}}',
        'fit.validation_data={"kind": "table", "path": "held.csv"}',
        "fit.shuffle=batch order",
        "fit.deterministic=true",
        "fit.validation_split=0",
    ):
        project = with_setting(project, setting)
    fit = project.fit
    assert fit.class_weights == {digit.id: {0: 2.0, 3: 0.5}}
    assert fit.sample_weights == {digit.id: "weight"}
    assert [callback.class_name for callback in fit.callbacks] == [
        "TerminateOnNaN",
        "EarlyStopping",
    ]
    assert fit.callbacks[1].params == {"patience": 3}
    assert fit.augmentation == {image.id: (KerasObject(class_name="RandomFlip"),)}
    assert fit.validation_data == DataOptions(kind="table", path="held.csv")
    assert (fit.shuffle, fit.deterministic, fit.validation_split) == ("batch order", True, 0)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('fit.class_weights={"nothing": "balanced"}', "no input or output “nothing”; there are"),
        ("fit.class_weights=3", "class_weights: Expected `object`, got `int`"),
        ("fit.callbacks=History", "History cannot be used here"),
        (
            'fit.callbacks={"class_name": "EarlyStopping", "params": {"hope": 3}}',
            "no parameter hope",
        ),
        ("fit.shuffle=rows", "shuffle must be on or off"),
        ("fit.batch_size=0", "at least 1"),
        ("fit.batch_size=many", "whole number"),
        ("fit.speed=9", r"There are: fit\.epochs"),
        ("colour=red", r"fit\.NAME=VALUE"),
    ],
)
def test_options_that_do_not_fit_are_explained(setting: str, words: str) -> None:
    with pytest.raises(KBuilderError, match=words):
        with_setting(load(SAMPLE), setting)


def test_data_of_a_run_elsewhere_is_found_by_its_full_path(tmp_path: Path) -> None:
    own = edits.set_data(
        load(SAMPLE), DataOptions(kind="arrays", path="x.npy", targets_path="y.npy")
    )
    data = with_fixed_data(own, tmp_path).data
    assert (data.path, data.targets_path) == (str(tmp_path / "x.npy"), str(tmp_path / "y.npy"))
    assert with_fixed_data(load(SAMPLE), tmp_path) == load(SAMPLE)


def test_runs_with_damaged_tables_are_listed_as_json(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = project.with_suffix(".runs")
    tables = {
        "a": "epoch,loss\n0,0.5\n1,0.2",
        "b": "epoch,loss\n0,nan\n1",
        "c": "epoch,loss\nx,y\n0,1,2\n",
    }
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        save(load(SAMPLE), folder / name / "project.kbuilder")
        (folder / name / "history.csv").write_text(table)
    assert main(["runs", str(project), "--json"]) == 0

    def strict(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    lines = capsys.readouterr().out.splitlines()
    found = [json.loads(line, parse_constant=strict) for line in lines]
    assert [run["epochs"] for run in found] == [2, 1, 0]
    assert found[0]["last"] == {"loss": 0.2}


def test_sample_numbers_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["inspect", "r", "--layer", "l", "--samples", "one", "-o", "o.npz"])
    assert "write them as in 0,3,8" in capsys.readouterr().err


def test_without_a_display_the_window_says_what_else_there_is() -> None:
    done = run()
    assert done.returncode == 1
    assert "There is no display" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_library_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> None:
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file")

    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert has_display()
    with pytest.raises(
        KBuilderError, match=r"libxcb-cursor\.so\.0.*apt-get install .*libxcb-cursor0"
    ):
        check_libraries()


def test_set_up_and_message_name_the_same_packages() -> None:
    folder = Path(__file__).parent.parent.parent / "packaging"
    looked_for = runpy.run_path(str(folder / "missing_libraries.py"))["PACKAGES"]
    assert set(PACKAGES.split()) == set(looked_for.values())


@pytest.mark.slow
def test_train_export_inspect_and_check(project: Path, tmp_path: Path) -> None:
    done = run("train", project, "--out", tmp_path / "r1", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["type"] for e in events if e["type"] != "PointsLogged"][-1] == "Finished"
    assert sum(e["type"] == "EpochEnded" for e in events) == 2
    losses = [x for e in events if e["type"] == "PointsLogged" for x in e["series"]["loss"]]
    started = next(e for e in events if e["type"] == "TrainingStarted")
    assert len(losses) == 2 * started["steps_per_epoch"]

    model = tmp_path / "model.hdf5"
    done = run("export", tmp_path / "r1", "--to", model)
    assert done.returncode == 0, done.stderr
    assert "in a clean process, and what it computes differs by 0.0e+00" in done.stderr
    assert "WARNING" not in done.stderr

    import numpy as np

    layer = load(project).graph.outputs[0].name
    out = tmp_path / "o.npz"
    done = run("inspect", tmp_path / "r1", "--layer", layer, "--samples", "0,3", "-o", out)
    assert done.returncode == 0, done.stderr
    with np.load(out) as arrays:
        assert arrays[layer].shape[0] == 2
        np.testing.assert_array_equal(arrays[layer], arrays[f"outputs/{layer}"])

    done = run("check", model, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["compiled"] is True

    done = run("import", model, "-o", tmp_path / "again.kbuilder")
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "again.kbuilder").graph == load(project).graph


CONFIGURATION = """
import keras
print(keras.Sequential([keras.Input((3,), name="in"), keras.layers.Dense(2, name="d")]).to_json())
"""


@pytest.mark.slow
def test_keras_json_is_checked_and_imported_without_weights(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", CONFIGURATION], capture_output=True, text=True, check=True
    )
    model, project = tmp_path / "m.json", tmp_path / "p.kbuilder"
    model.write_text(made.stdout)
    done = run("check", model, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["layers"] == 2
    done = run("import", model, "-o", project)
    assert done.returncode == 0, done.stderr
    assert "weights" not in done.stderr
    assert [node.name for node in load(project).graph.order] == ["in", "d"]
    assert not (tmp_path / "p.runs").exists()


@pytest.mark.slow
def test_bad_models_and_data_are_refused_with_3(tmp_path: Path) -> None:
    for name in ("m.hdf5", "m.keras", "d.npz"):
        (tmp_path / name).write_bytes(b"\x89PNG not really")
        done = run("check", tmp_path / name)
        assert done.returncode == 3, (name, done.stderr)
        assert name in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_check_says_kind_place_and_fixes_of_each_problem(project: Path, tmp_path: Path) -> None:
    whole = load(project)
    output = next(node for node in whole.graph.outputs if node.params["units"] == 3)
    faulty = tmp_path / "faulty.kbuilder"
    save(edits.set_params(whole, [output.id], {"units": 2}), faulty)
    done = run("check", faulty, "--json")
    assert done.returncode == 1, done.stderr
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["kind"], problem["node"], problem["parameter"]) == (
        "units-classes",
        output.name,
        "units",
    )
    assert problem["fixes"] == ["Set units to 3"]
    assert "can be mended: Set units to 3" in run("check", faulty).stdout


@pytest.mark.slow
def test_ctrl_c_keeps_the_run(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kbuilder", "train", str(project), "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "r"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if '"EpochEnded"' in line:
            break
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert (tmp_path / "r" / "checkpoint.npz").is_file()
    assert (tmp_path / "r" / "history.csv").read_text().count("\n") >= 2


@pytest.mark.slow
def test_the_demo_leaves_model_history_and_picture(tmp_path: Path) -> None:
    done = run("demo", "--headless", "--out", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    found = {path.name: path.stat().st_size for path in (tmp_path / "demo").iterdir()}
    assert set(found) == {"model.hdf5", "history.csv", "window.png"}
    assert all(size > 100 for size in found.values())
    assert "loaded by plain Keras, outputs differ by 0.0e+00" in done.stderr


@pytest.mark.slow
def test_check_lists_the_layers_with_shapes_and_costs(project: Path) -> None:
    done = run("check", project, "--layers", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = found["layer_rows"]
    assert rows[0]["name"] in found["inputs"]
    assert found["parameters"] == sum(row["trainable"] + row["fixed"] for row in rows)
    assert found["weight_bytes"] == 4 * found["parameters"]
    dense = next(row for row in rows if row["class"] == "Dense")
    assert dense["mult_adds"] > 0
    assert dense["output"][0] is None
    text = run("check", project, "--layers").stdout
    assert dense["name"] in text
    assert "mult_adds" in text
