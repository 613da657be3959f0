"""Which block something goes into where it is dropped on the canvas, and how that is shown."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QPointF, QRectF
from PySide6.QtWidgets import QGraphicsRectItem

from kbuilder.document.places import Box, drawn, extents
from kbuilder.ui.canvas.scene import CanvasScene

_ON_TOP = 9.0


class Joined(NamedTuple):
    """What goes into which block; an empty ``block`` is the main graph."""

    block: str
    nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


def block_at(scene: CanvasScene, place: QPointF) -> str:
    """The innermost open block under a point of the scene; where there is none, the one entered."""
    return _innermost(scene, scene.projection.frames, place)


class Joining:
    """Finds out what some dragged layers, blocks and comments join or leave at a place.

    What is dropped inside a frame joins that block. A drag alone only ever leads deeper: nothing
    leaves its block by being dragged out of the frame, the frame grows with it instead. With Ctrl
    (``free``) things go where the mouse is: out of their block, or from one block into another. A
    block of which everything is dragged goes as a whole, with its members.
    """

    def __init__(
        self, scene: CanvasScene, nodes: Collection[str], comments: Collection[str]
    ) -> None:
        self._scene = scene
        self._nodes = nodes
        self._comments = comments

    def at(self, place: QPointF, *, free: bool) -> Joined | None:
        """What would change if everything were dropped at a point of the scene."""
        block = _innermost(self._scene, self._frames, place)
        around = set(self._scene.graph.ancestors(block)) | {""}
        going = [
            part for part, home in self._homes.items() if home != block and (free or home in around)
        ]
        if not going:
            return None
        graph = self._scene.graph
        return Joined(
            block,
            tuple(part for part in going if part in graph.by_id),
            tuple(part for part in going if part in graph.group_by_id),
            tuple(part for part in going if part in self._comments),
        )

    def sentence(self, place: QPointF, joined: Joined | None) -> str:
        """What a drop would do, for people."""
        home = self._left_at(place)
        if joined is None:
            return _stays_text(home) if home else ""
        if joined.block in self._scene.frames:
            return joins_text(self._scene.name_of(joined.block))
        return _leaves_text(home) if home else ""

    def _left_at(self, place: QPointF) -> str:
        """Name of the block that a point lies outside of, although something dragged is of it."""
        homes = dict.fromkeys(home for home in self._homes.values() if home in self._frames)
        left = (home for home in homes if not _holds(self._frames[home], place))
        return next((self._scene.name_of(home) for home in left), "")

    @cached_property
    def _whole(self) -> set[str]:
        """Blocks of which everything is dragged."""
        graph, chosen = self._scene.graph, set(self._nodes)
        entered = set(graph.ancestors(self._scene.root))
        return {
            group
            for group, members in graph.members.items()
            if members and group not in entered and chosen.issuperset(members)
        }

    @cached_property
    def _homes(self) -> dict[str, str]:
        """What is dragged, the outermost of it, and the block that each lies in directly."""
        graph, whole = self._scene.graph, self._whole
        homes = {node: graph.by_id[node].group for node in self._nodes}
        homes |= {group: graph.group_by_id[group].parent for group in whole}
        homes |= {note.id: note.group for note in graph.comments if note.id in self._comments}
        return {part: home for part, home in homes.items() if home not in whole}

    @cached_property
    def _frames(self) -> dict[str, Box]:
        """The frames as they are without what is dragged."""
        scene, moving = self._scene, set(self._nodes)
        kept = tuple(node for node in scene.graph.nodes if node.id not in moving)
        graph = replace(scene.graph, nodes=kept)
        return {
            group: drawn(graph, group, extent)
            for group, extent in extents(graph).items()
            if group in scene.projection.frames and group not in self._whole
        }


class JoinMark:
    """A line around the frame of the block that something would join."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene
        self._item: QGraphicsRectItem | None = None

    def show(self, block: str) -> None:
        """Mark an open block, or none."""
        if self._item is not None:
            self._scene.removeItem(self._item)
            self._item = None
        box = self._scene.projection.frames.get(block)
        if box is not None:
            self._item = QGraphicsRectItem(
                QRectF(box.left, box.top, box.right - box.left, box.height)
            )
            self._item.setPen(self._scene.canvas_style.preview_pen)
            self._item.setZValue(_ON_TOP)
            self._scene.addItem(self._item)


def _innermost(scene: CanvasScene, frames: dict[str, Box], place: QPointF) -> str:
    def depth(group: str) -> int:
        return sum(1 for _ in scene.graph.ancestors(group))

    under = (group for group, box in frames.items() if _holds(box, place))
    return max(under, key=depth, default=scene.root)


def _holds(box: Box, place: QPointF) -> bool:
    return box.left <= place.x() <= box.right and box.top <= place.y() <= box.bottom


def joins_text(block: str) -> str:
    """What a drop inside the frame of a block does."""
    return QCoreApplication.translate("Joining", "Joins {block}").format(block=block)


def _leaves_text(block: str) -> str:
    return QCoreApplication.translate("Joining", "Leaves {block}").format(block=block)


def _stays_text(block: str) -> str:
    text = QCoreApplication.translate("Joining", "Stays in {block}. Ctrl takes it out.")
    return text.format(block=block)
