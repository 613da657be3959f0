"""Blocks and shared layers on the canvas, as edits of the document with a text for undo."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from kbuilder.document import group_edits, membership
from kbuilder.document.document import Edit
from kbuilder.document.graph import INPUT_CLASS, Graph, Group, Node
from kbuilder.document.naming import FreeNames, new_id
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.style import COLUMN_PITCH

MOST_COPIES = 500


class CanvasGrouping(QObject):
    """What people do with the selected blocks and nodes; each method is one edit."""

    hint = Signal(str)
    """A sentence for the status bar: why something was not done."""

    def __init__(self, scene: CanvasScene) -> None:
        super().__init__(scene)
        self._scene = scene

    def group(self) -> str:
        """Make a block of what is selected and select it; answers its id, or an empty text."""
        nodes = self._scene.selected_ids()
        if not nodes:
            self.hint.emit(self.tr("Select the layers that shall become a block."))
            return ""
        name = FreeNames(group.name for group in self._graph.groups).take("block")
        made = Group(id=new_id(), name=name)
        inner = self._scene.selected_groups()
        self._apply(
            self.tr("Make a block of %n layers", "", len(nodes)),
            partial(group_edits.group, made=made, nodes=nodes, groups=inner),
        )
        self._scene.select([made.id])
        return made.id

    def ungroup(self) -> None:
        """Take the selected blocks away; their nodes stay and are selected."""
        groups, nodes = self._blocks(), self._scene.selected_ids()
        if groups:
            text = self._text(
                self.tr("Dissolve {name}"), self.tr("Dissolve %n blocks", "", len(groups)), groups
            )
            self._apply(text, partial(group_edits.ungroup, groups=groups))
            self._scene.select(nodes)

    def fold(self, groups: Collection[str] = ()) -> None:
        """Draw blocks as one box each, or open them if all are; by default those around the selection."""
        blocks = list(groups) or self._blocks()
        if not blocks:
            return
        collapsed = not all(self._graph.group_by_id[group].collapsed for group in blocks)
        if collapsed:
            text = self._text(
                self.tr("Fold {name}"), self.tr("Fold %n blocks", "", len(blocks)), blocks
            )
        else:
            text = self._text(
                self.tr("Open {name}"), self.tr("Open %n blocks", "", len(blocks)), blocks
            )
        self._apply(text, partial(group_edits.collapse, groups=blocks, collapsed=collapsed))
        self._scene.select(blocks)

    def take_out(self) -> None:
        """Move what is selected out of the innermost blocks that it lies in, to beside their frames."""
        root, graph, scene = self._scene.root, self._graph, self._scene
        blocks = [
            group
            for group in scene.selected_groups()
            if graph.group_by_id[group].parent not in ("", root)
        ]
        within = {node for group in scene.selected_groups() for node in graph.members[group]}
        nodes = [
            node
            for node in scene.selected_ids()
            if node not in within and graph.by_id[node].group not in ("", root)
        ]
        if not (blocks or nodes):
            self.hint.emit(self.tr("Nothing that is selected lies in a block."))
            return
        names = [scene.name_of(part) for part in (*blocks, *nodes)]
        if len(names) == 1:
            text = self.tr("Take {name} out of its block").format(name=names[0])
        else:
            text = self.tr("Take %n layers out of their blocks", "", len(names))
        self._apply(text, partial(membership.take_out, nodes=nodes, groups=blocks))
        scene.select([*blocks, *nodes])

    def enter(self) -> None:
        """Show only what is in the selected block."""
        for group in self._blocks()[:1]:
            self._scene.enter(group)

    def leave(self) -> None:
        """Show what is around the block that is entered."""
        self._scene.leave()

    def set_block(self, group: str, name: str, value: object) -> None:
        """Change name, colour or nesting of a block."""
        text = self.tr("Set {0} of {1}").format(name, self._graph.group_by_id[group].name)
        changes: dict[str, Any] = {name: value}
        self._apply(text, lambda project: group_edits.set_group(project, group, **changes))

    def repeat(self, group: str, copies: int) -> None:
        """Put copies of a block behind it."""
        name = self._graph.group_by_id[group].name
        copies = min(copies, MOST_COPIES)
        many = self.tr("Repeat {name} %n times", "", copies)
        self._apply(
            (many if copies > 1 else self.tr("Repeat {name}")).format(name=name),
            partial(group_edits.repeat, group_id=group, copies=copies),
        )

    def share(self) -> None:
        """Use the layer of the one selected node at one more place, beside it."""
        nodes = self._scene.selected_ids()
        graph = self._graph
        if len(nodes) != 1 or graph.by_id[nodes[0]].class_name == INPUT_CLASS:
            self.hint.emit(self.tr("Select the one layer that shall be used at another place too."))
            return
        node = graph.by_id[nodes[0]]
        made = Node(
            id=new_id(),
            class_name=node.class_name,
            name=FreeNames(each.name for each in graph.nodes).take(graph.layer_of(node.id).name),
            group=node.group,
            x=node.x + COLUMN_PITCH,
            y=node.y,
        )
        self._apply(
            self.tr("Use {name} once more").format(name=node.name),
            partial(group_edits.share, node_id=node.id, made=made),
        )
        self._scene.select([made.id])

    def unshare(self) -> None:
        """Give each selected node that shares a layer one of its own."""
        nodes = [n for n in self._scene.selected_ids() if self._graph.by_id[n].shares]
        if nodes:
            text = self.tr("Give %n layers weights of their own", "", len(nodes))
            self._apply(text, partial(group_edits.unshare, nodes=nodes))

    def _blocks(self) -> list[str]:
        """The selected blocks, or else the innermost open ones around the selected nodes."""
        graph = self._graph
        chosen = self._scene.selected_groups()
        around = {graph.by_id[node].group for node in self._scene.selected_ids()}
        return chosen or [
            group.id
            for group in graph.groups
            if group.id in around and group.id != self._scene.root
        ]

    @property
    def _graph(self) -> Graph:
        return self._scene.graph

    def _text(self, one: str, many: str, groups: Collection[str]) -> str:
        name = self._graph.group_by_id[next(iter(groups))].name
        return one.format(name=name) if len(groups) == 1 else many

    def _apply(self, text: str, edit: Edit) -> None:
        self._scene.bridge.document.apply(text, edit)
