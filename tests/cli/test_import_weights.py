"""``kbuilder import WEIGHTS --into PROJECT``: matched, mapped, kept as a run."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from kbuilder.cli.main import main
from kbuilder.document.project_file import save
from kbuilder.engine.runs import Run
from tests.engine.test_weights_mapping import project


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, Path, keras.Model]:
    model = keras.Sequential(
        [keras.Input((5,))]
        + [keras.layers.Dense(n, name=name) for n, name in ((4, "one"), (4, "old"), (3, "three"))]
    )
    model.save_weights(tmp_path / "w.weights.h5")
    save(project(), tmp_path / "p.kbuilder")
    return tmp_path / "w.weights.h5", tmp_path / "p.kbuilder", model


def the_run(project_path: Path) -> Run:
    (folder,) = project_path.with_suffix(".runs").iterdir()
    return Run.open(folder)


def test_weights_find_their_layers(stored, capsys: pytest.CaptureFixture[str]) -> None:
    weights, path, model = stored
    assert main(["import", str(weights), "--into", str(path)]) == 0
    told = capsys.readouterr().err
    assert "two 4x4 4 <- old" in told
    assert "3 layers have weights" in told
    state = the_run(path).state
    assert np.array_equal(state.weights["two/0"], model.get_layer("old").get_weights()[0])


def test_by_name_and_a_table(stored, capsys: pytest.CaptureFixture[str]) -> None:
    weights, path, _ = stored
    words = ["import", str(weights), "--into", str(path), "--by", "name", "--map", "one="]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert "one 5x4 4 fresh" in told
    assert "two 4x4 4 fresh" in told
    assert "three 4x3 3 <- three" in told
    assert "not used: one 5x4 4, old 4x4 4" in told


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--map", "one"], "is no pair of layers"),
        (["--map", "one=three"], "needs"),
        (["--map", "nine=one"], "called “nine”"),
    ],
)
def test_pairs_that_mean_nothing_are_refused(
    stored, capsys: pytest.CaptureFixture[str], more: list[str], reason: str
) -> None:
    weights, path, _ = stored
    assert main(["import", str(weights), "--into", str(path), *more]) == 1
    assert reason in capsys.readouterr().err
    assert not path.with_suffix(".runs").exists()
