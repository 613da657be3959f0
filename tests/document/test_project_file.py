import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kbuilder.document.errors import FileRefusedError, SaveError
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import FitOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import FORMAT_VERSION, decode, encode, load, save

PROJECT = Project(
    graph=Graph(
        nodes=(
            Node(id="a", class_name="Input", name="x", params={"shape": [None, 4]}),
            Node(id="b", class_name="Dense", name="y", params={"units": 3}, trainable=False),
        ),
        edges=(Edge(source="a", target="b"),),
    ),
    fit=FitOptions(epochs=3),
    notes="Grüße, 层",
)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "my project é.kbuilder"
    save(PROJECT, path)
    assert load(path) == PROJECT
    assert os.listdir(tmp_path) == [path.name]


def test_only_what_differs_is_written() -> None:
    content = json.loads(encode(PROJECT))
    assert content["fit"] == {"epochs": 3}
    assert "custom_code" not in content
    assert content["format_version"] == FORMAT_VERSION


def test_unknown_things_are_kept_at_every_depth() -> None:
    content = json.loads(encode(PROJECT))
    content["theme_song"] = {"tempo": 120}
    content["fit"]["patience"] = 7
    content["graph"]["frames"] = [1, 2]
    content["graph"]["nodes"][1]["colour"] = "red"
    content["graph"]["nodes"][1]["class_name"] = "LayerOfTheFuture"
    content["compile"] = {"outputs": {"b": {"loss": {"class_name": "Huber", "flavour": 1}}}}
    saved = json.loads(encode(decode(json.dumps(content).encode(), "p")))
    assert saved["theme_song"] == {"tempo": 120}
    assert saved["fit"] == {"epochs": 3, "patience": 7}
    assert saved["graph"]["frames"] == [1, 2]
    assert saved["graph"]["nodes"][1]["colour"] == "red"
    assert saved["graph"]["nodes"][1]["class_name"] == "LayerOfTheFuture"
    assert saved["compile"]["outputs"]["b"]["loss"]["flavour"] == 1


@pytest.mark.parametrize("length", [1, 20, 100, 400])
def test_a_truncated_file_is_refused_by_name_and_left(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.kbuilder"
    path.write_bytes(encode(PROJECT)[:length])
    with pytest.raises(FileRefusedError, match=r"“cut\.kbuilder” is cut off or damaged"):
        load(path)
    assert path.stat().st_size == length


def test_a_newer_format_is_refused_with_what_to_do() -> None:
    content = json.loads(encode(PROJECT)) | {"format_version": FORMAT_VERSION + 1}
    with pytest.raises(FileRefusedError, match=r"newer kbuilder.*update kbuilder"):
        decode(json.dumps(content).encode(), "p.kbuilder")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"[1, 2]", "not a kbuilder project"),
        (b'{"layers": []}', "not a kbuilder project"),
        (b"\x89PNG\r\n", "cut off or damaged"),
        (b'{"format": "kbuilder project"}', "format_version"),
        (
            b'{"format": "kbuilder project", "format_version": 1, "fit": {"epochs": "x"}}',
            r"fit\.epochs",
        ),
        (
            b'{"format": "kbuilder project", "format_version": 1,'
            b'"graph": {"edges": [{"source": "a", "target": "b"}]}}',
            "wire 1 ends at the node “a”",
        ),
        (
            b'{"format": "kbuilder project", "format_version": 1, "graph": {"nodes": '
            b'[{"id": "a", "class_name": "Input", "name": "a"}],'
            b'"edges": [{"source": "a", "target": "a", "source_port": -1}]}}',
            "wire 1 ends at a port below 0",
        ),
        (b'{"a":' * 5000, "damaged"),
    ],
)
def test_what_is_not_a_project_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(FileRefusedError, match=words):
        decode(content, "p.kbuilder")


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("/")])
def test_what_is_no_regular_file_is_not_read(path: Path) -> None:
    with pytest.raises(FileRefusedError, match="expected a project file"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"none\.kbuilder.*cannot be read"):
        load(tmp_path / "none.kbuilder")


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failed_save_keeps_the_old_file(
    tmp_path: Path, monkeypatch, call: str, code: int
) -> None:
    path = tmp_path / "p.kbuilder"
    save(PROJECT, path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    if call == "write":
        monkeypatch.setattr(Path, "open", fail)
    else:
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(SaveError, match=r"“p\.kbuilder” was not saved"):
        save(Project(), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.kbuilder"]


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SaveError, match="Choose another folder"):
        save(PROJECT, tmp_path / "file" / "p.kbuilder")


def test_a_real_limit_of_the_system_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "p.kbuilder"
    save(PROJECT, path)
    before = path.read_bytes()
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from kbuilder.document.project import Project\n"
        "from kbuilder.document.project_file import save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    save(Project(notes='x' * 5000), Path(sys.argv[1]))\n"
        "except Exception as error:\n"
        "    sys.exit(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "larger than this system allows" in done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.kbuilder"]
