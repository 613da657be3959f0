"""What is selected on the canvas as boxes, and larger selections made from a small one."""

from __future__ import annotations

from collections.abc import Iterable

from kbuilder.document.reach import connected, upstream
from kbuilder.ui.canvas.command import Selected
from kbuilder.ui.canvas.scene import CanvasScene


def boxes(scene: CanvasScene) -> list[str]:
    """Ids of the selected blocks, then of the selected nodes that are in none of them."""
    groups = scene.selected_groups()
    within = {node for group in groups for node in scene.graph.members[group]}
    return [*groups, *(node for node in scene.selected_ids() if node not in within)]


def shown(scene: CanvasScene, nodes: Iterable[str]) -> list[str]:
    """The boxes that show these nodes: themselves, or the collapsed blocks that hold them."""
    graph, found = scene.graph, dict[str, None]()
    for node in nodes:
        around = (node, *graph.ancestors(graph.by_id[node].group))
        box = next((each for each in around if each in scene.nodes), "")
        if box:
            found[box] = None
    return list(found)


def count_selected(scene: CanvasScene) -> Selected:
    """How much is selected."""
    graph, chosen = scene.graph, boxes(scene)
    homes = [
        graph.by_id[box].group if box in graph.by_id else graph.group_by_id[box].parent
        for box in chosen
    ]
    return Selected(
        nodes=len(chosen),
        wires=len(scene.selected_edges()),
        comments=len(scene.selected_comments()),
        blocks=len(scene.selected_groups()),
        inside=sum(1 for home in homes if home not in ("", scene.root)),
        sharing=sum(1 for node in scene.selected_ids() if graph.by_id[node].shares),
    )


def moving_comments(scene: CanvasScene) -> list[str]:
    """Ids of the selected comments, and of those in selected blocks."""
    groups = set(scene.selected_groups())
    chosen = set(scene.selected_comments())
    graph = scene.graph
    return [
        note.id
        for note in graph.comments
        if note.id in chosen or not groups.isdisjoint(graph.ancestors(note.group))
    ]


class Selecting:
    """Selects more, or other things."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene

    def all(self) -> None:
        """Everything that is drawn but wires."""
        scene = self._scene
        scene.select(scene.nodes, comments=scene.comments)

    def inverse(self) -> None:
        """All boxes and comments that are not selected now."""
        scene = self._scene
        chosen = {*shown(scene, scene.selected_ids()), *scene.selected_groups()}
        notes = set(scene.selected_comments())
        scene.select(
            (box for box in scene.nodes if box not in chosen),
            comments=(note for note in scene.comments if note not in notes),
        )

    def upstream(self) -> None:
        """All that leads to the selection, with it."""
        self._show(upstream(self._scene.graph, self._scene.selected_ids()))

    def downstream(self) -> None:
        """All that follows from the selection, with it."""
        self._show(self._scene.graph.downstream(self._scene.selected_ids()))

    def connected(self) -> None:
        """All that hangs together with the selection."""
        self._show(connected(self._scene.graph, self._scene.selected_ids()))

    def _show(self, nodes: Iterable[str]) -> None:
        self._scene.select(shown(self._scene, nodes))
