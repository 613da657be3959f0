"""Expressions are read, not run: what may stand in one, and how a mistake is told."""

from __future__ import annotations

import pytest

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.expression import (
    Called,
    Constant,
    ExpressionError,
    Inputs,
    Items,
    Signed,
    fault,
    functions,
    parsed,
    result_count,
)
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from tests.document.mended import assert_fixes_mend, the_problem

CATALOGUE = load_catalogue()


def test_an_expression_becomes_a_tree() -> None:
    term = parsed("ops.mean(x, axis=-1) * 2")
    assert isinstance(term, Signed)
    called, two = term.terms
    assert two == Constant(2)
    assert isinstance(called, Called)
    assert (called.function, called.arguments, called.named) == (
        "mean",
        (Inputs(),),
        (("axis", Constant(-1)),),
    )


def test_functions_of_the_modules_below_are_the_same() -> None:
    assert [each.function for each in functions(parsed("ops.nn.relu(ops.linalg.norm(x))"))] == [
        "relu",
        "norm",
    ]
    assert [each.function for each in functions(parsed("ops.image.resize(x, (4, 4))"))] == [
        "image.resize"
    ]


def test_a_tuple_gives_several_results() -> None:
    assert result_count("(x[0], x[1] + 1)") == 2
    assert result_count("x") == 1
    assert result_count("x +") == 1
    assert isinstance(parsed("x[0], x[1]"), Items)


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("", "Write an expression", 1),
        ("x +", "Column", 4),
        ("  y + 1", "“y” is not known", 3),
        ("x + __import__('os')", "only functions of keras.ops", 5),
        ("x.__class__", "an attribute", 1),
        ("ops.mean.__globals__", "an attribute", 1),
        ("[a for a in x]", "cannot stand", 1),
        ("lambda a: a", "lambda", 1),
        ("x and x", "use & and |", 1),
        ("x if x else x", "ops.where", 1),
        ("1 < x < 2", "a chain of comparisons", 1),
        ("f'{x}'", "an f-string", 1),
        ("ops.mean(*x)", "arguments with *", 1),
        ("x * 10000000000000000000", "too large", 5),
        ("x * 2j", "this value", 5),
        ("(" * 100 + "x" + ")" * 100, "", 1),
        ("-" * 200 + "x", "nested", 1),
        ("x" * 5000, "at most 4,000", 1),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str, words: str, column: int) -> None:
    if not words:
        assert parsed(text) == Inputs()
        return
    with pytest.raises(ExpressionError) as refused:
        parsed(text)
    assert words in str(refused.value)
    if words not in ("nested",):
        assert refused.value.column == column


def test_a_function_that_is_no_operation_is_named_with_its_column() -> None:
    assert fault("ops.mean(x)", CATALOGUE.functions) == ""
    assert "Column 5: there is no operation “ops.meen”" in fault(
        "1 + ops.meen(x)", CATALOGUE.functions
    )
    assert "no operation “ops.while_loop”" in fault("ops.while_loop(x)", CATALOGUE.functions)
    assert "is a text" in fault(3, CATALOGUE.functions)


def project_with(**params: object) -> Project:
    nodes = (
        Node(id="in", class_name="Input", name="in", params={"shape": [4]}),
        Node(id="it", class_name="Expression", name="it", params=dict(params)),
    )
    return Project(graph=Graph(nodes=nodes, edges=(Edge(source="in", target="it"),)))


def test_a_faulty_expression_is_an_error_of_its_parameter() -> None:
    problem = the_problem(check(project_with(expression="x +"), CATALOGUE), "expression")
    assert (problem.severity, problem.parameter) == ("error", "expression")


def test_an_expression_of_a_file_waits_to_be_read() -> None:
    def judge(project: Project) -> tuple[Problem, ...]:
        return check(project, CATALOGUE)

    project = project_with(expression="x * 2", approved=False)
    problem = the_problem(check(project, CATALOGUE), "expression-unread")
    assert problem.severity == "warning"
    assert_fixes_mend(project, problem, judge, CATALOGUE)
