"""Hands for a test: does with the window what a user does, and waits for what a user waits for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from kbuilder.document.graph import Node
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.main_window import MainWindow
from kbuilder.ui.training_state import State
from tests.ui.drag import drop, layer_mime

LEFT = Qt.MouseButton.LeftButton
ENGINE_MS = 60_000


class Driver:
    """Drives one window."""

    def __init__(self, window: MainWindow, qtbot: QtBot, folder: Path) -> None:
        self.window = window
        self.qtbot = qtbot
        self.folder = folder
        self.expected_boxes: list[str] = []

    def node(self, name: str) -> Node:
        return next(n for n in self.window.document.project.graph.nodes if n.name == name)

    def drag_layer(self, class_name: str, x: float, y: float) -> Node:
        """Drag a layer from the palette onto the canvas at a place of the scene."""
        view = self.window.view
        at = view.mapFromScene(QPointF(x, y))
        before = set(self.window.document.project.graph.by_id)
        assert drop(view.viewport(), layer_mime(class_name), at)
        (new,) = set(self.window.document.project.graph.by_id) - before
        return self.window.document.project.graph.by_id[new]

    def wire(self, source: Node, target: Node, port: int = 0) -> None:
        """Draw a wire with the mouse from an output port to an input port."""
        scene, view = self.window.scene, self.window.view
        start = scene.port_place(Port(source.id, 0, True))
        end = scene.port_place(Port(target.id, port, False))
        self.drag_mouse(view.mapFromScene(start), view.mapFromScene(end))

    def drag_mouse(self, start: QPoint, end: QPoint) -> None:
        viewport = self.window.view.viewport()
        QTest.mousePress(viewport, LEFT, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 5):
            QTest.mouseMove(viewport, start + (end - start) * step / 4)
        QTest.mouseRelease(viewport, LEFT, Qt.KeyboardModifier.NoModifier, end)

    def select(self, name: str) -> None:
        """Click a node."""
        self.window.show_workspace(1)
        self.window.scene.select([self.node(name).id])

    def type_param(self, node: str, param: str, text: str) -> None:
        """Type into a field of the form at the right."""
        self.select(node)
        forms = self.window.design.properties._forms
        assert forms is not None
        form = forms[0] if param == "name" else forms[1]
        editor = form.row(param).editor
        field = editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)
        type_into(field, text)

    def click(self, action: str) -> None:
        """Press the button of an action in the bar."""
        button = self.window.findChild(QWidget, f"button_{action}")
        assert button is not None
        self.qtbot.waitUntil(button.isEnabled, timeout=2000)
        self.qtbot.mouseClick(button, LEFT)

    def wait_inferred(self, name: str) -> None:
        self.qtbot.waitUntil(
            lambda: self.node(name).id in self.window.workbench.facts, timeout=ENGINE_MS
        )

    def wait_preview(self) -> None:
        bench = self.window.workbench
        self.qtbot.waitUntil(
            lambda: bench.preview is not None or bool(bench.preview_fault), timeout=ENGINE_MS
        )

    def wait_state(self, state: State) -> None:
        self.qtbot.waitUntil(lambda: self.window.training.state is state, timeout=ENGINE_MS)

    def train(self) -> None:
        """Press Train and wait for the end."""
        with self.qtbot.waitSignal(self.window.training.ended, timeout=ENGINE_MS):
            self.click("train")

    def export(self, name: str, *, weights_only: bool = False) -> Path:
        path = self.folder / name
        with self.qtbot.waitSignal(self.window.training.done, timeout=ENGINE_MS):
            self.window.training.export(path, weights_only=weights_only)
        return path

    def box_text(self) -> str:
        """The text of the message box that is open, which is then expected."""
        boxes = self.window.findChildren(QMessageBox)
        assert boxes, "no message was shown"
        self.expected_boxes.append(boxes[-1].informativeText())
        return boxes[-1].informativeText()


def type_into(field: QLineEdit, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
