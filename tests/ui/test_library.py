"""Templates and the user's own blocks: found, dragged, inserted, kept, renamed, thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fragment import cut_out
from kbuilder.document.graph import Group
from kbuilder.document.project import Project
from kbuilder.ui.block_palette import PIECE_ROLE, BlockPalette, find_pieces
from kbuilder.ui.library import BLOCKS, MINE, TEMPLATES, BlockLibrary, Piece
from kbuilder.ui.main_window import MainWindow
from tests.ui.canvas_bench import chain
from tests.ui.drag import drag_over, drop
from tests.ui.fake_engine import window_of


@pytest.fixture
def library(tmp_path: Path) -> BlockLibrary:
    return BlockLibrary(tmp_path / "blocks")


@pytest.fixture
def palette(qtbot: QtBot, library: BlockLibrary) -> BlockPalette:
    made = BlockPalette(library)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def window(
    qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MainWindow:  # fmt: skip
    monkeypatch.setattr("kbuilder.ui.library.default_folder", lambda: tmp_path / "blocks")
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.show()
    return made


def index_of(palette: BlockPalette, title: str) -> QModelIndex:
    found = palette.model.match(
        palette.model.index(0, 0), Qt.ItemDataRole.DisplayRole, title, 1,
        Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive,
    )  # fmt: skip
    return found[0]


def titles(library: BlockLibrary) -> list[str]:
    return [piece.title for piece in library.own()]


def test_templates_and_blocks_are_offered(library: BlockLibrary) -> None:
    families = {piece.family for piece in library.pieces()}
    assert families == {TEMPLATES, BLOCKS}
    assert [p.title for p in find_pieces(library.pieces(), "resid")] == ["Residual block"]
    assert [p.title for p in find_pieces(library.pieces(), "segment skips")] == ["U-Net"]


def test_a_block_is_kept_renamed_and_read_again(library: BlockLibrary, qtbot: QtBot) -> None:
    fragment = cut_out(chain(), ["mid", "out"])
    with qtbot.waitSignal(library.changed):
        path = library.add("my head/v2", fragment)
    assert titles(library) == ["my head_v2"]
    library.add("my head/v2", fragment)
    assert titles(library) == ["my head_v2", "my head_v2_1"], "nothing is overwritten"
    library.rename(path, "tail")
    (piece,) = [p for p in library.own() if p.title == "tail"]
    assert piece.fragment() == fragment
    assert piece.family == MINE


def test_a_damaged_file_is_listed_with_the_reason(library: BlockLibrary, tmp_path: Path) -> None:
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "torn.json").write_text('{"format": "kbuilder fragm')
    (piece,) = library.own()
    assert piece.title == "torn"
    assert "torn.json" in piece.fault
    assert "not JSON" in piece.fault


def test_what_is_damaged_is_told_and_not_dragged(
    palette: BlockPalette, library: BlockLibrary, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "torn.json").write_text("no")
    palette.refresh()
    index = index_of(palette, "⚠ torn")
    assert not index.flags() & Qt.ItemFlag.ItemIsDragEnabled
    with qtbot.waitSignal(palette.told), qtbot.assertNotEmitted(palette.chosen):
        palette.tree.setCurrentIndex(index)
        QTest.keyClick(palette.tree, Qt.Key.Key_Return)


def test_typing_into_the_tree_renames_a_block(
    palette: BlockPalette, library: BlockLibrary, qtbot: QtBot
) -> None:
    library.add("head", cut_out(chain(), ["mid"]))
    with qtbot.waitSignal(library.changed):
        palette.model.itemFromIndex(index_of(palette, "head")).setText("tail")
    assert titles(library) == ["tail"]
    assert index_of(palette, "tail").isValid()


def test_a_block_is_moved_to_the_trash(
    palette: BlockPalette, library: BlockLibrary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = library.add("head", cut_out(chain(), ["mid"]))
    palette.remove(index_of(palette, "head").data(PIECE_ROLE))
    assert titles(library) == []
    assert not path.exists()


def test_a_template_is_dragged_onto_the_canvas(window: MainWindow) -> None:
    blocks = window.design.blocks
    data = blocks.model.mimeData([index_of(blocks, "MLP")])
    before = len(window.scene.graph.nodes)
    at = QPoint(40, 40)
    assert drag_over(window.view.viewport(), data, at)
    assert drop(window.view.viewport(), data, at)
    assert len(window.scene.graph.nodes) == before + 6
    window.document.undo()
    assert len(window.scene.graph.nodes) == before


def test_a_block_is_inserted_behind_the_selection(window: MainWindow) -> None:
    blocks = window.design.blocks
    window.scene.select(["mid"])
    index = index_of(blocks, "VGG block")
    blocks.tree.setCurrentIndex(index)
    QTest.keyClick(blocks.tree, Qt.Key.Key_Return)
    graph = window.document.project.graph
    (group,) = graph.groups
    first = graph.by_id[graph.members[group.id][0]]
    assert [edge.source for edge in graph.incoming[first.id]] == ["mid"]
    assert window.document.undo_text == "Insert VGG block"


def test_a_block_is_inserted_into_the_selected_wire_and_makes_room(window: MainWindow) -> None:
    blocks = window.design.blocks
    before = window.document.project.graph.by_id["out"].y
    window.scene.select((), [("mid", 0, "out", 0)])
    blocks.tree.setCurrentIndex(index_of(blocks, "VGG block"))
    QTest.keyClick(blocks.tree, Qt.Key.Key_Return)
    graph = window.document.project.graph
    members = [graph.by_id[node] for node in graph.members[graph.groups[0].id]]
    assert graph.incoming["out"][0].source == members[-1].id
    assert graph.by_id["out"].y > max(node.y for node in members) > before


def test_a_block_of_the_canvas_is_kept_and_inserted_again(window: MainWindow) -> None:
    made = Group(id="g", name="body")
    window.document.apply("Group", lambda p: group_edits.group(p, made, ["mid"], []))
    window.scene.select(["g"])
    panel = window.design.properties._block
    assert panel is not None
    panel.save_wanted.emit("g")
    assert titles(window.design.library) == ["body"]
    piece = index_of(window.design.blocks, "body").data(PIECE_ROLE)
    assert isinstance(piece, Piece)
    window.scene.select(())
    window.design.blocks.chosen.emit(piece)
    assert [group.name for group in window.document.project.graph.groups] == ["body", "body_1"]
