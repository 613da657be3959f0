import os
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import pytest

from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject


def make_node(class_name: str, name: str, **options) -> Node:
    """A node whose id is its name with ``#`` in front, so that tests see the two apart."""
    trainable = options.pop("trainable", True)
    return Node(
        id=f"#{name}", class_name=class_name, name=name, params=options, trainable=trainable
    )


def make_graph(*nodes: Node, wires: str | None = None) -> Graph:
    """Nodes in a chain, or wired as in ``"a>b b>c:1"`` (names, input port after the colon)."""
    if wires is None:
        pairs = [(one.name, two.name, 0) for one, two in pairwise(nodes)]
    else:
        parts = [wire.split(">") for wire in wires.split()]
        pairs = [(a, b.partition(":")[0], int(b.partition(":")[2] or 0)) for a, b in parts]
    edges = tuple(Edge(source=f"#{a}", target=f"#{b}", target_port=port) for a, b, port in pairs)
    return Graph(nodes=nodes, edges=edges)


def read_model(path: Path):
    """A model file with its weights, in one go."""
    from kbuilder.engine.model_files import opening

    with opening(path) as found:
        return found.load()


def loss(class_name: str, *metrics: str, weight: float = 1.0) -> OutputOptions:
    return OutputOptions(
        loss=KerasObject(class_name=class_name),
        loss_weight=weight,
        metrics=tuple(KerasObject(class_name=name) for name in metrics),
    )


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def blobs(tmp_path_factory) -> Path:
    """Three overlapping classes in eight dimensions, 150 samples."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 150)
    x = (rng.normal(size=(150, 8)) + y[:, None]).astype("float32")
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    np.savez(path, x=x, y=y)
    return path


@pytest.fixture
def classifier(blobs) -> Project:
    """A small net with dropout and a frozen layer, ready to train on ``blobs``; 120 samples train."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "fixed", units=12, activation="relu", trainable=False),
        make_node("Dropout", "drop", rate=0.3),
        make_node("Dense", "hidden", units=6, activation="tanh"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    return Project(
        graph=graph,
        compile=CompileOptions(
            outputs={"#label": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy")},
        ),
        fit=FitOptions(epochs=2, batch_size=16, validation_split=0.2, seed=7),
        data=DataOptions(
            kind="arrays",
            path=str(blobs),
            inputs={"#points": ("x",)},
            targets={"#label": ("y",)},
        ),
    )
