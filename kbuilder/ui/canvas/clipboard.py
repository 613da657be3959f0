"""Copy, cut, paste and duplicate, also between windows: layers travel as JSON, for people as text."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QGuiApplication

from kbuilder.document import fragment_json
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.fragment import Fragment, Placed, cut_out, home, place
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.joining import block_at
from kbuilder.ui.canvas.scene import CanvasScene

MIME_FRAGMENT = "application/x-kbuilder-fragment"
"""Mime type of a piece of a graph; the data is its JSON."""

_STEP = 24.0
_GAP = 30.0


class CanvasClipboard(QObject):
    """Puts selected layers on the system's clipboard and copies of what is there on the canvas."""

    hint = Signal(str)
    """A sentence for the status bar: why nothing was pasted."""
    placed = Signal(object)
    """``Placed``: what came onto the canvas; it is selected."""

    def __init__(self, scene: CanvasScene, editing: CanvasEditing, parent: QObject) -> None:
        super().__init__(parent)
        self._scene = scene
        self._editing = editing
        self._pasted: tuple[bytes, int] = (b"", 0)

    def copy(self) -> bool:
        """Put the selection on the clipboard; answers whether there was one."""
        fragment = self._selected()
        if not (fragment.nodes or fragment.comments):
            return False
        content = fragment_json.encode(fragment)
        self._pasted = (content, 0)
        QGuiApplication.clipboard().setMimeData(fragment_mime(content))
        return True

    def cut(self) -> None:
        """Put the selection on the clipboard and delete it; chains are closed."""
        scene = self._scene
        if self.copy():
            self._editing.remove(
                scene.selected_ids(),
                scene.selected_edges(),
                scene.selected_comments(),
                heal=True,
                cut=True,
            )

    def paste(self, middle: QPointF | None = None) -> None:
        """Add what is on the clipboard around a point, or a little beside where it came from."""
        content = fragment_content(QGuiApplication.clipboard().mimeData())
        if not content:
            self.hint.emit(self.tr("The clipboard holds no layers."))
            return
        fragment = self.read(content)
        if fragment is None:
            return
        if middle is not None:
            self.place(fragment, middle)
            return
        times = self._pasted[1] + 1 if content == self._pasted[0] else 1
        self._pasted = (content, times)
        x, y = fragment.corner
        self._add(fragment, (x + times * _STEP, y + times * _STEP), self._scene.root)

    def read(self, content: bytes) -> Fragment | None:
        """The fragment in a text, or None after telling why it cannot be used."""
        try:
            return fragment_json.decode(content)
        except FileRefusedError as refusal:
            self.hint.emit(str(refusal))
            return None

    def place(self, fragment: Fragment, middle: QPointF) -> None:
        """Add a copy of a fragment around a point, to the block whose frame is there."""
        area = extent(fragment)
        x, y = fragment.corner
        corner = (
            round(middle.x() - area.center().x() + x),
            round(middle.y() - area.center().y() + y),
        )
        self._add(fragment, corner, block_at(self._scene, middle))

    def duplicate(self) -> None:
        """Add a copy of the selection beside it, fed by what feeds the original."""
        fragment = self._selected()
        if fragment.nodes or fragment.comments:
            self.copy_by(fragment, QPointF(extent(fragment).width() + _GAP, 0.0), wire=True)

    def copy_by(self, fragment: Fragment, offset: QPointF, *, wire: bool = False) -> None:
        """Add a copy of a piece of this graph, moved by ``offset``, in the group it lies in."""
        x, y = fragment.corner
        group = home(self._scene.graph, [node.id for node in fragment.nodes])
        made = place(
            self._scene.bridge.document.project,
            fragment,
            (round(x + offset.x()), round(y + offset.y())),
            group=group,
            wire=wire,
        )
        self.show(made, self._text(self.tr("Duplicate {layer}"), fragment, duplicate=True))

    def show(self, made: Placed, text: str) -> None:
        """Make ``made`` the project, as one edit with that text, and select what came."""
        self._scene.bridge.document.apply(text, lambda _: made.project)
        self._scene.select(made.nodes, comments=made.comments)
        self.placed.emit(made)

    def _selected(self) -> Fragment:
        scene = self._scene
        return cut_out(scene.graph, scene.selected_ids(), scene.selected_comments())

    def _add(self, fragment: Fragment, corner: tuple[float, float], block: str) -> None:
        made = place(self._scene.bridge.document.project, fragment, corner, group=block)
        self.show(made, self._text(self.tr("Paste {layer}"), fragment))

    def _text(self, one: str, fragment: Fragment, *, duplicate: bool = False) -> str:
        count = len(fragment.nodes)
        if count > 1:
            return (
                self.tr("Duplicate %n layers", "", count)
                if duplicate
                else self.tr("Paste %n layers", "", count)
            )
        return one.format(layer=fragment.nodes[0].name if count else self.tr("a comment"))


def fragment_mime(content: bytes) -> QMimeData:
    """A piece of a graph for the clipboard or a drag: for kbuilder, and as text."""
    data = QMimeData()
    data.setData(MIME_FRAGMENT, content)
    data.setText(content.decode())
    return data


def fragment_content(data: QMimeData) -> bytes:
    """The JSON of a piece of a graph, from kbuilder or from a text; empty when there is none."""
    if data.hasFormat(MIME_FRAGMENT):
        return bytes(data.data(MIME_FRAGMENT).data())
    return data.text().encode("utf-8", "replace") if data.hasText() else b""


def extent(fragment: Fragment) -> QRectF:
    """The rectangle around all boxes of a fragment."""
    area = QRectF()
    for node in fragment.nodes:
        area = area.united(QRectF(node.x, node.y, NODE_WIDTH, NODE_HEIGHT))
    for note in fragment.comments:
        area = area.united(QRectF(note.x, note.y, note.width, note.height))
    return area
