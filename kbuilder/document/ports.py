"""Names of the ports of a node: what its class has, and what follows from its parameters and its call.

The inputs that carry data come first, then what a layer can do without: masks and initial states. Their
numbers stay the same whatever else is set, so that wires keep their ends.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.expression import gives_tuple, result_count
from kbuilder.document.graph import Graph
from kbuilder.document.values import Params

OUTPUT = ("output",)
STATE = "initial_state"

_STATES: dict[str, tuple[str, ...]] = {
    "LSTM": ("h", "c"),
    "ConvLSTM1D": ("h", "c"),
    "ConvLSTM2D": ("h", "c"),
    "ConvLSTM3D": ("h", "c"),
    "GRU": ("",),
    "SimpleRNN": ("",),
    "LSTMCell": ("h", "c"),
    "GRUCell": ("",),
    "SimpleRNNCell": ("",),
}
"""Names of the states of recurrent layers and cells; empty for the only one."""
_CUT = {"ops.split", "ops.array_split", "ops.hsplit", "ops.vsplit", "ops.dsplit"}
_LISTS = _CUT | {"ops.unstack", "ops.unravel_index"}
MOST_OUTPUTS = 1000
"""More ports than that are not shown, whatever a file says."""


def input_ports(spec: ClassSpec, params: Params) -> tuple[str, ...]:
    """Names of the input ports of a layer; one for all where it takes any number."""
    return spec.ports + tuple(_named(STATE, state) for state in states(spec, params))


def output_ports(spec: ClassSpec, params: Params, call: Params) -> tuple[str, ...]:
    """Names of the output ports of a node."""
    if not spec.outputs:
        return ()
    if call.get("return_attention_scores") and "return_attention_scores" in _call_params(spec):
        return ("output", "scores")
    both_ways = spec.class_name == "Bidirectional" and params.get("merge_mode", "") is None
    first = ("forward", "backward") if both_ways else OUTPUT
    recurrent = _inner(params) if spec.class_name == "Bidirectional" else params
    if recurrent.get("return_state"):
        return first + tuple(_named("state", state) for state in states(spec, params))
    number = _result_count(spec, params)
    return tuple(f"output_{i + 1}" for i in range(number)) if number > 1 else first


def gives_list(spec: ClassSpec, params: Params) -> bool:
    """Whether what the node gives is a list, even of a single tensor."""
    is_expression = spec.class_name == "Expression"
    return spec.class_name in _LISTS or (is_expression and gives_tuple(params.get("expression")))


def ports_of(
    graph: Graph, catalogue: Catalogue, node: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the input and output ports of a node; one of each for an unknown class."""
    layer = graph.layer_of(node)
    spec = catalogue.layer(layer.class_name)
    if spec is None:
        return ("input",), OUTPUT
    return (
        input_ports(spec, layer.params),
        output_ports(spec, layer.params, graph.by_id[node].call),
    )


def needed_ports(spec: ClassSpec, params: Params, wired: Collection[int]) -> list[int]:
    """Numbers of the ports that need a wire, those that have one among them.

    An argument of an operation that has a value of its own needs none, unless no other has one; of
    several initial states either all are given or none.
    """
    names = input_ports(spec, params)
    needed = [*range(len(spec.ports) - spec.optional_ports)]
    if spec.is_operation:
        needed = [port for port in needed if params.get(names[port]) is None]
        if not needed and not wired:
            needed = [0]
    first_state = len(spec.ports)
    if any(port >= first_state for port in wired):
        needed += range(first_state, len(names))
    return needed


def main_ports(spec: ClassSpec) -> int:
    """The number of ports that carry data, which come first; masks and states do not count."""
    return sum(1 for name in spec.ports if not is_aside(name))


def is_aside(port: str) -> bool:
    """Whether a port takes a mask, weights or an initial state, which a layer can do without."""
    return port.endswith(("mask", "_weights")) or port.startswith(STATE)


def states(spec: ClassSpec, params: Params) -> tuple[str, ...]:
    """Names of the states that a recurrent layer keeps; none for other layers."""
    if spec.class_name == "Bidirectional":
        inner = params.get("layer")
        each = _STATES.get(_class_name(inner), ())
        return tuple(_named(way, state) for way in ("forward", "backward") for state in each)
    if spec.class_name != "RNN":
        return _STATES.get(spec.class_name, ()) if "cell" not in params else ()
    cells = stacked_cells(params)
    if not cells:
        return _STATES.get(_class_name(params.get("cell")), ())
    return tuple(
        _named(str(number + 1), state)
        for number, cell in enumerate(cells)
        for state in _STATES.get(_class_name(cell), ())
    )


def stacked_cells(params: Params) -> list[Any]:
    """The cells of an RNN that has several above each other; empty for one cell."""
    cell = params.get("cell")
    if isinstance(cell, list):
        return cell
    if _class_name(cell) != "StackedRNNCells":
        return []
    cells = cell.get("params", {}).get("cells") if isinstance(cell, dict) else None
    return cells if isinstance(cells, list) else []


def states_of_cell(cell: Any) -> int:
    """How many states a cell has; 0 for one that is not known."""
    return len(_STATES.get(_class_name(cell), ()))


def _number(value: Any) -> int:
    return min(value, MOST_OUTPUTS) if isinstance(value, int) else 1


def _result_count(spec: ClassSpec, params: Params) -> int:
    if spec.class_name == "Expression":
        return result_count(params.get("expression"))
    if spec.class_name in _CUT:
        parts = params.get("indices_or_sections")
        return len(parts) + 1 if isinstance(parts, list) else _number(parts)
    if spec.class_name == "ops.unravel_index":
        shape = params.get("shape")
        return len(shape) if isinstance(shape, list) else 1
    if spec.class_name == "ops.unstack":
        return _number(params.get("num"))
    if spec.class_name == "ops.svd" and params.get("compute_uv") is False:
        return 1
    return spec.outputs


def _call_params(spec: ClassSpec) -> set[str]:
    return {param.name for param in spec.call_params}


def _inner(params: Params) -> Params:
    inner = params.get("layer")
    found = inner.get("params", {}) if isinstance(inner, dict) else {}
    return found if isinstance(found, dict) else {}


def _class_name(value: Any) -> str:
    return str(value.get("class_name", "")) if isinstance(value, dict) else ""


def _named(*parts: str) -> str:
    return "_".join(part for part in parts if part)
