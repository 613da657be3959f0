"""The palette of layers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from kbuilder.ui.layer_search import MIME_LAYER, find_layers, offered_layers
from kbuilder.ui.palette import CLASS_ROLE, FAMILY_NAMES, FAMILY_ROLE, Palette


@pytest.fixture
def palette(dressed, catalogue, qtbot):
    palette = Palette(catalogue)
    qtbot.addWidget(palette)
    palette.show()
    return palette


def _shown(palette: Palette) -> list[str]:
    model = palette.model
    return [
        model.index(row, 0, model.index(family, 0)).data(CLASS_ROLE)
        for family in range(model.rowCount())
        for row in range(model.rowCount(model.index(family, 0)))
    ]


def _families(palette):
    for row in range(palette.model.rowCount()):
        yield palette.model.index(row, 0).data(FAMILY_ROLE)


def test_every_offered_class_is_there_once_and_no_hidden_one(palette, catalogue):
    shown = _shown(palette)
    assert sorted(shown) == sorted(spec.class_name for spec in catalogue.layers if not spec.hidden)
    layers = [name for name in shown if not catalogue.layer(name).is_operation]
    assert str(len(layers)) in palette.search.placeholderText()


def test_operations_are_folded_until_something_is_searched_or_their_heading_clicked(palette):
    row = list(_families(palette)).index("Operations")
    heading = palette.model.index(row, 0)
    assert not palette.tree.isExpanded(heading)
    palette.tree.clicked.emit(heading)
    assert palette.tree.isExpanded(heading)
    palette.search.setText("logsumexp")
    assert _shown(palette) == ["ops.logsumexp"]
    assert palette.tree.isExpanded(palette.model.index(0, 0))


def test_layers_come_before_operations_that_match_as_well(palette):
    palette.search.setText("add")
    assert _shown(palette)[0] == "Add"
    palette.search.setText("conv")
    assert _shown(palette)[0].startswith("Conv")
    assert "ops.conv" in _shown(palette)


def test_every_family_can_be_translated(palette, catalogue):
    offered = {spec.family for spec in offered_layers(catalogue)}
    assert offered | {"Own code"} == set(FAMILY_NAMES)


def test_letters_filter_by_name_and_alias(palette):
    QTest.keyClicks(palette.search, "maxpool2d")
    assert _shown(palette)[0] == "MaxPooling2D"
    palette.search.setText("dense")
    assert {"Dense", "EinsumDense"} <= set(_shown(palette))
    assert "LSTM" not in _shown(palette)
    palette.search.clear()
    assert len(_shown(palette)) > 100


def test_nothing_found_says_so(palette):
    palette.search.setText("qqqqq")
    assert palette.nothing.isVisible()
    assert not palette.tree.isVisible()


def test_enter_in_the_search_chooses_the_best(palette, qtbot):
    QTest.keyClicks(palette.search, "dense")
    with qtbot.waitSignal(palette.chosen) as told:
        QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert told.args == ["Dense"]


def test_enter_without_letters_chooses_nothing(palette, qtbot):
    with qtbot.assertNotEmitted(palette.chosen):
        QTest.keyClick(palette.search, Qt.Key.Key_Return)


def test_double_click_and_enter_on_a_row_choose_it_but_not_a_heading(palette, qtbot):
    tree, none = palette.tree, Qt.KeyboardModifier.NoModifier
    index = palette.model.index_of("Dense")
    at = tree.visualRect(index).center()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, none, at)
    with qtbot.waitSignal(palette.chosen) as told:
        QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, none, at)
    assert told.args == ["Dense"]
    with qtbot.waitSignal(palette.chosen) as told:
        QTest.keyClick(tree, Qt.Key.Key_Return)
    assert told.args == ["Dense"]
    heading = tree.visualRect(index.parent()).center()
    with qtbot.assertNotEmitted(palette.chosen):
        QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, none, heading)


def test_down_goes_from_the_search_into_the_list(palette, qtbot):
    palette.activateWindow()
    palette.search.setFocus()
    QTest.keyClicks(palette.search, "conv")
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.tree.hasFocus()
    with qtbot.waitSignal(palette.chosen) as told:
        QTest.keyClick(palette.tree, Qt.Key.Key_Return)
    assert "Conv" in told.args[0]


def test_a_row_is_dragged_as_its_class_name(palette):
    index = palette.model.index_of("Conv2D")
    assert index.flags() & Qt.ItemFlag.ItemIsDragEnabled
    assert not index.parent().flags() & Qt.ItemFlag.ItemIsDragEnabled
    data = palette.model.mimeData([index])
    assert bytes(data.data(MIME_LAYER).data()) == b"Conv2D"


def test_help_is_shown_as_text_not_as_markup(palette, catalogue):
    from msgspec.structs import replace

    from kbuilder.ui.palette import LayerModel

    model = LayerModel()
    model.show_layers([replace(catalogue.layer("Dense"), help="<b>bold</b> <img src=x>")])
    tip = model.index_of("Dense").data(Qt.ItemDataRole.ToolTipRole)
    assert "<b>" not in tip
    assert "&lt;b&gt;" in tip


@pytest.mark.parametrize(
    ("letters", "best"),
    [
        ("dense", "Dense"),
        ("bn", "BatchNormalization"),
        ("conv2d", "Conv2D"),
        ("lst", "LSTM"),
        ("mha", "MultiHeadAttention"),
        ("max pool 2d", "MaxPooling2D"),
        ("FLAT", "Flatten"),
    ],
)
def test_the_search_finds_what_people_type(catalogue, letters, best):
    assert find_layers(offered_layers(catalogue), letters)[0].class_name == best
