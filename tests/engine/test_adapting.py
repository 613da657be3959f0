"""Preprocessing layers that learn from the data give the same as Keras adapted in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from kbuilder.document import edits
from kbuilder.document.adapting import is_adapted, to_adapt
from kbuilder.document.catalogue import Catalogue, load_catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.document.values import Params
from kbuilder.engine.adapting import adapt
from kbuilder.engine.assembling import assembled
from kbuilder.engine.session import Session
from kbuilder.link.events import Adapted, EpochEnded, Failed, Finished
from kbuilder.link.requests import Adapt, Train
from tests.engine.conftest import loss, make_graph, make_node

CATALOGUE = load_catalogue()
layers = keras.layers
RNG = np.random.default_rng(1)
NUMBERS = RNG.normal(3.0, 2.0, (60, 4)).astype("float32")
WHOLE = RNG.integers(5, 9, (60, 2)).astype("int32")
TEXTS = np.array(["the cat", "the dog", "a cat sat", "the end"] * 5, object)
WORDS = np.array([["red"], ["blue"], ["red"]] * 5, object)

CASES: list[tuple[str, Params, np.ndarray]] = [
    ("Normalization", {}, NUMBERS),
    ("Normalization", {"axis": None}, NUMBERS),
    ("Normalization", {"invert": True}, NUMBERS),
    ("Normalization", {"axis": [1, 2]}, NUMBERS.reshape(30, 2, 4)),
    ("Discretization", {"num_bins": 5}, NUMBERS),
    ("Discretization", {"num_bins": 3, "output_mode": "count"}, NUMBERS),
    ("IntegerLookup", {"num_oov_indices": 2}, WHOLE),
    ("StringLookup", {"output_mode": "multi_hot"}, WORDS),
    ("TextVectorization", {"output_sequence_length": 4}, TEXTS),
    ("TextVectorization", {"output_mode": "tf_idf"}, TEXTS),
    ("TextVectorization", {"ngrams": 2, "max_tokens": 6, "output_mode": "count"}, TEXTS),
]


def as_tensor(values: np.ndarray) -> Any:
    return tf.constant(values) if values.dtype == object else values


def project_with(class_name: str, params: Params, data: np.ndarray) -> Project:
    dtype = {"O": "string", "i": "int32"}.get(data.dtype.kind, "float32")
    start = make_node("Input", "data", shape=[*data.shape[1:]], dtype=dtype)
    return Project(graph=make_graph(start, make_node(class_name, "it", **params)))


def output(project: Project, data: np.ndarray) -> np.ndarray:
    tensors, _ = assembled(project.graph, CATALOGUE)
    model = keras.Model(tensors["#data"][0], tensors["#it"][0])
    return np.asarray(model(as_tensor(data)))


@pytest.mark.parametrize(("class_name", "params", "data"), CASES)
def test_what_is_learned_is_what_keras_learns(
    class_name: str, params: Params, data: np.ndarray
) -> None:
    project = project_with(class_name, params, data)
    assert to_adapt(project.graph) == ("#it",)
    learned = adapt(project, ["#it"], {"#data": data}, CATALOGUE)
    project = edits.take_learned(project, learned)
    assert to_adapt(project.graph) == ()
    layer = getattr(layers, class_name)(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
    )
    layer.adapt(as_tensor(data))
    np.testing.assert_allclose(
        output(project, data), np.asarray(layer(as_tensor(data))), rtol=1e-5, atol=1e-5
    )
    again = adapt(project, ["#it"], {"#data": data}, CATALOGUE)
    assert again == learned, "learning once more starts afresh"


def test_each_layer_learns_from_what_comes_to_it() -> None:
    project = Project(
        graph=make_graph(
            make_node("Input", "data", shape=[4]),
            make_node("Normalization", "first"),
            make_node("Rescaling", "ten", scale=10.0),
            make_node("Normalization", "second", axis=None),
        )
    )
    learned = adapt(project, ["#second", "#first"], {"#data": NUMBERS}, CATALOGUE)
    np.testing.assert_allclose(learned["#first"]["mean"], NUMBERS.mean(axis=0), rtol=1e-5)
    assert learned["#second"]["variance"] == pytest.approx(100.0, rel=1e-3)


def test_a_layer_that_has_not_learned_is_a_warning() -> None:
    project = project_with("Normalization", {}, NUMBERS)
    kinds = {problem.kind: problem for problem in check(project, CATALOGUE)}
    assert kinds["not-adapted"].severity == "warning"
    assert "as it is" in kinds["not-adapted"].text
    learned = edits.set_params(project, ["#it"], {"mean": 0.0, "variance": 1.0})
    assert is_adapted(learned.graph.by_id["#it"])
    assert "not-adapted" not in {problem.kind for problem in check(learned, CATALOGUE)}


def test_what_cannot_learn_says_why() -> None:
    project = project_with("Normalization", {}, NUMBERS)
    alone = edits.disconnect(project, [edge.key for edge in project.graph.edges])
    with pytest.raises(KBuilderError, match="not connected"):
        adapt(alone, ["#it"], {"#data": NUMBERS}, CATALOGUE)
    with pytest.raises(KBuilderError, match="nothing to adapt"):
        adapt(project, ["#data"], {"#data": NUMBERS}, CATALOGUE)
    bins = project_with("Discretization", {}, NUMBERS)
    with pytest.raises(KBuilderError, match="num_bins"):
        adapt(bins, ["#it"], {"#data": NUMBERS}, CATALOGUE)


def test_texts_of_a_table_are_vectorized_and_trained_on(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    rows = [f"{'good fine' if n % 2 else 'bad sad'} film {n},{n % 2}" for n in range(40)]
    (tmp_path / "films.csv").write_text("review,liked\n" + "\n".join(rows) + "\n")
    project = Project(
        graph=make_graph(
            make_node("Input", "review", shape=[], dtype="string"),
            make_node("TextVectorization", "words", output_sequence_length=4),
            make_node("Embedding", "vectors", input_dim=60, output_dim=4),
            make_node("GlobalAveragePooling1D", "mean"),
            make_node("Dense", "liked", units=1, activation="sigmoid"),
        ),
        compile=CompileOptions(outputs={"#liked": loss("BinaryCrossentropy")}),
        fit=FitOptions(epochs=1, batch_size=8, validation_split=0.0),
        data=DataOptions(
            kind="table",
            path="films.csv",
            inputs={"#review": ("review",)},
            targets={"#liked": ("liked",)},
        ),
    )
    events: list[Any] = []
    session = Session(events.append, catalogue)
    session.handle(Adapt(request=1, project=project, nodes=("#words",), base=str(tmp_path)))
    (adapted,) = (event for event in events if isinstance(event, Adapted))
    assert set(adapted.params["#words"]["vocabulary"][:5]) >= {"film", "good", "fine", "bad", "sad"}
    project = edits.take_learned(project, adapted.params)
    events.clear()
    session.handle(Train(request=2, project=project, run=str(tmp_path / "run"), base=str(tmp_path)))
    assert not [event.text for event in events if isinstance(event, Failed)]
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, EpochEnded) for event in events)
