"""The form of everything that fit takes: each change is one edit that can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.facts import FieldFacts
from kbuilder.document.option_specs import BEYOND_A_PROJECT, FIT_PARAMS
from kbuilder.document.options import DataOptions, FitOptions
from kbuilder.document.own_code import teach
from kbuilder.document.values import KerasObject
from kbuilder.link.events import Previewed
from kbuilder.link.requests import Preview
from kbuilder.link.values import DataPreview
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.fit_editors import ClassWeightsEditor, ValidationEditor
from kbuilder.ui.forms.object_list import ObjectRow
from kbuilder.ui.panels.data_workspace import DataWorkspace
from kbuilder.ui.panels.fit_panel import FitPanel
from kbuilder.ui.workbench import Workbench
from tests.ui.fake_engine import FakeEngine, project

CLASSES = FieldFacts(name="label", dtype="int32", shape=(), classes=("no", "yes"), counts=(60, 20))
FIELDS = (FieldFacts(name="x", dtype="float32", shape=(8,)), CLASSES)
WEIGHT = FieldFacts(name="weight", dtype="float32", shape=())


class Bench:
    """A fit panel on a document of its own, with a preview of the data."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.document = Document(project())
        bridge = self.bridge = DocumentBridge(self.document)
        engine = self.engine = FakeEngine()
        workbench = self.workbench = Workbench(bridge, catalogue, engine)  # type: ignore[arg-type]
        self.panel = FitPanel(bridge, catalogue, workbench)
        bridge.changed.connect(lambda _: self.panel.refresh())
        workbench.start()
        shown = DataPreview(
            samples=80,
            fields=(*FIELDS, WEIGHT),
            inputs={"in": ("x",)},
            targets={"out": ("label",)},
        )
        engine.say(Previewed(request=engine.last(Preview).request, preview=shown))

    @property
    def fit(self) -> FitOptions:
        return self.document.project.fit

    def editor(self, name: str):
        return self.panel.form.row(name).editor

    def fault(self, name: str) -> str:
        return self.panel.form.row(name)._fault.text()

    def undo(self) -> None:
        self.document.undo()


@pytest.fixture
def bench(qtbot: QtBot, dressed: QApplication, catalogue: Catalogue) -> Bench:
    made = Bench(catalogue)
    qtbot.addWidget(made.panel)
    made.panel.show()
    return made


def type_into(field: QLineEdit, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_every_option_has_a_field(bench: Bench) -> None:
    shown = {name.partition(" ")[0] for name in bench.panel.form.names()}
    elsewhere = {"callbacks", "augmentation", "validation_split", "validation_data"}
    assert shown | elsewhere == {param.name for param in FIT_PARAMS} | {"validation"}


@pytest.mark.parametrize(
    ("name", "typed", "value", "shown"),
    [
        ("initial_epoch", "3", 3, "from 3"),
        ("initial_epoch", "from 4", 4, "from 4"),
        ("steps_per_epoch", "2", 2, "2"),
        ("validation_freq", "2", 2, "2"),
        ("verbose", "0", 0, "0"),
    ],
)
def test_numbers_are_edits_and_go_back(
    bench: Bench, name: str, typed: str, value: int, shown: str
) -> None:
    type_into(bench.editor(name), typed)
    assert getattr(bench.fit, name) == value
    assert bench.document.undo_text == f"Set {name}"
    assert bench.editor(name).text() == shown
    bench.panel.form.reset.emit(name)
    assert getattr(bench.fit, name) == getattr(FitOptions(), name)
    bench.undo()
    assert getattr(bench.fit, name) == value


def test_what_does_not_go_together_is_told_below_the_field(bench: Bench) -> None:
    type_into(bench.editor("initial_epoch"), "12")
    assert "over before it begins" in bench.fault("initial_epoch")
    type_into(bench.editor("epochs"), "13")
    assert bench.fault("initial_epoch") == ""
    type_into(bench.editor("steps_per_epoch"), "3")
    assert "only 2 batches" in bench.fault("steps_per_epoch")
    type_into(bench.editor("steps_per_epoch"), "all")
    assert (bench.fit.steps_per_epoch, bench.fault("steps_per_epoch")) == (0, "")


def test_the_order_of_samples_is_chosen_in_words(bench: Bench) -> None:
    editor = bench.editor("shuffle")
    assert editor.currentText() == "all samples"
    editor.setCurrentText("order of batches")
    editor.activated.emit(editor.currentIndex())
    assert bench.fit.shuffle == "batch order"
    bench.undo()
    assert editor.currentText() == "all samples"


def choose(editor: ValidationEditor, kind: str) -> None:
    editor.kind.setCurrentText(editor._kinds[kind])
    editor.kind.activated.emit(editor.kind.currentIndex())


def test_validation_is_a_split_data_of_its_own_or_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor: ValidationEditor = bench.editor("validation")
    type_into(editor.fraction, "0.3")
    assert bench.fit.validation_split == 0.3
    type_into(editor.fraction, "2")
    assert bench.fit.validation_split == 0.3
    assert "0 to 0.95" in bench.fault("validation")
    choose(editor, "")
    assert (bench.fit.validation_split, editor.fraction.isHidden()) == (0.0, True)
    path = str(tmp_path / "held.npz")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    choose(editor, "arrays")
    assert bench.fit.validation_data == DataOptions(kind="arrays", path=path)
    assert editor._file.text() == "held.npz"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choose(editor, "table")  # and then Cancel
    assert bench.fit.validation_data.kind == editor.kind.value() == "arrays"
    bench.panel.form.reset.emit("validation")
    assert bench.fit == FitOptions()
    assert bench.document.undo_text == "Set the validation"


def test_pictures_that_validate_have_the_size_of_those_that_train(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.document.apply(
        "Data", lambda p: edits.set_data(p, DataOptions(kind="images", path="a", image_size=(9, 8)))
    )
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/pictures")
    choose(bench.editor("validation"), "images")
    assert bench.fit.validation_data.image_size == (9, 8)


def test_class_weights_are_balanced_or_by_hand(bench: Bench) -> None:
    editor: ClassWeightsEditor = bench.editor("class_weights out")

    def choose_mode(text: str) -> None:
        editor.mode.setCurrentText(text)
        editor.mode.activated.emit(editor.mode.currentIndex())

    choose_mode("balanced")
    assert bench.fit.class_weights == {"out": "balanced"}
    assert bench.document.undo_text == "Set class_weights of last"
    choose_mode("by hand")
    assert [field.accessibleName() for field in editor.fields] == [
        "Weight of class no",
        "Weight of class yes",
    ]
    type_into(editor.fields[1], "2.5")
    assert bench.fit.class_weights == {"out": {0: 1.0, 1: 2.5}}
    type_into(editor.fields[0], "-1")
    assert bench.fit.class_weights == {"out": {0: 1.0, 1: 2.5}}
    assert "0 or more" in bench.fault("class_weights out")
    choose_mode("none")
    assert bench.fit.class_weights == {}
    bench.undo()
    assert editor.fields[1].text() == "2.5"


def test_sample_weights_come_from_a_field(bench: Bench) -> None:
    editor = bench.editor("sample_weights out")
    editor.setCurrentText("weight")
    editor.activated.emit(editor.currentIndex())
    assert bench.fit.sample_weights == {"out": "weight"}
    bench.panel.form.reset.emit("sample_weights out")
    assert bench.fit.sample_weights == {}


def test_outputs_have_class_weights_of_their_own_where_they_tell_classes_apart(
    bench: Bench,
) -> None:
    bench.document.apply("Mark", lambda p: edits.mark_output(p, "mid", True))
    names = [name for name in bench.panel.form.names() if " " in name]
    assert names == ["class_weights out", "sample_weights mid", "sample_weights out"]
    title = bench.panel.form.row("sample_weights mid")._title.text()
    assert title == "Sample weights · hidden"


def test_callbacks_are_a_list_with_forms(bench: Bench) -> None:
    panel = bench.panel
    panel.callbacks.add_button.click()
    (row,) = panel.callbacks.findChildren(ObjectRow)
    row.editor._set_param("patience", 8)
    assert bench.fit.callbacks == (KerasObject(class_name="EarlyStopping", params={"patience": 8}),)
    assert bench.document.undo_text == "Set the callbacks"
    assert panel.callbacks.findChildren(ObjectRow) == [row]
    offered = {row.editor._classes.itemText(n) for n in range(row.editor._classes.count())}
    assert {"ReduceLROnPlateau", "ModelCheckpoint", "CSVLogger", "TensorBoard"} <= offered
    assert not offered & BEYOND_A_PROJECT
    gone = next(b for b in row.findChildren(QToolButton) if b.text() == "✕")
    gone.click()
    assert bench.fit.callbacks == ()


def test_own_callbacks_are_offered(bench: Bench, catalogue: Catalogue) -> None:
    code = "import keras\nclass Bell(keras.callbacks.Callback):\n    pass\n"
    teach(catalogue, code)
    try:
        bench.panel.refresh()
        bench.panel.callbacks.add_button.click()
        (row,) = bench.panel.callbacks.findChildren(ObjectRow)
        assert row.editor._classes.findText("Bell") >= 0
    finally:
        teach(catalogue, "")


def test_pictures_are_augmented(bench: Bench) -> None:
    assert bench.panel.augmentation == {}
    bench.document.apply("Shape", lambda p: edits.set_params(p, ["in"], {"shape": [8, 8, 1]}))
    listed = bench.panel.augmentation["in"]
    listed.add_button.click()
    assert bench.fit.augmentation == {"in": (KerasObject(class_name="RandomFlip"),)}
    assert bench.document.undo_text == "Set the augmentation of image"
    (row,) = bench.panel.augmentation["in"].findChildren(ObjectRow)
    offered = {row.editor._classes.itemText(n) for n in range(row.editor._classes.count())}
    assert "RandomRotation" in offered
    assert not offered & {"Dense", "CutMix", "MixUp"}
    bench.undo()
    assert bench.fit.augmentation == {}


def test_own_code_that_makes_batches_is_offered_as_data(
    qtbot: QtBot, bench: Bench, dressed: QApplication
) -> None:
    page = DataWorkspace(bench.bridge, bench.workbench)
    qtbot.addWidget(page)
    assert page._own.isHidden()
    code = "def batches():\n    yield 1, 2\n\n\ndef other(x):\n    yield x\n\n\nclass Set(PyDataset): ..."
    bench.document.apply("Code", lambda p: edits.set_code(p, code))
    assert [action.text() for action in page._own.menu().actions()] == ["batches", "Set"]
    page._own.menu().actions()[0].trigger()
    assert bench.document.project.data == DataOptions(kind="generator", path="batches")
    assert bench.document.undo_text == "Use the batches of batches"
