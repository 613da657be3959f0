"""What a layer costs for one sample: multiply-adds, and bytes of its weights and outputs.

Multiply-adds are counted as papers do: products of inputs with weights, or of two inputs, that are
summed up. So a normalization, an activation, a pooling, a sum of branches, a bias, the gates of a
recurrent layer and the lookup of an embedding count as none. Open dimensions count as 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras

Shape = Sequence[int | None]
Shapes = Sequence[Shape]
"""Shapes with the batch dimension, by input or output port."""

Count = Callable[[Any, Shapes, Shapes], int]


def mult_adds(layer: keras.Layer, inputs: Shapes, outputs: Shapes) -> int:
    """Multiply-adds of a built layer for one sample."""
    for layer_class, count in _COUNTS:
        if isinstance(layer, layer_class):
            return count(layer, inputs, outputs)
    return 0


def elements(shape: Shape) -> int:
    """Number of values of one sample."""
    return math.prod(size or 1 for size in shape[1:])


def item_bytes(dtype: str) -> int:
    """Bytes of one value; text has no size that could be known."""
    if dtype == "bool":
        return 1
    bits = re.search(r"\d+", dtype)
    return max(int(bits.group()) // 8, 1) if bits else 0


def tensor_bytes(shape: Shape, dtype: str) -> int:
    """Bytes of a tensor for one sample."""
    return elements(shape) * item_bytes(dtype)


def weight_bytes(weights: Sequence[Any]) -> int:
    """Bytes of variables."""
    return sum(_size(weight) * item_bytes(weight.dtype) for weight in weights)


def _size(weight: Any) -> int:
    return int(math.prod(weight.shape))


def _dense(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    return elements(inputs[0]) * int(layer.kernel.shape[-1])


def _einsum(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """Every value of the input meets the kernel along the axes that only the kernel has."""
    ours, kernel = layer.equation.split("->")[0].split(",")
    sizes = zip(kernel, layer.kernel.shape, strict=True)
    return elements(inputs[0]) * math.prod(int(size) for axis, size in sizes if axis not in ours)


def _convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    return _positions(layer, outputs[0]) * _size(layer.kernel)


def _transposed(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    return _positions(layer, inputs[0]) * _size(layer.kernel)


def _separable(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    kernels = _size(layer.depthwise_kernel) + _size(layer.pointwise_kernel)
    return _positions(layer, outputs[0]) * kernels


def _positions(layer: Any, shape: Shape) -> int:
    """Number of places in space."""
    channels = 1 if layer.data_format == "channels_first" else -1
    return elements(shape) // (shape[channels] or 1)


def _recurrent(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    steps = inputs[0][1] or 1
    kernels = (weight for weight in layer.weights if weight.name.endswith("kernel"))
    return steps * sum(_size(kernel) for kernel in kernels)


def _recurrent_convolution(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    steps = inputs[0][1] or 1
    each = layer.cell.compute_output_shape((inputs[0][0], *inputs[0][2:]))
    places = _positions(layer, each[0] if isinstance(each[0], tuple | list) else each)
    kernels = (layer.cell.kernel, layer.cell.recurrent_kernel)
    return steps * places * sum(_size(kernel) for kernel in kernels)


def _both_ways(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    ways = (layer.forward_layer, layer.backward_layer)
    return sum(mult_adds(way, inputs, outputs) for way in ways)


def _each_step(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    inner = [[(shape[0], *shape[2:]) for shape in shapes] for shapes in (inputs, outputs)]
    return (inputs[0][1] or 1) * mult_adds(layer.layer, inner[0], inner[1])


def _wrapped(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    return mult_adds(layer.layer, inputs, outputs)


def _heads(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    """The four projections, the products of queries with keys, and those of scores with values.

    The ports are query, value and key; without a key the value is it.
    """
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    if isinstance(layer, keras.layers.GroupQueryAttention):
        heads, key_size, value_size = layer.num_query_heads, layer.head_dim, layer.head_dim
    else:
        heads, key_size, value_size = layer.num_heads, layer.key_dim, layer.value_dim
    places = elements(query) // (query[-1] or 1)
    mixed = (None, places, heads, value_size)
    projections = (
        (layer._query_dense, query),
        (layer._key_dense, key),
        (layer._value_dense, value),
        (layer._output_dense, mixed),
    )
    looked_at = elements(value) // (value[-1] or 1)
    scores = int(heads * places * looked_at * (key_size + value_size))
    return scores + sum(_einsum(dense, [shape], outputs) for dense, shape in projections)


def _attention(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    query, value = inputs[0], inputs[1]
    places = elements(query) // (query[-1] or 1)
    looked_at = elements(value) // (value[-1] or 1)
    return places * looked_at * ((query[-1] or 1) + (value[-1] or 1))


def _dot(layer: Any, inputs: Shapes, outputs: Shapes) -> int:
    axes = layer.axes if isinstance(layer.axes, list | tuple) else [layer.axes]
    return elements(outputs[0]) * (inputs[0][axes[0]] or 1)


_COUNTS: tuple[tuple[Any, Count], ...] = (
    (keras.layers.Dense, _dense),
    (keras.layers.EinsumDense, _einsum),
    ((keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D), _convolution),
    ((keras.layers.SeparableConv1D, keras.layers.SeparableConv2D), _separable),
    (
        (
            keras.layers.Conv1DTranspose,
            keras.layers.Conv2DTranspose,
            keras.layers.Conv3DTranspose,
        ),
        _transposed,
    ),
    ((keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D), _convolution),
    (
        (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D),
        _recurrent_convolution,
    ),
    (keras.layers.RNN, _recurrent),
    (keras.layers.Bidirectional, _both_ways),
    (keras.layers.TimeDistributed, _each_step),
    (keras.layers.Wrapper, _wrapped),
    ((keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention), _heads),
    (keras.layers.Attention, _attention),  # AdditiveAttention is one
    (keras.layers.Dot, _dot),
)
"""The first that fits counts."""
