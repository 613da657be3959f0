"""What a user can do to comments on the canvas, as functions from project to project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from kbuilder.document.graph import Comment
from kbuilder.document.project import Project

COLOURS = ("", "blue", "green", "amber", "red", "violet")
"""Names of the colours a comment can have, the plain one first."""
LEAST_WIDTH, LEAST_HEIGHT = 80.0, 40.0


def add_comment(project: Project, comment: Comment) -> Project:
    """Put a comment on the canvas."""
    return _with_comments(project, (*project.graph.comments, comment))


def set_comment(project: Project, comment_id: str, **changes: Any) -> Project:
    """Change text, colour or size of a comment; it never gets smaller than can be taken hold of."""
    if "width" in changes:
        changes["width"] = max(changes["width"], LEAST_WIDTH)
    if "height" in changes:
        changes["height"] = max(changes["height"], LEAST_HEIGHT)
    return _with_comments(
        project,
        (
            replace(each, **changes) if each.id == comment_id else each
            for each in project.graph.comments
        ),
    )


def move_comments(project: Project, places: Mapping[str, tuple[float, float]]) -> Project:
    """Put comments at new places (top left corner, scene units)."""
    return _with_comments(
        project,
        (
            replace(each, x=places[each.id][0], y=places[each.id][1]) if each.id in places else each
            for each in project.graph.comments
        ),
    )


def remove_comments(project: Project, ids: Iterable[str]) -> Project:
    """Take comments away."""
    gone = set(ids)
    return _with_comments(project, (each for each in project.graph.comments if each.id not in gone))


def _with_comments(project: Project, comments: Iterable[Comment]) -> Project:
    return replace(project, graph=replace(project.graph, comments=tuple(comments)))
