"""All commands of the window in one searched list: Ctrl+K, some letters, Enter."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from kbuilder.ui.choice_card import Choice, ChoiceCard

_SIZE = QSize(460, 380)


class CommandPalette(ChoiceCard):
    """Offers what can be done now, and does what is chosen."""

    def __init__(self, actions: Mapping[str, QAction], window: QWidget) -> None:
        super().__init__(window, _SIZE)
        self._actions = actions
        self.search.setPlaceholderText(self.tr("Type a command…"))
        self.chosen.connect(lambda action: action.trigger())

    def open(self) -> None:
        """Show what can be done now."""
        self.ask(
            self.tr("All commands"),
            [
                Choice(action, _text(action), action.icon())
                for action in self._actions.values()
                if action.isEnabled()
            ],
        )


def _text(action: QAction) -> str:
    """The name of a command without marks for keys, and its keys."""
    name = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
    keys = action.shortcut().toString()
    return f"{name}    {keys}" if keys else name
