"""The panels of the five workspaces, in a window on fake engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTableWidget,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.options import DataOptions
from kbuilder.document.problems import Problem
from kbuilder.document.values import KerasObject
from kbuilder.link.events import (
    ActivationsComputed,
    Failed,
    Finished,
    FrozenChecked,
    Inferred,
    Paused,
    Previewed,
    ScheduleComputed,
    WeightsKept,
)
from kbuilder.link.requests import (
    CompareWeights,
    ComputeActivations,
    ComputeSchedule,
    Infer,
    Preview,
    Train,
    Watch,
)
from kbuilder.link.values import DataPreview
from kbuilder.ui.forms.object_list import ObjectRow
from kbuilder.ui.main_window import DATA, DESIGN, INSPECT, TRAIN, MainWindow
from kbuilder.ui.panels.compile_panel import CompilePanel
from kbuilder.ui.panels.field_mapping import FieldMapping
from kbuilder.ui.panels.field_panel import FieldPanel
from kbuilder.ui.panels.output_form import OutputForm
from kbuilder.ui.panels.progress_card import clock
from kbuilder.ui.panels.schedule_preview import SchedulePreview
from tests.ui.fake_engine import (
    STEPS,
    FakeEngine,
    array,
    epoch,
    facts,
    leave,
    points,
    preview,
    started,
    window_of,
)

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue, tmp_path: Path) -> MainWindow:
    made = window_of(catalogue, tmp_path)
    qtbot.addWidget(made, before_close_func=leave)
    made.show()
    bench: FakeEngine = made._engines[0]  # type: ignore[assignment]
    made.workbench.start()
    bench.say(Inferred(request=bench.last(Infer).request, nodes=facts()))
    show_preview(made, preview())
    return made


def show_preview(window: MainWindow, shown: DataPreview) -> None:
    bench: FakeEngine = window._engines[0]  # type: ignore[assignment]
    bench.say(Previewed(request=bench.last(Preview).request, preview=shown))


def trainer(window: MainWindow) -> FakeEngine:
    return window._engines[1]  # type: ignore[return-value]


def texts(widget: QWidget) -> list[str]:
    return [shown.text() for shown in widget.findChildren(QLabel)]


def type_into(field: QLineEdit, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


# --- Design: properties -----------------------------------------------------------------------


def select(window: MainWindow, *ids: str) -> tuple[QWidget, QWidget]:
    window.scene.select(list(ids))
    forms = window.design.properties._forms
    assert forms is not None
    return forms


def field(form: object, name: str) -> QLineEdit:
    editor = form.row(name).editor  # type: ignore[attr-defined]
    return editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)


def test_a_typed_parameter_is_an_edit_that_can_be_undone(window: MainWindow) -> None:
    _, form = select(window, "mid")
    type_into(field(form, "units"), "64")
    node = window.document.project.graph.by_id["mid"]
    assert node.params["units"] == 64
    assert window.document.undo_text == "Set units of hidden"
    window.actions_by_id["undo"].trigger()
    assert window.document.project.graph.by_id["mid"].params["units"] == 4
    assert field(form, "units").text() == "4"


def test_selecting_another_layer_shows_its_values_and_class(window: MainWindow) -> None:
    _, form = select(window, "mid")
    assert field(form, "units").text() == "4"
    select(window, "out")
    assert field(form, "units").text() == "2"
    panel = window.design.properties
    assert panel._title.text() == "last"
    assert panel._subtitle.text() == "Dense · 10 parameters"
    card = panel._facts
    assert (card._in.text(), card._out.text()) == ("(batch, 4)", "(batch, 2)")
    select(window, "in")
    assert "units" not in form.names()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "words"), [("two words", "without spaces"), ("last", "Another layer")]
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(
    window: MainWindow, name: str, words: str
) -> None:
    form, _ = select(window, "mid")
    type_into(field(form, "name"), name)
    assert window.document.project.graph.by_id["mid"].name == "hidden"
    assert words in form.row("name")._fault.text()  # type: ignore[attr-defined]


def test_a_layer_is_renamed(window: MainWindow) -> None:
    form, _ = select(window, "mid")
    type_into(field(form, "name"), "brain")
    assert window.document.project.graph.by_id["mid"].name == "brain"
    assert window.document.undo_text == "Rename hidden"
    assert window.design.properties._title.text() == "brain"


def test_the_panel_sums_up_what_is_selected(window: MainWindow) -> None:
    panel = window.design.properties
    assert panel._subtitle.text() == "3 layers · 46 parameters"
    select_all = ["in", "mid", "out"]
    window.scene.select(select_all)
    assert "3" in panel._title.text()
    assert panel._facts._shapes.isHidden()
    assert panel._facts._trainable.text() == "46"


def test_a_fault_stands_at_its_field(window: MainWindow) -> None:
    _, form = select(window, "mid")
    fault = Problem(severity="error", text="Too many units.", node="mid", parameter="units")
    say_problems(window, fault)
    assert form.row("units")._fault.text() == "Too many units."  # type: ignore[attr-defined]
    say_problems(window)
    assert form.row("units")._fault.text() == ""  # type: ignore[attr-defined]


# --- Design: problems -------------------------------------------------------------------------


def say_problems(window: MainWindow, *problems: Problem) -> None:
    bench: FakeEngine = window._engines[0]  # type: ignore[assignment]
    window.workbench.start()
    request = bench.last(Infer).request
    bench.say(Inferred(request=request, nodes=facts(), problems=problems))
    bench.say(Finished(request=request))


def cells(table: QTableWidget) -> list[list[str]]:
    return [
        [table.item(row, column).text() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]


def test_the_summary_lists_layers_in_order(window: MainWindow) -> None:
    panel = window.design.problems
    window.document.apply("Freeze", lambda p: edits.freeze(p, ["mid"], True))
    panel.setCurrentIndex(1)
    assert cells(panel._summary) == [
        ["image", "Input", "8", "0", "0", ""],
        ["hidden", "Dense", "4", "36", "0", ""],
        ["last", "Dense", "2", "10", "10", ""],
    ]


# --- Train: compile and fit -------------------------------------------------------------------


def compile_panel(window: MainWindow) -> CompilePanel:
    window.show_workspace(TRAIN)
    return window.page(TRAIN).findChild(CompilePanel)


def test_fit_options_are_edits(window: MainWindow) -> None:
    panel = compile_panel(window)
    type_into(field(panel._fit.form, "epochs"), "33")
    assert window.document.project.fit.epochs == 33
    assert window.document.undo_text == "Set epochs"
    type_into(field(panel._fit.form, "epochs"), "10")
    assert window.document.project.fit.epochs == 10
    window.actions_by_id["undo"].trigger()
    assert field(panel._fit.form, "epochs").text() == "33"


def test_metrics_are_added_and_removed(window: MainWindow) -> None:
    panel = compile_panel(window)
    (form,) = panel.findChildren(OutputForm)

    def metrics() -> list[str]:
        return [m.class_name for m in window.document.project.compile.outputs["out"].metrics]

    form.metrics.add_button.click()
    form.metrics.add_button.click()
    assert metrics() == ["SparseCategoricalAccuracy"] * 2
    first, second = form.findChildren(ObjectRow)
    second.changed.emit({"class_name": "MeanSquaredError", "params": {}})
    assert metrics() == ["SparseCategoricalAccuracy", "MeanSquaredError"]
    assert window.document.undo_text == "Set metrics of last"
    first = form.findChildren(ObjectRow)[0]
    buttons = first.findChildren(QToolButton)
    next(b for b in buttons if b.accessibleName() == "Remove this metric").click()
    assert metrics() == ["MeanSquaredError"]
    assert len(form.findChildren(ObjectRow)) == 1
    window.actions_by_id["undo"].trigger()
    assert len(form.findChildren(ObjectRow)) == 2


def test_weighted_metrics_are_a_list_of_their_own(window: MainWindow) -> None:
    panel = compile_panel(window)
    (form,) = panel.findChildren(OutputForm)
    form.weighted_metrics.add_button.click()
    output = window.document.project.compile.outputs["out"]
    assert [metric.class_name for metric in output.weighted_metrics] == [
        "SparseCategoricalAccuracy"
    ]
    assert output.metrics == ()
    assert window.document.undo_text == "Set weighted_metrics of last"


def test_compile_options_are_edits_and_reach_the_engine(window: MainWindow) -> None:
    panel = compile_panel(window)
    panel._options.row("dtype_policy").editor.changed.emit("mixed_bfloat16")
    assert window.document.project.compile.dtype_policy == "mixed_bfloat16"
    engine: FakeEngine = window._engines[0]  # type: ignore[assignment]
    engine.say(Finished(request=engine.last(Infer).request))
    assert engine.last(Infer).dtype_policy == "mixed_bfloat16"
    type_into(field(panel._options, "steps_per_execution"), "8")
    assert window.document.project.compile.steps_per_execution == 8


def test_a_schedule_is_drawn_up_to_the_last_step_of_the_training(window: MainWindow) -> None:
    panel = compile_panel(window)
    preview = panel.findChild(SchedulePreview)
    assert preview.isHidden()
    decay = {
        "class_name": "CosineDecay",
        "params": {"initial_learning_rate": 0.1, "decay_steps": 100},
    }
    optimizer = KerasObject(class_name="SGD", params={"learning_rate": decay})
    window.document.apply("Set", lambda p: edits.set_optimizer(p, optimizer))
    assert not preview.isHidden()
    engine: FakeEngine = window._engines[0]  # type: ignore[assignment]
    asked = engine.last(ComputeSchedule)
    assert asked.optimizer == optimizer
    assert asked.last == -(-int(1797 * 0.8) // 32) * 10
    engine.say(ScheduleComputed(request=asked.request, rates=array([0.1, 0.05, 0.0])))
    x, y = preview._curve.getData()
    assert list(x) == [0, asked.last / 2, asked.last]
    assert list(y) == pytest.approx([0.1, 0.05, 0.0])
    assert "0.1 at first" in preview._title.text()
    window.document.apply("Set", lambda p: edits.set_fit(p, epochs=20))
    assert engine.last(ComputeSchedule).last == 2 * asked.last


def test_there_is_a_form_for_each_output(window: MainWindow) -> None:
    panel = compile_panel(window)
    (form,) = panel.findChildren(OutputForm)
    assert form._name.text() == "last"
    assert form._shape.text() == "2"
    window.document.apply("Mark", lambda p: edits.mark_output(p, "mid", True))
    assert [f._name.text() for f in panel._outputs.values()] == ["hidden", "last"]
    window.document.apply("Rename", lambda p: edits.rename(p, "out", "answer"))
    assert [f._name.text() for f in panel._outputs.values()] == ["hidden", "answer"]


# --- Train: progress, curves, run -------------------------------------------------------------


def train(window: MainWindow, epochs: int = 2) -> int:
    window.train()
    request = window.training._request
    trainer(window).say(started(request, epochs=epochs))
    return request


def test_a_training_is_shown_while_it_runs_and_after_it(window: MainWindow) -> None:
    page = window.page(TRAIN)
    request = train(window)
    say = trainer(window).say
    say(points(request, 0, 0, [2.0] * STEPS))
    say(epoch(request, 0, seconds=2.0, loss=2.0, val_loss=1.5, accuracy=0.5))
    page.refresh()
    assert list(page._plots) == ["loss", "accuracy"]
    assert page._timer.isActive()
    assert page._head._epoch.text() == "Epoch 2 / 2"
    assert page._head._speed.text().split("   ") == ["step 10", "2 s / epoch", "40 samples/s"]
    assert page._head._bar.value() == 500
    assert "00:02 left" in page._head._time.text()
    say(Paused(request=request))
    assert page._head._time.text() == "Paused"
    say(Finished(request=request))
    assert not page._timer.isActive()
    assert page._head._time.text() == "00:02 in all"


def test_another_project_clears_the_curves(window: MainWindow) -> None:
    page = window.page(TRAIN)
    request = train(window)
    trainer(window).say(points(request, 0, 0, [2.0]))
    page.refresh()
    trainer(window).say(Finished(request=request))
    window.files.new()
    assert page._plots == {}
    assert page._head._epoch.text() == "Not trained yet"


def test_a_hidden_train_page_draws_nothing_and_catches_up(window: MainWindow) -> None:
    page = window.page(TRAIN)
    request = train(window)
    window.show_workspace(DATA)
    trainer(window).say(points(request, 0, 0, [2.0]))
    page.refresh()
    assert page._plots == {}
    window.show_workspace(TRAIN)
    assert list(page._plots) == ["loss"]


def test_the_run_panel_names_the_best_epoch(window: MainWindow) -> None:
    page = window.page(TRAIN)
    panel = page._panel
    request = train(window, epochs=3)
    for number, loss in enumerate((0.9, 0.4, 0.6)):
        trainer(window).say(epoch(request, number, loss=0.1, val_loss=loss))
    page.refresh()
    assert page._best.value.text() == "0.4000"
    assert (page._best.name.text(), page._best.at.text()) == ("best val_loss", "epoch 2")
    assert panel._last.text() == "0.1000  loss\n0.6000  val_loss"
    assert panel.runs._state.text() == "Training"


@pytest.mark.parametrize(
    ("after", "words", "told"),
    [
        ("a" * 64, "Frozen and unmoved: 1.", "frozen · aaaaaaaa"),
        ("b" * 64, "Moved though frozen: 1", "MOVED though frozen · bbbbbbbb"),
    ],
)
def test_the_weights_of_a_training_are_proved(
    window: MainWindow, after: str, words: str, told: str
) -> None:
    proof = window.page(TRAIN)._panel._weights
    request = train(window)
    trainer(window).say(WeightsKept(request=request, layers={"mid": "kept", "out": "new"}))
    checked = FrozenChecked(
        request=request, before={"mid": "a" * 64}, after={"mid": after}, moved={"out": 0.023}
    )
    trainer(window).say(checked)
    trainer(window).say(Finished(request=request))
    assert proof.sentence.text().startswith(words)
    rows = [
        [proof.table.item(row, column).text() for column in range(2)]
        for row in range(proof.table.rowCount())
    ]
    assert rows == [["hidden", told], ["last", "moved by 2.3 %"]]
    assert proof.table.item(1, 0).toolTip() == "Started afresh"


def test_training_begins_with_the_weights_in_use_when_asked(window: MainWindow) -> None:
    request = train(window)
    trainer(window).say(Finished(request=request))
    run = window.training.run
    window.train()
    assert trainer(window).last(Train).weights == ""
    trainer(window).say(Finished(request=window.training._request))
    window.document.apply("Set", lambda p: edits.set_fit(p, begin_with="in use"))
    run = window.training.run
    window.train()
    assert trainer(window).last(Train).weights == run
    trainer(window).say(Finished(request=window.training._request))
    window.train(resume=True)
    assert trainer(window).last(Train).weights == ""


def test_the_summary_says_what_of_the_weights_in_use_fits(window: MainWindow, qtbot: QtBot) -> None:
    request = train(window)
    trainer(window).say(Finished(request=request))
    engine: FakeEngine = window._engines[0]  # type: ignore[assignment]
    qtbot.waitUntil(lambda: engine.count(CompareWeights) == 1)
    asked = engine.last(CompareWeights)
    assert asked.run == window.training.run
    engine.say(WeightsKept(request=asked.request, layers={"mid": "sliced", "out": "new"}))
    window.show_workspace(DESIGN)
    problems = window.design.problems
    problems.setCurrentIndex(1)
    told = [problems._summary.item(row, 5).text() for row in range(3)]
    assert told == ["", "sliced: the part that fits", "new"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "00:00"), (61, "01:01"), (3599.6, "1:00:00"), (7325, "2:02:05")]
)
def test_times_are_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


# --- Data -------------------------------------------------------------------------------------


def test_the_data_page_shows_what_the_source_holds(window: MainWindow) -> None:
    window.show_workspace(DATA)
    page = window.page(DATA)
    assert page._title.text() == "digits"
    assert page._note.text() == "1,797 samples · 2 fields"
    assert [page._pictures.item(n).text() for n in range(3)] == ["cat", "dog", "cat"]
    shown = texts(page.findChild(FieldPanel))
    assert "• The classes are uneven." in shown
    assert "CLASSES OF LABEL" in shown
    assert "8 × 8 · uint8 · 0 … 16" in shown


def test_rows_are_a_table_and_a_fault_is_said(window: MainWindow) -> None:
    window.show_workspace(DATA)
    page = window.page(DATA)
    rows = (("1", "cat"), ("2", "dog"))
    show_preview(window, replace(preview(), pictures=None, rows=rows))
    assert cells(page._table) == [["1", "cat"], ["2", "dog"]]
    assert page._stack.currentWidget() is page._table
    bench: FakeEngine = window._engines[0]  # type: ignore[assignment]
    bench.say(Failed(request=bench.last(Preview).request, text="“d.csv” is empty."))
    assert page._note.text() == "“d.csv” is empty."
    assert page._note.property("role") == "error"
    assert page._table.rowCount() == 0


def test_a_checked_field_is_an_edit(window: MainWindow) -> None:
    window.show_workspace(DATA)
    lists = window.page(DATA).findChild(FieldMapping).findChildren(QListWidget)
    inputs = next(one for one in lists if one.accessibleName() == "Fields for image")
    states = [inputs.item(n).checkState() == Qt.CheckState.Checked for n in range(2)]
    assert states == [True, False]
    inputs.item(1).setCheckState(Qt.CheckState.Checked)
    assert window.document.project.data.inputs == {"in": ("image", "label")}
    assert window.document.undo_text == "Choose the fields of image"
    window.actions_by_id["undo"].trigger()
    assert window.document.project.data.inputs == {}


def test_a_sample_button_takes_the_sample(window: MainWindow) -> None:
    window.show_workspace(DATA)
    page = window.page(DATA)
    wine = next(b for b in page.findChildren(QPushButton) if "wine" in b.text())
    wine.click()
    assert window.document.project.data == DataOptions(kind="sample", path="wine")
    wanted: list[str] = []
    page.source_wanted.disconnect()
    page.source_wanted.connect(wanted.append)
    for words in ("Arrays", "Table", "Folder"):
        next(b for b in page.findChildren(QPushButton) if words in b.text()).click()
    assert wanted == ["arrays", "table", "images"]


# --- Inspect ----------------------------------------------------------------------------------


def answer(node: str, sample: int, values: object, scores: list[float]) -> ActivationsComputed:
    return ActivationsComputed(
        request=9,
        node=node,
        samples=(sample,),
        activations=array([values]),
        inputs={"in": array(np.zeros((1, 8, 8)))},
        outputs={"out": array([scores])},
        truth={"out": array([1], "int64")},
    )


def test_inspect_asks_for_the_chosen_layer_and_shows_it(window: MainWindow, qtbot: QtBot) -> None:
    window.show_workspace(INSPECT)
    page = window.page(INSPECT)
    page.choose("mid", 5)

    def asked() -> bool:
        return trainer(window).count(ComputeActivations) > 0 and trainer(window).last(
            ComputeActivations
        ).samples == (5,)

    qtbot.waitUntil(asked, timeout=2000)
    assert trainer(window).last(ComputeActivations).node == "mid"
    trainer(window).say(answer("mid", 5, [0.0, 1.0, 2.0, 3.0], [0.25, 0.75]))
    assert page._title.text() == "HIDDEN · SAMPLE 5"
    assert page._note.text() == "4 values"
    panel = page._prediction
    assert (panel._truth.text(), panel._answer.text()) == ("dog", "dog")
    assert "zeros  25.0 %" in panel._statistics.text()
    trainer(window).say(answer("mid", 5, [0.0, 0.0, 0.0, 0.0], [0.75, 0.25]))
    assert panel._answer.text().startswith("cat")
    assert panel._answer.text().endswith("✕")


def test_an_answer_about_something_else_is_not_shown(window: MainWindow) -> None:
    window.show_workspace(INSPECT)
    page = window.page(INSPECT)
    page.choose("mid", 5)
    trainer(window).say(answer("mid", 4, [9.0], [1.0, 0.0]))
    trainer(window).say(answer("out", 5, [9.0], [1.0, 0.0]))
    assert "SAMPLE" not in page._title.text()


def test_a_thumbnail_chooses_its_sample(window: MainWindow) -> None:
    window.show_workspace(INSPECT)
    page = window.page(INSPECT)
    page._thumbnails.setCurrentRow(2)
    assert page._sample.value() == 2
    assert page._sample.maximum() == 1796


def test_leaving_inspect_stops_the_watching(window: MainWindow) -> None:
    train(window)
    window.show_workspace(INSPECT)
    window.page(INSPECT).choose("out", 0)
    window.page(INSPECT)._ask()
    assert trainer(window).last(Watch).node == "out"
    window.show_workspace(DATA)
    assert trainer(window).last(Watch).node == ""


def test_layers_show_shapes_and_locks(window: MainWindow, qtbot: QtBot) -> None:
    window.show_workspace(INSPECT)
    layers = window.page(INSPECT)._layers
    window.document.apply("Freeze", lambda p: edits.freeze(p, ["mid"], True))
    qtbot.waitUntil(lambda: "🔒" in layers.item(1).text(), timeout=2000)
    assert layers.item(1).text().startswith("hidden   4")
    assert "🔒" not in layers.item(2).text()
