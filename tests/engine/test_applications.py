"""Every network of ``keras.applications``, as a graph: weights as Keras counts them, work as published.

The networks are built without values for their weights, which is quick and takes no memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.backend.common import global_state

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Graph
from kbuilder.engine.arrays import bare
from kbuilder.engine.assembling import assembled
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import Inference
from tests.sparse import sparse

CATALOGUE = load_catalogue()
NETWORKS = sorted(
    name
    for name in dir(keras.applications)
    if name[0].isupper() and callable(getattr(keras.applications, name))
)
PUBLISHED_GIGA = {
    "ResNet50": 3.87,
    "VGG16": 15.5,
    "MobileNet": 0.569,
    "MobileNetV2": 0.300,
    "InceptionV3": 5.72,
    "Xception": 8.4,
    "DenseNet121": 2.83,
    "EfficientNetB0": 0.39,
    "NASNetLarge": 23.8,
    "ConvNeXtTiny": 4.5,
}
"""Multiply-adds for one picture, in thousands of millions, from the papers of the networks."""


PRIVATE = "keras.src.applications"
"""Where an application keeps layers of its own."""


@pytest.fixture(scope="module")
def inference() -> Inference:
    """One for all: the networks have many layers in common."""
    return Inference(CATALOGUE)


@contextmanager
def without_values() -> Iterator[None]:
    with keras.StatelessScope(initialize_variables=False):
        yield
    (global_state.get_global_attribute("uninitialized_variables") or []).clear()


@dataclass(frozen=True)
class Network:
    """What Keras says of one of its networks."""

    config: dict[str, Any]
    trainable: int
    fixed: int
    stored_bytes: int


@cache
def network(name: str) -> Network:
    with without_values():
        model = getattr(keras.applications, name)(weights=None)
    return Network(
        config=json.loads(model.to_json()),
        trainable=counted(model.trainable_weights),
        fixed=counted(model.non_trainable_weights),
        stored_bytes=sum(math.prod(w.shape) * np.dtype(w.dtype).itemsize for w in model.weights),
    )


@cache
def graph_of(name: str) -> Graph:
    return graph_from(CATALOGUE, network(name).config, name)


def counted(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


@pytest.mark.slow
@pytest.mark.parametrize("name", sparse(NETWORKS, 6))
def test_a_network_of_keras_is_counted_as_keras_does(name: str, inference: Inference) -> None:
    graph, theirs = graph_of(name), network(name)
    facts, problems = inference.infer(graph)
    assert problems == ()
    assert set(facts) == set(graph.by_id)
    assert sum(f.trainable_params for f in facts.values()) == theirs.trainable
    assert sum(f.fixed_params for f in facts.values()) == theirs.fixed
    assert sum(f.weight_bytes for f in facts.values()) == theirs.stored_bytes
    if name in PUBLISHED_GIGA:
        work = sum(f.mult_adds for f in facts.values()) / 1e9
        assert work == pytest.approx(PUBLISHED_GIGA[name], rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", sparse(NETWORKS, 6))
def test_a_network_goes_to_keras_and_comes_back_as_it_was(name: str) -> None:
    graph, theirs = graph_of(name), network(name)
    with without_values():
        tensors, _ = assembled(graph, CATALOGUE)
        inputs = [tensors[node.id][0] for node in graph.inputs]
        outputs = [tensors[node.id][0] for node in graph.outputs]
        model = keras.Model(bare(inputs), bare(outputs), name=theirs.config["config"]["name"])
    config = json.loads(model.to_json())
    assert graph_from(CATALOGUE, config, name) == graph
    if PRIVATE not in json.dumps(theirs.config):  # such layers are written by public ones
        assert config == theirs.config


def test_all_networks_are_there() -> None:
    assert len(NETWORKS) >= 38
