"""The error of everything that makes a model from a project."""

from __future__ import annotations

from kbuilder.document.errors import KBuilderError
from kbuilder.document.problems import Problem


class BuildError(KBuilderError):
    """The project cannot be made into a model; ``problems`` say where and why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].text)
        self.problems = problems
