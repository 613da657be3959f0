"""The middle of a workspace: a card on its ground."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

INVISIBLE_HANDLE = "QSplitter::handle { background: transparent; }"
"""Style of a splitter between cards: the gap itself is the handle."""


def in_card(rows: QVBoxLayout) -> QWidget:
    """A widget that shows ``rows`` in a card."""
    card = QFrame()
    card.setProperty("role", "card")
    rows.setContentsMargins(14, 12, 14, 12)
    card.setLayout(rows)
    middle = QWidget()
    middle.setProperty("role", "workspace")
    middle.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(middle)
    column.setContentsMargins(12, 12, 12, 12)
    column.addWidget(card)
    return middle
