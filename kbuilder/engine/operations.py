"""Nodes without a layer: functions of ``keras.ops``, and expressions over them, called on tensors."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kbuilder.document.catalogue import Catalogue, ClassSpec
from kbuilder.document.expression import ExpressionError, Picked, parsed
from kbuilder.document.values import Params
from kbuilder.engine.expressions import evaluated, function, key_of

PREFIX = "ops."


class Calculation:
    """What stands for the layer of a node that has none. It has no weights.

    ``name`` is the name of the operation in the model; of several, the last gets it and the others it
    with a number. Empty for tensors that belong to no model.
    """

    def __init__(
        self, catalogue: Catalogue, spec: ClassSpec, params: Params, name: str = ""
    ) -> None:
        self.weights: list[Any] = []
        self.trainable_weights: list[Any] = []
        self._spec = spec
        self._params = params
        self.name = name
        self._known = catalogue.functions if spec.class_name == "Expression" else frozenset()

    def call(self, inputs: Sequence[tuple[int, Any]]) -> tuple[Any, ...]:
        """The results for the tensors at these ports.

        Raises:
            KBuilderError: the expression, or the key of a slice, is none.
            KERAS_ERRORS: the function does not take the tensors.
        """
        tensors = [tensor for _, tensor in inputs]
        if self._spec.class_name == "Expression":
            results = evaluated(str(self._params.get("expression", "")), tensors, self._known)
            if any(result is tensor for result in results for tensor in tensors):
                results = tuple(keras.ops.copy(result) for result in results)
        else:
            results = tuple(keras.tree.flatten(self._function(inputs)))
        if self.name:
            _name_operations(self.name, results, tensors)
        return results

    def _function(self, inputs: Sequence[tuple[int, Any]]) -> Any:
        name = self._spec.class_name.removeprefix(PREFIX)
        given = {
            key: _constant(value) if key in self._spec.ports else _as_tuple(value)
            for key, value in self._params.items()
            if value is not None
        }
        if name == "get_item":
            given["key"] = key_from(str(given.get("key", "")))
        if not self._spec.many_inputs:
            tensors = {self._spec.ports[port]: tensor for port, tensor in inputs}
            return function(name)(**{**given, **tensors})
        tensors_of_list = [tensor for _, tensor in inputs]
        first = next(iter(inspect.signature(function(name)).parameters.values()))
        if name == "einsum":
            return function(name)(given.pop("subscripts"), *tensors_of_list, **given)
        if first.kind is first.VAR_POSITIONAL:
            return function(name)(*tensors_of_list, **given)
        return function(name)(tuple(tensors_of_list), **given)


def key_from(text: str) -> Any:
    """What stands in brackets behind a tensor, from its text: ``:, 0:2``.

    Raises:
        ExpressionError: it is none.
    """
    term = parsed(f"x[{text}]")
    if not isinstance(term, Picked):
        raise ExpressionError(f"“{text}” is no key of a slice.")
    return key_of(term)


def _constant(value: Any) -> Any:
    """A number as it is; a list as an array, as a program would give it."""
    if not isinstance(value, list):
        return value
    array = np.asarray(value)
    dtype = {"f": keras.config.floatx(), "i": "int32"}.get(array.dtype.kind)
    return array.astype(dtype) if dtype else array


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


def _name_operations(name: str, results: Sequence[Any], inputs: Sequence[Any]) -> None:
    """Name everything between the inputs and the results of a node after it."""
    known = {id(tensor) for tensor in inputs}
    found: list[Any] = []
    waiting = [*results]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in known:
            continue
        known.add(id(tensor))
        operation = tensor._keras_history.operation
        if operation not in found:
            found.append(operation)
            waiting += operation._inbound_nodes[tensor._keras_history.node_index].input_tensors
    for number, operation in enumerate(found):
        operation.name = f"{name}.{number}" if number else name
