"""What every problem owes: its place, its words, and fixes that make it go away and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.mending import apply_fix
from kbuilder.document.problems import KINDS, Problem
from kbuilder.document.project import Project

Judge = Callable[[Project], Iterable[Problem]]


def the_problem(found: Iterable[Problem], kind: str, node: str | None = None) -> Problem:
    """The only problem of that kind (and node); all kinds that are there must be known."""
    found = tuple(found)
    assert {problem.kind for problem in found} <= set(KINDS), found
    of_kind = [
        problem for problem in found if problem.kind == kind and node in (None, problem.node)
    ]
    assert len(of_kind) == 1, [(problem.kind, problem.node, problem.text) for problem in found]
    return of_kind[0]


def assert_fixes_mend(
    project: Project, problem: Problem, judge: Judge, catalogue: Catalogue
) -> None:
    """Each fix makes this problem go away, as one step that undo takes back."""
    for fix in problem.fixes:
        document = Document(project)
        assert document.apply(fix.text, lambda p, fix=fix: apply_fix(p, fix, catalogue)), fix
        left = [
            other
            for other in judge(document.project)
            if (other.kind, other.node) == (problem.kind, problem.node)
        ]
        assert left == [], (fix, left)
        document.undo()
        assert document.project == project, fix
