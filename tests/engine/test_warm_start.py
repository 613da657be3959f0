import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document import edits
from kbuilder.engine.build import build
from kbuilder.engine.runs import Run
from kbuilder.engine.session import Session
from kbuilder.engine.warm_start import start_with, stored_layers
from kbuilder.link.events import Finished, FrozenChecked, WeightsKept
from kbuilder.link.requests import CompareWeights, Train
from tests.engine.conftest import make_node


@pytest.fixture
def run(classifier, catalogue, tmp_path):
    return train(classifier, catalogue, tmp_path / "first")[0]


def ask(request, catalogue):
    events = []
    Session(events.append, catalogue).handle(request)
    assert isinstance(events[-1], Finished), events[-1]
    return events


def train(project, catalogue, folder, **options):
    events = ask(Train(request=1, project=project, run=str(folder), **options), catalogue)
    return Run.open(folder), events


def only(kind, events):
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def weights(run, layer):
    return [values for key, values in run.state.weights.items() if key.startswith(f"{layer}/")]


def test_the_same_network_keeps_every_weight(classifier, catalogue, run):
    built = build(classifier, catalogue)
    found = start_with(built, stored_layers(run, catalogue))
    assert found == {"#fixed": "kept", "#hidden": "kept", "#label": "kept"}
    np.testing.assert_array_equal(
        built.layers["#hidden"].get_weights()[0], weights(run, "hidden")[0]
    )


def test_what_has_changed_is_sliced_or_new(classifier, catalogue, run):
    project = edits.set_params(classifier, ["#hidden"], {"units": 4})
    project = edits.rename(project, "#label", "answer")
    project = edits.insert_on_edge(
        project, make_node("Dense", "extra", units=4), ("#hidden", 0, "#label", 0)
    )
    built = build(project, catalogue)
    fresh = built.layers["#label"].get_weights()
    found = start_with(built, stored_layers(run, catalogue))
    assert found == {"#fixed": "kept", "#hidden": "sliced", "#extra": "new", "#label": "sliced"}
    old = weights(run, "hidden")
    np.testing.assert_array_equal(built.layers["#hidden"].get_weights()[0], old[0][:, :4])
    np.testing.assert_array_equal(
        built.layers["#label"].get_weights()[0], weights(run, "label")[0][:4]
    )
    grown = build(edits.set_params(classifier, ["#hidden"], {"units": 9}), catalogue)
    start_with(grown, stored_layers(run, catalogue))
    np.testing.assert_array_equal(grown.layers["#hidden"].get_weights()[0][:, :6], old[0])
    assert fresh[0].shape == (4, 3)


def test_another_class_of_the_same_name_is_new(classifier, catalogue, run):
    project = edits.replace_class(
        classifier,
        "#hidden",
        "EinsumDense",
        {
            "equation": "ab,bc->ac",
            "output_shape": [6],
            "bias_axes": "c",
        },
    )
    found = start_with(build(project, catalogue), stored_layers(run, catalogue))
    assert found["#hidden"] == "new"


def test_comparing_says_the_same_without_building(classifier, catalogue, run):
    project = edits.set_params(classifier, ["#hidden"], {"units": 4})
    request = CompareWeights(request=2, graph=project.graph, run=str(run.folder))
    compared = only(WeightsKept, ask(request, catalogue)).layers
    assert compared == start_with(build(project, catalogue), stored_layers(run, catalogue))
    assert compared["#label"] == "sliced"


def test_training_begins_with_the_weights_and_proves_what_moved(
    classifier, catalogue, run, tmp_path
):
    again, events = train(classifier, catalogue, tmp_path / "second", weights=str(run.folder))
    assert only(WeightsKept, events).layers["#hidden"] == "kept"
    checked = only(FrozenChecked, events)
    assert checked.before == checked.after
    assert set(checked.moved) == {"#hidden", "#label"}
    assert all(moved > 0 for moved in checked.moved.values())
    np.testing.assert_array_equal(weights(again, "fixed")[0], weights(run, "fixed")[0])
    still = replace(
        classifier,
        compile=replace(
            classifier.compile,
            optimizer=msgspec.structs.replace(
                classifier.compile.optimizer, class_name="SGD", params={"learning_rate": 0.0}
            ),
        ),
    )
    third, events = train(still, catalogue, tmp_path / "third", weights=str(again.folder))
    assert only(FrozenChecked, events).moved == {"#hidden": 0.0, "#label": 0.0}
    for name in ("fixed", "hidden", "label"):
        np.testing.assert_array_equal(weights(third, name)[0], weights(again, name)[0])


def test_frozen_layers_of_a_resumed_run_are_proved_against_what_it_resumed(
    classifier, catalogue, tmp_path
):
    free = edits.freeze(classifier, ["#fixed"], False)
    first, _ = train(free, catalogue, tmp_path / "free")
    _, events = train(classifier, catalogue, tmp_path / "on", resume=str(first.folder))
    checked = only(FrozenChecked, events)
    assert checked.before == checked.after
    assert list(checked.before) == ["#fixed"]
