"""The view on the canvas: mouse, wheel, keys and drops, turned into gestures and edits."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from kbuilder.document.changes import Changes
from kbuilder.document.graph import EdgeKey
from kbuilder.ui.canvas.edge_scroll import EdgeScroll
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.gestures import DragNodes, DrawWire, Gesture, Marquee, Pan, wire_from
from kbuilder.ui.canvas.hover import EDGE_REACH_PX, Hover
from kbuilder.ui.canvas.inserting import InsertPlace, LayerInserter
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import REACH_PX
from kbuilder.ui.canvas.walking import ARROWS, neighbour
from kbuilder.ui.canvas.zoom_view import ZoomView
from kbuilder.ui.layer_search import MIME_LAYER
from kbuilder.ui.text import tooltip

_DROP_REACH_PX = 20.0


class CanvasView(ZoomView):
    """Lets people work on a ``CanvasScene``."""

    hint = Signal(str)
    """A sentence for the status bar."""
    node_activated = Signal(str)
    """Id of a node that was double-clicked or confirmed with Enter."""

    def __init__(self, scene: CanvasScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.editing = CanvasEditing(scene.bridge, scene.catalogue, self)
        self.editing.hint.connect(self.hint)
        self.setAccessibleName(self.tr("Canvas"))
        self._speak_selection()
        scene.selection_changed.connect(self._speak_selection)
        self._gesture: Gesture | None = None
        self._mouse = QPointF()
        self._space_held = False
        self._edge_scroll = EdgeScroll(self._scroll_under_gesture, self)
        self._hover = Hover(scene)
        self._key_actions: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_Tab: self.open_quick_insert,
            Qt.Key.Key_Return: self._activate,
            Qt.Key.Key_Enter: self._activate,
        }
        self.inserter = LayerInserter(scene, self.editing, self)
        self.inserter.inserted.connect(self._reveal)
        scene.bridge.changed.connect(self._document_changed)

    # --- what the window's actions call ---------------------------------------------------------

    def select_all(self) -> None:
        """Select all nodes."""
        self.canvas.select(self.canvas.nodes)

    def delete_selection(self, *, heal: bool = True) -> None:
        """Delete the selected nodes and wires; with ``heal`` chains are closed again."""
        self.editing.remove(self.canvas.selected_ids(), self.canvas.selected_edges(), heal=heal)

    def insert_layer(self, class_name: str) -> None:
        """Add a layer after the selected nodes, into the selected wire, or in the middle."""
        self.inserter.insert(class_name, self.inserter.place_by_selection())

    def open_quick_insert(self) -> None:
        """Ask for a layer to insert as ``insert_layer`` would."""
        middle = QPointF(self.viewport().rect().center())
        at = self._mouse if self.underMouse() else middle
        self.inserter.ask(self.inserter.place_by_selection(), at)

    # --- mouse ----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        self._mouse = event.position()
        if self._gesture is not None:
            return
        place = self.mapToScene(event.position().toPoint())
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space_held and event.button() == Qt.MouseButton.LeftButton):
            self._space_held = False
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self._gesture = Pan(self.scroll_by, lambda: self._mouse)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._gesture = self._gesture_at(place, event.modifiers())
        if self._gesture is not None:
            self._gesture.start(place)
            event.accept()

    def _gesture_at(self, place: QPointF, keys: Qt.KeyboardModifier) -> Gesture | None:
        scene = self.canvas
        adding = bool(
            keys & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        )
        port = scene.port_at(place, REACH_PX * scene.pixel) if not scene.in_overview else None
        if port is not None:
            fixed, moved = wire_from(scene, port)
            return DrawWire(
                scene,
                self.editing,
                fixed,
                moved=moved,
                tell=self._tell,
                dropped=self.inserter.ask_for_wire,
            )
        node = scene.node_at(place)
        if node:
            return self._press_node(node, adding)
        edge = scene.edge_at(place, EDGE_REACH_PX * scene.pixel)
        if edge is not None:
            scene.select((), [edge])
            return None
        return Marquee(scene, scene.selected_ids() if adding else [])

    def _press_node(self, node: str, adding: bool) -> Gesture | None:
        selected = self.canvas.selected_ids()
        if adding and node in selected:
            self.canvas.select(each for each in selected if each != node)
            return None
        if node not in selected:
            self.canvas.select([*selected, node] if adding else [node])
        return DragNodes(self.canvas, self.editing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Let the gesture follow; without one show what the mouse is over."""
        self._mouse = event.position()
        place = self.mapToScene(event.position().toPoint())
        if self._gesture is not None:
            self._gesture.move(place)
            if not isinstance(self._gesture, Pan):
                self._edge_scroll.follow(self._mouse, self.viewport().rect())
        elif self._hover.follow(place):
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        elif not self._space_held:
            self.viewport().unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the gesture do its work."""
        self._mouse = event.position()
        gesture = self._let_go()
        if gesture is not None:
            gesture.end(self.mapToScene(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Tell that a node was activated; on empty canvas open quick insert there."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        place = self.mapToScene(event.position().toPoint())
        node = self.canvas.node_at(place)
        if node:
            self.node_activated.emit(node)
        elif self.canvas.edge_at(place, EDGE_REACH_PX * self.canvas.pixel) is None:
            self.canvas.select(())
            self.inserter.ask(InsertPlace(place), event.position())

    def cancel_gesture(self) -> bool:
        """Give up the gesture that runs; answers whether there was one."""
        gesture = self._let_go()
        if gesture is not None:
            gesture.cancel()
        return gesture is not None

    def _let_go(self) -> Gesture | None:
        gesture, self._gesture = self._gesture, None
        self._edge_scroll.stop()
        self.viewport().unsetCursor()
        return gesture

    def _scroll_under_gesture(self, pixels: QPointF) -> None:
        self.scroll_by(pixels)
        if self._gesture is not None:
            self._gesture.move(self.mapToScene(self._mouse.toPoint()))

    def _document_changed(self, changes: Changes) -> None:
        """Give up a gesture whose ground was changed under it, as by undo with the button down."""
        if changes.graph:
            self.cancel_gesture()

    def viewportEvent(self, event: QEvent) -> bool:
        """Show what is wrong with a node, or its class, as a tool tip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self.canvas.node_at(self.mapToScene(event.pos()))
            text = self.canvas.tip_of(node) if node else ""
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().viewportEvent(event)

    def _speak_selection(self) -> None:
        """Let screen readers tell what is selected, as the eye sees it."""
        spoken = [self.canvas.spoken(node) for node in self.canvas.selected_ids()]
        self.setAccessibleDescription(
            "; ".join(spoken)
            or self.tr("The layers of the model and the wires between them. Space inserts a layer.")
        )

    def _tell(self, text: str) -> None:
        self.overlays.show_tip(text, self._mouse.toPoint())
        if text:
            self.hint.emit(text)

    # --- keys -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete, walk, select, insert, fit, cancel."""
        key, keys = event.key(), event.modifiers()
        control = bool(keys & Qt.KeyboardModifier.ControlModifier)
        if key == Qt.Key.Key_Escape:
            if not self.cancel_gesture():
                self.canvas.select(())
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_selection(heal=not control)
        elif key in ARROWS:
            self._walk(Qt.Key(key), bool(keys & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_A and control:
            self.select_all()
        elif key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space_held = True
                self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        elif not control and key in self._key_actions:
            self._key_actions[Qt.Key(key)]()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space, pressed and released without a drag between, opens quick insert."""
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            super().keyReleaseEvent(event)
        elif self._space_held:
            self._space_held = False
            self.viewport().unsetCursor()
            self.open_quick_insert()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab opens quick insert, so it stays here; Shift+Tab leaves the canvas."""
        return False if next else super().focusNextPrevChild(next)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget that Space is held: its release goes elsewhere."""
        self._space_held = False
        super().focusOutEvent(event)

    def _activate(self) -> None:
        for node in self.canvas.selected_ids()[:1]:
            self.node_activated.emit(node)

    def _walk(self, key: Qt.Key, extend: bool) -> None:
        selected = self.canvas.selected_ids()
        graph = self.canvas.graph
        if not graph.nodes:
            return
        reached = neighbour(graph, selected[-1], key) if selected else graph.nodes[0].id
        self.canvas.select([*selected, reached] if extend else [reached])
        self._reveal(reached)

    def _reveal(self, node: str) -> None:
        self.ensureVisible(self.canvas.content_rect([node]), 40, 40)

    # --- drops ----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take layers from the palette; anything else goes to the window."""
        self._answer_drag(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark the wire that a drop would insert the layer into."""
        if self._answer_drag(event):
            self._hover.show(edge=self._drop_edge(event))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Unmark the wire."""
        self._hover.show()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the layer there, or insert it into the wire there."""
        if not self._answer_drag(event):
            return
        class_name = bytes(event.mimeData().data(MIME_LAYER).data()).decode("utf-8", "replace")
        edge = self._drop_edge(event)
        self._hover.show()
        if edge is not None:
            node = self.editing.insert(class_name, edge)
        else:
            place = self.mapToScene(event.position().toPoint())
            node = self.editing.add(class_name, place)
        if node:
            self.canvas.select([node])
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def _answer_drag(self, event: QDropEvent) -> bool:
        ours = event.mimeData().hasFormat(MIME_LAYER)
        if ours:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()
        return ours

    def _drop_edge(self, event: QDropEvent) -> EdgeKey | None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return None
        place = self.mapToScene(event.position().toPoint())
        if self.canvas.node_at(place):
            return None
        return self.canvas.edge_at(place, _DROP_REACH_PX * self.canvas.pixel)
