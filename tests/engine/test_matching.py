"""Data that does not fit the model it is to train: named, explained, and mended by the fixes."""

import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.document.options import CompileOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.matching import check_fit, match, split
from tests.document.mended import assert_fixes_mend, the_problem
from tests.engine.conftest import loss, make_graph, make_node

ROWS = np.zeros((20, 8), np.float32)
CODES = np.arange(20) % 3
SPARSE = "SparseCategoricalCrossentropy"

CASES = [
    # kind, inputs, target, loss with metrics, parameter, text of the fix
    ("no-field", None, CODES, (SPARSE,), "", None),
    ("input-data", np.zeros((20, 5)), CODES, (SPARSE,), "shape", "Set shape to (5,)"),
    (
        "metric-targets",
        ROWS,
        CODES,
        (SPARSE, "AUC", "CategoricalAccuracy"),
        "metrics",
        "Use SparseCategoricalAccuracy",
    ),
    ("labels-class-numbers", ROWS, CODES, ("CategoricalCrossentropy",), "loss", f"Use {SPARSE}"),
    ("target-shape", ROWS, np.zeros((20, 2)), ("MeanSquaredError",), "loss", None),
    ("labels-vectors", ROWS, np.eye(3)[CODES], (SPARSE,), "loss", "Use CategoricalCrossentropy"),
    ("labels-fractions", ROWS, CODES + 0.5, (SPARSE,), "loss", "Use MeanSquaredError"),
    ("units-classes", ROWS, CODES + 4, (SPARSE,), "loss", "Set units to 7"),
]


@pytest.mark.parametrize(("kind", "rows", "target", "judges", "parameter", "fix"), CASES)
def test_what_does_not_fit_is_named_and_mended(
    catalogue, kind, rows, target, judges, parameter, fix
):
    graph = make_graph(
        make_node("Input", "in", shape=[8]),
        make_node("Dense", "out", units=3, activation="softmax"),
    )
    project = Project(graph=graph, compile=CompileOptions(outputs={"#out": loss(*judges)}))
    inputs = {} if rows is None else {"#in": rows}

    def judge(changed: Project):
        try:
            match(build(changed, catalogue), changed, inputs, {"#out": target})
        except BuildError as error:
            return error.problems
        return ()

    problem = the_problem(judge(project), kind)
    assert problem.node == ("#in" if kind in ("no-field", "input-data") else "#out")
    assert problem.parameter == parameter
    assert [each.text for each in problem.fixes] == ([fix] if fix else [])
    assert_fixes_mend(project, problem, judge, catalogue)


def test_a_split_that_leaves_nothing_is_mended(catalogue):
    graph = make_graph(make_node("Input", "in", shape=[8]), make_node("Dense", "out", units=3))
    project = Project(graph=graph, compile=CompileOptions(outputs={"#out": loss(SPARSE)}))
    samples = match(build(project, catalogue), project, {"#in": ROWS[:1]}, {"#out": CODES[:1]})

    def judge(changed: Project):
        try:
            split(samples, changed.fit)
        except BuildError as error:
            return error.problems
        return ()

    problem = the_problem(judge(project), "split-empty")
    assert problem.parameter == "validation_split"
    assert problem.fixes
    assert_fixes_mend(project, problem, judge, catalogue)


def test_options_of_fit_outside_their_limits_are_mended(catalogue):
    project = Project(fit=FitOptions(epochs=0))

    def judge(changed: Project):
        try:
            check_fit(changed.fit, catalogue)
        except BuildError as error:
            return error.problems
        return ()

    problem = the_problem(judge(project), "fit-value")
    assert (problem.parameter, problem.fixes[0].text) == ("epochs", "Set epochs to 10")
    assert_fixes_mend(project, problem, judge, catalogue)
    assert judge(replace(project, fit=FitOptions())) == ()
