"""The first thing a newcomer sees: bundled samples, recent projects, open."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from kbuilder.ui.icons import give_icon
from kbuilder.ui.text import label

COLUMN_WIDTH = 760


class StartPage(QWidget):
    """``sample_chosen`` and ``path_chosen`` carry a name; ``open_wanted`` and ``new_wanted`` nothing."""

    sample_chosen = Signal(str)
    path_chosen = Signal(Path)
    open_wanted = Signal()
    new_wanted = Signal()

    def __init__(self, recent: list[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "workspace")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(label("kbuilder", "big"))
        column.addWidget(
            label(self.tr("Draw a network, watch it train, look inside, keep the model."), "muted")
        )
        column.addSpacing(8)
        column.addWidget(label(self.tr("SAMPLES THAT TRAIN"), "heading"))
        column.addLayout(self._make_samples())
        column.addLayout(self._make_buttons())
        if recent:
            column.addWidget(label(self.tr("RECENT"), "heading"))
            for path in recent[:5]:
                column.addWidget(self._recent_button(path))
        column.addStretch(2)
        box = QWidget()
        box.setFixedWidth(COLUMN_WIDTH)
        box.setLayout(column)
        row = QHBoxLayout(self)
        row.addWidget(box)

    def _make_samples(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        samples = (
            (
                "digits-cnn",
                self.tr("Digits, convolutional"),
                self.tr("Pictures, a residual branch"),
            ),
            ("digits-mlp", self.tr("Digits, dense"), self.tr("The smallest useful network")),
            (
                "wine-two-in-two-out",
                self.tr("Wine, two in, two out"),
                self.tr("A table feeds two inputs; a class and a number come out"),
            ),
            ("digits-lstm", self.tr("Digits, LSTM"), self.tr("Rows of a picture as a sequence")),
        )
        for number, (name, title, text) in enumerate(samples):
            grid.addWidget(self._sample_card(name, title, text), number // 2, number % 2)
        return grid

    def _sample_card(self, name: str, title: str, text: str) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(14, 12, 14, 12)
        column.addWidget(label(title, "strong"))
        words = label(text, "muted")
        words.setWordWrap(True)
        column.addWidget(words)
        button = QPushButton(self.tr("Open"))
        button.setObjectName(f"open_{name}")
        button.setAccessibleName(self.tr("Open the sample {0}").format(title))
        button.clicked.connect(partial(self.sample_chosen.emit, name))
        column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return card

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, picture, signal in (
            (self.tr("Open a project or a .hdf5, .h5, .keras model…"), "model", self.open_wanted),
            (self.tr("Empty graph"), "new", self.new_wanted),
        ):
            button = QPushButton(text)
            give_icon(button, picture)
            button.clicked.connect(signal.emit)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _recent_button(self, path: Path) -> QPushButton:
        button = QPushButton(f"{path.stem}   {path.parent}".replace("&", "&&"))
        button.setStyleSheet("text-align: left")
        button.clicked.connect(partial(self.path_chosen.emit, path))
        return button
