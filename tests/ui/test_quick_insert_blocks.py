"""Quick insert offers the library's blocks after the layers, and puts them where layers would go."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import group_edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.fragment import cut_out
from kbuilder.document.graph import Edge, Group
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.library import BlockLibrary
from tests.ui.canvas_bench import Bench, chain
from tests.ui.hands import double_click


@pytest.fixture
def library(tmp_path: Path) -> BlockLibrary:
    return BlockLibrary(tmp_path / "blocks")


@pytest.fixture
def bench(
    dressed: QApplication, qtbot: QtBot, catalogue: Catalogue, library: BlockLibrary
) -> Bench:
    bench = Bench(catalogue, chain())
    qtbot.addWidget(bench.view)
    bench.view.inserter.offer_pieces(library.pieces)
    bench.view.show()
    bench.view.activateWindow()
    bench.view.setFocus()
    bench.view.fit()
    return bench


def offered(bench: Bench) -> dict[str, list[str]]:
    """Headings of quick insert with the rows below them."""
    model = bench.view.inserter.quick.tree.model()

    def rows(parent: QModelIndex) -> list[QModelIndex]:
        return [model.index(row, 0, parent) for row in range(model.rowCount(parent))]

    return {top.data(): [row.data() for row in rows(top)] for top in rows(QModelIndex())}


def take(bench: Bench, letters: str) -> None:
    quick = bench.view.inserter.quick
    assert quick.isVisible()
    QTest.keyClicks(quick.search, letters)
    QTest.keyClick(quick.search, Qt.Key.Key_Return)
    assert not quick.isVisible()
    assert bench.view.hasFocus()


def test_blocks_stand_after_the_layers_and_templates_come_with_letters(
    bench: Bench, library: BlockLibrary
) -> None:
    library.add("my head", cut_out(chain(), ["mid", "out"]))
    bench.key(Qt.Key.Key_Tab)
    families = offered(bench)
    assert list(families)[-2:] == ["Blocks", "My blocks"]
    assert families["My blocks"] == ["my head"]
    assert "Residual block" in families["Blocks"]
    QTest.keyClicks(bench.view.inserter.quick.search, "unet")
    assert offered(bench) == {"Templates": ["U-Net"]}


def test_letters_that_begin_a_block_choose_it_and_others_the_layer(bench: Bench) -> None:
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Space)
    take(bench, "residual")
    assert [group.name for group in bench.graph.groups] == ["residual_block"]
    assert bench.document.undo_text == "Insert Residual block"
    bench.document.undo()
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Tab)
    take(bench, "add")
    assert bench.graph.nodes[-1].class_name == "Add"


def test_blocks_that_are_meant_come_before_layers_that_only_have_the_letters(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Tab)
    QTest.keyClicks(bench.view.inserter.quick.search, "res")
    families = list(offered(bench))
    assert families.index("Reshaping") < families.index("Blocks") < families.index("Merging")
    assert bench.view.inserter.quick.tree.currentIndex().data() == "Reshape"


def test_the_card_stays_in_sight_when_the_canvas_shrinks(bench: Bench) -> None:
    double_click(bench, QPoint(600, 60))
    quick = bench.view.inserter.quick
    bench.view.resize(500, 500)
    QApplication.processEvents()
    assert bench.view.rect().contains(quick.geometry())


def test_a_block_goes_behind_the_selection_or_into_the_selected_wire(bench: Bench) -> None:
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Tab)
    take(bench, "vgg")
    assert [edge.target for edge in bench.graph.outgoing["out"]] == [bench.graph.nodes[3].id]
    bench.document.undo()
    bench.scene.select((), [("in", 0, "mid", 0)])
    bench.key(Qt.Key.Key_Tab)
    take(bench, "vgg")
    assert ("in", "mid") not in bench.wires
    assert {a for a, b in bench.wires if b == "mid"} == {bench.graph.nodes[-1].id}


def test_a_template_lands_where_the_mouse_asked_for_it(bench: Bench) -> None:
    at = QPoint(120, 120)
    double_click(bench, at)
    take(bench, "autoenc")
    added = bench.graph.nodes[3:]
    assert added[0].class_name == "Input"
    wanted = bench.view.mapToScene(at)
    middle = sum(node.x + 92 for node in added) / len(added)
    assert abs(middle - wanted.x()) < 400


def test_a_loose_wire_from_an_output_offers_the_blocks_that_it_can_feed(bench: Bench) -> None:
    picture = NodeFacts(outputs=(TensorFacts((None, 32, 32, 3), "float32"),))
    flat = NodeFacts(outputs=(TensorFacts((None, 2), "float32"),))
    words = NodeFacts(outputs=(TensorFacts((None, 20, 8), "float32"),))
    bench.scene.set_facts({"out": picture, "mid": flat, "in": words}, ())
    bench.drag(bench.output("mid"), bench.output("mid") + QPoint(220, 40))
    assert "VGG block" not in offered(bench).get("Blocks", ()), "a vector is no picture"
    bench.key(Qt.Key.Key_Escape)
    bench.drag(bench.output("in"), bench.output("in") + QPoint(220, 40))
    assert offered(bench)["Blocks"] == ["Transformer encoder"]
    bench.key(Qt.Key.Key_Escape)
    bench.drag(bench.output("out"), bench.output("out") + QPoint(220, 40))
    assert "VGG block" in offered(bench)["Blocks"]
    QTest.keyClicks(bench.view.inserter.quick.search, "auto")
    assert "Templates" not in offered(bench)
    bench.view.inserter.quick.search.clear()
    take(bench, "inception")
    fed = {bench.graph.by_id[edge.target].group for edge in bench.graph.outgoing["out"]}
    assert fed == {bench.graph.groups[0].id}


def test_a_loose_wire_from_an_input_offers_no_blocks(bench: Bench) -> None:
    bench.scene.select((), [("in", 0, "mid", 0)])
    bench.key(Qt.Key.Key_Delete)
    bench.drag(bench.input("mid"), bench.input("mid") + QPoint(220, -40))
    assert bench.view.inserter.quick.isVisible()
    assert not {"Blocks", "Templates"} & set(offered(bench))


def test_a_folded_block_is_fed_from_its_box_and_stays_closed(bench: Bench) -> None:
    made = Group(id="g", name="body", collapsed=True)
    bench.document.apply("Group", lambda p: group_edits.group(p, made, ["mid", "out"], []))
    bench.scene.select(["g"])
    bench.key(Qt.Key.Key_Tab)
    take(bench, "squeeze")
    placed = bench.graph.group_by_id[bench.graph.nodes[-1].group]
    assert placed.parent == "", "beside the folded block, not inside it"
    assert placed.id in bench.scene.frames
    assert ("out", bench.graph.nodes[3].id) in bench.wires


def test_a_wire_that_stands_for_several_is_taken_whole(bench: Bench) -> None:
    made = Group(id="g", name="body", collapsed=True)
    bench.document.apply("Group", lambda p: group_edits.group(p, made, ["mid", "out"], []))
    bench.view.editing.connect_nodes(
        [Edge(source="in", target="out")],
        [("mid", 0, "out", 0)],
    )
    bench.scene.select((), [("in", 0, "mid", 0)])
    assert len(bench.scene.selected_edges()) == 2
    bench.key(Qt.Key.Key_Tab)
    take(bench, "vgg")
    last = bench.graph.nodes[-1].id
    assert {(last, "mid"), (last, "out")} <= bench.wires
    assert len(bench.scene.ports_behind(Port("g", 0, False))) == 2


def test_a_block_whose_file_broke_meanwhile_is_told(
    bench: Bench, library: BlockLibrary, qtbot: QtBot, tmp_path: Path
) -> None:
    path = library.add("my head", cut_out(chain(), ["mid"]))
    bench.key(Qt.Key.Key_Tab)
    path.write_text("no")
    with qtbot.waitSignal(bench.view.hint):
        take(bench, "my head")
    assert len(bench.graph.nodes) == 3


def test_the_card_opens_beside_the_selection_and_else_at_the_mouse(bench: Bench) -> None:
    quick = bench.view.inserter.quick
    bench.scene.select(["mid"])
    bench.key(Qt.Key.Key_Tab)
    corner = bench.scene.nodes["mid"].pos()
    box = QRect(bench.point(corner), bench.point(corner + QPointF(184, 54)))
    assert not quick.geometry().intersects(box)
    assert abs(quick.x() - box.right()) < 20
    bench.key(Qt.Key.Key_Escape)
    bench.scene.select(())
    bench.view.inserter.ask_by_selection(QPointF(220, 150))
    assert quick.pos() == QPoint(220, 150)
    take(bench, "dropout")
    assert (bench.middle(bench.graph.nodes[-1].id) - QPoint(220, 150)).manhattanLength() < 5


def test_operations_come_with_letters_and_go_behind_the_selected_layer(bench: Bench) -> None:
    bench.scene.select(["out"])
    bench.key(Qt.Key.Key_Tab)
    assert "Operations" not in offered(bench), "three hundred would hide the layers"
    take(bench, "logsum")
    (node,) = (n for n in bench.graph.nodes if n.class_name == "ops.logsumexp")
    assert node.name == "logsumexp"
    assert node.params == {"axis": -1}
    assert ("out", node.id) in bench.wires
