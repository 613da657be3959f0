"""A training that is killed at any place and gone on with is the training that was left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.project import Project
from kbuilder.document.project_file import save
from kbuilder.document.values import KerasObject
from kbuilder.engine.runs import Run
from tests.engine.conftest import loss, make_graph, make_node

KILLS = 20


@pytest.fixture
def restless(classifier) -> Project:
    """Everything that has a state of its own: dropout, noise, moving averages, augmentation, callbacks."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("BatchNormalization", "norm"),
        make_node("Dense", "hidden", units=12, activation="relu"),
        make_node("Dropout", "drop", rate=0.3),
        make_node("GaussianNoise", "noise", stddev=0.1),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    callbacks = (
        KerasObject(class_name="ReduceLROnPlateau", params={"patience": 1, "factor": 0.7}),
        KerasObject(
            class_name="EarlyStopping", params={"patience": 30, "restore_best_weights": True}
        ),
    )
    compiled = replace(
        classifier.compile,
        outputs={"#label": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy")},
    )
    fit = replace(classifier.fit, epochs=40, batch_size=8, deterministic=True, callbacks=callbacks)
    return replace(classifier, graph=graph, compile=compiled, fit=fit)


def killed(project: Project, folder: Path, *, kills: int) -> tuple[Run, int]:
    """The last run of a training that was killed so many times, and how many lives it took."""
    folder.mkdir()
    save(project, folder / "p.kbuilder")
    command = [
        sys.executable,
        "-m",
        "tests.engine.killing",
        str(folder / "p.kbuilder"),
        str(folder),
    ]
    done = subprocess.run(
        [*command, "3", str(kills)], capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    run, lives = done.stdout.splitlines()[-2:]
    return Run.open(Path(run)), int(lives)


@pytest.mark.slow
def test_a_training_killed_at_twenty_random_steps_equals_the_one_left_alone(restless, tmp_path):
    straight, _ = killed(restless, tmp_path / "straight", kills=0)
    broken, lives = killed(restless, tmp_path / "broken", kills=KILLS)
    assert lives == KILLS + 1
    assert broken.history == straight.history
    one, other = straight.state, broken.state
    assert one.weights.keys() == other.weights.keys()
    for name, values in one.weights.items():
        np.testing.assert_array_equal(other.weights[name], values, err_msg=name)
    for number, values in enumerate(one.optimizer):
        np.testing.assert_array_equal(other.optimizer[number], values)
    assert (broken.folder / "batches.csv").read_bytes() == (
        straight.folder / "batches.csv"
    ).read_bytes()
