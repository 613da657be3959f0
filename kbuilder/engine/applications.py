"""The networks of ``keras.applications`` as projects: layers that can be edited, or one block."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import msgspec
from keras.src.backend.common import global_state
from msgspec.structs import replace

from kbuilder.document.applications import Application
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.graph import Edge, Graph, Group, Node
from kbuilder.document.layout import layout
from kbuilder.document.options import FitOptions
from kbuilder.document.project import Project
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.objects import KERAS_ERRORS
from kbuilder.engine.weight_files import Loaded
from kbuilder.engine.wording import plain_text
from kbuilder.link.requests import MakeApplication
from kbuilder.resources import resource

IMAGENET = "imagenet"

_CAFFE = ("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152")
_TORCH = ("DenseNet121", "DenseNet169", "DenseNet201")
_MINUS_ONE_TO_ONE = (
    *("Xception", "InceptionV3", "InceptionResNetV2", "MobileNet", "MobileNetV2"),
    *("NASNetLarge", "NASNetMobile", "ResNet50V2", "ResNet101V2", "ResNet152V2"),
)
# keras/src/applications/imagenet_utils.py (3.15): what preprocess_input does to pictures of 0 to 255.
_PREPROCESSING: tuple[tuple[tuple[str, ...], tuple[Node, ...]], ...] = (
    (
        _MINUS_ONE_TO_ONE,
        (
            Node(
                id="to_minus_one_to_one",
                class_name="Rescaling",
                name="to_minus_one_to_one",
                params={"scale": 1 / 127.5, "offset": -1.0},
            ),
        ),
    ),
    (
        _TORCH,
        (
            Node(
                id="imagenet_statistics",
                class_name="Normalization",
                name="imagenet_statistics",
                params={
                    "mean": [123.675, 116.28, 103.53],
                    "variance": [58.395**2, 57.12**2, 57.375**2],
                },
            ),
        ),
    ),
    (
        _CAFFE,
        (
            Node(id="rgb_to_bgr", class_name="ops.flip", name="rgb_to_bgr", params={"axis": -1}),
            Node(
                id="imagenet_mean",
                class_name="Normalization",
                name="imagenet_mean",
                params={"mean": [103.939, 116.779, 123.68], "variance": [1.0, 1.0, 1.0]},
            ),
        ),
    ),
)


def application_names() -> tuple[str, ...]:
    """The networks that this Keras has."""
    names = (name for name in dir(keras.applications) if name[0].isupper())
    return tuple(name for name in names if callable(getattr(keras.applications, name)))


def list_applications() -> tuple[Application, ...]:
    """All networks of this Keras, small ones first; ``resources/applications.json`` is made of it."""
    found = []
    for name in application_names():
        with _without_values():
            model = getattr(keras.applications, name)(weights=None)
        _, height, width, _ = model.inputs[0].shape
        found.append(
            Application(
                name=name,
                size=(height or 224, width or 224),
                layers=len(model.layers),
                parameters=sum(math.prod(weight.shape) for weight in model.weights),
            )
        )
    return tuple(sorted(found, key=lambda each: each.parameters))


def application_project(request: MakeApplication, catalogue: Catalogue) -> Project:
    """The network as a project, without making any weight.

    Raises:
        KBuilderError: there is no such network, or it cannot be made in this size.
    """
    with _without_values():
        model = _made(request, None)
    graph = graph_from(catalogue, json.loads(model.to_json()), request.name)
    graph = _with_named_input(graph)
    if request.preprocess:
        graph = _with_preprocessing(graph, request.name)
    if request.block:
        graph = _as_block(graph, request.name)
    begin = "in use" if request.weights else "fresh"
    return Project(graph=graph, fit=FitOptions(begin_with=begin))


def imagenet_weights(request: MakeApplication) -> keras.Model:
    """The network of Keras with the weights from the internet, or from where Keras keeps them.

    Raises:
        KBuilderError: they cannot be fetched, or do not go with the size that was asked for.
    """
    return _made(request, IMAGENET)


def hand_over(source: keras.Model, target: keras.Model) -> Loaded:
    """Give the layers of ``target`` the weights of the layers of that name in ``source``."""
    loaded, left = [], []
    by_name = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if not layer.weights:
            continue
        values = by_name[layer.name].get_weights() if layer.name in by_name else []
        if [tuple(w.shape) for w in layer.weights] == [value.shape for value in values]:
            layer.set_weights(values)
            loaded.append(layer.name)
        else:
            left.append(layer.name)
    return tuple(loaded), tuple(left)


def _made(request: MakeApplication, weights: str | None) -> keras.Model:
    if request.name not in application_names():
        raise KBuilderError(
            f"keras.applications has no network “{request.name}”. There are: "
            f"{', '.join(application_names())}."
        )
    arguments: dict[str, Any] = {"weights": weights, "include_top": request.include_top}
    if request.shape:
        arguments["input_shape"] = request.shape
    if request.pooling and not request.include_top:
        arguments["pooling"] = request.pooling
    if request.include_top and weights is None:
        arguments["classes"] = request.classes
    try:
        model: keras.Model = getattr(keras.applications, request.name)(**arguments)
    except KERAS_ERRORS as error:
        raise KBuilderError(f"{request.name} cannot be made so: {plain_text(error)}") from error
    except Exception as error:
        if "URL fetch failure" not in str(error):
            raise
        raise KBuilderError(
            f"The weights of {request.name} could not be fetched: {error}. Without internet, choose a "
            "file of weights that you have, or fresh weights."
        ) from error
    return model


@contextmanager
def _without_values() -> Iterator[None]:
    """Variables made inside know their shape and hold no values."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    (global_state.get_global_attribute("uninitialized_variables") or []).clear()


def _with_named_input(graph: Graph) -> Graph:
    """Keras counts up the name of the Input; it would differ from one day to the next."""
    nodes = (
        replace(node, name="pictures") if node in graph.inputs else node for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def _with_preprocessing(graph: Graph, name: str) -> Graph:
    """Put what the network's ``preprocess_input`` does between its Input and its first layers."""
    nodes = next((nodes for names, nodes in _PREPROCESSING if name in names), ())
    if not nodes:
        return graph
    (start,) = graph.inputs
    chain = [start, *nodes]
    inner = [Edge(source=a.id, target=b.id) for a, b in zip(chain, nodes, strict=False)]
    moved = [
        replace(edge, source=nodes[-1].id) if edge.source == start.id else edge
        for edge in graph.edges
    ]
    graph = replace(graph, nodes=(*graph.nodes, *nodes), edges=(*inner, *moved))
    places = layout(graph)
    return replace(
        graph,
        nodes=tuple(
            replace(node, x=places[node.id][0], y=places[node.id][1]) if node.id in places else node
            for node in graph.nodes
        ),
    )


def _as_block(graph: Graph, name: str) -> Graph:
    """All but the Input in one folded block."""
    block = Group(id="base", name=name, collapsed=True)
    inputs = {node.id for node in graph.inputs}
    nodes = tuple(
        node if node.id in inputs else replace(node, group=block.id) for node in graph.nodes
    )
    return replace(graph, nodes=nodes, groups=(block,))


if __name__ == "__main__":
    resource("applications.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(list_applications())) + b"\n"
    )
