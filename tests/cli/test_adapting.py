"""``kbuilder adapt``: what layers learned is in the project afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbuilder.cli import main
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows = "\n".join(f"{n}.0,{n % 3},{n % 2}" for n in range(30))
    (tmp_path / "t.csv").write_text(f"a,b,label\n{rows}\n")
    graph = Graph(
        nodes=(
            Node(id="in", class_name="Input", name="in", params={"shape": [2]}),
            Node(id="norm", class_name="Normalization", name="norm"),
            Node(id="out", class_name="Dense", name="out", params={"units": 1}),
        ),
        edges=(Edge(source="in", target="norm"), Edge(source="norm", target="out")),
    )
    path = tmp_path / "p.kbuilder"
    save(Project(graph=graph, data=DataOptions(kind="table", path="t.csv")), path)
    return path


def test_layers_that_have_not_learned_do_and_are_saved(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapt", str(project)]) == 0
    params = load(project).graph.by_id["norm"].params
    assert params["mean"] == pytest.approx([14.5, 1.0])
    assert "norm: mean of 2, variance of 2" in capsys.readouterr().err
    assert main(["adapt", str(project)]) == 0
    assert "every layer has what it needs" in capsys.readouterr().err


def test_a_layer_that_is_not_there_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = project.read_bytes()
    assert main(["adapt", str(project), "nrom"]) == 1
    assert "no layer “nrom”" in capsys.readouterr().err
    assert main(["adapt", str(project), "out"]) == 1
    assert "nothing to adapt" in capsys.readouterr().err
    assert project.read_bytes() == before
