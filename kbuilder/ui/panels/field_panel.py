"""Facts about each field of the data: shape, range, and the balance of the classes as bars."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from kbuilder.document.facts import FieldFacts
from kbuilder.link.values import DataPreview
from kbuilder.ui.bars import BarRows
from kbuilder.ui.text import label

MOST_CLASSES = 40


class FieldPanel(QScrollArea):
    """The right column of the Data workspace."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "side-right")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_preview(None)

    def show_preview(self, preview: DataPreview | None) -> None:
        """Show what is known of the data."""
        body = QWidget()
        body.setProperty("role", "side")
        column = QVBoxLayout(body)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(6)
        if preview is not None:
            self._fill(column, preview)
        column.addStretch(1)
        self.setWidget(body)

    def _fill(self, column: QVBoxLayout, preview: DataPreview) -> None:
        if preview.warnings:
            column.addWidget(label(self.tr("WORTH A LOOK"), "heading"))
            for warning in preview.warnings:
                shown = label("• " + warning)
                shown.setWordWrap(True)
                column.addWidget(shown)
            column.addSpacing(8)
        labelled = [field for field in preview.fields if field.classes]
        for field in labelled:
            column.addWidget(label(self.tr("CLASSES OF {0}").format(field.name.upper()), "heading"))
            column.addWidget(_balance(field))
            column.addSpacing(8)
        column.addWidget(label(self.tr("FIELDS"), "heading"))
        for field in preview.fields:
            column.addWidget(label(field.name, "strong"))
            facts = label(_facts(field), "muted")
            facts.setWordWrap(True)
            column.addWidget(facts)


def _balance(field: FieldFacts) -> BarRows:
    rows = list(zip(field.classes, field.counts, strict=False))[:MOST_CLASSES]
    most = max((count for _, count in rows), default=1) or 1
    bars = BarRows()
    bars.show_rows([(name, count / most, f"{count:,}") for name, count in rows])
    return bars


def _facts(field: FieldFacts) -> str:
    shape = " × ".join(str(size) for size in field.shape) or "1"
    parts = [shape, field.dtype]
    if field.minimum is not None and field.maximum is not None:
        parts.append(f"{field.minimum:.4g} … {field.maximum:.4g}")
    return " · ".join(parts)
