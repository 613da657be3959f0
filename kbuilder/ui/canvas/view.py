"""The view on the canvas: mouse and drops turned into gestures, gestures into edits."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from kbuilder.document.changes import Changes
from kbuilder.document.fragment import Fragment, Placed
from kbuilder.ui.canvas.clipboard import CanvasClipboard
from kbuilder.ui.canvas.commands import make_commands
from kbuilder.ui.canvas.commenting import Commenting, ResizeComment
from kbuilder.ui.canvas.context_menu import ContextMenus
from kbuilder.ui.canvas.copying import DragCopies
from kbuilder.ui.canvas.drops import LayerDrops
from kbuilder.ui.canvas.edge_scroll import EdgeScroll
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.find_bar import FindBar
from kbuilder.ui.canvas.freezing import CanvasFreezing
from kbuilder.ui.canvas.gestures import DragNodes, DrawWire, Gesture, Marquee, Pan, wire_from
from kbuilder.ui.canvas.grouping import CanvasGrouping
from kbuilder.ui.canvas.hover import EDGE_REACH_PX, Hover
from kbuilder.ui.canvas.inserting import InsertPlace, LayerInserter
from kbuilder.ui.canvas.lasso import CutWires, Lasso
from kbuilder.ui.canvas.moving import Moving
from kbuilder.ui.canvas.piece_inserting import PieceInserter
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import Selecting, boxes, shown
from kbuilder.ui.canvas.style import REACH_PX
from kbuilder.ui.canvas.view_keys import ViewKeys
from kbuilder.ui.canvas.zoom_view import ZoomView
from kbuilder.ui.text import tooltip

_CONTROL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier
_MOST_SPOKEN = 12


class CanvasView(ZoomView):
    """Lets people work on a ``CanvasScene``. What its parts can do is called through the parts."""

    hint = Signal(str)
    """A sentence for the status bar."""
    node_activated = Signal(str)
    """Id of a node that was double-clicked or confirmed with Enter."""
    arrange_wanted = Signal()
    """The layers are to be laid out automatically."""

    def __init__(self, scene: CanvasScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.setAccessibleName(self.tr("Canvas"))
        self._gesture: Gesture | None = None
        self._mouse = QPointF()
        self._edge_scroll = EdgeScroll(self._scroll_under_gesture, self)
        self._hover = Hover(scene)
        self.editing: CanvasEditing = CanvasEditing(scene, self)
        self.freezing: CanvasFreezing = CanvasFreezing(scene, scene.bridge.document, self)
        self.selecting: Selecting = Selecting(scene)
        self.grouping: CanvasGrouping = CanvasGrouping(scene)
        self.moving: Moving = Moving(scene, self.editing, self)
        self.clipboard: CanvasClipboard = CanvasClipboard(scene, self.editing, self)
        self.commenting: Commenting = Commenting(scene, self)
        self.pieces: PieceInserter = PieceInserter(scene, self.editing, self.clipboard, self)
        self.inserter: LayerInserter = LayerInserter(scene, self.editing, self.pieces, self)
        self.find_bar: FindBar = FindBar(scene, self)
        self._drops = LayerDrops(
            scene, self.editing, self.clipboard, self.pieces, self._hover, self.overlays, self
        )
        self._keys = ViewKeys(self)
        self.commands = make_commands(self)
        self._menus = ContextMenus(self)
        self._connect()
        self._speak_selection()

    def _connect(self) -> None:
        scene = self.canvas
        scene.selection_changed.connect(self._speak_selection)
        scene.bridge.changed.connect(self._document_changed)
        self.editing.hint.connect(self.hint)
        self.freezing.hint.connect(self.hint)
        self.grouping.hint.connect(self.hint)
        self.clipboard.hint.connect(self.hint)
        self.clipboard.placed.connect(self._reveal_placed)
        self.inserter.inserted.connect(self.reveal)
        self.inserter.told.connect(self.hint)
        self.find_bar.reached.connect(self.centerOn)

    # --- what the commands call -----------------------------------------------------------------

    def delete_selection(self, *, heal: bool = True) -> None:
        """Delete what is selected; with ``heal`` chains are closed again."""
        scene = self.canvas
        nodes, wires = scene.selected_ids(), scene.selected_edges()
        self.editing.remove(nodes, wires, scene.selected_comments(), heal=heal)

    def insert_layer(self, class_name: str) -> None:
        """Add a layer after the selected nodes, into the selected wire, or in the middle."""
        self.inserter.insert(class_name, self.inserter.place_by_selection())

    def insert_piece(self, fragment: Fragment, title: str) -> None:
        """Put a template or block into the selected wire, behind the selection, or in the middle."""
        middle = self.mapToScene(self.viewport().rect().center())
        self.pieces.insert(fragment, title, middle)
        self.setFocus()

    def open_quick_insert(self) -> None:
        """Ask for a layer to insert as ``insert_layer`` would, or where the mouse is."""
        self.inserter.ask_by_selection(self._mouse if self.underMouse() else None)

    def add_comment(self) -> None:
        """Add a comment at the mouse, or in the middle, and write in it."""
        middle = self.mapToScene(self.viewport().rect().center())
        self.commenting.add(self.mouse_place() or middle)

    def edit_comment(self) -> None:
        """Write in the selected comment."""
        for comment in self.canvas.selected_comments()[:1]:
            self.commenting.edit(comment)

    def ask_to_arrange(self) -> None:
        """Tell that the layers are to be laid out."""
        self.arrange_wanted.emit()

    def mouse_place(self) -> QPointF | None:
        """Where the mouse is in the scene; None when it is not over the canvas."""
        return self.mapToScene(self._mouse.toPoint()) if self.underMouse() else None

    def show_node(self, node: str) -> None:
        """Select a node, opening the block that hides it, and bring it to the middle."""
        self.canvas.reveal(node)
        self.canvas.select([node])
        self.centerOn(self.canvas.content_rect([node]).center())

    def reveal(self, box: str) -> None:
        """Scroll as little as shows a box."""
        self.ensureVisible(self.canvas.content_rect([box]), 40, 40)

    def activate(self) -> None:
        """Go on with the selected thing: write in a comment, enter a block, edit a layer."""
        for comment in self.canvas.selected_comments()[:1]:
            self.commenting.edit(comment)
            return
        for box in boxes(self.canvas)[:1]:
            self._activate_box(box)

    def _activate_box(self, box: str) -> None:
        if box in self.canvas.graph.by_id:
            self.node_activated.emit(box)
        else:
            self.canvas.enter(box)

    # --- mouse ----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        self._mouse = event.position()
        if self._gesture is not None:
            return
        place = self.mapToScene(event.position().toPoint())
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._keys.take_space()):
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self._gesture = Pan(self.scroll_by, lambda: self._mouse)
        elif left:
            stroke = self.freezing.stroke()
            self._gesture = stroke or self._gesture_at(place, event.modifiers())
        elif event.button() == Qt.MouseButton.RightButton and event.modifiers() & _CONTROL:
            self._gesture = CutWires(self.canvas, self.editing)
        if self._gesture is not None:
            self._gesture.start(place)
            event.accept()

    def _gesture_at(self, place: QPointF, keys: Qt.KeyboardModifier) -> Gesture | None:
        scene = self.canvas
        adding = bool(keys & (_CONTROL | _SHIFT))
        port = scene.port_at(place, REACH_PX * scene.pixel) if not scene.in_overview else None
        if port is not None and not keys & _ALT and scene.ports_behind(port):
            return self._draw_wire(port)
        box = scene.node_at(place)
        if box:
            return self._press(box, "", adding, copying=bool(keys & _ALT))
        edge = scene.edge_at(place, EDGE_REACH_PX * scene.pixel)
        if edge is not None and not keys & _ALT:
            scene.select(
                boxes(scene) if adding else (),
                [*(scene.selected_edges() if adding else ()), edge],
                scene.selected_comments() if adding else (),
            )
            return None
        comment = scene.comment_at(place)
        if comment:
            if scene.comments[comment].on_handle(place):
                scene.select((), comments=[comment])
                return ResizeComment(scene, self.commenting, comment)
            return self._press("", comment, adding, copying=bool(keys & _ALT))
        frame = scene.frame_at(place)
        if frame:
            return self._press(frame, "", adding, copying=bool(keys & _ALT))
        keep = boxes(scene) if adding else []
        return Lasso(scene, keep) if keys & _ALT else Marquee(scene, keep)

    def _draw_wire(self, port: Port) -> Gesture:
        fixed, moved = wire_from(self.canvas, port)
        return DrawWire(
            self.canvas,
            self.editing,
            fixed,
            moved=moved,
            tell=self._tell,
            dropped=self.inserter.ask_for_wire,
        )

    def _press(self, box: str, comment: str, adding: bool, *, copying: bool) -> Gesture | None:
        """Select a box or a comment as the keys say, and take hold of what is selected then."""
        scene = self.canvas
        chosen, notes = boxes(scene), scene.selected_comments()
        if box in chosen or comment in notes:
            if adding:
                scene.select(
                    (each for each in chosen if each != box),
                    comments=(each for each in notes if each != comment),
                )
                return None
        else:
            scene.select(
                [*(chosen if adding else ()), box], comments=[*(notes if adding else ()), comment]
            )
        if copying:
            return DragCopies(scene, self.clipboard)
        return DragNodes(scene, self.editing, self._show_tip)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Let the gesture follow; without one show what the mouse is over."""
        self._mouse = event.position()
        place = self.mapToScene(event.position().toPoint())
        if self._gesture is not None:
            self._gesture.move(place)
            if not isinstance(self._gesture, Pan):
                self._edge_scroll.follow(self._mouse, self.viewport().rect())
        elif not self._keys.space_held:
            self._show_cursor(place)

    def _show_cursor(self, place: QPointF) -> None:
        scene = self.canvas
        if self._hover.follow(place):
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
            return
        comment = "" if scene.node_at(place) else scene.comment_at(place)
        if comment and scene.comments[comment].on_handle(place):
            self.viewport().setCursor(Qt.CursorShape.SizeFDiagCursor)
        else:
            self.viewport().unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the gesture do its work."""
        self._mouse = event.position()
        gesture = self._let_go()
        if gesture is not None:
            gesture.end(self.mapToScene(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go on with what is there; on empty canvas open quick insert."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        place = self.mapToScene(event.position().toPoint())
        scene = self.canvas
        box, comment = scene.node_at(place) or scene.frame_at(place), scene.comment_at(place)
        if box:
            self._activate_box(box)
        elif scene.edge_at(place, EDGE_REACH_PX * scene.pixel) is not None:
            return
        elif comment:
            self.commenting.edit(comment)
        else:
            scene.select(())
            self.inserter.ask(InsertPlace(place), event.position())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with what is there; by key, with what is selected."""
        event.accept()
        if self._gesture is None:
            self._menus.open(event)

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
        if changes.graph or changes.comments:
            self.cancel_gesture()

    def viewportEvent(self, event: QEvent) -> bool:
        """Show what is wrong with a node, or its class, or what a port or wire is, as a tool tip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            text = self.canvas.tip_at(self.mapToScene(event.pos()))
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the find bar in its place."""
        super().resizeEvent(event)
        self.find_bar.place()

    def _reveal_placed(self, placed: Placed) -> None:
        for box in shown(self.canvas, placed.nodes[:1]):
            self.reveal(box)

    def _speak_selection(self) -> None:
        """Let screen readers tell what is selected, as the eye sees it."""
        nodes = self.canvas.selected_ids()
        spoken = [self.canvas.spoken(node) for node in nodes[:_MOST_SPOKEN]]
        wires = [key for key in self.canvas.selected_edges() if key in self.canvas.edges]
        spoken += [self.canvas.spoken_wire(key) for key in wires[:1] if not nodes]
        if len(nodes) > _MOST_SPOKEN:
            spoken.append(self.tr("and %n more", "", len(nodes) - _MOST_SPOKEN))
        self.setAccessibleDescription(
            "; ".join(spoken)
            or self.tr("The layers of the model and the wires between them. Space inserts a layer.")
        )

    def _tell(self, text: str) -> None:
        self._show_tip(text)
        if text:
            self.hint.emit(text)

    def _show_tip(self, text: str) -> None:
        self.overlays.show_tip(text, self._mouse.toPoint())

    # --- keys -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, nudge, insert, go on, cancel; the other keys are shortcuts of commands."""
        if not self._keys.press(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space, pressed and released without a drag between, opens quick insert."""
        if not self._keys.release(event):
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab opens quick insert, so it stays here; Shift+Tab leaves the canvas."""
        return False if next else super().focusNextPrevChild(next)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget that Space is held: its release goes elsewhere."""
        self._keys.take_space()
        super().focusOutEvent(event)

    # --- drops ----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take layers from the palette; anything else goes to the window."""
        self._drops.takes(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show what a drop would do here."""
        if self._drops.takes(event):
            self._drops.show(event, self.mapToScene(event.position().toPoint()))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Show nothing any more."""
        self._drops.clear()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add, insert, connect or replace, by what is there."""
        if self._drops.takes(event):
            self._drops.drop(event, self.mapToScene(event.position().toPoint()))
            self.setFocus(Qt.FocusReason.MouseFocusReason)
