"""Old files: those of ``old_files.zip``, by Keras 2.1.0 and TensorFlow 2.3.4, and new ones by tf_keras."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TF_KERAS = HERE.parents[2] / ".venv" / "tf_keras"
BY_TF_KERAS = (
    *("dense", "bidirectional", "nested_twice", "tf_ops", "heads", "time_model"),
    *("opt_adamw", "opt_ema", "opt_legacy_nadam"),
)


def stored_names(folder: str) -> list[str]:
    """Cases in the archive."""
    with zipfile.ZipFile(HERE / "old_files.zip") as archive:
        names = (Path(name) for name in archive.namelist())
        return sorted(name.stem for name in names if name.match(f"{folder}/*.h5"))


@pytest.fixture(scope="session")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(HERE / "old_files.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def tf_keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written now, by tf_keras in a process of its own."""
    if not TF_KERAS.is_dir():
        pytest.skip("tf_keras is not installed; run packaging/setup.sh")
    folder = tmp_path_factory.mktemp("tf_keras")
    environment = {
        **os.environ,
        "OLD_KERAS": "tf_keras",
        "OLD_KERAS_FORMAT": "1",
        "OLD_EAGERLY": "1",
        "PYTHONPATH": str(TF_KERAS),
    }
    command = [sys.executable, str(HERE / "make_old_files.py"), str(folder), *BY_TF_KERAS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "SKIPPED" not in done.stdout, done.stdout
    return folder
