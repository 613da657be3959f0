"""Undo and redo over whole projects. Values are shared, so a step costs little."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from kbuilder.document.project import Project


@dataclass(frozen=True, slots=True)
class Step:
    """A project before an edit, and the text of that edit."""

    text: str
    project: Project
    merge_key: Hashable | None = None


class History:
    """Past and future projects, and which one is on disk."""

    def __init__(self, saved: Project) -> None:
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._saved = saved

    def record(self, step: Step) -> None:
        """Remember the project before an edit. Equal merge keys in a row make one step."""
        top = self._past[-1] if self._past else None
        merges = (
            top is not None
            and step.merge_key is not None
            and top.merge_key == step.merge_key
            and not self._future
        )
        if not merges:
            self._past.append(step)
        self._future.clear()

    def end_merging(self) -> None:
        """Make the next edit a step of its own, whatever its key."""
        if self._past:
            top = self._past[-1]
            self._past[-1] = Step(top.text, top.project)

    def undo(self, current: Project) -> Project:
        """The project before the last step. Call only if ``undo_text`` is not empty."""
        step = self._past.pop()
        self._future.append(Step(step.text, current))
        return step.project

    def redo(self, current: Project) -> Project:
        """The project after the step undone last. Call only if ``redo_text`` is not empty."""
        step = self._future.pop()
        self._past.append(Step(step.text, current))
        return step.project

    @property
    def undo_text(self) -> str:
        """Text of the step that undo would take back, or empty."""
        return self._past[-1].text if self._past else ""

    @property
    def redo_text(self) -> str:
        """Text of the step that redo would do again, or empty."""
        return self._future[-1].text if self._future else ""

    def mark_saved(self, project: Project) -> None:
        """This value is what lies on disk now."""
        self._saved = project

    def is_saved(self, project: Project) -> bool:
        """Whether this value equals what lies on disk."""
        return project is self._saved or project == self._saved
