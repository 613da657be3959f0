"""Freezing on the canvas, choosing a base, and the steps of fine-tuning."""

from itertools import pairwise

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.project import Project
from kbuilder.link.events import Finished, FrozenChecked, Inferred, ModelOpened, WeightsLoaded
from kbuilder.link.requests import Infer, MakeApplication, Train
from kbuilder.ui.base_dialog import FILE, IMAGENET, BaseDialog
from kbuilder.ui.freeze_dialog import FreezeDialog
from tests.ui import fake_engine

NAMES = ("pictures", "conv_1", "conv_2", "pool", "predictions")
CLASSES = ("Input", "Conv2D", "Conv2D", "GlobalAveragePooling2D", "Dense")
LEFT = Qt.MouseButton.LeftButton


def network() -> Graph:
    params = {
        "Input": {"shape": [32, 32, 3]},
        "Conv2D": {"filters": 4, "kernel_size": [3, 3]},
        "Dense": {"units": 1000},
    }
    nodes = tuple(
        Node(id=f"#{name}", class_name=kind, name=name, params=params.get(kind, {}), y=120.0 * n)
        for n, (name, kind) in enumerate(zip(NAMES, CLASSES, strict=True))
    )
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    return Graph(nodes=nodes, edges=edges)


def middle(view, node: str) -> QPoint:
    return view.mapFromScene(view.canvas.nodes[node].sceneBoundingRect().center())


def drag(view, points: list[QPoint]) -> None:
    """Press at the first point, move over the others, release at the last."""
    QTest.mousePress(view.viewport(), LEFT, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(view.viewport(), point)
    QTest.mouseRelease(view.viewport(), LEFT, pos=points[-1])


def frozen(window) -> list[str]:
    return [node.name for node in window.document.project.graph.nodes if not node.trainable]


@pytest.fixture
def window(qtbot, dressed, catalogue, tmp_path):
    project = Project(graph=network(), data=fake_engine.project().data)
    made = fake_engine.window_of(catalogue, tmp_path, project)
    qtbot.addWidget(made, before_close_func=lambda w: w.document.open(Project(), None))
    made.resize(1400, 900)
    made.show()
    bench = made._engines[0]
    made.workbench.start()
    vectors = (TensorFacts((None, 8), "float32"),)
    facts = {node.id: NodeFacts(outputs=vectors) for node in project.graph.nodes}
    bench.say(Inferred(request=bench.last(Infer).request, nodes=facts))
    made.view.fit_all()
    return made


def test_all_up_to_the_selection_is_frozen_by_key(window, qtbot):
    window.scene.select(["#conv_2"])
    window.view.setFocus()
    qtbot.keyClick(window.view, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert frozen(window) == ["conv_1", "conv_2"]
    assert window.document.undo_text == "Freeze 2 layers"


def test_the_brush_freezes_what_it_is_drawn_over_in_one_step(window, qtbot):
    view = window.view
    view.commands["freeze_brush"].trigger()
    drag(view, [middle(view, name) for name in ("#conv_1", "#conv_2", "#pool")])
    assert frozen(window) == ["conv_1", "conv_2", "pool"]
    window.document.undo()
    assert frozen(window) == []
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.freezing.brushing


def test_the_brush_that_is_given_up_changes_nothing(window, qtbot):
    view = window.view
    view.freezing.toggle_brush()
    stroke = view.freezing.stroke()
    stroke.start(view.canvas.nodes["#conv_1"].sceneBoundingRect().center())
    assert view.canvas.nodes["#conv_1"].opacity() < 1
    stroke.cancel()
    assert view.canvas.nodes["#conv_1"].opacity() == 1
    assert frozen(window) == []


def test_the_dialog_freezes_by_number_and_by_name(window, qtbot):
    window.view.freezing.ask()
    dialog = window.findChild(FreezeDialog)
    dialog.count.setValue(2)
    assert "2 of 4 layers" in dialog._found.text()
    qtbot.mouseClick(dialog.freeze, LEFT)
    assert frozen(window) == ["conv_1", "conv_2"]
    other = FreezeDialog(window.document.project.graph, [], window)
    other.chosen.connect(window.view.freezing.freeze)
    qtbot.keyClicks(other.name, "*_2")
    assert other.by_name.isChecked()
    qtbot.mouseClick(other.unfreeze, LEFT)
    assert frozen(window) == ["conv_1"]


def test_a_name_that_nothing_has_disables_the_buttons(window, qtbot):
    dialog = FreezeDialog(window.document.project.graph, [], window)
    qtbot.keyClicks(dialog.name, "nothing")
    assert not dialog.freeze.isEnabled()
    assert not dialog.unfreeze.isEnabled()


def test_a_base_is_asked_for_as_it_was_chosen(window, qtbot):
    window.files.choose_base()
    dialog = window.findChild(BaseDialog)
    dialog.search.setText("mobilenetv2")
    assert dialog._model.rowCount() == 1
    assert dialog.weights.currentIndex() == IMAGENET
    dialog.weights.setCurrentIndex(FILE)
    assert not dialog.make.isEnabled()
    dialog.path.setText("/tmp/base.h5")
    dialog.picture_height.setValue(96)
    dialog.picture_width.setValue(64)
    dialog.block.setChecked(True)
    qtbot.mouseClick(dialog.make, LEFT)
    engine = window._engines[1]
    asked = engine.last(MakeApplication)
    assert (asked.name, asked.weights, asked.shape) == ("MobileNetV2", "/tmp/base.h5", (96, 64, 3))
    assert (asked.include_top, asked.pooling, asked.block) == (False, "avg", True)
    made = replace(Project(), graph=network())
    engine.say(ModelOpened(request=asked.request, project=made, run=asked.run))
    assert window.document.project.data.kind == "sample"  # the data in use go on
    engine.say(WeightsLoaded(request=asked.request, run=asked.run, loaded=("conv_1",), left=()))
    assert window.training.run == asked.run


def test_the_steps_lead_through_the_whole_recipe(window, qtbot):
    window.actions_by_id["fine_tuning"].trigger()
    panel = window.design.problems._tuning_page.widget(0)
    cards, engine = panel.cards, window._engines[1]
    window.training.run = "runs/base"
    window.training.state_changed.emit()
    assert cards["base"].done
    assert not cards["head"].done
    assert "1 layers lie behind pool" in cards["top"].text.text()
    qtbot.mouseClick(cards["top"].button, LEFT)
    assert cards["top"].done
    panel.classes.setValue(7)
    qtbot.mouseClick(cards["head"].button, LEFT)
    head = window.document.project.graph.outputs[0]
    assert (head.class_name, head.params["units"]) == ("Dense", 7)
    qtbot.mouseClick(cards["freeze"].button, LEFT)
    assert frozen(window) == ["conv_1", "conv_2", "pool"]
    assert cards["freeze"].done
    qtbot.mouseClick(cards["train"].button, LEFT)
    sent = engine.last(Train)
    assert sent.weights == "runs/base"
    engine.say(FrozenChecked(request=sent.request, before={"#conv_1": "a"}, after={"#conv_1": "a"}))
    engine.say(Finished(request=sent.request))
    assert cards["train"].done
    panel.last.setValue(2)
    qtbot.mouseClick(cards["unfreeze"].button, LEFT)
    assert frozen(window) == ["conv_1"]
    qtbot.mouseClick(cards["rate"].button, LEFT)
    rate = window.document.project.compile.optimizer.params["learning_rate"]
    assert rate == pytest.approx(1e-5)
    assert cards["again"].button.isEnabled()
    qtbot.mouseClick(cards["again"].button, LEFT)
    assert engine.count(Train) == 2


def test_the_selected_layer_says_where_to_cut(window):
    window.design.problems.show_tuning()
    panel = window.design.problems._tuning_page.widget(0)
    window.scene.select(["#conv_1"])
    assert "3 layers lie behind conv_1" in panel.cards["top"].text.text()
