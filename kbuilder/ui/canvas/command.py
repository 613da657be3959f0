"""What a command of the canvas is, and when it can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from kbuilder.ui.canvas.view import CanvasView

CONTEXT = "Actions"
Kind = Literal["node", "wire", "comment", "canvas"]
"""What a context menu can be for."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Mark a text for lupdate, which knows this name; it is translated where it is shown."""
    del context
    return text


EDIT = QT_TRANSLATE_NOOP("Actions", "&Edit")
VIEW = QT_TRANSLATE_NOOP("Actions", "&View")
MODEL = QT_TRANSLATE_NOOP("Actions", "&Model")
ARRANGE = QT_TRANSLATE_NOOP("Actions", "&Arrange")


class Selected(NamedTuple):
    """How much of each kind is selected."""

    nodes: int
    wires: int
    comments: int
    blocks: int = 0
    """How many of the nodes are blocks."""
    inside: int = 0
    """How many of the nodes lie in a block that is around them on the canvas."""
    sharing: int = 0
    """How many layers use the weights of another."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its menu and text, what it does, when it can be done, which context menus show it.

    Its shortcut works while the canvas has the focus, or in the whole window with ``anywhere``.
    ``also`` are further keys for the same.
    """

    id: str
    menu: str
    text: str
    run: Callable[[CanvasView], object]
    shortcut: str = ""
    icon: str = ""
    enabled: Callable[[Selected], bool] | None = None
    separator: bool = False
    on: tuple[Kind, ...] = ()
    anywhere: bool = False
    also: tuple[str, ...] = ()


def has_nodes(selected: Selected) -> bool:
    """Any layer or block."""
    return selected.nodes > 0


def has_two_nodes(selected: Selected) -> bool:
    """At least two layers or blocks."""
    return selected.nodes > 1


def has_three_nodes(selected: Selected) -> bool:
    """At least three layers or blocks."""
    return selected.nodes > 2


def has_things(selected: Selected) -> bool:
    """Any layer, block or comment."""
    return bool(selected.nodes or selected.comments)


def has_anything(selected: Selected) -> bool:
    """Anything at all."""
    return any(selected)
