import pytest

from kbuilder.cli.main import main
from kbuilder.document import approvals
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save


@pytest.mark.slow
def test_a_base_becomes_a_project_whose_layers_are_frozen(tmp_path, capfd):
    path = tmp_path / "base.kbuilder"
    made = ["base", "MobileNetV2", "-o", str(path), "--weights", "fresh", "--size", "32x32"]
    assert main(made) == 0
    assert main(made) == 1
    assert "is there already" in capfd.readouterr().err
    assert main(["freeze", str(path), "--first", "20"]) == 0
    frozen = capfd.readouterr().out.split()
    assert len(frozen) == 20
    graph = load(path).graph
    assert {node.name for node in graph.nodes if not node.trainable} == set(frozen)
    assert main(["freeze", str(path), "--names", "*", "--unfreeze"]) == 0
    assert main(["freeze", str(path), "--up-to", "block_1_project"]) == 0
    assert not next(n for n in load(path).graph.nodes if n.name == "block_1_project").trainable
    assert next(n for n in load(path).graph.nodes if n.name == "block_3_project").trainable
    assert main(["freeze", str(path), "--names", "nothing"]) == 1


def test_trust_shows_the_code_and_remembers_it(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    path = tmp_path / "own.kbuilder"
    save(Project(custom_code="print('never run by trust')"), path)
    assert main(["trust", str(path)]) == 1
    assert not approvals.is_approved(load(path).custom_code)
    assert main(["trust", str(path), "--yes"]) == 0
    assert "never run by trust')" in capfd.readouterr().out
    assert approvals.is_approved(load(path).custom_code)
