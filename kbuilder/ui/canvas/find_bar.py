"""The bar over the canvas: finds layers by name, class, shape or parameter, blocks, and comments."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QToolButton, QWidget

from kbuilder.document.facts import NodeFacts
from kbuilder.document.find import find
from kbuilder.document.graph import Graph
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.icons import give_icon
from kbuilder.ui.text import label, tooltip

_WIDTH = 420
_LEFT, _TOP = 14, 48


class FindBar(QFrame):
    """Walks through what it finds; a child of the view, so that the canvas stays in sight."""

    reached = Signal(QPointF)
    """Where what was found lies in the scene; it is selected."""

    def __init__(self, scene: CanvasScene, view: QWidget) -> None:
        super().__init__(view)
        self._scene = scene
        self._view = view
        self._facts: Mapping[str, NodeFacts] = {}
        self._hits: list[str] = []
        self._at = -1
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.setAccessibleName(self.tr("Find layers, blocks and comments"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Name, class, 28 x 28, units=10, comment…"))
        self.search.setAccessibleName(self.tr("What to find"))
        self.search.textChanged.connect(self._seek)
        self.search.installEventFilter(self)
        self.count = label("", "muted")
        self.count.setMinimumWidth(64)
        self.setFocusProxy(self.search)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 6, 6)
        row.setSpacing(4)
        row.addWidget(self.search, 1)
        row.addWidget(self.count)
        for icon, name, run in (
            ("up", self.tr("Previous (Shift+Enter)"), lambda: self.walk(-1)),
            ("down", self.tr("Next (Enter)"), lambda: self.walk(1)),
            ("select", self.tr("Select all that were found (Alt+Enter)"), self.select_hits),
            ("delete", self.tr("Close (Esc)"), self.leave),
        ):
            button = QToolButton()
            button.setToolTip(tooltip(name))
            button.setAccessibleName(name)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(run)
            give_icon(button, icon)
            row.addWidget(button)
        scene.bridge.changed.connect(self._seek_again)
        self.hide()

    def set_facts(self, facts: Mapping[str, NodeFacts]) -> None:
        """Shapes to find by."""
        self._facts = facts
        self._seek_again()

    def open(self) -> None:
        """Show the bar, ready for typing over the last text."""
        self.place()
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()
        self._seek_again()

    def place(self) -> None:
        """Sit in the upper left corner of the view, below the breadcrumb."""
        width = min(_WIDTH, self._view.width() - 2 * _LEFT)
        self.resize(width, self.sizeHint().height())
        self.move(_LEFT, _TOP)

    def leave(self) -> None:
        """Close, and give the keys back to the canvas."""
        self._view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.hide()

    def walk(self, step: int) -> None:
        """Go to the next thing found, or the one before; round at the ends."""
        if self._hits:
            start = self._at if self._at >= 0 else (-1 if step > 0 else 0)
            self._at = (start + step) % len(self._hits)
            self._show(self._hits[self._at])
        self._show_count()

    def select_hits(self) -> None:
        """Select all that were found, and close."""
        if self._hits:
            self._scene.select(self._hits, comments=self._hits)
            self.leave()

    def _show(self, hit: str) -> None:
        """Select a node, block or comment, entering the block that hides it, and tell its place."""
        scene, graph = self._scene, self._scene.graph
        home = _home(graph, hit)
        if hit in graph.by_id:
            scene.reveal(hit)
        elif home != scene.root and home not in scene.frames:
            around = graph.ancestors(home)
            scene.enter(next((each for each in around if graph.group_by_id[each].collapsed), ""))
        scene.select([hit], comments=[hit])
        if hit in scene.comments:
            self.reached.emit(scene.comments[hit].sceneBoundingRect().center())
        elif hit in scene.frames:
            self.reached.emit(scene.frames[hit].sceneBoundingRect().center())
        else:
            self.reached.emit(scene.content_rect([hit]).center())

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Enter walks, with Shift backwards, with Alt selects all; Esc closes."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress:
            return isinstance(event, QKeyEvent) and self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self.select_hits()
            else:
                back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
                self.walk(-1 if back else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self.leave()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.walk(-1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            return False
        return True

    def _seek(self) -> None:
        """Another text: forget where the walk was."""
        self._at = -1
        self._seek_again()

    def _seek_again(self) -> None:
        """The same text in a graph or with shapes that may differ."""
        if self.isHidden():
            return
        here = self._hits[self._at] if 0 <= self._at < len(self._hits) else ""
        scene, text = self._scene, self.search.text()
        self._hits = find(scene.graph, text, self._facts, scene.catalogue)
        self._hits += _written(scene.graph, text)
        self._at = self._hits.index(here) if here in self._hits else -1
        self._show_count()

    def _show_count(self) -> None:
        if not self.search.text().strip():
            self.count.setText("")
        elif self._at >= 0:
            text = self.tr("{at} of {count}")
            self.count.setText(text.format(at=self._at + 1, count=len(self._hits)))
        else:
            self.count.setText(self.tr("%n found", "", len(self._hits)))


def _home(graph: Graph, hit: str) -> str:
    """The block that a node, block or comment lies in directly."""
    if hit in graph.by_id:
        return graph.by_id[hit].group
    if hit in graph.group_by_id:
        return graph.group_by_id[hit].parent
    return next((note.group for note in graph.comments if note.id == hit), "")


def _written(graph: Graph, text: str) -> list[str]:
    """Ids of the blocks whose name, and of the comments whose text, holds all words."""
    words = text.lower().split()
    if not words:
        return []
    texts = [(group.id, group.name) for group in graph.groups]
    texts += [(note.id, note.text) for note in graph.comments]
    return [each for each, said in texts if all(word in said.lower() for word in words)]
