"""What differs between two projects, as rows for people: options, layers, wires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kbuilder.document.graph import Graph, Node
from kbuilder.document.project import Project
from kbuilder.document.run_settings import setting_text, settings_of

_HELD = ("class_name", "trainable", "output", "shares", "call")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One row. ``part`` is ``"setting"``, ``"layer"``, ``"wire"``, ``"block"`` or ``"code"``.

    ``what`` names the thing; ``before`` and ``after`` are short texts, empty where it is not there.
    """

    part: str
    what: str
    before: str
    after: str


def differences(before: Project, after: Project) -> tuple[Difference, ...]:
    """All rows; none where only places, comments or notes differ.

    A layer is the same one when it has the same id, else when it has the same name.
    """
    return (
        *_settings(before, after),
        *_layers(before.graph, after.graph),
        *_wires(before.graph, after.graph),
        *_blocks(before.graph, after.graph),
        *_code(before.custom_code, after.custom_code),
    )


def _settings(before: Project, after: Project) -> Iterator[Difference]:
    old, new = settings_of(before), settings_of(after)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name) and _told(name, old, new):
            yield Difference(
                part="setting",
                what=name,
                before=_text(old, name),
                after=_text(new, name),
            )


def _told(name: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Leave out the options of an output that one side does not have at all, but its loss."""
    owner, _, option = name.rpartition(".")
    gone = f"{owner}.loss" in {*old, *new} and (f"{owner}.loss" in old) != (f"{owner}.loss" in new)
    return not gone or option == "loss"


def _text(settings: dict[str, Any], name: str) -> str:
    if name in settings:
        return setting_text(settings[name])
    return "default" if name.startswith("optimizer.") else ""


def _pairs(before: Graph, after: Graph) -> Iterator[tuple[Node | None, Node | None]]:
    """Every layer of both: together where it is the same one."""
    twins = _twins(before, after)
    for node in before.nodes:
        yield node, after.by_id.get(twins.get(node.id, ""))
    found = set(twins.values())
    for node in after.nodes:
        if node.id not in found:
            yield None, node


def _twins(before: Graph, after: Graph) -> dict[str, str]:
    """From ids of one graph to those of the other."""
    twins = {node: node for node in before.by_id if node in after.by_id}
    free = {node.name: node.id for node in after.nodes if node.id not in twins}
    for node in before.nodes:
        if node.id not in twins and node.name in free:
            twins[node.id] = free.pop(node.name)
    return twins


def _layers(before: Graph, after: Graph) -> Iterator[Difference]:
    for old, new in _pairs(before, after):
        if old is None or new is None:
            node = old or new
            assert node is not None
            yield Difference(
                part="layer",
                what=node.name,
                before=old.class_name if old else "",
                after=new.class_name if new else "",
            )
            continue
        if old.name != new.name:
            yield Difference(part="layer", what=old.name, before=old.name, after=new.name)
        for name, was, now in _values(old, new):
            yield Difference(
                part="layer",
                what=f"{new.name}.{name}",
                before=setting_text(was),
                after=setting_text(now),
            )


def _values(old: Node, new: Node) -> Iterator[tuple[str, Any, Any]]:
    for name in _HELD:
        if getattr(old, name) != getattr(new, name):
            yield name, getattr(old, name), getattr(new, name)
    for name in dict.fromkeys((*old.params, *new.params)):
        was, now = (node.params.get(name, "default") for node in (old, new))
        if was != now:
            yield name, was, now


def _wires(before: Graph, after: Graph) -> Iterator[Difference]:
    twins = _twins(before, after)
    old = {
        (twins.get(e.source, e.source), e.source_port, twins.get(e.target, e.target), e.target_port)
        for e in before.edges
    }
    new = {edge.key for edge in after.edges}
    names = {twins.get(n.id, n.id): n.name for n in before.nodes}
    names |= {node.id: node.name for node in after.nodes}
    for key in sorted(old ^ new):
        source, source_port, target, target_port = key
        ports = f" ({source_port} → {target_port})" if source_port or target_port else ""
        text = f"{names[source]} → {names[target]}{ports}"
        there = {True: "there", False: ""}
        yield Difference(part="wire", what=text, before=there[key in old], after=there[key in new])


def _blocks(before: Graph, after: Graph) -> Iterator[Difference]:
    """Blocks that are models of their own, and what is in them: both change the model that is built."""
    old, new = (
        {
            group.name: ", ".join(graph.by_id[node].name for node in graph.members[group.id])
            for group in graph.groups
            if group.nested
        }
        for graph in (before, after)
    )
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Difference(
                part="block", what=name, before=old.get(name, ""), after=new.get(name, "")
            )


def _code(before: str, after: str) -> Iterator[Difference]:
    if before != after:
        lines = (f"{len(code.splitlines())} lines" if code else "" for code in (before, after))
        old, new = lines
        yield Difference(part="code", what="own code", before=old, after=new)
