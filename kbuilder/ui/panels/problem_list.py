"""Problems as rows: a sign, the node as a link, what is wrong, and fixes as buttons."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.problems import Problem
from kbuilder.ui import theme
from kbuilder.ui.panels.flow import FlowLayout
from kbuilder.ui.text import label, tooltip

MOST_ROWS = 30
"""More rows help nobody, and would cost their time at each edit."""
NAME_WIDTH = 128
SIGN = 16


class ProblemList(QScrollArea):
    """All problems below each other.

    Signals:
        node_chosen: the id of a node whose name was clicked.
        code_chosen: the line of own code whose problem was clicked; 0 for the code as a whole.
        fix_wanted: the ``Fix`` whose button was clicked.
    """

    node_chosen = Signal(str)
    code_chosen = Signal(int)
    fix_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ProblemRow] = []
        self.setAccessibleName(self.tr("Problems"))
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        body.setProperty("role", "side")
        self.setWidget(body)
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(6, 2, 6, 6)
        self._column.setSpacing(0)
        self._nothing = ProblemRow(None, "", self.tr("No problems. The model can be trained."))
        self._checking = label(self.tr("Checking…"), "muted")
        self._checking.setContentsMargins(8, 6, 8, 4)
        self._more = label(role="muted")
        self._more.setContentsMargins(8, 4, 8, 4)
        self._column.addWidget(self._nothing)
        self._column.addWidget(self._checking)
        self._column.addWidget(self._more)
        self._column.addStretch(1)

    def rows(self) -> list[ProblemRow]:
        """The rows from top to bottom."""
        return list(self._rows)

    def show_problems(
        self, problems: tuple[Problem, ...], names: dict[str, str], *, checked: bool
    ) -> None:
        """Show these problems; ``names`` are those of the nodes by id. Rows that still hold stay.

        Unless ``checked``, there may be more: the engine has not answered yet.
        """
        old = self._rows
        self._rows = []
        for problem in problems[:MOST_ROWS]:
            other = self.tr("Own code") if _is_of_code(problem) else self.tr("Model")
            name = names.get(problem.node, other)
            row = next((row for row in old if row.shows(problem, name)), None)
            if row is None:
                row = self._made(problem, name)
            else:
                old.remove(row)
            self._rows.append(row)
        for row in old:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for number, row in enumerate(self._rows):
            if self._column.indexOf(row) != number:
                self._column.insertWidget(number, row)
        self._nothing.setVisible(checked and not problems)
        self._checking.setVisible(not checked)
        self._more.setVisible(len(problems) > MOST_ROWS)
        self._more.setText(self.tr("… and %n more", "", len(problems) - len(self._rows)))

    def mark(self, number: int) -> None:
        """Set one row off from the others and bring it into view."""
        for place, row in enumerate(self._rows):
            row.set_marked(place == number)
        self.ensureWidgetVisible(self._rows[number], 0, 8)

    def marked(self) -> int | None:
        """The number of the row that was marked last, if it is still there."""
        return next((number for number, row in enumerate(self._rows) if row.marked), None)

    def _made(self, problem: Problem, name: str) -> ProblemRow:
        row = ProblemRow(problem, name, problem.text)
        row.node_chosen.connect(self.node_chosen)
        row.code_chosen.connect(self.code_chosen)
        row.fix_wanted.connect(self.fix_wanted)
        return row


class ProblemRow(QFrame):
    """One problem. Without a problem it says that there is none."""

    node_chosen = Signal(str)
    code_chosen = Signal(int)
    fix_wanted = Signal(object)

    def __init__(self, problem: Problem | None, name: str, text: str) -> None:
        super().__init__()
        self.problem = problem
        self.name = name
        self.marked = False
        self.setProperty("role", "problem")
        words = {
            "error": self.tr("Error"),
            "warning": self.tr("Warning"),
            "info": self.tr("Hint"),
        }
        severity = problem.severity if problem else "ok"
        self.sign = Sign(severity, words.get(severity, ""))
        self.text = label(text)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.link = _button(name, "link")
        self.fixes = [_button(fix.text, "fix") for fix in problem.fixes] if problem else []
        self._lay_out()
        if problem is not None:
            self._connect(problem, words[severity])

    def shows(self, problem: Problem, name: str) -> bool:
        """Whether the row already says just this."""
        return self.name == name and self.problem == problem

    def set_marked(self, marked: bool) -> None:
        """Set the row off from the others, or no longer."""
        if marked != self.marked:
            self.marked = marked
            self.setProperty("marked", marked)
            self.style().polish(self)

    def _connect(self, problem: Problem, severity: str) -> None:
        self.setAccessibleName(f"{severity}: {self.name}: {problem.text}")
        self.link.setEnabled(bool(problem.node) or _is_of_code(problem))
        self.link.setAccessibleName(self.tr("{0} of {1}").format(severity, self.name))
        self.link.setAccessibleDescription(problem.text)
        if problem.node:
            self.link.clicked.connect(partial(self.node_chosen.emit, problem.node))
        if _is_of_code(problem):
            self.link.clicked.connect(partial(self.code_chosen.emit, problem.line))
        for button, fix in zip(self.fixes, problem.fixes, strict=True):
            button.setAccessibleDescription(problem.text)
            button.clicked.connect(partial(self.fix_wanted.emit, fix))

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 8, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(self.sign, 0, 0, top)
        if self.name:
            self.link.setFixedWidth(NAME_WIDTH)
            metrics = self.link.fontMetrics()
            shown = metrics.elidedText(self.name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH - 8)
            self.link.setText(shown.replace("&", "&&"))
            grid.addWidget(self.link, 0, 1, top)
        else:
            self.link.deleteLater()
        grid.addWidget(self.text, 0, 2)
        if self.fixes:
            flow = FlowLayout()
            for button in self.fixes:
                flow.addWidget(button)
            grid.addLayout(flow, 1, 2)


def _is_of_code(problem: Problem) -> bool:
    return problem.kind.startswith("own-code")


class Sign(QWidget):
    """How bad it is, by shape and colour: a round ×, a triangular !, a round i, a tick."""

    def __init__(self, severity: str, words: str) -> None:
        super().__init__()
        self._severity = severity
        self.setFixedSize(QSize(SIGN, SIGN + 2))
        self.setToolTip(words)
        self.setAccessibleName(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The shape in the colour of the theme."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0.0, 1.0)
        paint_sign(painter, self._severity)


def paint_sign(painter: QPainter, severity: str) -> None:
    """Paint the sign of a severity into the 16 × 16 units at the origin."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(severity_colour(severity))
    if severity == "warning":
        painter.drawPolygon(QPolygonF([QPointF(8, 1.5), QPointF(15.5, 14.5), QPointF(0.5, 14.5)]))
    else:
        painter.drawEllipse(QRectF(1, 1, 14, 14))
    painter.setPen(QPen(theme.current().panel, 1.7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for stroke in _STROKES.get(severity, _STROKES["info"]):
        painter.drawPolyline([QPointF(x, y) for x, y in stroke])


_STROKES = {
    "error": (((5.5, 5.5), (10.5, 10.5)), ((10.5, 5.5), (5.5, 10.5))),
    "warning": (((8.0, 6.2), (8.0, 9.8)), ((8.0, 12.2), (8.0, 12.3))),
    "info": (((8.0, 7.4), (8.0, 11.2)), ((8.0, 4.8), (8.0, 4.9))),
    "ok": (((5.0, 8.3), (7.2, 10.5), (11.2, 5.9)),),
}


def severity_colour(severity: str) -> QColor:
    """The colour that stands for how bad a problem is."""
    colours = theme.current()
    named = {"error": colours.error, "warning": colours.warning, "ok": colours.ok}
    return named.get(severity, colours.accent)


def _button(text: str, role: str) -> QPushButton:
    button = QPushButton(text.replace("&", "&&"))
    button.setToolTip(tooltip(text))
    button.setProperty("role", role)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
