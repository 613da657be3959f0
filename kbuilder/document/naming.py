"""Ids and names for new nodes."""

from __future__ import annotations

import re
import secrets

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import Graph, Node

KERAS_NAME = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_.>-]*\Z")
"""Names that Keras and TensorFlow accept for a layer at every step, from build to fit."""


def new_node(graph: Graph, spec: ClassSpec, x: float = 0.0, y: float = 0.0) -> Node:
    """A node of that class with its preset parameters and the name Keras would give it."""
    return Node(
        id=secrets.token_hex(4),
        class_name=spec.class_name,
        name=unique_name(graph, snake_case(spec.class_name)),
        params=dict(spec.preset),
        x=float(x),
        y=float(y),
    )


def unique_name(graph: Graph, wanted: str) -> str:
    """``wanted``, or ``wanted_1``, ``wanted_2``, whichever is the first that is free."""
    taken = {node.name for node in graph.nodes}
    number, name = 0, wanted
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def snake_case(class_name: str) -> str:
    """Keras's own default name for a layer class: ``Conv2D`` becomes ``conv2d``."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
