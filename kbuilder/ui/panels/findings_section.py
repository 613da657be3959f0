"""What the training doctor finds, with its remedies as buttons."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from kbuilder.document.problems import Problem
from kbuilder.ui.panels.flow import FlowLayout
from kbuilder.ui.panels.problem_list import Sign
from kbuilder.ui.text import label, tooltip


class FindingsSection(QWidget):
    """Findings below each other, worst first.

    Signals:
        fix_wanted: the ``Fix`` whose button was clicked.
        node_wanted: the id of the layer that a finding is about.
    """

    fix_wanted = Signal(object)
    node_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.findings: tuple[Problem, ...] = ()
        self.cards: list[QFrame] = []
        self._nothing = label(self.tr("Nothing to complain about."), "muted")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self._nothing)

    def show_findings(self, findings: tuple[Problem, ...]) -> None:
        """Show these findings; what still holds stays as it is."""
        if findings == self.findings:
            return
        self.findings = findings
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = [self._card(problem) for problem in findings]
        for card in self.cards:
            self._column.addWidget(card)
        self._nothing.setVisible(not findings)

    def _card(self, problem: Problem) -> QFrame:
        card = QFrame()
        grid = QGridLayout(card)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        words = {"error": self.tr("Error"), "warning": self.tr("Warning"), "info": self.tr("Hint")}
        sign = Sign(problem.severity, words[problem.severity])
        text = label(problem.text)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(text, 0, 1)
        buttons = FlowLayout()
        for fix in problem.fixes:
            button = self._button(fix.text, "fix")
            button.clicked.connect(partial(self.fix_wanted.emit, fix))
            buttons.addWidget(button)
        if problem.node:
            button = self._button(self.tr("Show layer"), "link")
            button.clicked.connect(partial(self.node_wanted.emit, problem.node))
            buttons.addWidget(button)
        if problem.fixes or problem.node:
            grid.addLayout(buttons, 1, 1)
        card.setAccessibleName(f"{words[problem.severity]}: {problem.text}")
        return card

    def _button(self, text: str, role: str) -> QPushButton:
        button = QPushButton(text.replace("&", "&&"))
        button.setToolTip(tooltip(self.tr("For the next run") if role == "fix" else ""))
        button.setProperty("role", role)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        return button
