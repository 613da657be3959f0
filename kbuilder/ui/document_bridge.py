"""The one place where the document's observer becomes a Qt signal."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from kbuilder.document.document import Document


class DocumentBridge(QObject):
    """Emits ``changed`` with a ``Changes`` after each change of ``document``."""

    changed = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        document.observe(self.changed.emit)
