"""Keeps the window's catalogue in step with the project's own code, before any view looks into it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.own_code import teach
from kbuilder.ui.document_bridge import DocumentBridge


class OwnClasses(QObject):
    """To be made right behind the bridge, so that it hears of a change first.

    Signals:
        changed: the catalogue knows other classes now.
    """

    changed = Signal()

    def __init__(
        self, bridge: DocumentBridge, catalogue: Catalogue, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        teach(catalogue, self._document.project.custom_code)
        bridge.changed.connect(self._follow)

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        code_is_new = changes.code or changes.replaced
        if code_is_new and teach(self._catalogue, self._document.project.custom_code):
            self.changed.emit()
