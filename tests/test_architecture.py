"""The house rules that a machine can hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "kbuilder").rglob("*.py"))


def loaded_by(module: str) -> set[str]:
    """Top-level packages in memory after importing a module in a fresh interpreter."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_import_rules_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "kbuilder.app",
        "kbuilder.ui.panels.train_workspace",
        "kbuilder.ui.panels.inspect_workspace",
        "kbuilder.ui.panels.data_workspace",
        "kbuilder.ui.panels.runs_workspace",
    ],
)
def test_the_window_never_loads_tensorflow(module: str) -> None:
    assert not loaded_by(module) & {"tensorflow", "keras", "h5py"}


def test_the_first_picture_waits_for_nothing_heavy() -> None:
    assert not loaded_by("kbuilder.app") & {"numpy", "pyqtgraph", "superqt", "qtawesome"}


@pytest.mark.parametrize("module", ["kbuilder.document.document", "kbuilder.link.wire"])
def test_document_and_link_are_plain(module: str) -> None:
    heavy = {"PySide6", "pyqtgraph", "tensorflow", "keras", "h5py", "numpy"}
    assert not loaded_by(module) & heavy


def test_modules_stay_small() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {path.name: length for path, length in lengths.items() if length > 400} == {}


def test_nothing_unpickles() -> None:
    """No pickle, marshal or YAML anywhere, and no array loaded with pickles allowed."""
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {"pickle", "marshal", "yaml", "dill", "joblib"} & set(names), path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path


def test_tr_gets_no_f_string() -> None:
    """lupdate extracts an f-string, but it never matches what is looked up."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_call and node.func.attr in ("tr", "translate"):
                assert not any(isinstance(a, ast.JoinedStr) for a in node.args), path
