"""Sweeps in the window: fields, trials as they come, parallel coordinates, using the best."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.project import Project
from kbuilder.document.sweep import SweepParam
from kbuilder.document.sweep_text import first_guess, parse, text_of
from kbuilder.link.events import Finished
from kbuilder.link.requests import Stop, Sweep
from kbuilder.link.run_events import TrialStarted
from kbuilder.link.trials import Trial, trial_folder, write_trial
from kbuilder.ui.main_window import RUNS, MainWindow
from kbuilder.ui.panels.runs_workspace import RunsWorkspace
from kbuilder.ui.panels.sweep_workspace import SweepWorkspace
from kbuilder.ui.plots.parallel import ParallelPlot
from kbuilder.ui.plots.parallel_axes import Axis, Line
from tests.ui.fake_engine import window_of

RATE = SweepParam(name="optimizer.learning_rate", low=1e-4, high=1e-1, log=True)
UNITS = SweepParam(name="mid.units", values=(4, 8))


@pytest.fixture
def window(dressed: QApplication, catalogue: Catalogue, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    window = window_of(catalogue, tmp_path)
    qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
    window.resize(1280, 800)
    window.show()
    window.show_workspace(RUNS)
    return window


@pytest.fixture
def page(window: MainWindow) -> SweepWorkspace:
    runs = window.page(RUNS)
    assert isinstance(runs, RunsWorkspace)
    runs.tabs.setCurrentIndex(1)
    return runs.sweep


def settle(page: SweepWorkspace) -> None:
    for _ in range(2):
        page._reader.wait()
        QApplication.processEvents()


def write_sweep(folder: Path) -> None:
    goals = (0.9, 0.2, None, 0.5)
    states = ("complete", "complete", "failed", "pruned")
    for number, (goal, state) in enumerate(zip(goals, states, strict=True)):
        values = {"optimizer.learning_rate": 10.0 ** -(number + 1), "mid.units": (4, 8)[number % 2]}
        trial = Trial(number=number, values=values, state=state, objective=goal, text="<b>")
        write_trial(trial_folder(folder / "sweep_1", number), trial)


def vary(window: MainWindow, *params: SweepParam, **changes: object) -> None:
    window.document.apply("Vary", lambda p: edits.set_sweep(p, params=params, **changes))


def test_options_are_added_typed_and_removed_as_edits(
    window: MainWindow, page: SweepWorkspace
) -> None:
    form = page.form
    assert not page.start.isEnabled()
    form.adder.setCurrentIndex(form.adder.findText("hidden.units"))
    form.add_button.click()
    (param,) = window.document.project.sweep.params
    assert (param.name, param.low, param.high, param.whole) == ("mid.units", 1, 16, True)
    assert window.document.undo_text == "Vary hidden.units"
    assert page.start.isEnabled()
    field = form.fields["mid.units"]
    field.selectAll()
    field.insert("4, 8")
    field.setModified(True)
    field.editingFinished.emit()
    assert window.document.project.sweep.params == (UNITS,)
    field = form.fields["mid.units"]
    field.setText("4 .. x")
    field.setModified(True)
    field.editingFinished.emit()
    assert field.property("error")
    assert "is no range" in form._faults.text()
    assert window.document.project.sweep.params == (UNITS,)
    form._remove("mid.units")
    assert window.document.project.sweep.params == ()
    assert not page.start.isEnabled()
    window.document.undo()
    assert list(form.fields) == ["mid.units"]


def test_the_search_is_a_form(window: MainWindow, page: SweepWorkspace) -> None:
    vary(window, UNITS)
    assert page.start.text() == "Start sweep of 20 trials"
    page.form.form.edited.emit("method", "grid")
    assert window.document.project.sweep.method == "grid"
    assert page.start.text() == "Start sweep of 2 trials"
    page.form.form.reset.emit("method")
    assert window.document.project.sweep.method == "bayesian"
    vary(window, SweepParam(name="mid.units", values=(0,)))
    assert "at least 1" in page.form._faults.text()
    assert not page.start.isEnabled()


def test_a_sweep_is_started_seen_and_stopped(
    window: MainWindow, page: SweepWorkspace, tmp_path: Path
) -> None:
    vary(window, RATE, UNITS)
    page.start.click()
    trainer = window._engines[1]
    sent = trainer.last(Sweep)
    assert Path(sent.folder).parent == tmp_path / "runs"
    assert page.start.isHidden()
    assert "about to begin" in page._hint.text()
    write_trial(
        trial_folder(Path(sent.folder), 0),
        Trial(number=0, values={"optimizer.learning_rate": 0.1, "mid.units": 4}),
    )
    trainer.say(TrialStarted(request=sent.request, number=0, run="r", values={}))
    settle(page)
    assert page.table.rowCount() == 1
    page.stop.click()
    assert trainer.last(Stop).keep
    trainer.say(Finished(request=sent.request))
    assert not page.start.isHidden()
    assert not page.go_on.isHidden()
    page.go_on.click()
    assert trainer.last(Sweep).folder == sent.folder


def test_trials_are_listed_and_the_best_is_used(
    window: MainWindow, page: SweepWorkspace, tmp_path: Path
) -> None:
    vary(window, RATE, UNITS)
    write_sweep(tmp_path / "runs")
    page.refresh()
    settle(page)
    cells = [[page.table.item(r, c).text() for c in range(3)] for r in range(4)]
    assert cells == [
        ["0", "complete", "0.9"],
        ["★ 1", "complete", "0.2"],
        ["2", "failed", "–"],
        ["3", "pruned", "0.5"],
    ]
    page.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert page.table.item(3, 1).text() == "failed"
    assert "best val_loss 0.2 in trial 1" in page._summary.text()
    page.use.click()
    assert window.document.undo_text == "Use the values of trial 1"
    assert window.document.project.graph.by_id["mid"].params["units"] == 8
    assert window.document.project.compile.optimizer.params == {"learning_rate": 0.01}
    page.plot.picked.emit(0)
    assert page.use.text() == "Use trial 0"
    window.document.apply("Delete", lambda p: edits.remove(p, ["mid"]))
    before = window.document.project
    page.use.click()
    assert window.document.project is before
    page.plot.brushes[2] = (0.0, 0.1)
    page.plot.brushed.emit(page.plot.kept())
    hidden = [page.table.isRowHidden(row) for row in range(4)]
    assert hidden.count(False) == 1


AXES = (Axis("rate", 1e-3, 1e-1, log=True), Axis("kind", values=("a", "b")), Axis("loss", 0, 2))
LINES = (
    Line(0, (1e-3, "a", 2.0)),
    Line(1, (1e-1, "b", 0.0)),
    Line(2, (1e-2, "b", None), "failed"),
)


@pytest.fixture
def plot(dressed: QApplication, qtbot: QtBot) -> ParallelPlot:
    plot = ParallelPlot()
    qtbot.addWidget(plot)
    plot.resize(700, 300)
    plot.show()
    plot.show_trials(AXES, LINES, 1, smaller_is_better=True)
    return plot


def test_values_have_their_places() -> None:
    rate, kind, loss = AXES
    assert [rate.place(v) for v in (1e-3, 1e-2, 1e-1)] == pytest.approx([0, 0.5, 1])
    assert [kind.place(v) for v in ("a", "b", "c")] == [0.25, 0.75, None]
    assert [loss.place(v) for v in (1, None, float("nan"), True)] == [0.5, None, None, None]
    assert [text for _, text in rate.ticks()] == ["0.001", "0.00316", "0.01", "0.0316", "0.1"]
    assert Axis("one", 3.0, 3.0).place(3.0) == 0.5
    assert len(Axis("one", 3.0, 3.0).ticks()) == 1
    units = Axis("units", 2, 4, whole=True)
    assert [text for _, text in units.ticks()] == ["2", "3", "4"]
    assert [place for place, _ in units.ticks()] == [0, 0.5, 1]


def test_a_line_is_read_picked_and_brushed(plot: ParallelPlot, qtbot: QtBot) -> None:
    picked: list[int] = []
    kept: list[list[int]] = []
    plot.picked.connect(picked.append)
    plot.brushed.connect(kept.append)
    between = (plot.axis_x(1) + plot.axis_x(2)) / 2
    middle = (plot.y_of(0.75) + plot.y_of(0.0)) / 2
    point = QPointF(between, middle)
    assert plot.line_at(point) == 1
    assert plot.line_at(QPointF(between, 2)) == -1
    assert plot.reading(1) == "Trial 1 (complete)\nrate: 0.1\nkind: b\nloss: 0"
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(plot, left, pos=point.toPoint())
    assert picked == [1]
    top = QPointF(plot.axis_x(1), plot.y_of(0.9)).toPoint()
    bottom = QPointF(plot.axis_x(1), plot.y_of(0.6)).toPoint()
    qtbot.mousePress(plot, left, pos=top)
    qtbot.mouseMove(plot, bottom)
    qtbot.mouseRelease(plot, left, pos=bottom)
    assert kept == [[1, 2]]
    plot.grab()
    qtbot.mouseClick(plot, left, pos=top)
    assert kept[-1] == [0, 1, 2]


def test_trials_are_walked_by_keys(plot: ParallelPlot, qtbot: QtBot) -> None:
    picked: list[int] = []
    plot.picked.connect(picked.append)
    plot.picked.connect(plot.mark)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(plot, key)
    assert picked == [0, 1, 0]
    plot.brushes[1] = (0.5, 1.0)
    assert plot.kept() == [1, 2]
    qtbot.keyClick(plot, Qt.Key.Key_Escape)
    assert plot.kept() == [0, 1, 2]


def test_the_best_has_the_accent_whichever_way_is_better(plot: ParallelPlot) -> None:
    good, bad = plot.colour_of(LINES[1]).rgb(), plot.colour_of(LINES[0]).rgb()
    assert good != bad
    plot.show_trials(AXES, LINES, 0, smaller_is_better=False)
    assert (plot.colour_of(LINES[0]).rgb(), plot.colour_of(LINES[1]).rgb()) == (good, bad)


WHOLE = ParamSpec(name="n", kinds=("int",), minimum=1)
REAL = ParamSpec(name="r", kinds=("float",))


@pytest.mark.parametrize(
    ("text", "spec", "param"),
    [
        ("8, 16", WHOLE, SweepParam(name="n", values=(8, 16))),
        ("relu, tanh", REAL, SweepParam(name="n", values=("relu", "tanh"))),
        ("[3, 3], [5, 5]", REAL, SweepParam(name="n", values=([3, 3], [5, 5]))),
        ("1 .. 9", WHOLE, SweepParam(name="n", low=1, high=9, whole=True)),
        ("1e-4 .. 0.1 log", REAL, SweepParam(name="n", low=1e-4, high=0.1, log=True)),
        ("0 .. 1 in 5", REAL, SweepParam(name="n", low=0, high=1, steps=5)),
        ("", REAL, SweepParam(name="n")),
    ],
)
def test_values_are_typed_and_shown_alike(text: str, spec: ParamSpec, param: SweepParam) -> None:
    assert parse("n", text, spec) == param
    assert parse("n", text_of(param), spec) == param


@pytest.mark.parametrize("text", ["..", "1 ..", "1 .. 2 in x", "a .. b"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range"):
        parse("n", text, REAL)


def test_the_first_guess_lies_around_the_value() -> None:
    assert first_guess("n", WHOLE, 32) == SweepParam(
        name="n", low=8, high=128, whole=True, log=True
    )
    assert first_guess("r", REAL, 0.001) == SweepParam(name="r", low=1e-4, high=1e-2, log=True)
    rate = ParamSpec(name="rate", kinds=("float",), minimum=0.0, maximum=1.0)
    assert first_guess("r", rate, 0.5) == SweepParam(name="r", low=0.05, high=1.0)
    assert first_guess("b", ParamSpec(name="b", kinds=("bool",)), True).values == (False, True)
    choice = ParamSpec(name="c", kinds=("choice",), choices=("x", "y"))
    assert first_guess("c", choice, "x").values == ("x", "y")
    assert first_guess("t", ParamSpec(name="t", kinds=("text",)), None).values == ()
