"""The first thing a newcomer sees: bundled samples, templates, recent projects, open."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.templates import Template, load_templates
from kbuilder.ui import theme
from kbuilder.ui.icons import give_icon
from kbuilder.ui.text import label, tooltip

COLUMN_WIDTH = 820
_TEMPLATE_COLUMNS = 4
_CARD_PADDING = 12
_LINE_GAP = 4


class StartPage(QWidget):
    """``sample_chosen``, ``template_chosen`` and ``path_chosen`` carry a name, the others nothing."""

    sample_chosen = Signal(str)
    template_chosen = Signal(str)
    path_chosen = Signal(Path)
    open_wanted = Signal()
    new_wanted = Signal()

    def __init__(self, recent: list[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "workspace")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout()
        column.setContentsMargins(12, 16, 12, 16)
        column.setSpacing(10)
        column.addStretch(1)
        column.addLayout(self._make_head())
        column.addSpacing(6)
        column.addWidget(label(self.tr("SAMPLES THAT TRAIN"), "heading"))
        column.addLayout(self._make_samples())
        column.addSpacing(6)
        column.addWidget(label(self.tr("START FROM A TEMPLATE"), "heading"))
        column.addLayout(self._make_templates())
        if recent:
            column.addSpacing(6)
            column.addWidget(label(self.tr("RECENT"), "heading"))
            for path in recent[:5]:
                column.addWidget(self._recent_button(path))
        column.addStretch(2)
        box = QWidget()
        box.setFixedWidth(COLUMN_WIDTH)
        box.setLayout(column)
        ground = QWidget()
        row = QHBoxLayout(ground)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(box)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(ground)
        scroll.viewport().setAutoFillBackground(False)
        ground.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _make_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label("kbuilder", "big"))
        words.addWidget(
            label(self.tr("Draw a network, watch it train, look inside, keep the model."), "muted")
        )
        head.addLayout(words, 1)
        for text, picture, signal in (
            (self.tr("Open a project or a model…"), "open", self.open_wanted),
            (self.tr("Empty graph"), "new", self.new_wanted),
        ):
            button = QPushButton(text)
            give_icon(button, picture)
            button.clicked.connect(signal.emit)
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        return head

    def _make_templates(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(8)
        models = [each for each in load_templates() if each.kind == "model"]
        for number, template in enumerate(models):
            card = TemplateCard(template)
            card.clicked.connect(partial(self.template_chosen.emit, template.name))
            grid.addWidget(card, number // _TEMPLATE_COLUMNS, number % _TEMPLATE_COLUMNS)
        for column in range(_TEMPLATE_COLUMNS):
            grid.setColumnStretch(column, 1)
        return grid

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
                self.tr("Two inputs from a table; a class and a number"),
            ),
            ("digits-lstm", self.tr("Digits, LSTM"), self.tr("Rows of a picture as a sequence")),
        )
        for number, (name, title, text) in enumerate(samples):
            grid.addWidget(self._sample_card(name, title, text), number // 2, number % 2)
        return grid

    def _sample_card(self, name: str, title: str, text: str) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        row = QHBoxLayout(card)
        row.setContentsMargins(14, 12, 14, 12)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addStretch(1)
        column.addWidget(label(title, "strong"))
        words = label(text, "muted")
        words.setWordWrap(True)
        column.addWidget(words)
        column.addStretch(1)
        row.addLayout(column, 1)
        button = QPushButton(self.tr("Open"))
        button.setObjectName(f"open_{name}")
        button.setAccessibleName(self.tr("Open the sample {0}").format(title))
        button.clicked.connect(partial(self.sample_chosen.emit, name))
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        return card

    def _recent_button(self, path: Path) -> QPushButton:
        button = QPushButton(f"{path.stem}   {path.parent}".replace("&", "&&"))
        button.setStyleSheet("text-align: left")
        button.clicked.connect(partial(self.path_chosen.emit, path))
        return button


class TemplateCard(QPushButton):
    """A template's title over one line of what it is for; the whole of that is its tool tip."""

    def __init__(self, template: Template, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._template = template
        self.setProperty("role", "template")
        self.setObjectName(f"template_{template.name}")
        self.setToolTip(tooltip(template.help))
        self.setAccessibleName(self.tr("Start from the template {0}").format(template.title))
        self.setAccessibleDescription(template.help)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Two lines of text."""
        lines = QFontMetrics(self._strong).height() + self.fontMetrics().height()
        return QSize(160, lines + _LINE_GAP + 2 * _CARD_PADDING - 4)

    @property
    def _strong(self) -> QFont:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the two lines onto the button, cut where the room ends."""
        super().paintEvent(event)
        colours, painter = theme.current(), QPainter(self)
        room = self.rect().adjusted(_CARD_PADDING, _CARD_PADDING - 2, -_CARD_PADDING, 0)
        for font, colour, text in (
            (self._strong, colours.text, self._template.title),
            (self.font(), colours.muted, self._template.help),
        ):
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(colour)
            line = QRect(room.topLeft(), QSize(room.width(), metrics.height()))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown)
            room.setTop(line.bottom() + _LINE_GAP)
        painter.end()
