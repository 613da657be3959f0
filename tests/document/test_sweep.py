"""What a sweep varies: names, grids, projects of trials, and what is wrong before it starts."""

from __future__ import annotations

from typing import Any

import pytest

from kbuilder.document import edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.project_file import decode, encode, load
from kbuilder.document.sweep import SweepParam
from kbuilder.document.sweep_params import (
    current_value,
    grid,
    grid_size,
    param_spec,
    shown_name,
    trial_project,
    values_of,
)
from kbuilder.document.sweep_rules import sweep_problems
from kbuilder.resources import resource

CATALOGUE = load_catalogue()
WINE = load(resource("samples", "wine-two-in-two-out.kbuilder"))
DENSE = next(node for node in WINE.graph.nodes if node.class_name == "Dense")
UNITS = f"{DENSE.id}.units"


def with_sweep(*params: SweepParam, **changes: Any):
    return edits.set_sweep(WINE, params=params, **changes)


def test_values_go_where_their_names_say() -> None:
    project = trial_project(
        WINE,
        {
            "optimizer.learning_rate": 0.5,
            "fit.batch_size": 3,
            "compile.jit_compile": "never",
            UNITS: 77,
            "compile.optimizer": "SGD",
        },
    )
    assert project.compile.optimizer.class_name == "SGD"
    assert project.compile.optimizer.params == {"learning_rate": 0.5}
    assert project.fit.batch_size == 3
    assert project.compile.jit_compile == "never"
    assert project.graph.by_id[DENSE.id].params["units"] == 77
    assert shown_name(WINE, UNITS) == f"{DENSE.name}.units"
    assert current_value(project, CATALOGUE, UNITS) == 77
    assert current_value(project, CATALOGUE, "optimizer.momentum") == 0.0
    assert current_value(project, CATALOGUE, "fit.batch_size") == 3
    assert param_spec(WINE, CATALOGUE, "fit.nothing") is None


def test_a_sweep_is_saved_with_the_project() -> None:
    project = with_sweep(SweepParam(name=UNITS, low=1, high=9, whole=True), method="grid")
    assert decode(encode(project), "p") == project


@pytest.mark.parametrize(
    ("param", "wanted"),
    [
        (SweepParam(name="a", values=(1, "x")), (1, "x")),
        (SweepParam(name="a", low=0, high=1, steps=3), (0, 0.5, 1)),
        (SweepParam(name="a", low=1, high=100, log=True, steps=3), (1, 10, 100)),
        (SweepParam(name="a", low=1, high=2, whole=True, steps=5), (1, 2)),
        (SweepParam(name="a", low=1, high=3, steps=1), (2,)),
    ],
)
def test_a_grid_takes_its_steps(param: SweepParam, wanted: tuple[Any, ...]) -> None:
    assert values_of(param) == pytest.approx(wanted) if wanted[-1] != "x" else wanted


def test_a_grid_has_every_combination_once() -> None:
    params = (SweepParam(name="a", values=(1, 2)), SweepParam(name="b", low=0, high=2, whole=True))
    found = [tuple(values.values()) for values in grid(params)]
    assert found == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert grid_size(params) == 6


RATE = SweepParam(name="optimizer.learning_rate", low=1e-4, high=1e-1, log=True)


@pytest.mark.parametrize(
    ("params", "changes", "kind", "words"),
    [
        ((), {}, "sweep-option", "varies nothing"),
        ((RATE, RATE), {}, "sweep-option", "twice"),
        ((SweepParam(name="fit.speed", values=(1,)),), {}, "sweep-option", "no option “fit.speed”"),
        ((SweepParam(name=UNITS),), {}, "sweep-range", "nothing to try"),
        ((SweepParam(name=UNITS, low=9, high=1),), {}, "sweep-range", "from 9 to 1 is empty"),
        ((SweepParam(name=UNITS, low=0, high=1, log=True),), {}, "sweep-range", "no logarithm"),
        ((SweepParam(name=UNITS, low=0.5, high=2, whole=True),), {}, "sweep-range", "whole"),
        ((SweepParam(name=UNITS, low=1, high=2, steps=0),), {}, "sweep-range", "0 steps"),
        ((SweepParam(name=UNITS, values=(8, 0)),), {}, "sweep-range", "at least 1"),
        ((SweepParam(name=UNITS, low=1, high=4, steps=4),), {}, "sweep-range", "whole number"),
        ((SweepParam(name=UNITS, low=1, high=4, whole=True),), {}, "", ""),
        ((RATE,), {"direction": "up"}, "sweep-goal", "one of min, max"),
        ((RATE,), {"method": "guess"}, "sweep-goal", "one of grid"),
        ((RATE,), {"objective": ""}, "sweep-goal", "val_loss"),
        ((RATE,), {"trials": 0}, "sweep-goal", "At least 1"),
        (
            tuple(SweepParam(name=n, low=1, high=500, whole=True, steps=500) for n in (UNITS, "fit.epochs")),
            {"method": "grid"},
            "sweep-goal",
            "250,000 combinations",
        ),
        ((SweepParam(name="compile.optimizer", values=("SGD", "Adam")),), {}, "", ""),
        ((SweepParam(name="compile.optimizer", values=("Sgd",)),), {}, "sweep-range", "Sgd"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    params: tuple[SweepParam, ...], changes: dict[str, Any], kind: str, words: str
) -> None:
    found = sweep_problems(with_sweep(*params, **changes), CATALOGUE)
    if not kind:
        assert found == ()
        return
    assert found[0].kind == kind
    assert words in found[0].text
