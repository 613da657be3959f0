"""Multiply-adds and bytes against what can be worked out by hand, and against published figures."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kbuilder.document.facts import NodeFacts
from kbuilder.engine.costs import item_bytes
from kbuilder.engine.infer import Inference
from tests.engine.conftest import make_graph, make_node


def facts_of(catalogue: Any, shape: list[int | None], class_name: str, **params: Any) -> NodeFacts:
    graph = make_graph(make_node("Input", "in", shape=shape), make_node(class_name, "it", **params))
    facts, problems = Inference(catalogue).infer(graph)
    assert problems == ()
    return facts["#it"]


LSTM = {"class_name": "LSTM", "params": {"units": 3}}


@pytest.mark.parametrize(
    ("shape", "class_name", "params", "expected"),
    [
        ([10], "Dense", {"units": 4}, 10 * 4),
        ([7, 10], "Dense", {"units": 4}, 7 * 10 * 4),
        ([None, 10], "Dense", {"units": 4}, 10 * 4),
        ([7, 10], "EinsumDense", {"equation": "abc,cd->abd", "output_shape": [7, 4]}, 7 * 10 * 4),
        ([7, 6], "EinsumDense", {"equation": "...c,c->...c", "output_shape": [6]}, 7 * 6),
        ([9, 3], "Conv1D", {"filters": 5, "kernel_size": 2}, 8 * 2 * 3 * 5),
        (
            [9, 8, 4],
            "Conv2D",
            {"filters": 6, "kernel_size": [3, 2], "padding": "same"},
            72 * 6 * 4 * 6,
        ),
        (
            [9, 9, 4],
            "Conv2D",
            {"filters": 6, "kernel_size": [3, 3], "strides": [2, 2]},
            16 * 9 * 4 * 6,
        ),
        ([9, 9, 4], "Conv2D", {"filters": 6, "kernel_size": [3, 3], "groups": 2}, 49 * 9 * 2 * 6),
        (
            [9, 9, 4],
            "Conv2D",
            {"filters": 6, "kernel_size": [3, 3], "dilation_rate": [2, 2]},
            25 * 9 * 4 * 6,
        ),
        (
            [4, 9, 9],
            "Conv2D",
            {"filters": 6, "kernel_size": [3, 3], "data_format": "channels_first"},
            49 * 9 * 24,
        ),
        ([5, 5, 5, 2], "Conv3D", {"filters": 3, "kernel_size": [3, 3, 3]}, 27 * 27 * 2 * 3),
        ([9, 9, 4], "DepthwiseConv2D", {"kernel_size": [3, 3]}, 49 * 9 * 4),
        ([9, 9, 4], "DepthwiseConv2D", {"kernel_size": [3, 3], "depth_multiplier": 2}, 49 * 9 * 8),
        ([9, 9, 4], "SeparableConv2D", {"filters": 6, "kernel_size": [3, 3]}, 49 * (9 * 4 + 4 * 6)),
        ([9, 4], "SeparableConv1D", {"filters": 6, "kernel_size": 3}, 7 * (3 * 4 + 4 * 6)),
        (
            [4, 4, 3],
            "Conv2DTranspose",
            {"filters": 2, "kernel_size": [3, 3], "strides": [2, 2]},
            16 * 9 * 3 * 2,
        ),
        ([6, 5], "SimpleRNN", {"units": 3}, 6 * (5 * 3 + 3 * 3)),
        ([6, 5], "LSTM", {"units": 3}, 6 * 4 * (5 * 3 + 3 * 3)),
        ([None, 5], "LSTM", {"units": 3}, 4 * (5 * 3 + 3 * 3)),
        ([6, 5], "GRU", {"units": 3}, 6 * 3 * (5 * 3 + 3 * 3)),
        ([6, 5], "Bidirectional", {"layer": LSTM}, 2 * 6 * 4 * (5 * 3 + 3 * 3)),
        ([6, 5, 5], "TimeDistributed", {"layer": LSTM}, 6 * 5 * 4 * (5 * 3 + 3 * 3)),
        (
            [6, 5],
            "TimeDistributed",
            {"layer": {"class_name": "Dense", "params": {"units": 2}}},
            6 * 5 * 2,
        ),
        (
            [3, 8, 8, 2],
            "ConvLSTM2D",
            {"filters": 4, "kernel_size": [3, 3]},
            3 * 36 * (9 * 2 * 16 + 9 * 4 * 16),
        ),
        (
            [9, 9, 4],
            "SpectralNormalization",
            {"layer": {"class_name": "Conv2D", "params": {"filters": 6, "kernel_size": [3, 3]}}},
            49 * 9 * 4 * 6,
        ),
        ([20], "Embedding", {"input_dim": 100, "output_dim": 8}, 0),
        ([9, 9, 4], "BatchNormalization", {}, 0),
        ([9, 9, 4], "MaxPooling2D", {}, 0),
        ([9], "Activation", {"activation": "relu"}, 0),
    ],
)
def test_multiply_adds_of_a_layer(
    catalogue: Any, shape: list[int | None], class_name: str, params: dict[str, Any], expected: int
) -> None:
    assert facts_of(catalogue, shape, class_name, **params).mult_adds == expected


def between(catalogue: Any, class_name: str, **params: Any) -> NodeFacts:
    """A layer on a query of 5 places and a value of 7, both 16 wide."""
    graph = make_graph(
        make_node("Input", "query", shape=[5, 16]),
        make_node("Input", "value", shape=[7, 16]),
        make_node(class_name, "it", **params),
        wires="query>it value>it:1",
    )
    facts, problems = Inference(catalogue).infer(graph)
    assert problems == ()
    return facts["#it"]


@pytest.mark.parametrize(
    ("class_name", "params", "expected"),
    [
        ("Attention", {}, 5 * 7 * (16 + 16)),
        ("AdditiveAttention", {}, 5 * 7 * (16 + 16)),
        ("Dot", {"axes": 2}, 5 * 7 * 16),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 8},
            (5 + 7 + 7 + 5) * 16 * 16 + 2 * 5 * 7 * (8 + 8),
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 8, "value_dim": 3},
            (5 + 7) * 16 * 16 + (7 + 5) * 16 * 6 + 2 * 5 * 7 * (8 + 3),
        ),
        (
            "GroupQueryAttention",
            {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2},
            (5 + 5) * 16 * 16 + (7 + 7) * 16 * 8 + 4 * 5 * 7 * (4 + 4),
        ),
    ],
)
def test_multiply_adds_of_attention(
    catalogue: Any, class_name: str, params: dict[str, Any], expected: int
) -> None:
    assert between(catalogue, class_name, **params).mult_adds == expected


def test_bytes_follow_the_dtype(catalogue: Any) -> None:
    plain = facts_of(catalogue, [None, 10], "Dense", units=4)
    assert (plain.weight_bytes, plain.activation_bytes) == (4 * (10 * 4 + 4), 4 * 4)
    half = facts_of(catalogue, [10], "Dense", units=4, dtype="mixed_float16")
    assert (half.weight_bytes, half.activation_bytes) == (4 * (10 * 4 + 4), 2 * 4)
    states = facts_of(catalogue, [6, 5], "LSTM", units=3, return_state=True)
    assert states.activation_bytes == 3 * 3 * 4


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float32", 4),
        ("bfloat16", 2),
        ("float64", 8),
        ("int8", 1),
        ("bool", 1),
        ("int4", 1),
        ("string", 0),
    ],
)
def test_bytes_of_a_value(dtype: str, expected: int) -> None:
    assert item_bytes(dtype) == expected


def test_a_thousand_million_weights_are_told_and_not_made(catalogue: Any) -> None:
    graph = make_graph(
        make_node("Input", "in", shape=[100_000]),
        make_node("Dense", "huge", units=10_000, use_bias=False),
    )
    begun = time.perf_counter()
    facts, _ = Inference(catalogue).infer(graph)
    assert time.perf_counter() - begun < 1.0  # making them takes longer, if it can be done at all
    assert facts["#huge"].weight_bytes == 4_000_000_000
    assert facts["#huge"].mult_adds == 1_000_000_000
