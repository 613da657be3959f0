"""The few message boxes, always in plain text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

EXPORT = "export_dialog"
"""Object name of the export dialog; its property ``request`` is the one it waits for, or 0."""


def show_error(parent: QWidget, title: str, text: str, details: str = "") -> None:
    """Say what could not be done. Does not block; the box goes when it is closed."""
    box = _box(parent, QMessageBox.Icon.Warning, title, text)
    if details:
        box.setDetailedText(details)
    _open(box)


def show_facts(parent: QWidget, title: str, text: str) -> None:
    """Answer a question. Does not block; the box goes when it is closed."""
    _open(_box(parent, QMessageBox.Icon.Information, title, text))


def ask_save(parent: QWidget) -> QMessageBox.StandardButton:
    """Ask what becomes of unsaved changes: Save, Discard or Cancel."""
    button = QMessageBox.StandardButton
    box = _box(
        parent,
        QMessageBox.Icon.Question,
        QCoreApplication.translate("dialogs", "The project has unsaved changes"),
        QCoreApplication.translate("dialogs", "Save them first?"),
    )
    box.setStandardButtons(button.Save | button.Discard | button.Cancel)
    return button(box.exec())


def ask_leaving_training(parent: QWidget) -> str:
    """Ask what becomes of a training when the window closes: ``"go on"``, ``"stop"`` or ``"stay"``."""
    box = _box(
        parent,
        QMessageBox.Icon.Question,
        QCoreApplication.translate("dialogs", "A training is still running"),
        QCoreApplication.translate(
            "dialogs",
            "It can go on without the window. The next window finds it again and follows it.",
        ),
    )
    role = QMessageBox.ButtonRole
    texts = {
        "go on": QCoreApplication.translate("dialogs", "Go on in the background"),
        "stop": QCoreApplication.translate("dialogs", "Stop && keep"),
        "stay": QCoreApplication.translate("dialogs", "Stay"),
    }
    buttons = {name: box.addButton(text, role.ActionRole) for name, text in texts.items()}
    box.setDefaultButton(buttons["go on"])
    box.setEscapeButton(buttons["stay"])
    box.exec()
    return next(name for name, button in buttons.items() if button is box.clickedButton())


def ask_first(
    parent: QWidget, title: str, text: str, verb: str, work: Callable[[], object]
) -> None:
    """Ask before something is done: ``verb`` does it, Cancel is what Return and Escape do."""
    box = _box(parent, QMessageBox.Icon.Question, title, text)
    box.setObjectName("ask_first")
    button = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    button.clicked.connect(work)
    _open(box)


def _open(box: QMessageBox) -> None:
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def _box(parent: QWidget, icon: QMessageBox.Icon, title: str, text: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setIcon(icon)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(title)
    box.setInformativeText(text)
    return box
