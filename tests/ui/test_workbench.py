from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.link.events import Failed, Finished, Inferred, Previewed, Ready
from kbuilder.link.requests import Infer, Preview
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.workbench import Workbench
from tests.ui.fake_engine import FakeEngine, facts, preview, project

WAIT_MS = 2000


class Stand:
    def __init__(self, catalogue: Catalogue) -> None:
        self.document = Document(project())
        self.bridge = DocumentBridge(self.document)
        self.engine = FakeEngine()
        self.bench = Workbench(self.bridge, catalogue, self.engine)


def test_start_asks_for_shapes_and_data(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    assert stand.engine.sent == []
    stand.bench.start()
    assert stand.engine.last(Infer).graph == stand.document.project.graph
    assert stand.engine.last(Preview).data.path == "digits"


def test_many_edits_make_one_request(qtbot: QtBot, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    for units in range(5, 15):
        stand.document.apply(
            "Set units", lambda p, units=units: edits.set_params(p, ["mid"], {"units": units})
        )
    qtbot.wait(100)
    assert stand.engine.count(Infer) == 1, "the engine is still busy with the first"
    stand.engine.say(Finished(request=stand.engine.last(Infer).request))
    qtbot.wait(100)
    assert stand.engine.count(Infer) == 2
    assert stand.engine.last(Infer).graph.by_id["mid"].params["units"] == 14
    assert stand.engine.count(Preview) == 1, "the data is not read again for each number"


def test_the_data_is_read_again_for_another_input(qtbot: QtBot, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    before = stand.engine.count(Preview)
    node = Node(id="two", class_name="Input", name="two", params={"shape": [3]})
    stand.document.apply("Add two", lambda p: edits.add_node(p, node))
    qtbot.waitUntil(lambda: stand.engine.count(Preview) == before + 1, timeout=WAIT_MS)


def test_an_answer_under_way_is_shown_until_the_latest_comes(
    qapp: QApplication, catalogue: Catalogue
) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    old = stand.engine.last(Infer).request
    stand.bench.start()
    some = {"in": facts()["in"]}
    stand.engine.say(Inferred(request=old, nodes=some))
    assert stand.bench.facts == some
    stand.engine.say(Finished(request=old))
    stand.engine.say(Inferred(request=old, nodes={}))
    assert stand.bench.facts == some, "this question has had its answer"
    stand.engine.say(Inferred(request=stand.engine.last(Infer).request, nodes=facts()))
    assert stand.bench.facts == facts()


def test_a_dead_engine_is_asked_again_by_the_next_edit(
    qapp: QApplication, catalogue: Catalogue
) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    stand.engine.died.emit("killed", "")
    stand.bench.start()
    assert stand.engine.count(Infer) == 2


def test_preview_or_the_reason_why_not(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    request = stand.engine.last(Preview).request
    stand.engine.say(Previewed(request=request, preview=preview()))
    assert stand.bench.preview == preview()
    stand.bench.start()
    request = stand.engine.last(Preview).request
    stand.engine.say(Failed(request=request, text="The file is empty."))
    assert (stand.bench.preview, stand.bench.preview_fault) == (None, "The file is empty.")


def test_no_data_is_no_question(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    stand.document.open(Project(), None)
    stand.bench.start()
    assert stand.engine.count(Preview) == 0


def test_problems_of_keras_join_those_of_the_rules(
    qapp: QApplication, catalogue: Catalogue
) -> None:
    stand = Stand(catalogue)
    stand.document.apply("Set", lambda p: edits.set_output(p, "out", loss=None))
    stand.bench.start()
    said = (
        Problem(severity="error", text="too wide", node="mid"),
        Problem(severity="error", text="gone", node="nobody"),
        Problem(severity="warning", text="in general"),
    )
    request = stand.engine.last(Infer).request
    stand.engine.say(Inferred(request=request, nodes={}, problems=said))
    texts = [problem.text for problem in stand.bench.problems]
    assert "too wide" in texts
    assert "in general" in texts
    assert "gone" not in texts
    assert any(p.parameter == "loss" for p in stand.bench.problems)


def test_what_the_rules_explain_is_not_said_twice(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    graph = stand.document.project.graph
    cut = replace(stand.document.project, graph=replace(graph, edges=graph.edges[1:]))
    stand.document.open(cut, None)
    stand.bench.start()
    said = (Problem(severity="error", text="no tensor", node="mid"),)
    request = stand.engine.last(Infer).request
    stand.engine.say(Inferred(request=request, nodes={}, problems=said))
    about = [problem.text for problem in stand.bench.problems if problem.node == "mid"]
    assert about
    assert "no tensor" not in about


def test_another_project_forgets_what_was_known(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    stand.bench.start()
    stand.engine.say(Inferred(request=stand.engine.last(Infer).request, nodes=facts()))
    request = stand.engine.last(Preview).request
    stand.engine.say(Previewed(request=request, preview=preview()))
    stand.document.open(Project(), None)
    assert stand.bench.facts == {}
    assert stand.bench.preview is None


def test_ready_is_passed_on(qapp: QApplication, catalogue: Catalogue) -> None:
    stand = Stand(catalogue)
    heard: list[object] = []
    stand.bench.ready.connect(heard.append)
    ready = Ready(keras_version="3.15.1", tensorflow_version="2.21", device="CPU")
    stand.engine.say(ready)
    assert heard == [ready]


def kinds(stand: Stand) -> list[str]:
    return [problem.kind for problem in stand.bench.problems]


def informed(catalogue: Catalogue) -> Stand:
    """A workbench whose engine has answered."""
    stand = Stand(catalogue)
    stand.bench.start()
    request = stand.engine.last(Infer).request
    stand.engine.say(Inferred(request=request, nodes=facts()))
    stand.engine.say(Finished(request=request))
    return stand


def test_advice_follows_the_facts_and_the_loss(qtbot: QtBot, catalogue: Catalogue) -> None:
    stand = informed(catalogue)
    assert kinds(stand) == ["logits-missing", "linear-pair"]
    logits = KerasObject(class_name="SparseCategoricalCrossentropy", params={"from_logits": True})
    stand.document.apply("Set", lambda p: edits.set_output(p, "out", loss=logits))
    qtbot.waitUntil(lambda: kinds(stand) == ["linear-pair"], timeout=WAIT_MS)


def test_advice_waits_for_the_facts_of_the_edited_graph(qtbot: QtBot, catalogue: Catalogue) -> None:
    stand = informed(catalogue)

    def edit(before: Project) -> Project:
        after = edits.set_params(before, ["out"], {"activation": "softmax"})
        return edits.set_params(after, ["mid"], {"units": -1})

    with qtbot.waitSignal(stand.bench.facts_changed, timeout=WAIT_MS):
        stand.document.apply("Set", edit)
    assert "size" in kinds(stand)
    assert "logits-missing" in kinds(stand)
    stand.engine.say(Inferred(request=stand.engine.last(Infer).request, nodes=facts()))
    assert "logits-missing" not in kinds(stand)


def test_the_data_and_the_memory_are_judged_when_they_are_known(
    qtbot: QtBot, catalogue: Catalogue
) -> None:
    stand = informed(catalogue)
    request = stand.engine.last(Preview).request
    stand.engine.say(Previewed(request=request, preview=preview()))
    qtbot.waitUntil(lambda: "input-data" in kinds(stand), timeout=WAIT_MS)
    stand.engine.say(
        Ready(keras_version="3", tensorflow_version="2", device="CPU", memory_bytes=100)
    )
    qtbot.waitUntil(lambda: "weights-memory" in kinds(stand), timeout=WAIT_MS)


def test_why_a_training_failed_is_shown_until_the_next_edit(
    qtbot: QtBot, catalogue: Catalogue
) -> None:
    stand = informed(catalogue)
    why = Problem(severity="error", kind="no-field", node="in", text="No field feeds it.")
    stand.bench.take_failure(Failed(request=9, text="No field feeds it.", problems=(why,)))
    assert stand.bench.problems[0] == why
    stand.document.apply("Rename", lambda p: edits.rename(p, "in", "picture"))
    qtbot.waitUntil(lambda: why not in stand.bench.problems, timeout=WAIT_MS)


def test_views_hear_of_an_edit_when_it_changes_what_is_known(
    qtbot: QtBot, catalogue: Catalogue
) -> None:
    stand = informed(catalogue)
    heard: list[int] = []
    stand.bench.facts_changed.connect(lambda: heard.append(len(stand.bench.problems)))
    stand.document.apply("Move", lambda p: edits.move(p, {"mid": (40.0, 120.0)}))
    QCoreApplication.processEvents()
    assert heard == []
    stand.document.apply("Rename", lambda p: edits.rename(p, "out", "scores"))
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=WAIT_MS)
    stand.engine.say(Inferred(request=stand.engine.last(Infer).request, nodes=facts()))
    assert len(heard) == 2
