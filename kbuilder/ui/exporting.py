"""The export dialog over a window, and whether it waits for the engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from kbuilder.ui import dialogs

if TYPE_CHECKING:
    from kbuilder.ui.main_window import MainWindow


def offer_export(window: MainWindow) -> None:
    """Open the dialog with every format to write the project in."""
    # Imported here: the writers of pictures need not be there for the first picture of the window.
    from kbuilder.ui.export_dialog import ExportDialog

    ExportDialog(
        window.document.project,
        window.catalogue,
        window.workbench.facts,
        window.workbench.preview,
        window.training,
        Path(window.files.folder()) / (window.document.name or "model"),
        window,
    ).open()


def exporting(window: QWidget) -> int:
    """The request that an export dialog of the window waits for; 0 when there is none."""
    dialog = window.findChild(QDialog, dialogs.EXPORT)
    return int(dialog.property("request")) if dialog is not None else 0
