"""Blocks that cannot be Keras models are told, with fixes that mend them."""

from __future__ import annotations

from kbuilder.document import group_edits
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Group
from kbuilder.document.mending import apply_fix
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from tests.document.test_group_edits import chain

CATALOGUE = load_catalogue()


def nested(name: str, *members: str) -> Project:
    made = Group(id="g", name=name, nested=True)
    return group_edits.group(chain("a", "b", "c"), made, members, ())


def found(project: Project, kind: str) -> list[Problem]:
    return [problem for problem in check(project, CATALOGUE) if problem.kind == kind]


def test_a_whole_block_is_fine() -> None:
    project = nested("body", "a", "b")
    assert found(project, "nested-circle") == found(project, "nested-name") == []


def test_a_torn_block_is_told_and_mended() -> None:
    project = nested("torn", "a", "c")
    (problem,) = found(project, "nested-circle")
    assert problem.node == "a"
    assert "“torn”" in problem.text
    mended = apply_fix(project, problem.fixes[0], CATALOGUE)
    assert found(mended, "nested-circle") == []
    assert not mended.graph.group_by_id["g"].nested


def test_a_block_in_a_block_is_looked_at_too() -> None:
    project = group_edits.group(
        chain("a", "b", "c"), Group(id="o", name="o", nested=True), "abc", ()
    )
    inner = Group(id="g", name="torn", nested=True)
    project = group_edits.group(project, inner, ["a", "c"], ())
    assert [problem.kind for problem in found(project, "nested-circle")] == ["nested-circle"]


def test_a_name_that_is_taken_or_none_is_told_and_mended() -> None:
    for name in ("a", "two words", "in"):
        project = nested(name, "a", "b")
        (problem,) = found(project, "nested-name")
        mended = apply_fix(project, problem.fixes[0], CATALOGUE)
        assert found(mended, "nested-name") == []


def test_only_drawn_blocks_may_be_called_as_one_likes() -> None:
    project = nested("two words", "a", "b")
    project = group_edits.set_group(project, "g", nested=False)
    assert found(project, "nested-name") == []
