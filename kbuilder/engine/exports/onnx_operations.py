"""Operations of TensorFlow that tf2onnx 1.17 does not know, written in those of ONNX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx


def _erfc(make: _Maker) -> None:
    """Is in exact gelu: 1 - erf(x)."""
    make.last("Sub", [make.one(), make.first("Erf", make.inputs)])


def _expm1(make: _Maker) -> None:
    """Is in celu: exp(x) - 1."""
    make.last("Sub", [make.first("Exp", make.inputs), make.one()])


def _log1p(make: _Maker) -> None:
    """Is in logaddexp: log(1 + x)."""
    make.last("Log", [make.first("Add", [make.one(), *make.inputs])])


class _Maker:
    """Puts two nodes in the place of one."""

    def __init__(self, graph: Any, node: Any, name: str) -> None:
        self.inputs = [node.input[0]]
        self._graph = graph
        self._name = name
        self._outputs = list(node.output)
        self._facts = {
            "dtypes": [graph.get_dtype(node.input[0])],
            "shapes": [graph.get_shape(node.output[0])],
        }
        graph.remove_node(node.name)

    def one(self) -> str:
        """The number one in the dtype of the input."""
        dtype = onnx.helper.tensor_dtype_to_np_dtype(self._facts["dtypes"][0])
        made = self._graph.make_const(f"{self._name}/one", np.array(1.0, dtype))
        return str(made.output[0])

    def first(self, operation: str, inputs: list[str]) -> str:
        """A new node; its output."""
        return str(self._graph.make_node(operation, inputs, **self._facts).output[0])

    def last(self, operation: str, inputs: list[str]) -> None:
        """The node that gives what the replaced one gave."""
        self._graph.make_node(operation, inputs, outputs=self._outputs, **self._facts)


def _handler(write: Any) -> tuple[Any, list[Any]]:
    def handle(graph: Any, node: Any, name: str, arguments: Any) -> None:
        del arguments
        write(_Maker(graph, node, name))

    return handle, []


HANDLERS = {
    "Erfc": _handler(_erfc),
    "Expm1": _handler(_expm1),
    "Log1p": _handler(_log1p),
}
"""For ``custom_op_handlers`` of tf2onnx."""


def unknown_operations(graph: Any) -> Iterator[str]:
    """Operations of TensorFlow that tf2onnx has left in a graph, as it does without a word."""
    for node in graph.node:
        if not onnx.defs.has(node.op_type, node.domain):
            yield node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from unknown_operations(attribute.g)
