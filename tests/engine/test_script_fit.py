"""Scripts fit their models with the options that we fit with, and come to the same weights."""

import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.options import DataOptions
from kbuilder.document.values import KerasObject
from tests.engine.test_fit_options import (
    BY_HAND,
    FLIP,
    NOISE,
    assert_same,
    pictures,
    place,
    project,
    trained,
    two_ends,
    with_fit,
)
from tests.engine.test_script import module_of, refuse_unformatted, text_of

__all__ = ["place", "project", "two_ends"]  # fixtures

STOP = KerasObject(class_name="EarlyStopping", params={"monitor": "loss", "patience": 9})


@pytest.mark.parametrize(
    "changes",
    [
        {"class_weights": {"#label": BY_HAND}, "callbacks": (STOP,), "verbose": 0},
        {"class_weights": {"#label": "balanced"}, "validation_split": 0.3},
        {"class_weights": {"#label": BY_HAND}, "sample_weights": {"#label": "weight"}},
        {"shuffle": "batch", "validation_split": 0.2, "validation_batch_size": 3},
        {"shuffle": "batch order", "sample_weights": {"#label": "weight"}},
        {"steps_per_epoch": 2, "epochs": 2},
        {"shuffle": "batch order", "class_weights": {"#label": BY_HAND}, "validation_split": 0.2},
    ],
)
def test_a_script_fits_as_we_do(project, catalogue, tmp_path, changes):
    changed = with_fit(project, **{"verbose": 0, **changes})
    assert_script_fits(changed, catalogue, tmp_path)


def test_a_script_weighs_several_outputs(two_ends, catalogue, tmp_path):
    changed = with_fit(
        two_ends,
        class_weights={"#label": "balanced"},
        sample_weights={"#value": "weight"},
        validation_split=0.2,
        verbose=0,
    )
    assert_script_fits(changed, catalogue, tmp_path)


def test_a_script_validates_with_data_of_its_own(project, catalogue, place, tmp_path):
    own = DataOptions(kind="arrays", path=str(place / "held.npz"))
    changed = with_fit(project, validation_data=own, epochs=1, verbose=0)
    history = assert_script_fits(changed, catalogue, tmp_path)
    assert len(history["val_loss"]) == 1


def test_a_script_augments(catalogue, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 255, (16, 6, 6, 1), dtype="uint8")
    np.savez(tmp_path / "data.npz", x=x, y=rng.normal(size=(16, 1)))
    augmented = replace(
        pictures(augmentation={"#in": (FLIP, NOISE)}, epochs=2, verbose=0),
        data=DataOptions(kind="arrays", path=str(tmp_path / "data.npz")),
    )
    assert_script_fits(augmented, catalogue, tmp_path)


def assert_script_fits(project, catalogue, folder):
    """The script's weights after its fit are ours; returns its history."""
    text = text_of(project, catalogue)
    scripts = folder / "scripts"
    scripts.mkdir()
    refuse_unformatted(scripts, [text])
    module = module_of(text)
    model = module.build_model()
    module.compile_model(model)
    history = module.train(model).history
    assert_same(model, trained(project, catalogue), rtol=1e-5)
    return history
