"""Functions of ``keras.backend``, TensorFlow and NumPy as text over ``keras.ops``.

A row says which parameters a function has, with what they are when left out, and the text that it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kbuilder.document.errors import KBuilderError


class UntranslatableError(KBuilderError):
    """Code that has no equal among expressions; the text says which part of it."""


_SHAPED = "axis=None keepdims=False"
_REDUCE = {
    name: ("x " + _SHAPED, f"ops.{same}({{x}}, axis={{axis}}, keepdims={{keepdims}})")
    for name, same in {
        **{n: n for n in ("sum", "mean", "max", "min", "prod", "any", "all", "var", "std")},
        **{f"reduce_{n}": n for n in ("sum", "mean", "max", "min", "prod", "any", "all")},
        "reduce_variance": "var",
        "reduce_std": "std",
        "logsumexp": "logsumexp",
        "reduce_logsumexp": "logsumexp",
    }.items()
}
_ONE = {
    name: ("x", f"ops.{same}({{x}})")
    for name, same in {
        **{
            n: n
            for n in [
                "exp",
                "log",
                "log1p",
                "expm1",
                "sin",
                "cos",
                "tan",
                "asin",
                "acos",
                "atan",
                "sinh",
                "cosh",
                "tanh",
                "sigmoid",
                "square",
                "sign",
                "round",
                "floor",
                "ceil",
                "zeros_like",
                "ones_like",
                "softplus",
                "softsign",
                "relu6",
                "selu",
                "erf",
                "isnan",
                "isinf",
                "reciprocal",
            ]
        },
        "abs": "absolute",
        "absolute": "absolute",
        "neg": "negative",
        "negative": "negative",
        "rsqrt": "rsqrt",
        "logical_not": "logical_not",
        "silu": "silu",
        "swish": "silu",
        "log_sigmoid": "log_sigmoid",
        "shape": "shape",
        "stop_gradient": "stop_gradient",
        "identity": "copy",
    }.items()
}
_TWO = {
    name: ("x y", f"({{x}} {sign} {{y}})")
    for name, sign in {
        "add": "+",
        "subtract": "-",
        "multiply": "*",
        "truediv": "/",
        "divide": "/",
        "div": "/",
        "realdiv": "/",
        "floordiv": "//",
        "mod": "%",
        "floormod": "%",
        "pow": "**",
        "matmul": "@",
        "equal": "==",
        "not_equal": "!=",
        "less": "<",
        "less_equal": "<=",
        "greater": ">",
        "greater_equal": ">=",
        "logical_and": "&",
        "logical_or": "|",
        "__add__": "+",
        "__sub__": "-",
        "__mul__": "*",
        "__truediv__": "/",
    }.items()
}
_TWO |= {"radd": ("x y", "({y} + {x})"), "rsub": ("x y", "({y} - {x})")}
_TWO |= {"rmul": ("x y", "({y} * {x})"), "rtruediv": ("x y", "({y} / {x})")}
_OTHERS = {
    "maximum": ("x y", "ops.maximum({x}, {y})"),
    "minimum": ("x y", "ops.minimum({x}, {y})"),
    "squared_difference": ("x y", "ops.square({x} - {y})"),
    "atan2": ("x y", "ops.arctan2({x}, {y})"),
    "add_n": ("x", "sum:{x}"),
    "clip": ("x lo hi", "ops.clip({x}, {lo}, {hi})"),
    "clip_by_value": ("x lo hi", "ops.clip({x}, {lo}, {hi})"),
    "softmax": ("x axis=-1", "ops.softmax({x}, axis={axis})"),
    "log_softmax": ("x axis=-1", "ops.log_softmax({x}, axis={axis})"),
    "elu": ("x alpha=1.0", "ops.elu({x}, alpha={alpha})"),
    "gelu": ("x approximate=False", "ops.gelu({x}, approximate={approximate})"),
    "leaky_relu": ("x alpha=0.2", "ops.leaky_relu({x}, negative_slope={alpha})"),
    "hard_sigmoid": ("x", "ops.clip(0.2 * {x} + 0.5, 0.0, 1.0)"),
    "cast": ("x dtype", "ops.cast({x}, {dtype})"),
    "concatenate": ("x axis=-1", "ops.concatenate({x}, axis={axis})"),
    "concat": ("x axis", "ops.concatenate({x}, axis={axis})"),
    "stack": ("x axis=0", "ops.stack({x}, axis={axis})"),
    "reshape": ("x shape", "ops.reshape({x}, {shape})"),
    "expand_dims": ("x axis=-1", "ops.expand_dims({x}, axis={axis})"),
    "squeeze": ("x axis=None", "ops.squeeze({x}, axis={axis})"),
    "transpose": ("x axes=None", "ops.transpose({x}, axes={axes})"),
    "permute_dimensions": ("x axes", "ops.transpose({x}, axes={axes})"),
    "flatten": ("x", "ops.reshape({x}, (-1,))"),
    "batch_flatten": ("x", "ops.reshape({x}, (ops.shape({x})[0], -1))"),
    "tile": ("x n", "ops.tile({x}, {n})"),
    "repeat_elements": ("x rep axis", "ops.repeat({x}, {rep}, axis={axis})"),
    "repeat": ("x n", "ops.repeat(ops.expand_dims({x}, 1), {n}, axis=1)"),
    "gather": ("x indices", "ops.take({x}, {indices}, axis=0)"),
    "reverse": ("x axes", "ops.flip({x}, axis={axes})"),
    "argmax": ("x axis=-1", "ops.argmax({x}, axis={axis})"),
    "argmin": ("x axis=-1", "ops.argmin({x}, axis={axis})"),
    "cumsum": ("x axis=0", "ops.cumsum({x}, axis={axis})"),
    "cumprod": ("x axis=0", "ops.cumprod({x}, axis={axis})"),
    "one_hot": ("x n", "ops.one_hot(ops.cast({x}, 'int32'), {n})"),
    "switch": ("c x y", "ops.where({c}, {x}, {y})"),
    "where": ("c x y", "ops.where({c}, {x}, {y})"),
    "pad": ("x n", "ops.pad({x}, {n})"),
    "einsum": ("e x y", "ops.einsum({e}, {x}, {y})"),
    "tensordot": ("x y axes", "ops.tensordot({x}, {y}, axes={axes})"),
    "l2_normalize": (
        "x axis=None",
        "({x} * ops.rsqrt(ops.maximum(ops.sum(ops.square({x}), axis={axis}, keepdims=True), 1e-12)))",
    ),
    "norm": ("x", "ops.sqrt(ops.sum(ops.square({x})))"),
}
_BACKEND = {
    "sqrt": ("x", "ops.sqrt(ops.maximum({x}, 0.0))"),
    "relu": ("x alpha=0.0 max_value=None", "relu"),
    "dot": ("x y", "ops.tensordot({x}, {y}, axes=1)"),
    "l2_normalize": (
        "x axis=None",
        "({x} * ops.rsqrt(ops.maximum(ops.sum(ops.square({x}), axis={axis}, keepdims=True), 1e-12)))",
    ),
    "repeat": ("x n", "ops.repeat(ops.expand_dims({x}, 1), {n}, axis=1)"),
    "resize_images": (
        "x h w data_format='channels_last' interpolation='nearest'",
        "ops.repeat(ops.repeat({x}, {h}, axis=1), {w}, axis=2)",
    ),
    "epsilon": ("", "1e-07"),
}
"""What means something else in ``keras.backend`` than in TensorFlow."""

_PLAIN = {"sqrt": ("x", "ops.sqrt({x})"), "relu": ("x", "ops.relu({x})")}

_PARAMS = {
    "keep_dims": "keepdims",
    "input": "x",
    "input_tensor": "x",
    "tensor": "x",
    "tensors": "x",
    "values": "x",
    "value": "x",
    "inputs": "x",
    "features": "x",
    "logits": "x",
    "params": "x",
    "reference": "x",
    "a": "x",
    "b": "y",
    "min_value": "lo",
    "max_value": "hi",
    "clip_value_min": "lo",
    "clip_value_max": "hi",
    "a_min": "lo",
    "a_max": "hi",
    "perm": "axes",
    "pattern": "axes",
    "dim": "axis",
    "dims": "axis",
    "multiples": "n",
    "num_classes": "n",
    "depth": "n",
    "paddings": "n",
    "reduction_indices": "axis",
    "newshape": "shape",
    "condition": "c",
    "equation": "e",
}
"""Names of parameters that mean the same."""

_IGNORED = {"name", "conjugate", "transpose_a", "transpose_b", "out_type", "validate_indices"}
_NOT_SAID = re.compile(r", (axis|axes)=None|, keepdims=False|, approximate=False")


def translated(path: str, args: Sequence[str], named: Mapping[str, str]) -> str:
    """The call of a function, by its dotted name such as ``K.sum`` or ``tf.nn.relu``, as text.

    Raises:
        UntranslatableError: there is no equal, or an argument that it does not have.
    """
    module, _, name = path.rpartition(".")
    is_backend = module in (
        "K",
        "keras.backend",
        "backend",
        "tf.keras.backend",
        "tensorflow.keras.backend",
    )
    is_known = is_backend or module.split(".")[0] in ("tf", "tensorflow", "np", "numpy", "ops")
    row = (_BACKEND.get(name) if is_backend else _PLAIN.get(name)) or _ALL.get(name)
    if row is None or not is_known:
        raise UntranslatableError(f"it calls “{path}”, which has no equal here")
    values = _bound(path, row[0], args, named)
    if row[1] == "relu":
        return _relu(path, values)
    if row[1].startswith("sum:"):
        return "(" + " + ".join(_items(values["x"])) + ")"
    return _NOT_SAID.sub("", row[1].format(**values))


_ALL = {**_REDUCE, **_ONE, **_TWO, **_OTHERS}


def _bound(
    path: str, signature: str, args: Sequence[str], named: Mapping[str, str]
) -> dict[str, str]:
    names = [part.partition("=")[0] for part in signature.split()]
    values = {part.partition("=")[0]: part.partition("=")[2] for part in signature.split()}
    if len(args) > len(names):
        raise UntranslatableError(f"it calls “{path}” with {len(args)} arguments")
    given = dict(zip(names, args, strict=False))
    for key, value in named.items():
        own = key if key in names else _PARAMS.get(key, key)
        if own in names:
            given[own] = value
        elif key not in _IGNORED and value not in ("None", "False"):
            raise UntranslatableError(f"it calls “{path}” with {key}={value}")
    values |= given
    if missing := [name for name, value in values.items() if not value]:
        raise UntranslatableError(f"it calls “{path}” without {missing[0]}")
    return values


def _relu(path: str, values: Mapping[str, str]) -> str:
    slope, most = values["alpha"], values["max_value"]
    text = f"ops.relu({values['x']})"
    if slope not in ("0.0", "0"):
        text = f"ops.leaky_relu({values['x']}, negative_slope={slope})"
    return text if most == "None" else f"ops.minimum({text}, {most})"


def _items(text: str) -> list[str]:
    if not (text.startswith("[") and text.endswith("]")):
        raise UntranslatableError("it adds up what is not a list")
    return text[1:-1].split(", ")
