"""The table of kinds holds what the program finds, and each kind has a test."""

from __future__ import annotations

from pathlib import Path

from kbuilder.document.problems import KINDS

ROOT = Path(__file__).parent.parent


def texts(folder: str) -> str:
    files = sorted((ROOT / folder).rglob("*.py"))
    return "\n".join(file.read_text("utf-8") for file in files if file != Path(__file__))


def test_each_kind_has_a_test() -> None:
    tested = texts("tests")
    assert [kind for kind in KINDS if f'"{kind}"' not in tested] == []


def test_each_kind_is_found_somewhere() -> None:
    table = (ROOT / "kbuilder" / "document" / "problems.py").read_text("utf-8")
    source = texts("kbuilder").replace(table, "")
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
