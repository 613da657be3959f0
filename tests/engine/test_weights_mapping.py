"""Weights of a file for the layers of a project: by themselves, by name, by order, by a table."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.project import Project
from kbuilder.engine.build import BuiltModel, build
from kbuilder.engine.model_files import write_model
from kbuilder.engine.session import Session
from kbuilder.engine.weights_mapping import load, matched
from kbuilder.link.events import WeightsLoaded, WeightsMatched
from kbuilder.link.requests import LoadWeights, MatchWeights
from tests.engine.conftest import make_graph, make_node

CATALOGUE = load_catalogue()
RNG = np.random.default_rng(4)


def project(*names: str, last: int = 3) -> Project:
    first, second, third = names or ("one", "two", "three")
    return Project(
        graph=make_graph(
            make_node("Input", "in", shape=[5]),
            make_node("Dense", first, units=4),
            make_node("Dense", second, units=4),
            make_node("Dense", third, units=last),
        )
    )


def built(*names: str, last: int = 3) -> BuiltModel:
    return build(project(*names, last=last), CATALOGUE)


@pytest.fixture(params=["w.weights.h5", "w.h5", "m.keras", "m.hdf5"])
def file(request, tmp_path: Path) -> tuple[Path, keras.Model]:
    model = built().model
    model.set_weights([RNG.normal(size=value.shape) for value in model.get_weights()])
    path = tmp_path / request.param
    write_model(model, path, weights_only=request.param.startswith("w"))
    return path, model


def test_same_names_go_together(file) -> None:
    path, model = file
    other = built()
    matches, sources = matched(other, path, "auto")
    assert [(match.layer, match.source, match.fits) for match in matches] == [
        ("one", "one", True),
        ("two", "two", True),
        ("three", "three", True),
    ]
    assert sources["one"] == ((5, 4), (4,))
    assert load(other, path, {}) == (("one", "two", "three"), ())
    assert all(map(np.array_equal, other.model.get_weights(), model.get_weights()))


def test_other_names_go_by_shapes_in_order(file) -> None:
    path, model = file
    other = built("a", "b", "c")
    matches, _ = matched(other, path, "auto")
    assert [match.source for match in matches] == ["one", "two", "three"]
    assert load(other, path, {})[1] == ()
    assert all(map(np.array_equal, other.model.get_weights(), model.get_weights()))


def test_a_layer_of_another_shape_stays_fresh(file) -> None:
    path, _ = file
    other = built(last=9)
    before = other.model.get_layer("three").get_weights()[0]
    matches, _ = matched(other, path, "name")
    assert [match.fits for match in matches] == [True, True, False]
    assert load(other, path, {}) == (("one", "two"), ("three",))
    assert np.array_equal(other.model.get_layer("three").get_weights()[0], before)


def test_a_table_says_which_goes_where(file) -> None:
    path, model = file
    other = built("a", "b", "c")
    assert load(other, path, {"b": "two"}) == (("b",), ("a", "c"))
    assert np.array_equal(
        other.model.get_layer("b").get_weights()[0], model.get_layer("two").get_weights()[0]
    )


def test_tables_that_do_not_fit_are_refused(file) -> None:
    path, _ = file
    with pytest.raises(KBuilderError, match=r"shapes \(5, 4\), \(4,\), but “three” needs"):
        load(built(), path, {"three": "one"})
    with pytest.raises(KBuilderError, match="called “nine” in the project"):
        load(built(), path, {"nine": "one"})
    with pytest.raises(KBuilderError, match="called “nine” in"):
        load(built(), path, {"one": "nine"})
    with pytest.raises(KBuilderError, match="auto, name, order"):
        matched(built(), path, "luck")


def test_by_order_pairs_one_by_one(file) -> None:
    path, _ = file
    matches, _ = matched(built("three", "two", "one"), path, "order")
    assert [(match.layer, match.source) for match in matches] == [
        ("three", "one"),
        ("two", "two"),
        ("one", "three"),
    ]


def test_models_in_a_file_give_their_layers(tmp_path: Path) -> None:
    inner = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4, name="one"), keras.layers.Dense(4, name="two")],
        name="trunk",
    )
    model = keras.Sequential([keras.Input((5,)), inner, keras.layers.Dense(3, name="three")])
    model.save_weights(tmp_path / "w.weights.h5")
    other = built()
    assert load(other, tmp_path / "w.weights.h5", {}) == (("one", "two", "three"), ())
    assert all(map(np.array_equal, other.model.get_weights(), model.get_weights()))


def test_weights_of_another_network_are_refused(file) -> None:
    other = Project(
        graph=make_graph(make_node("Input", "in", shape=[2]), make_node("Dense", "d", units=1))
    )
    with pytest.raises(FileRefusedError, match="fit this network"):
        load(build(other, CATALOGUE), file[0], {})


def test_requests_propose_and_load(file, tmp_path: Path) -> None:
    path, _ = file
    heard = []
    session = Session(heard.append)
    other = project("a", "b", "c")
    session.handle(MatchWeights(request=1, project=other, path=str(path)))
    proposal = next(event for event in heard if isinstance(event, WeightsMatched))
    assert [match.fits for match in proposal.matches] == [True] * 3
    run = str(tmp_path / "run")
    mapping = {"c": "three"}
    request = LoadWeights(request=2, project=other, path=str(path), run=run, mapping=mapping)
    session.handle(request)
    loaded = next(event for event in heard if isinstance(event, WeightsLoaded))
    assert (loaded.loaded, loaded.left) == (("c",), ("a", "b"))
