"""A heading that folds what is below it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """Rows under a heading, folded at first."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._head = QToolButton()
        self._head.setProperty("role", "section")
        self._head.setText(title.replace("&", "&&"))
        self._head.setCheckable(True)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setArrowType(Qt.ArrowType.RightArrow)
        self._head.toggled.connect(self.unfold)
        self._body = QWidget()
        self._body.hide()
        self.rows = QVBoxLayout(self._body)
        self.rows.setContentsMargins(0, 0, 0, 4)
        self.rows.setSpacing(6)
        line = QFrame()
        line.setProperty("role", "line")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(4)
        for widget in (line, self._head, self._body):
            column.addWidget(widget)

    def unfold(self, open_: bool) -> None:
        """Show or hide the rows."""
        self._head.setChecked(open_)
        arrow = Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow
        self._head.setArrowType(arrow)
        self._body.setVisible(open_)

    def set_title(self, title: str) -> None:
        """Put another title on it."""
        self._head.setText(title.replace("&", "&&"))
