"""Shapes and costs of the selected layers: parameters, memory, multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from kbuilder.document.facts import NodeFacts, TensorFacts
from kbuilder.ui.text import bytes_text, count_text, label


class FactsCard(QWidget):
    """Adds up what is known of some layers; shapes are shown for one layer only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        line = QFrame()
        line.setProperty("role", "line")
        self._shapes = self._grid()
        self._in = self._row(self._shapes, self.tr("In"), "")
        self._out = self._row(self._shapes, self.tr("Out"), "")
        self._costs = self._grid()
        self._trainable = self._row(
            self._costs, self.tr("Trainable"), self.tr("Parameters that training changes")
        )
        self._fixed = self._row(
            self._costs,
            self.tr("Fixed"),
            self.tr("Parameters that stay: frozen ones, and statistics such as moving averages"),
        )
        self._weights = self._row(
            self._costs, self.tr("Weights"), self.tr("Memory of all parameters")
        )
        self._activations = self._row(
            self._costs,
            self.tr("Outputs"),
            self.tr("Memory of the layers' outputs for one sample; an open dimension counts as 1"),
        )
        self._work = self._row(
            self._costs, self.tr("Multiply-adds"), self.tr("For one sample, forwards")
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        self._heading = label(self.tr("Shapes"), "strong")
        for part in (line, self._heading, self._shapes, label(self.tr("Costs"), "strong")):
            column.addWidget(part)
        column.addWidget(self._costs)

    def show_facts(self, facts: Sequence[NodeFacts], *, tensors: bool) -> None:
        """Show the sums over ``facts``, and with ``tensors`` the shapes of the one layer."""
        for part in (self._heading, self._shapes):
            part.setVisible(tensors)
        one = facts[0] if tensors and facts else NodeFacts()
        self._in.setText(_shapes(one.inputs))
        self._out.setText(_shapes(one.outputs))
        self._trainable.setText(f"{sum(fact.trainable_params for fact in facts):,}")
        self._fixed.setText(f"{sum(fact.fixed_params for fact in facts):,}")
        self._weights.setText(bytes_text(sum(fact.weight_bytes for fact in facts)))
        self._activations.setText(bytes_text(sum(fact.activation_bytes for fact in facts)))
        self._work.setText(count_text(sum(fact.mult_adds for fact in facts)))

    def _grid(self) -> QWidget:
        made = QWidget()
        grid = QGridLayout(made)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        return made

    def _row(self, grid: QWidget, name: str, tip: str) -> QLabel:
        layout = grid.layout()
        assert isinstance(layout, QGridLayout)
        title, value = label(name, "muted"), label(role="mono")
        for part in (title, value):
            part.setToolTip(tip)
        at = layout.rowCount()
        layout.addWidget(title, at, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(value, at, 1, Qt.AlignmentFlag.AlignRight)
        return value


def _shapes(tensors: Sequence[TensorFacts]) -> str:
    return "\n".join(_shape(tensor) for tensor in tensors) or "—"


def _shape(tensor: TensorFacts) -> str:
    inner = ", ".join("?" if size is None else str(size) for size in tensor.shape[1:])
    return f"(batch, {inner})" if inner else "(batch,)"
