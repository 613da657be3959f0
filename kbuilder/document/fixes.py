"""Fixes that a problem offers: ordinary edits as values, so that they can cross the link."""

from __future__ import annotations

from typing import Any

import msgspec


class _Step(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The base of all steps; the class name is the tag on the wire."""


class SetParams(_Step, frozen=True, kw_only=True):
    """Give parameters of a node these values."""

    node: str
    values: dict[str, Any]


class ResetParams(_Step, frozen=True, kw_only=True):
    """Let parameters of a node have Keras's default again, or take out those Keras does not know."""

    node: str
    names: tuple[str, ...]


class SetCall(_Step, frozen=True, kw_only=True):
    """Fix an argument of a node's call, as ``training``; None: it is as usual again."""

    node: str
    name: str
    value: bool | None = None


class InsertBefore(_Step, frozen=True, kw_only=True):
    """Put a new layer into the wire that ends at an input port of a node; without a wire, above it."""

    node: str
    class_name: str
    params: dict[str, Any] = {}
    port: int = 0


class AddAfter(_Step, frozen=True, kw_only=True):
    """Put a new layer behind a node: all that read its first output read the new layer instead."""

    node: str
    class_name: str
    params: dict[str, Any] = {}


class Connect(_Step, frozen=True, kw_only=True):
    """Draw a wire from the first output of ``source`` to an input port of ``target``."""

    source: str
    target: str
    port: int = 0


class Disconnect(_Step, frozen=True, kw_only=True):
    """Remove the wires into an input port of a node; with ``source`` only the one from there."""

    node: str
    port: int
    source: str = ""


class Rename(_Step, frozen=True, kw_only=True):
    """Give a node another name."""

    node: str
    name: str


class Remove(_Step, frozen=True, kw_only=True):
    """Delete nodes; what fed a deleted node with one input feeds what that node fed."""

    nodes: tuple[str, ...]


class ReplaceClass(_Step, frozen=True, kw_only=True):
    """Make the layer of a node one of another class; its wires stay."""

    node: str
    class_name: str
    params: dict[str, Any] = {}


class Unshare(_Step, frozen=True, kw_only=True):
    """Give nodes a layer of their own instead of one that they share."""

    nodes: tuple[str, ...]


class SetBlock(_Step, frozen=True, kw_only=True):
    """Change name, colour or nesting of a block."""

    group: str
    values: dict[str, Any]


class Freeze(_Step, frozen=True, kw_only=True):
    """Freeze nodes, or let them learn again."""

    nodes: tuple[str, ...]
    frozen: bool


class SetLoss(_Step, frozen=True, kw_only=True):
    """Choose the loss of an output."""

    node: str
    class_name: str
    params: dict[str, Any] = {}


class SetMetrics(_Step, frozen=True, kw_only=True):
    """Choose the metrics of an output: class names, with the parameters that are not the default."""

    node: str
    metrics: tuple[tuple[str, dict[str, Any]], ...]


class SetFit(_Step, frozen=True, kw_only=True):
    """Change arguments of fit."""

    values: dict[str, Any]


class SetOptimizer(_Step, frozen=True, kw_only=True):
    """Give parameters of the optimizer these values."""

    values: dict[str, Any]


class AddCallback(_Step, frozen=True, kw_only=True):
    """Add a callback to fit, behind those that are there."""

    class_name: str
    params: dict[str, Any] = {}


Step = (
    SetParams
    | ResetParams
    | SetCall
    | InsertBefore
    | AddAfter
    | Connect
    | Disconnect
    | Rename
    | Remove
    | ReplaceClass
    | Unshare
    | SetBlock
    | Freeze
    | SetLoss
    | SetMetrics
    | SetFit
    | SetOptimizer
    | AddCallback
)


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """One way to mend a problem. ``text`` stands on the button, as in "Insert Flatten"."""

    text: str
    steps: tuple[Step, ...]
