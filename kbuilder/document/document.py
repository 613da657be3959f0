"""The open project: the one mutable thing, changed only through ``apply``, ``undo`` and ``redo``."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path

from kbuilder.document.changes import Changes, difference
from kbuilder.document.consistency import contradiction, ties_alike
from kbuilder.document.history import History, Step
from kbuilder.document.project import Project

Edit = Callable[[Project], Project]
Observer = Callable[[Changes], None]


class Document:
    """A project, where it lies, its history, and who wants to know of changes."""

    def __init__(self, project: Project | None = None, path: Path | None = None) -> None:
        self.project = project or Project()
        self.path = path
        self.name = path.stem if path else ""
        self._history = History(self.project)
        self._observers: list[Observer] = []

    def apply(self, text: str, edit: Edit, merge_key: Hashable | None = None) -> bool:
        """Change the project. ``text`` names the edit for undo, as in "Delete 3 layers".

        An edit that changes nothing leaves no step behind.

        Returns:
            Whether anything changed.

        Raises:
            InvalidEditError: the edit made a graph that contradicts itself; nothing was changed.
        """
        before, after = self.project, edit(self.project)
        if after == before:
            return False
        if not ties_alike(before.graph, after.graph):
            _validate(after)
        self._history.record(Step(text, before, merge_key))
        self._replace(after)
        return True

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        if self._history.undo_text:
            self._replace(self._history.undo(self.project))

    def redo(self) -> None:
        """Do the step undone last again, if there is one."""
        if self._history.redo_text:
            self._replace(self._history.redo(self.project))

    def end_merging(self) -> None:
        """A field was left or a drag ended: the next edit is a step of its own."""
        self._history.end_merging()

    def open(self, project: Project, path: Path | None, name: str = "") -> None:
        """Show another project, with an empty history; ``name`` is for one that has no path yet."""
        before, self.project, self.path = self.project, project, path
        self.name = path.stem if path else name
        self._history = History(project)
        self._tell(difference(before, project, replaced=True))

    def mark_saved(self, path: Path) -> None:
        """The current value lies on disk at ``path``."""
        self.path, self.name = path, path.stem
        self._history.mark_saved(self.project)
        self._tell(Changes())

    @property
    def modified(self) -> bool:
        """Whether the project differs from what lies on disk."""
        return not self._history.is_saved(self.project)

    @property
    def undo_text(self) -> str:
        """What undo would take back, or empty."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """What redo would do again, or empty."""
        return self._history.redo_text

    def observe(self, observer: Observer) -> None:
        """Call ``observer`` once after each change."""
        self._observers.append(observer)

    def _replace(self, project: Project) -> None:
        before, self.project = self.project, project
        project.graph.take_lookups(before.graph)
        self._tell(difference(before, project))

    def _tell(self, changes: Changes) -> None:
        for observer in self._observers:
            observer(changes)


class InvalidEditError(Exception):
    """A bug in an edit: ids repeat, or a wire ends at a node that is not there."""


def _validate(project: Project) -> None:
    fault = contradiction(project.graph)
    if fault:
        raise InvalidEditError(fault)
