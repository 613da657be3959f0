"""The Train workspace: plots of what is monitored, runs behind, findings, steering, stepping."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.fixes import Fix, SetOptimizer
from kbuilder.document.problems import Problem
from kbuilder.document.values import KerasObject
from kbuilder.link.events import EpochEnded, Finished, Paused, PointsLogged
from kbuilder.link.requests import Break, Continue, Steer, Step
from kbuilder.link.run_events import (
    Confusion,
    Diagnosed,
    GpuUse,
    LayerHealth,
    MachineMeasured,
    Monitored,
    Noted,
    Stepped,
)
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.main_window import DESIGN, INSPECT, TRAIN, MainWindow
from kbuilder.ui.panels.plot_grid import CONFUSION, LAYERS, RATE, SPEED, PlotGrid
from kbuilder.ui.panels.train_workspace import TrainWorkspace
from kbuilder.ui.plots import saving
from kbuilder.ui.plots.confusion import ConfusionCard
from kbuilder.ui.plots.curves import CurvePlot
from kbuilder.ui.plots.plot_view import PlotView
from tests.ui.fake_engine import STEPS, FakeEngine, array, epoch, leave, points, started, window_of

NAMES = {"#one": "one", "#two": "two"}


def looked(request: int, number: int, wrong: int = 2) -> Monitored:
    """A look after an epoch, at two layers and an output of two classes."""
    counts = array([[8 - wrong, wrong], [0, 5]], "int32")
    return Monitored(
        request=request,
        epoch=number,
        step=(number + 1) * STEPS,
        layers={
            "#one": LayerHealth(weight=2.0, gradient=0.5 / (number + 1), update=0.1, dead=0.25),
            "#two": LayerHealth(weight=3.0, gradient=0.25),
        },
        confusion={
            "#two": Confusion(
                counts=counts,
                classes=("cat", "dog"),
                samples=(7, 9)[:wrong],
                cells=((0, 1),) * wrong,
            )
        },
    )


def measured(request: int, step: int, rate: float = 500.0) -> MachineMeasured:
    return MachineMeasured(
        request=request,
        step=step,
        cpu=0.35,
        memory_bytes=2**31,
        memory_total_bytes=2**33,
        samples_per_second=rate,
        data_seconds=0.25,
        compute_seconds=0.75,
        gpus=(GpuUse(name="H100", busy=0.78, memory_bytes=2**33, memory_total_bytes=2**36),),
    )


def run_with_looks() -> LiveRun:
    run = LiveRun(started(1))
    for number in range(3):
        run.add_points(points(1, number, number * STEPS, [2.0 - number] * STEPS))
        run.add_epoch(epoch(1, number, loss=2.0 - number, val_loss=2.1 - number))
        run.add_monitored(looked(1, number, wrong=2 - number))
        run.add_machine(measured(1, (number + 1) * STEPS))
        run.rates.append((number, 0.1 / (number + 1)))
    return run


# --- curves -----------------------------------------------------------------------------------


@pytest.fixture
def curve(qtbot: QtBot, dressed: QApplication) -> CurvePlot:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.show_run(run_with_looks())
    return plot


def test_the_crosshair_reads_all_curves(curve: CurvePlot) -> None:
    curve.overlay("before", QColor("#ff00ff"), {"loss": [(0, 9.0), (1, 8.0)]})
    curve.point_at(1.95)
    assert curve._crosshair.isVisible()
    assert curve._legend.accessibleName() == (
        "batch 1.0000, training 1.0000, validation 1.1000, before 8.0000"
    )
    curve.point_at(math.nan)
    assert not curve._crosshair.isVisible()
    assert curve._legend.accessibleName() == "training 0.0000, validation 0.1000"


def test_the_best_epoch_and_events_are_marked(curve: CurvePlot) -> None:
    assert [axis.tolist() for axis in curve._best.getData()] == [[3], [pytest.approx(0.1)]]
    run = curve._run
    assert run is not None
    run.add_noted(Noted(request=1, epoch=1, step=15, kind="steered", text="rate is 0.1"))
    run.add_noted(Noted(request=1, epoch=0, step=0, kind="started", text="started"))
    curve.show_run(run)
    assert curve._ticks.getData()[0].tolist() == [1.5, 1.5]
    at = curve._box.mapViewToScene(QPointF(1.5, 1.0))
    curve._tell_event(at)
    assert "rate is 0.1" in curve._plot.toolTip()
    curve._tell_event(curve._box.mapViewToScene(QPointF(0.2, 1.0)))
    assert curve._plot.toolTip() == ""


def test_runs_are_drawn_behind_and_taken_away(curve: CurvePlot) -> None:
    before = curve._box.viewRange()
    curve.overlay(
        "other", QColor("#00ff00"), {"loss": [(0, 5.0), (9, 4.0)], "val_loss": [(0, 6.0)]}
    )
    assert curve._box.viewRange()[0] == [0, 10]
    assert curve._box.viewRange()[1][1] > 6
    curve.take_overlay("other")
    assert curve._box.viewRange() == before


def test_views_smooth_clip_and_keep_to_what_is_recent(curve: CurvePlot) -> None:
    curve.set_view(PlotView(smooth=0.5))
    assert len(curve._smooth.getData()[0]) == 3 * STEPS
    assert curve._smooth.getData()[1][STEPS] == pytest.approx(1.5)
    curve.set_view(PlotView(recent=1))
    assert curve._box.viewRange()[0] == [2, 3]
    curve.set_view(PlotView(log_x=True))
    assert curve._box.viewRange()[0] == pytest.approx([-1, math.log10(3)])
    curve.set_view(PlotView())
    run = curve._run
    assert run is not None
    run.add_points(points(1, 2, 3 * STEPS, [1.0] * 500 + [900.0]))
    curve.show_run(run)
    assert curve._box.viewRange()[1][1] > 900
    curve.set_view(PlotView(clip=True))
    assert curve._box.viewRange()[1][1] < 3
    held = curve._box.viewRange()
    curve.set_view(PlotView(clip=True, locked=True))
    run.add_points(points(1, 2, 3 * STEPS + 501, [7.0] * 500))
    curve.show_run(run)
    assert curve._box.viewRange() == held


def test_a_plot_is_saved_as_a_picture_and_as_numbers(curve: CurvePlot, tmp_path: Path) -> None:
    curve.overlay("=evil()", QColor("#00ff00"), {"loss": [(0, 5.0)]})
    saving.save(curve, tmp_path / "loss.csv", curve.numbers)
    rows = list(csv.reader((tmp_path / "loss.csv").open(encoding="utf-8")))
    assert rows[0] == ["curve", "epoch", "loss"]
    assert rows[1] == ["batch", "0.1", "2.0"]
    assert len([row for row in rows if row[0] == "batch"]) == 3 * STEPS
    assert ["val_loss", "3", "0.10000000000000009"] in rows
    assert rows[-1][0] == "'=evil(): loss"
    saving.save(curve, tmp_path / "loss.png", curve.numbers)
    assert QImage(str(tmp_path / "loss.png")).width() == 2 * curve.width()
    saving.save(curve, tmp_path / "loss.svg", curve.numbers)
    tree = ElementTree.parse(tmp_path / "loss.svg")
    assert len([node for node in tree.iter() if node.tag.endswith(("path", "polyline"))]) > 5
    with pytest.raises(OSError, match="cannot be written"):
        saving.save(curve, tmp_path / "no" / "loss.png", curve.numbers)


# --- the other plots --------------------------------------------------------------------------


@pytest.fixture
def grid(qtbot: QtBot, dressed: QApplication) -> PlotGrid:
    made = PlotGrid()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    made.show_run(run_with_looks(), NAMES)
    assert made.confusion._epoch.value() == 2, "the last look is shown at first"
    return made


def test_norms_by_layer_can_be_chosen(grid: PlotGrid) -> None:
    assert grid.parts() == ["loss", LAYERS, CONFUSION]
    first, second = grid.layers.lines
    assert (first.name, first.at) == ("one", (1.0, 2.0, 3.0))
    assert first.values == pytest.approx((0.5, 0.25, 0.5 / 3))
    assert second.values == (0.25,) * 3
    found = {}
    for number in range(grid.layers._choice.count()):
        grid.layers._choice.setCurrentIndex(number)
        found[grid.layers.choice] = [(line.name, line.values[-1]) for line in grid.layers.lines]
    assert found["weight"] == [("one", 2.0), ("two", 3.0)]
    assert found["update"] == [("one", 0.1)]
    assert found["ratio"] == [("one", pytest.approx(0.05))]
    assert found["dead"] == [("one", 25.0)]


def test_plots_are_shown_and_hidden_as_wanted(grid: PlotGrid) -> None:
    actions = {action.text(): action for action in grid.bar.plots.menu().actions()}
    actions["Learning rate"].setChecked(True)
    assert grid.rate.isVisible()
    assert grid.rate.lines[0].values == pytest.approx((0.1, 0.05, 0.1 / 3))
    actions = {action.text(): action for action in grid.bar.plots.menu().actions()}
    actions["Speed"].setChecked(True)
    assert grid.speed.lines[0].values == (500.0,) * 3
    grid.speed._choice.setCurrentIndex(1)
    assert [(line.name, line.values[0]) for line in grid.speed.lines] == [
        ("data", 25.0),
        ("compute", 75.0),
    ]
    actions = {action.text(): action for action in grid.bar.plots.menu().actions()}
    actions["loss"].setChecked(False)
    assert grid.parts() == [LAYERS, CONFUSION, RATE, SPEED]
    assert not grid.curves["loss"].isVisible()


def test_all_plots_are_pointed_at_together_and_looked_at_alike(grid: PlotGrid) -> None:
    grid._show(RATE, True)
    grid.curves["loss"].pointed.emit(2.0)
    assert grid.rate._legend.accessibleName() == "learning rate 0.05"
    assert grid.layers._crosshair.isVisible()
    grid.bar.log_y.click()
    grid.bar.smooth.setValue(50)
    assert grid.curves["loss"]._view == PlotView(smooth=0.5, log_y=True)
    header, rows = grid.layers.numbers()
    assert header == ("line", "epoch", "gradient")
    assert rows[0] == ("one", 1.0, 0.5)


def test_a_cell_of_the_confusion_leads_to_its_samples(qtbot: QtBot, dressed: QApplication) -> None:
    card = ConfusionCard()
    qtbot.addWidget(card)
    card.resize(400, 300)
    card.show()
    looks = [looked(1, 0), looked(1, 1, wrong=1)]
    card.show_looks(looks, NAMES)
    card.show_looks([], {})
    card.show_looks(looks[:1], NAMES)
    card.show_looks(looks, NAMES)
    assert card._text.text() == "e2 · 92 %"
    matrix = card.matrix
    with qtbot.waitSignal(card.samples_chosen) as told:
        place = matrix._place(0, 1).center().toPoint()
        qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=place)
    assert told.args == ["#two", "cat", "dog", (7,)]
    card._epoch.setValue(0)
    assert matrix.counts.tolist() == [[6, 2], [0, 5]]
    with qtbot.waitSignal(card.samples_chosen) as told:
        QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert told.args[3] == (7, 9)
    assert matrix.accessibleDescription() == "2 × cat taken for dog"
    QTest.keyClick(matrix, Qt.Key.Key_Left)
    assert matrix.accessibleDescription() == "6 × cat right"
    assert card.numbers() == (("class", "cat", "dog"), [["cat", 6, 2], ["dog", 0, 5]])
    card.show_looks([*looks, looked(1, 2)], NAMES)
    assert card._epoch.value() == 0, "the epoch that was chosen stays"
    matrix.grab()


# --- the workspace ----------------------------------------------------------------------------


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=leave)
    made.resize(1280, 800)
    made.show()
    made.show_workspace(TRAIN)
    made.train()
    trainer(made).say(started(made.training._request))
    return made


def trainer(window: MainWindow) -> FakeEngine:
    engine: FakeEngine = window._engines[1]
    return engine


def page_of(window: MainWindow) -> TrainWorkspace:
    page: TrainWorkspace = window.page(TRAIN)
    return page


def test_what_is_monitored_arrives_in_the_panels(window: MainWindow) -> None:
    page, request = page_of(window), window.training._request
    say = trainer(window).say
    say(points(request, 0, 0, [2.0] * STEPS))
    say(epoch(request, 0, loss=2.0, val_loss=1.5))
    say(looked(request, 0))
    say(measured(request, STEPS))
    say(Noted(request=request, epoch=0, step=5, kind="spike", text="The loss shot up"))
    say(Noted(request=request, epoch=0, step=9, kind="best", text="Best val_loss"))
    page.refresh()
    panel = page._panel
    texts = {name: meter.text for name, meter in panel.device.meters.items()}
    assert texts == {
        "GPU": "78%",
        "GPU memory": "8.0 GiB",
        "CPU": "35%",
        "Memory": "2.0 GiB",
        "Waits for data": "25%",
    }
    assert panel.events.texts() == ["e01 Best val_loss", "e01 The loss shot up"]
    assert page.grid.parts() == ["loss", LAYERS, CONFUSION]
    shown = (panel.widget().minimumSizeHint().width(), panel.minimumWidth())
    assert shown[0] <= 280, "the right column would be cut off"


def test_a_finding_is_mended_with_one_click_and_undone(window: MainWindow, qtbot: QtBot) -> None:
    page, request = page_of(window), window.training._request
    fix = Fix(text="Lower it", steps=(SetOptimizer(values={"learning_rate": 0.01}),))
    node = window.document.project.graph.nodes[1].id
    problem = Problem(
        severity="warning", kind="rate-high", text="Too <b>high</b>", node=node, fixes=(fix,)
    )
    trainer(window).say(Diagnosed(request=request, epoch=0, problems=(problem,)))
    page.refresh()
    section = page._panel.findings
    assert len(section.cards) == 1
    assert page._panel.sections["findings"]._head.text() == "Findings  1"
    section.fix_wanted.emit(fix)
    assert window.document.project.compile.optimizer.params["learning_rate"] == 0.01
    window.document.undo()
    assert "learning_rate" not in window.document.project.compile.optimizer.params
    trainer(window).say(Diagnosed(request=request, epoch=1, problems=()))
    page.refresh()
    assert section.cards == []
    with qtbot.waitSignal(page.node_wanted) as told:
        section.node_wanted.emit(node)
    assert told.args == [node]


def test_a_run_is_steered(window: MainWindow, qtbot: QtBot) -> None:
    steer = page_of(window)._panel.steering
    for field, text, wanted in (
        (steer.rate, "5e-4", Steer(learning_rate=5e-4)),
        (steer.batch_size, "64", Steer(batch_size=64)),
        (steer.epochs, "9", Steer(epochs=9)),
    ):
        field.setText(text)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert trainer(window).last(Steer) == wanted
        assert field.text() == ""
    sent = trainer(window).count(Steer)
    steer.batch_size.setText("many")
    QTest.keyClick(steer.batch_size, Qt.Key.Key_Return)
    assert trainer(window).count(Steer) == sent
    assert steer.batch_size.property("error") is True
    assert "1 on" in steer.batch_size.toolTip()
    node = str(steer.layer.currentData())
    steer.freeze.click()
    assert trainer(window).last(Steer) == Steer(frozen={node: True})
    assert steer.freeze.text() == "Let learn"
    request = window.training._request
    note = Noted(
        request=request, epoch=0, step=1, kind="steered", text="", values={"learning_rate": 5e-4}
    )
    trainer(window).say(note)
    page_of(window).refresh()
    assert steer.rate.placeholderText() == "0.0005"
    trainer(window).say(Finished(request=request))
    assert not steer.rate.isEnabled()


def test_single_steps_and_conditions(window: MainWindow) -> None:
    stepping = page_of(window)._panel.stepping
    request = window.training._request
    trainer(window).say(Paused(request=request))
    stepping.batch.click()
    assert trainer(window).last(Step).unit == "batch"
    stepping.epoch.click()
    assert trainer(window).last(Step).unit == "epoch"
    stepping.loss.setText("2.5")
    QTest.keyClick(stepping.loss, Qt.Key.Key_Return)
    assert trainer(window).last(Break) == Break(loss_above=2.5, gradient_above=None)
    node = window.document.project.graph.nodes[1]
    step = Stepped(
        request=request,
        epoch=0,
        step=3,
        loss=1.25,
        gradients={node.id: 0.125},
        samples=(4, 2),
        inputs={},
        outputs={"out": array([[0.1, 0.9], [0.7, 0.3]])},
        truth={"out": array([1, 0], "int64")},
    )
    trainer(window).say(step)
    assert "loss 1.25" in stepping.words.text()
    assert stepping.gradients.item(0, 0).text() == node.name
    assert stepping.gradients.item(0, 1).text() == "0.125"
    cells = [[stepping.outputs.item(row, column).text() for column in range(3)] for row in (0, 1)]
    assert cells == [["4", "1", "1 · 0.9"], ["2", "0", "0 · 0.7"]]
    window.training.go_on()
    assert trainer(window).count(Continue) == 1


def test_runs_before_are_drawn_behind(window: MainWindow) -> None:
    page = page_of(window)
    folder = window.training.runs_folder() / "first"
    folder.mkdir(parents=True)
    (folder / "project.kbuilder").write_text("{}", "utf-8")
    (folder / "history.csv").write_text("epoch,loss,val_loss\n0,3.0,2.5\n1,2.0,2.25\n", "utf-8")
    request = window.training._request
    trainer(window).say(points(request, 0, 0, [1.0]))
    page._panel.runs.refresh()
    page.refresh()
    (box,) = page._panel.runs.boxes.values()
    (result,) = page._panel.runs._results.values()
    assert (box.text(), result.text()) == ("first", "2.2500 · 2 ep")
    box.click()
    assert page.grid.curves["loss"]._overlays["first"][1]["loss"] == [(0, 3.0), (1, 2.0)]
    trainer(window).say(
        PointsLogged(request=request, epoch=0, first_step=1, series={"mae": array([1.0])})
    )
    page.refresh()
    assert "first" in page.grid.curves["mae"]._overlays
    box.click()
    assert page.grid.curves["loss"]._overlays == {}


def test_the_best_card_counts_the_patience(window: MainWindow) -> None:
    page, request = page_of(window), window.training._request
    stopping = KerasObject(class_name="EarlyStopping", params={"monitor": "loss", "patience": 8})
    window.document.apply("Add", lambda p: edits.set_fit(p, callbacks=(stopping,)))
    for number, loss in enumerate((0.5, 0.4, 0.45, 0.47)):
        event = epoch(request, number, loss=loss, val_loss=1.0)
        assert isinstance(event, EpochEnded)
        trainer(window).say(event)
    page.refresh()
    assert page._best.name.text() == "best loss"
    assert page._best.value.text() == "0.4000"
    assert page._best.at.text() == "epoch 2 · patience 2 / 8"


def test_a_million_points_are_drawn_with_few(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    plot.resize(800, 400)
    run = LiveRun(started(1, epochs=100_000))
    values = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    run.add_points(
        PointsLogged(request=1, epoch=99_999, first_step=0, series={"loss": array(values)})
    )
    plot.show_run(run)
    drawn = plot._batches.getData()[1]
    assert 400 <= len(drawn) <= 2 * 800 + 2
    assert (drawn.max(), drawn.min()) == (values.max(), values.min())


def test_a_confused_cell_leads_to_its_sample_and_a_finding_to_its_layer(window: MainWindow) -> None:
    page = page_of(window)
    output = window.document.project.graph.outputs[0].id
    page.samples_chosen.emit(output, "cat", "dog", ())
    assert window._stack.currentWidget() is page
    page.samples_chosen.emit(output, "cat", "dog", (0,))
    assert window._stack.currentWidget() is window.page(INSPECT)
    page.node_wanted.emit(output)
    assert window._stack.currentWidget() is window.page(DESIGN)
