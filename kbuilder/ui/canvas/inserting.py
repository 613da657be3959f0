"""Adding layers on the canvas without dragging: after the selection, into a wire, at a wire's end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QObject, QPoint, QPointF, Signal
from PySide6.QtWidgets import QGraphicsView

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import EdgeKey
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.ranks import feeds, takes
from kbuilder.ui.canvas.above import selected_above
from kbuilder.ui.canvas.editing import CanvasEditing
from kbuilder.ui.canvas.piece_inserting import PieceInserter
from kbuilder.ui.canvas.ports import Port
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.layer_search import offered_layers
from kbuilder.ui.library import TEMPLATES, Piece
from kbuilder.ui.quick_insert import QuickInsert

_CARD_GAP = 12.0
"""From what is selected to the card of quick insert, in scene units."""


class InsertPlace(NamedTuple):
    """Where a layer goes: into ``edge``, onto ``port``, or after the selection, else ``middle``."""

    middle: QPointF
    port: Port | None = None
    edge: EdgeKey | None = None


class LayerInserter(QObject):
    """Finds the place for a layer, asks for the class if need be, and adds it."""

    inserted = Signal(str)
    """Id of the new node; it is selected."""
    told = Signal(str)
    """A sentence for the status bar: why a block was not inserted."""

    def __init__(
        self,
        scene: CanvasScene,
        editing: CanvasEditing,
        pieces: PieceInserter,
        view: QGraphicsView,
    ) -> None:
        super().__init__(view)
        self._scene = scene
        self._editing = editing
        self._pieces = pieces
        self._view = view
        self._library: Callable[[], Sequence[Piece]] = tuple
        self._place: InsertPlace | None = None
        self.quick = QuickInsert(view)
        self.quick.chosen.connect(self._insert_chosen)
        self.quick.piece_chosen.connect(self._insert_piece)

    def offer_pieces(self, library: Callable[[], Sequence[Piece]]) -> None:
        """Let quick insert also offer what ``library`` answers when it opens."""
        self._library = library

    def place_by_selection(self) -> InsertPlace:
        """Into the one selected wire, else after the selected nodes or in the middle of the view."""
        wires = [key for key in self._scene.selected_edges() if key in self._scene.edges]
        middle = self._view.mapToScene(self._view.viewport().rect().center())
        alone = len(wires) == 1 and not self._scene.selected_ids()
        return InsertPlace(middle, edge=wires[0] if alone else None)

    def insert(self, class_name: str, place: InsertPlace) -> None:
        """Add a layer of that class and select it."""
        if place.edge is not None and place.edge in self._scene.edges:
            node = self._editing.insert(class_name, place.edge)
        elif place.port is not None and place.port.node in self._scene.nodes:
            node = self._editing.add_wired(class_name, place.port, place.middle)
        else:
            above = selected_above(self._scene)
            node = self._editing.add_after(class_name, above, place.middle)
        if node:
            self._scene.select([node])
            self.inserted.emit(node)

    def ask(
        self, place: InsertPlace, at: QPointF, specs: tuple[ClassSpec, ...] = (), note: str = ""
    ) -> None:
        """Open quick insert at a point of the view, with all layers and blocks, or only ``specs``."""
        pieces = () if specs else [piece for piece in self._library() if not piece.fault]
        self._open(place, at, specs or offered_layers(self._scene.catalogue), pieces, note)

    def ask_by_selection(self, mouse: QPointF | None) -> None:
        """Open quick insert beside what is selected; without a selection at the mouse, or in the middle.

        What is chosen lands there: behind the selected boxes, in the selected wire, or around ``mouse``.
        """
        place, view, scene = self.place_by_selection(), self._view, self._scene
        near = self._corner_of_selection(place)
        if near is not None and view.viewport().rect().contains(near):
            at = QPointF(near)
        else:
            at = mouse or QPointF(view.viewport().rect().center())
        if mouse is not None and not scene.selected_ids():
            place = place._replace(middle=view.mapToScene(mouse.toPoint()))
        self.ask(place, at)

    def _corner_of_selection(self, place: InsertPlace) -> QPoint | None:
        """Right of the last of the selected boxes, or of the selected wire; in the view."""
        above = selected_above(self._scene)
        if above:
            lowest = max(above, key=lambda each: each.y)
            corner = QPointF(lowest.x + NODE_WIDTH + _CARD_GAP, lowest.y)
        elif place.edge is not None:
            item = self._scene.edges[place.edge]
            corner = (item.start + item.end) / 2 + QPointF(_CARD_GAP, 0.0)
        else:
            return None
        return self._view.mapFromScene(corner)

    def ask_for_wire(self, port: Port, place: QPointF) -> None:
        """A wire from ``port`` ended in nothing: ask for what could take it there.

        A block can be fed by the wire, but does not say which of its outputs would feed an input.
        """
        name = self._scene.name_of(port.node)
        below = NODE_HEIGHT / 2 if port.output else -NODE_HEIGHT / 2
        pieces: Sequence[Piece] = ()
        if port.output:
            rank = self._scene.rank_of(port)
            specs = tuple(
                spec for spec in offered_layers(self._scene.catalogue) if takes(spec, rank)
            )
            pieces = [piece for piece in self._library() if self._is_fed_by(piece, rank)]
            note = self.tr("fed by {layer}").format(layer=name)
        else:
            specs = tuple(
                spec for spec in offered_layers(self._scene.catalogue) if self._feeds(spec, port)
            )
            note = self.tr("feeds {layer}").format(layer=name)
        middle = place + QPointF(0.0, below)
        at = QPointF(self._view.mapFromScene(place))
        self._open(InsertPlace(middle, port=port), at, specs, pieces, note)

    def _open(
        self,
        place: InsertPlace,
        at: QPointF,
        specs: Sequence[ClassSpec],
        pieces: Sequence[Piece],
        note: str,
    ) -> None:
        self._place = place
        self.quick.open_at(at.toPoint(), specs, note, pieces)

    def _is_fed_by(self, piece: Piece, rank: int | None) -> bool:
        """Whether a block begins with layers that take a tensor of that rank."""
        if piece.fault or piece.family == TEMPLATES:
            return False
        fragment = piece.fragment()
        classes = {node.id: node.class_name for node in fragment.nodes}
        ends = [classes[end.node] for inlet in fragment.inputs[:1] for end in inlet.ends]
        specs = [self._scene.catalogue.layer(name) for name in ends]
        return bool(specs) and all(spec is None or takes(spec, rank) for spec in specs)

    def _feeds(self, spec: ClassSpec, port: Port) -> bool:
        graph, catalogue = self._scene.graph, self._scene.catalogue
        readers = (graph.by_id[each.node] for each in self._scene.ports_behind(port))
        return all(feeds(spec, catalogue.layer(node.class_name)) for node in readers)

    def _insert_chosen(self, class_name: str) -> None:
        place, self._place = self._place, None
        if place is not None:
            self.insert(class_name, place)

    def _insert_piece(self, piece: Piece) -> None:
        place, self._place = self._place, None
        if place is None:
            return
        try:
            fragment = piece.fragment()
        except (FileRefusedError, OSError) as error:
            self.told.emit(str(error))
            return
        if place.port is not None and place.port.node in self._scene.nodes:
            top = place.middle - QPointF(0.0, NODE_HEIGHT / 2)
            self._pieces.at_port(fragment, piece.title, place.port, top)
        else:
            self._pieces.insert(fragment, piece.title, place.middle)
