"""Where the ports of a node are. Ports are painted and hit-tested by hand, never items of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QPointF

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.graph import INPUT_CLASS, Node
from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.document.ports import input_ports, main_ports, output_ports
from kbuilder.document.values import Params

PORT_SPACING = 40.0
ASIDE_SPACING = 13.0
_ASIDE_END = NODE_WIDTH - 12.0
_ROOM = NODE_WIDTH - 32.0
_SHOW_ASIDE = {"Recurrent", "Attention", "Wrappers"}
"""Families whose layers offer ports for masks and states; others show them only with a wire."""


class Port(NamedTuple):
    """One port of one box: its number among the outputs or inputs of the node or block."""

    node: str
    number: int
    output: bool


class PortPlaces:
    """Where a node's ports are, relative to its top left corner, by port number."""

    def __init__(
        self,
        inputs: dict[int, QPointF],
        outputs: dict[int, QPointF],
        aside: Iterable[int] = (),
        names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.aside = [inputs[number] for number in aside]
        self.points = [
            *(place for place in inputs.values() if place not in self.aside),
            *outputs.values(),
        ]
        self._names = names

    def name(self, number: int, *, output: bool) -> str:
        """What a port is called where a node has several; empty for the only one."""
        names = self._names[output]
        return names[number] if len(names) > 1 and number < len(names) else ""

    def of(self, node: str, output: bool | None) -> Iterator[tuple[Port, QPointF]]:
        """The ports as those of ``node`` with their places; only outputs or inputs if given."""
        for number, point in () if output is True else self.inputs.items():
            yield Port(node, number, False), point
        for number, point in () if output is False else self.outputs.items():
            yield Port(node, number, True), point

    def input(self, number: int) -> QPointF:
        """The place of an input port; the middle for a port that the class does not have."""
        return self.inputs.get(number, QPointF(NODE_WIDTH / 2, 0.0))

    def output(self, number: int) -> QPointF:
        """The place of an output port; the middle for a port that the class does not have."""
        return self.outputs.get(number, QPointF(NODE_WIDTH / 2, NODE_HEIGHT))


def place_ports(
    spec: ClassSpec | None,
    layer: Node,
    call: Params,
    wired: Iterable[int],
    outputs_wired: Iterable[int],
) -> PortPlaces:
    """Lay out the ports of a node: inputs along its top, outputs along its bottom.

    Wired ports beyond those of the class (an unknown class, a broken file) get a place too. A node
    with any number of inputs shows a spare port after its wired ones. Open ports for masks and initial
    states stand close together at the right end.
    """
    taken = sorted(set(wired))
    names: tuple[str, ...] = ()
    aside: list[int] = []
    if layer.class_name == INPUT_CLASS:
        numbers, spare = taken, None
    elif spec is None or spec.many_inputs:
        numbers = taken
        spare = next(number for number in range(len(taken) + 1) if number not in taken)
    else:
        names, main = input_ports(spec, layer.params), main_ports(spec)
        numbers, spare = sorted({*taken, *range(main)}), None
        if spec.family in _SHOW_ASIDE:
            aside = [number for number in range(main, len(names)) if number not in taken]
    inputs = _row(numbers, spare, 0.0)
    last = max((place.x() for place in inputs.values()), default=0.0)
    spacing = min(ASIDE_SPACING, (_ASIDE_END - last) / (len(aside) + 1))
    for place, number in enumerate(reversed(aside)):
        inputs[number] = QPointF(_ASIDE_END - place * spacing, 0.0)
    given = output_ports(spec, layer.params, call) if spec else ("output",)
    outputs = sorted({*outputs_wired, *range(len(given))})
    return PortPlaces(inputs, _row(outputs, None, NODE_HEIGHT), aside, (names, given))


def place_block_ports(inputs: int, outputs: int) -> PortPlaces:
    """Lay out the ports of a collapsed block."""
    return PortPlaces(
        _row(list(range(inputs)), None, 0.0), _row(list(range(outputs)), None, NODE_HEIGHT)
    )


def _row(numbers: list[int], spare: int | None, y: float) -> dict[int, QPointF]:
    count = len(numbers)
    spacing = min(PORT_SPACING, _ROOM / max(count, 1))
    first = NODE_WIDTH / 2 - spacing * (count - 1) / 2
    places = {number: QPointF(first + spacing * i, y) for i, number in enumerate(numbers)}
    if spare is not None:
        x = first + spacing * count if count else NODE_WIDTH / 2
        places[spare] = QPointF(min(x, NODE_WIDTH - 8.0), y)
    return places
