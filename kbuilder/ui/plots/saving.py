"""Plots as files: pictures of the card, and its numbers for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QPoint, QRectF, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from kbuilder.document.atomic import write_bytes
from kbuilder.document.cells import csv_text
from kbuilder.document.errors import KBuilderError

Numbers = Callable[[], tuple[Sequence[str], Sequence[Sequence[object]]]]

PICTURE_SCALE = 2
"""Pixels of a PNG for each of the screen, so that it stays sharp in print."""


def ask_and_save(card: QWidget, name: str, kind: str, numbers: Numbers) -> None:
    """Ask for a file and write a card as ``svg`` or ``png``, or its numbers as ``csv``."""
    text = QCoreApplication.translate("PlotCard", "Save plot")
    chosen, _ = QFileDialog.getSaveFileName(card, text, f"{name}.{kind}", f"*.{kind}")
    if not chosen:
        return
    path = Path(chosen)
    try:
        save(card, path if path.suffix else path.with_suffix(f".{kind}"), numbers)
    except (OSError, KBuilderError) as error:
        QMessageBox.warning(card, text, str(error))


def save(card: QWidget, path: Path, numbers: Numbers) -> None:
    """Write a card as the ending of ``path`` says.

    Raises:
        OSError, KBuilderError: the file cannot be written.
    """
    if path.suffix == ".csv":
        header, rows = numbers()
        write_bytes(path, csv_text(header, rows).encode())
    elif path.suffix == ".svg":
        _svg(card, path)
    else:
        picture = QPixmap(card.size() * PICTURE_SCALE)
        picture.setDevicePixelRatio(PICTURE_SCALE)
        card.render(picture)
        if not picture.save(str(path), "PNG"):
            raise OSError(f"{path} cannot be written. Choose another folder.")


def _svg(card: QWidget, path: Path) -> None:
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(QSize(card.size()))
    generator.setViewBox(QRectF(0, 0, card.width(), card.height()))
    painter = QPainter()
    if not painter.begin(generator):
        raise OSError(f"{path} cannot be written. Choose another folder.")
    card.render(painter, QPoint())
    painter.end()
