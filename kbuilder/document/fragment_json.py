"""A fragment as JSON text. What comes back may be anybody's text, so everything is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from kbuilder.document.consistency import contradiction
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.fragment import Fragment
from kbuilder.document.graph import Graph
from kbuilder.document.project_file import plain, with_extra

FORMAT = "kbuilder fragment"
FORMAT_VERSION = 1
LARGEST_BYTES = 8 * 2**20
MOST_NODES = 20_000
MOST_GROUPS = 1_000
MOST_PORTS = 1_000
FARTHEST = 1e7
"""Scene units from the middle of the canvas; a number beyond is not a place that a person chose."""


def encode(fragment: Fragment) -> bytes:
    """The fragment as JSON that people can read and paste into a text."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **plain(fragment)}
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def decode(content: bytes) -> Fragment:
    """The fragment in a JSON text.

    Raises:
        FileRefusedError: this text is no fragment that can be used; the only error it raises.
    """
    if len(content) > LARGEST_BYTES:
        raise FileRefusedError(
            f"This text has {len(content) / 2**20:.0f} MB; layers as text have at most "
            f"{LARGEST_BYTES // 2**20} MB."
        )
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileRefusedError("This text holds no layers: it is not JSON.") from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise FileRefusedError(f"This text holds no layers: it does not say “format”: “{FORMAT}”.")
    version = raw.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise FileRefusedError(
            f"These layers have the format version {version!r:.20}; this kbuilder reads up to "
            f"{FORMAT_VERSION}. Update kbuilder to use them."
        )
    return _fragment({k: v for k, v in raw.items() if k not in ("format", "format_version")})


def _fragment(raw: dict[str, Any]) -> Fragment:
    try:
        fragment = msgspec.convert(with_extra(raw, Fragment), Fragment)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FileRefusedError(f"This fragment cannot be used: {error}.") from error
    fault = next(_faults(fragment), "")
    if fault:
        raise FileRefusedError(f"This fragment cannot be used: {fault}.")
    return fragment


def _faults(fragment: Fragment) -> Iterator[str]:
    """What makes it unfit for use, as the end of a sentence."""
    for parts, most in (
        (fragment.nodes, MOST_NODES),
        (fragment.groups, MOST_GROUPS),
        (fragment.comments, MOST_GROUPS),
    ):
        if len(parts) > most:
            yield f"it holds {len(parts)} parts of a kind of which {most} at most are read"
    ids = {node.id for node in fragment.nodes}
    if "" in ids or not all(group.id for group in fragment.groups):
        yield "it has a part without an id"
    fault = contradiction(_graph(fragment, ids))
    if fault:
        yield fault
    yield from _port_faults(fragment, ids)
    yield from _place_faults(fragment)


def _graph(fragment: Fragment, ids: set[str]) -> Graph:
    """The fragment as a graph of its own, in which nothing is shared with nodes outside."""
    return Graph(
        nodes=tuple(
            node if node.shares in ids else replace(node, shares="") for node in fragment.nodes
        ),
        edges=fragment.edges,
        groups=fragment.groups,
        comments=fragment.comments,
    )


def _port_faults(fragment: Fragment, ids: set[str]) -> Iterator[str]:
    ends = [*(end for inlet in fragment.inputs for end in inlet.ends), *fragment.outputs]
    for end in ends:
        if end.node not in ids:
            yield f"it is wired at the node “{end.node:.40}”, which is not there"
    ports = [
        *(end.port for end in ends),
        *(inlet.source_port for inlet in fragment.inputs),
        *(port for edge in fragment.edges for port in (edge.source_port, edge.target_port)),
    ]
    for port in ports:
        if not 0 <= port < MOST_PORTS:
            yield f"it has a wire at the port {port}"


def _place_faults(fragment: Fragment) -> Iterator[str]:
    numbers = [node.x for node in fragment.nodes] + [node.y for node in fragment.nodes]
    for note in fragment.comments:
        numbers += [note.x, note.y]
        if not (0 < note.width <= FARTHEST and 0 < note.height <= FARTHEST):
            yield "it has a comment of a size that cannot be drawn"
    if not all(abs(number) <= FARTHEST for number in numbers):
        yield "it has a place that is too far away"
