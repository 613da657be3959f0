"""``kbuilder export``: which format, what is told, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from kbuilder.cli.main import main
from kbuilder.resources import resource

DIGITS = resource("samples", "digits-lstm.kbuilder")


@pytest.mark.slow
def test_a_script_is_written_and_its_proof_is_told(tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "net.py"
    assert main(["export", str(DIGITS), "--to", str(path)]) == 0
    said = capfd.readouterr().err
    assert f"{path} is written; keras 3" in said
    assert "differs by 0.0e+00" in said
    assert "note: Its model has the same configuration" in said
    assert "def build_model()" in path.read_text()


@pytest.mark.slow
def test_a_picture_needs_no_display(qapp: QApplication, tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "net.svg"
    assert main(["export", str(DIGITS), "--to", str(path)]) == 0
    assert f"{path} is drawn" in capfd.readouterr().err
    text = path.read_text("utf-8")
    assert ">lstm</text>" in text
    assert ">64</text>" in text  # shapes come from the engine


@pytest.mark.slow
def test_what_a_format_cannot_hold_is_refused_with_the_reason(tmp_path: Path, capfd: Any) -> None:
    assert main(["export", str(DIGITS), "--to", str(tmp_path / "net.tflite")]) == 1
    assert "“lstm” loops over time, which LiteRT cannot do. Set unroll in it." in (
        capfd.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--to", "net.foo"], "expected .hdf5, .h5, .keras"),
        (["--to", "net.onnx", "--format", "keras"], "expected .keras for Keras model, .keras"),
    ],
)
def test_names_that_mean_no_format_are_refused(
    arguments: list[str], reason: str, capfd: Any
) -> None:
    assert main(["export", str(DIGITS), *arguments]) == 1
    assert reason in capfd.readouterr().err


def test_a_format_that_is_not_there_is_wrong_usage(capfd: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(DIGITS), "--to", "net", "--format", "tensorrt"])
    assert ended.value.code == 2
    assert "tf_keras_hdf5" in capfd.readouterr().err
