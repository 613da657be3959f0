"""What differs between two projects, so that views redraw only that."""

from __future__ import annotations

import msgspec

from kbuilder.document.graph import Edge, EdgeKey
from kbuilder.document.project import Project


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of nodes and whole edges that came, went or changed, and what else differs."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    edges_added: tuple[Edge, ...] = ()
    edges_removed: tuple[Edge, ...] = ()
    groups: bool = False
    comments: bool = False
    compile: bool = False
    fit: bool = False
    sweep: bool = False
    data: bool = False
    code: bool = False
    notes: bool = False
    replaced: bool = False
    """Another project was opened; nothing that was shown before is of use."""

    @property
    def graph(self) -> bool:
        """Whether anything in the network differs; comments are not part of it."""
        return bool(
            self.added
            or self.removed
            or self.changed
            or self.edges_added
            or self.edges_removed
            or self.groups
        )


def difference(before: Project, after: Project, *, replaced: bool = False) -> Changes:
    """Compare two projects."""
    old, new = before.graph.by_id, after.graph.by_id
    old_edges, new_edges = _edges(before, after), _edges(after, before)
    return Changes(
        added=tuple(node for node in new if node not in old),
        removed=tuple(node for node in old if node not in new),
        changed=tuple(node for node in new if node in old and new[node] != old[node]),
        edges_added=tuple(edge for key, edge in new_edges.items() if key not in old_edges),
        edges_removed=tuple(edge for key, edge in old_edges.items() if key not in new_edges),
        groups=before.graph.groups != after.graph.groups,
        comments=before.graph.comments != after.graph.comments,
        compile=before.compile != after.compile,
        fit=before.fit != after.fit,
        sweep=before.sweep != after.sweep,
        data=before.data != after.data,
        code=before.custom_code != after.custom_code,
        notes=before.notes != after.notes,
        replaced=replaced,
    )


def _edges(project: Project, other: Project) -> dict[EdgeKey, Edge]:
    """The edges of a project by their keys; none when the other one has the very same."""
    if project.graph.edges is other.graph.edges:
        return {}
    return {edge.key: edge for edge in project.graph.edges}
