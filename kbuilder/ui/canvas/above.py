"""What something new on the canvas is fed from: the boxes that are selected."""

from __future__ import annotations

from typing import NamedTuple

from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.ui.canvas.projection import block_ports
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import boxes


class Above(NamedTuple):
    """An output port of a node that a new layer is fed from, and where its box is drawn."""

    node: str
    port: int
    x: float
    y: float


def selected_above(scene: CanvasScene) -> list[Above]:
    """What the selected boxes give, and where they are drawn."""
    found = []
    for box in boxes(scene):
        frame = scene.projection.frames.get(box)
        if frame is None:
            x, y = scene.projection.boxes[box]
            ports = scene.projection.ports.get(box)
            ends = ports.outputs if ports else ((box, 0),)
        else:
            x, y = (frame.left + frame.right - NODE_WIDTH) / 2, frame.bottom - NODE_HEIGHT
            ends = block_ports(scene.graph, scene.catalogue, box).outputs
        found += [Above(node, port, x, y) for node, port in ends]
    return found
