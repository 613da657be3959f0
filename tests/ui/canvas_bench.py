"""A canvas with a small graph on it, and hands: mouse presses, moves and releases at scene places."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.project import Project
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.view import CanvasView
from kbuilder.ui.document_bridge import DocumentBridge


def chain() -> Graph:
    """Input -> hidden -> last, straight down, with room between."""
    return Graph(
        nodes=(
            Node(id="in", class_name="Input", name="image", params={"shape": [8]}, x=0, y=0),
            Node(id="mid", class_name="Dense", name="hidden", params={"units": 4}, x=0, y=120),
            Node(id="out", class_name="Dense", name="last", params={"units": 2}, x=0, y=240),
        ),
        edges=(Edge(source="in", target="mid"), Edge(source="mid", target="out")),
    )


class Bench:
    """The parts under test, put together as the window does it."""

    def __init__(self, catalogue: Catalogue, graph: Graph) -> None:
        self.document = Document(Project(graph=graph))
        self.bridge = DocumentBridge(self.document)
        self.scene = CanvasScene(self.bridge, catalogue)
        self.view = CanvasView(self.scene)
        self.view.resize(900, 700)

    @property
    def graph(self) -> Graph:
        return self.document.project.graph

    @property
    def wires(self) -> set[tuple[str, str]]:
        return {(edge.source, edge.target) for edge in self.graph.edges}

    def point(self, place: QPointF) -> QPoint:
        return self.view.mapFromScene(place)

    def middle(self, node: str) -> QPoint:
        return self.point(self.scene.nodes[node].pos() + QPointF(92, 27))

    def input(self, node: str, number: int = 0) -> QPoint:
        return self.point(self.scene.port_place(Port(node, number, False)))

    def output(self, node: str, number: int = 0) -> QPoint:
        return self.point(self.scene.port_place(Port(node, number, True)))

    def press(self, at: QPoint, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.mousePress(self.view.viewport(), Qt.MouseButton.LeftButton, keys, at)

    def move(self, at: QPoint) -> None:
        QTest.mouseMove(self.view.viewport(), at)

    def hover(self, at: QPoint) -> None:
        """Move the mouse with no button down, also where another test's window lies above."""
        viewport = self.view.viewport()
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            QPointF(viewport.mapToGlobal(at)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(viewport, event)

    def release(self, at: QPoint) -> None:
        QTest.mouseRelease(
            self.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
        )

    def drag(self, start: QPoint, end: QPoint) -> None:
        self.press(start)
        self.move((start + end) / 2)
        self.move(end)
        self.release(end)

    def click(self, at: QPoint, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.press(at, keys)
        self.release(at)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.view, key, keys)
