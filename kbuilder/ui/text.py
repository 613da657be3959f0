"""Text that came from elsewhere (files, Keras, people), made safe and readable for widgets."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget


def tooltip(text: str) -> str:
    """Plain text for a tool tip: wrapped by Qt, and never read as HTML of its own."""
    return f"<p>{html.escape(text)}</p>" if text else ""


def label(text: str = "", role: str = "", parent: QWidget | None = None) -> QLabel:
    """A label that shows ``text`` as it is; ``role`` chooses its look in the style sheet."""
    made = QLabel(parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    if role:
        made.setProperty("role", role)
    return made


def count_text(number: int) -> str:
    """A number of things for narrow places: 950, 2.1 K, 18.5 K, 1.2 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return str(number)


def bytes_text(number: int) -> str:
    """An amount of memory: 512 B, 2.1 KiB, 4.0 GiB."""
    amount, unit = float(number), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{number} B" if unit == "B" else f"{amount:.1f} {unit}"


def shape_text(shape: tuple[int | None, ...]) -> str:
    """A shape without its batch dimension, as on wires: 28 × 28 × 32."""
    inner = shape[1:]
    return " × ".join("?" if size is None else str(size) for size in inner) or "1"
