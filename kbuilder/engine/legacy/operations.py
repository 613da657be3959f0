"""Operations of TensorFlow that stood as layers in models of tf.keras 2, as text over ``keras.ops``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kbuilder.engine.legacy.functions import UntranslatableError, translated

CLASSES = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceProperty")

_RAW = {
    "AddV2": "add",
    "BiasAdd": "add",
    "Mul": "multiply",
    "Sub": "subtract",
    "RealDiv": "truediv",
    "Div": "truediv",
    "FloorDiv": "floordiv",
    "FloorMod": "floormod",
    "MatMul": "matmul",
    "BatchMatMulV2": "matmul",
    "Pow": "pow",
    "SquaredDifference": "squared_difference",
    "Sum": "reduce_sum",
    "Mean": "reduce_mean",
    "Max": "reduce_max",
    "Min": "reduce_min",
    "Prod": "reduce_prod",
    "All": "reduce_all",
    "Any": "reduce_any",
    "Neg": "negative",
    "Relu6": "relu6",
    "LogicalAnd": "logical_and",
    "LogicalOr": "logical_or",
    "LogicalNot": "logical_not",
    "NotEqual": "not_equal",
    "LessEqual": "less_equal",
    "GreaterEqual": "greater_equal",
    "ExpandDims": "expand_dims",
    "ZerosLike": "zeros_like",
    "OnesLike": "ones_like",
    "StopGradient": "stop_gradient",
    "SelectV2": "where",
    "PadV2": "pad",
    "ArgMax": "argmax",
    "LeakyRelu": "leaky_relu",
    "Log1p": "log1p",
    "AddN": "add_n",
    "Softmax": "softmax",
}
"""Names of TensorFlow's own operations that are not their Python name with a capital."""


def operation_text(
    class_name: str, config: Mapping[str, Any], first: Any, named: Mapping[str, Any]
) -> str:
    """The operation as an expression.

    ``first`` is what it is called on, as text, or a list of such; ``named`` are further arguments, tensors as
    ``Tensor``.

    Raises:
        UntranslatableError: it has no equal.
    """
    if class_name == "TensorFlowOpLayer":
        return _raw(config, first if isinstance(first, list) else [first])
    function = str(config.get("function") or config.get("attribute") or class_name)
    name = function.rpartition(".")[2]
    if name == "getitem":
        return f"{first}[{_key(named.get('slice_spec'))}]"
    shown = {key: shown_value(value) for key, value in named.items()}
    return translated(f"tf.{name}", [shown_value(first)], shown)


class Tensor(str):
    """The text of a tensor, told apart from a text among the arguments."""

    __slots__ = ()


def shown_value(value: Any) -> str:
    """A constant or tensor as it stands in an expression."""
    if isinstance(value, Tensor):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(shown_value(item) for item in value) + "]"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    raise UntranslatableError(f"it takes {str(value)[:40]!r}")


def _key(spec: Any) -> str:
    parts = spec if isinstance(spec, list) else [spec]
    return ", ".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    if isinstance(part, dict):
        if part.get("class_name") == "__ellipsis__" or "Ellipsis" in str(part.get("value", "")):
            return "..."
        ends = [part.get(key) for key in ("start", "stop", "step")]
        shown = ["" if end is None else shown_value(end) for end in ends]
        return f"{shown[0]}:{shown[1]}" + (f":{shown[2]}" if shown[2] else "")
    return "..." if part in ("Ellipsis", "...", "__ellipsis__") else shown_value(part)


def _raw(config: Mapping[str, Any], tensors: Sequence[str]) -> str:
    """An operation by its definition in the graph; constants are by the number of their input."""
    definition = config.get("node_def")
    if not isinstance(definition, dict):
        raise UntranslatableError("its definition is not readable")
    constants = {int(key): value for key, value in (config.get("constants") or {}).items()}
    waiting = iter(tensors)
    count = len(tensors) + len(constants)
    args = [
        shown_value(constants[number]) if number in constants else next(waiting)
        for number in range(count)
    ]
    name, attributes = str(definition.get("op")), definition.get("attr") or {}
    if name == "ConcatV2":
        return translated("tf.concat", [f"[{', '.join(args[:-1])}]", args[-1]], {})
    if name in ("Pack", "AddN"):
        axis = {"axis": str(attributes.get("axis", {}).get("i", 0))} if name == "Pack" else {}
        return translated(
            "tf.stack" if name == "Pack" else "tf.add_n", [f"[{', '.join(args)}]"], axis
        )
    if name == "StridedSlice":
        return _strided(args[0], constants, attributes)
    if name == "Squeeze":
        dims = attributes.get("squeeze_dims", {}).get("list", {}).get("i", [])
        axis = {"axis": f"({', '.join(dims)},)"} if dims else {}
        return translated("tf.squeeze", args, axis)
    if name == "LeakyRelu":
        return translated(
            "tf.leaky_relu", args, {"alpha": str(attributes.get("alpha", {}).get("f", 0.2))}
        )
    named = {"keepdims": "True"} if attributes.get("keep_dims", {}).get("b") else {}
    return translated(f"tf.{_RAW.get(name, name.lower())}", args, named)


def _strided(tensor: str, constants: Mapping[int, Any], attributes: Mapping[str, Any]) -> str:
    masks = {
        key: int(attributes.get(f"{key}_mask", {}).get("i", 0))
        for key in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    begin, end, steps = (constants.get(number) for number in (1, 2, 3))
    if not isinstance(begin, list) or not isinstance(end, list) or not isinstance(steps, list):
        raise UntranslatableError("it slices at places that it computes")
    parts = []
    for number, (low, high, step) in enumerate(zip(begin, end, steps, strict=True)):
        bit = 1 << number
        if masks["ellipsis"] & bit:
            parts.append("...")
        elif masks["new_axis"] & bit:
            parts.append("None")
        elif masks["shrink_axis"] & bit:
            parts.append(str(low))
        else:
            start = "" if masks["begin"] & bit else str(low)
            stop = "" if masks["end"] & bit else str(high)
            parts.append(f"{start}:{stop}" + (f":{step}" if step != 1 else ""))
    return f"{tensor}[{', '.join(parts)}]"
