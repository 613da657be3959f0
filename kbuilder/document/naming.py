"""Ids and names for new nodes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import Graph, Node

KERAS_NAME = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_.>-]*\Z")
"""Names that Keras and TensorFlow accept for a layer at every step, from build to fit."""


def new_node(graph: Graph, spec: ClassSpec, x: float = 0.0, y: float = 0.0) -> Node:
    """A node of that class with its preset parameters and the name Keras would give it."""
    return Node(
        id=new_id(),
        class_name=spec.class_name,
        name=unique_name(graph, snake_case(spec.class_name)),
        params=dict(spec.preset),
        x=float(x),
        y=float(y),
    )


def new_id() -> str:
    """An id that no node or group has yet."""
    return secrets.token_hex(4)


def unique_name(graph: Graph, wanted: str) -> str:
    """``wanted``, or ``wanted_1``, ``wanted_2``, whichever is the first that is free."""
    taken = {node.name for node in graph.nodes}
    number, name = 0, wanted
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


class FreeNames:
    """Hands out names that nothing has yet, each once; for many nodes at a time."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """``wanted``, or the next free number: a second ``dense_3`` becomes ``dense_4``."""
        name = wanted
        if name in self._taken:
            stem, number = _numbered(wanted)
            number = max(number, self._last.get(stem, 0)) + 1
            while (name := f"{stem}_{number}") in self._taken:
                number += 1
            self._last[stem] = number
        self._taken.add(name)
        return name


def _numbered(name: str) -> tuple[str, int]:
    stem, _, digits = name.rpartition("_")
    counted = bool(stem) and len(digits) <= 9 and digits.isascii() and digits.isdigit()
    return (stem, int(digits)) if counted else (name, 0)


def snake_case(class_name: str) -> str:
    """Keras's own default name: ``Conv2D`` becomes ``conv2d``, ``ops.add`` becomes ``add``."""
    name = re.sub(r"\W+", "", class_name.rpartition(".")[2])
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
