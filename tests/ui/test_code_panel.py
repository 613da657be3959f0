import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt

from kbuilder.document import approvals
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.link.events import CodeChecked, Finished
from kbuilder.link.requests import CheckCode, Infer
from kbuilder.resources import resource
from kbuilder.ui.code.completion import completions
from tests.ui import fake_engine

CODE = """\
import keras


class Gate(keras.layers.Layer):
    def call(self, inputs):
        return inputs
"""


@pytest.fixture
def make_window(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))

    def make(code: str = ""):
        project = replace(fake_engine.project(), custom_code=code)
        window = fake_engine.window_of(load_catalogue(), tmp_path, project)
        qtbot.addWidget(window, before_close_func=lambda w: w.document.open(Project(), None))
        window.resize(1280, 800)
        window.show()
        window.workbench.start()
        window.design.problems.show_code()
        return window

    return make


def panel_of(window):
    return window.design.problems.code()


def test_typed_code_is_taken_over_approved_and_offered_in_the_palette(make_window, qtbot):
    window = make_window()
    panel = panel_of(window)
    qtbot.keyClicks(panel.editor, "import keras")
    qtbot.keyClick(panel.editor, Qt.Key.Key_Return)
    qtbot.keyClicks(panel.editor, "class Gate(keras.layers.Layer):")
    qtbot.keyClick(panel.editor, Qt.Key.Key_Return)
    qtbot.keyClicks(panel.editor, "pass")
    assert panel.editor.toPlainText().endswith("Layer):\n    pass")
    with qtbot.waitSignal(window.bridge.changed):
        pass  # by itself, some time after the last key
    code = window.document.project.custom_code
    assert code == panel.editor.toPlainText()
    assert approvals.is_approved(code)
    assert window.design.palette_panel.model.index_of("Gate").isValid()
    assert window._engines[0].last(CheckCode).code == code
    engine = window._engines[0]
    engine.say(Finished(request=engine.last(Infer).request))  # of the question before
    assert engine.last(Infer).code == code
    window.document.undo()
    assert panel.editor.toPlainText() == ""
    assert not window.design.palette_panel.model.index_of("Gate").isValid()


def test_code_that_came_with_a_project_is_held_back_until_it_is_trusted(make_window, qtbot):
    window = make_window(CODE)
    panel = panel_of(window)
    assert panel.trust.isVisible()
    assert window._engines[0].count(CheckCode) == 0
    qtbot.waitUntil(lambda: any(p.kind == "own-code-held" for p in window.workbench.problems))
    qtbot.keyClick(panel.editor, Qt.Key.Key_Space)
    panel.take_over()
    assert not approvals.is_approved(window.document.project.custom_code)
    qtbot.mouseClick(panel.trust, Qt.MouseButton.LeftButton)
    assert not panel.trust.isVisible()
    assert approvals.is_approved(window.document.project.custom_code)
    assert window._engines[0].count(CheckCode) == 1


def test_an_error_marks_its_line_and_the_problem_leads_there(make_window, qtbot):
    window = make_window()
    panel = panel_of(window)
    panel.editor.setPlainText(CODE)
    panel.take_over()
    problem = Problem(
        severity="error", kind="own-code", line=5, text="Own code, line 5: NameError: no."
    )
    request = window._engines[0].last(CheckCode).request
    window._engines[0].say(CodeChecked(request=request, approved=True, problems=(problem,)))
    assert panel.editor.faults() == {5: problem.text}
    assert panel.state.text() == problem.text
    rows = window.design.problems._list.rows
    qtbot.waitUntil(lambda: any(row.problem == problem for row in rows()))
    window.design.problems.setCurrentIndex(0)
    (row,) = [row for row in rows() if row.problem == problem]
    qtbot.mouseClick(row.link, Qt.MouseButton.LeftButton)
    assert window.design.problems.currentIndex() == 2
    assert panel.editor.textCursor().blockNumber() == 4


def test_what_is_not_python_is_told_without_the_engine(make_window):
    window = make_window()
    panel = panel_of(window)
    panel.editor.setPlainText("def f(:\n")
    panel.take_over()
    assert list(panel.editor.faults()) == [1]


def test_an_example_is_put_below_what_is_there(make_window):
    window = make_window()
    panel = panel_of(window)
    panel.editor.setPlainText(CODE)
    for action in panel.examples.menu().actions():
        action.trigger()
    code = window.document.project.custom_code
    assert code.startswith(CODE)
    for path in resource("examples").glob("*.py"):
        assert path.read_text() in code
    assert "FocalLoss" in panel.state.text()


def test_tab_indents_lines_and_shift_tab_takes_it_back(make_window, qtbot):
    editor = panel_of(make_window()).editor
    editor.setPlainText("a\nb")
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "    a\n    b"
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    assert editor.toPlainText() == "a\nb"


def test_a_completion_is_chosen_with_enter(make_window, qtbot):
    editor = panel_of(make_window()).editor
    qtbot.keyClicks(editor, "x = keras.layers.LayerNo")
    popup = editor._completer.popup()
    qtbot.waitUntil(popup.isVisible)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert editor.toPlainText() == "x = keras.layers.LayerNormalization"


@pytest.mark.parametrize(
    ("before", "start", "word"),
    [
        ("keras.", "", "layers"),
        ("class A(keras.losses.Lo", "Lo", "Loss"),
        ("    y = ops.mat", "mat", "matmul"),
        ("        self.add", "add", "add_weight"),
        ("act = keras.activations.ge", "ge", "gelu"),
        ("re", "re", "return"),
        ("my_", "my_", "my_name"),
    ],
)
def test_completions_fit_the_place(before, start, word):
    found, words = completions(load_catalogue(), before, "my_name = 1\n" + before)
    assert found == start
    assert word in words


def test_highlighting_goes_on_through_an_open_string(make_window):
    editor = panel_of(make_window()).editor
    editor.setPlainText('x = """one\ntwo"""\ny = 1')
    colours = [
        {span.format.foreground().color().name() for span in block.layout().formats()}
        for block in (editor.document().findBlockByNumber(number) for number in range(3))
    ]
    assert colours[0] == colours[1]
    assert colours[1]
    assert colours[2] != colours[1]
