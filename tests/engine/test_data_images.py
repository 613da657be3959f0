"""Folders of pictures, with real files."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import DataOptions
from kbuilder.engine.data import load, preview

GRAPH = Graph(
    nodes=(
        Node(id="in", class_name="Input", name="in", params={"shape": [8, 6, 3]}),
        Node(id="out", class_name="Dense", name="out"),
    ),
    edges=(Edge(source="in", target="out"),),
)
OPTIONS = DataOptions(kind="images", path="pictures", image_size=(8, 6), image_channels=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in (("dog", (255, 0, 0)), ("cat", (0, 0, 255))):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number, ending in enumerate(("png", "jpg", "bmp")):
            picture = Image.new("RGB", (20, 30), colour)
            picture.save(tmp_path / "pictures" / name / f"{number}.{ending}")
    return tmp_path / "pictures"


def test_subfolders_are_classes_and_pictures_get_one_size(folder: Path) -> None:
    Image.new("L", (3, 3), 0).save(folder / "dog" / "grey.gif")
    found = load(OPTIONS, GRAPH, folder.parent)
    assert found.inputs["in"].shape == (7, 8, 6, 3)
    assert found.inputs["in"].dtype == np.uint8
    assert found.classes["out"] == ("cat", "dog")
    assert found.targets["out"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert found.inputs["in"][0, 0, 0].tolist() == [0, 0, 255]


def test_preview_shows_pictures_with_labels_and_names(folder: Path) -> None:
    shown = preview(OPTIONS, GRAPH, folder.parent)
    assert shown.pictures is not None
    assert shown.pictures.shape == (6, 8, 6, 3)
    assert shown.picture_labels == ("cat",) * 3 + ("dog",) * 3
    assert shown.rows[3] == ("0.png", "dog")
    assert shown.fields[1].counts == (3, 3)


def test_linked_folders_and_links_out_are_not_read(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    Image.new("RGB", (5, 5)).save(elsewhere / "secret.png")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "dog" / "loop").symlink_to(folder)
    (folder / "dog" / "out.png").symlink_to(elsewhere / "secret.png")
    shown = preview(OPTIONS, GRAPH, folder.parent)
    assert shown.samples == 6
    assert any("“linked” is not followed" in text for text in shown.warnings)
    assert any("2 other files are skipped" in text for text in shown.warnings)


def test_pipes_are_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "dog" / "pipe.png")
    assert load(OPTIONS, GRAPH, folder.parent).samples == 6


def test_folder_without_subfolders_is_refused(folder: Path) -> None:
    flat = DataOptions(kind="images", path="pictures/dog", image_size=(8, 6))
    with pytest.raises(FileRefusedError, match="no subfolders"):
        load(flat, GRAPH, folder.parent)


def test_subfolders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    (tmp_path / "pictures" / "a" / "notes.txt").write_text("hello")
    with pytest.raises(FileRefusedError, match="no pictures"):
        load(OPTIONS, GRAPH, tmp_path)


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("hello")
    with pytest.raises(FileRefusedError, match="not a folder"):
        load(OPTIONS, GRAPH, tmp_path)


def cut(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def svg(path: Path) -> None:
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')


def huge(path: Path) -> None:
    """A few bytes that claim 10,000 x 10,000 pixels."""
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    path.write_bytes(start + struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 9) + b"IDAT")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (cut, "cannot be read"),
        (svg, "not a picture of a known format"),
        (huge, "64 million"),
        (lambda path: path.write_bytes(b""), "not a picture"),
    ],
)
def test_broken_pictures_are_named(folder: Path, write: object, reason: str) -> None:
    write(folder / "dog" / "bad.png")  # type: ignore[operator]
    with pytest.raises(FileRefusedError, match=reason) as refusal:
        load(OPTIONS, GRAPH, folder.parent)
    assert "dog/bad.png" in str(refusal.value)
