"""Icons of one set, coloured by the theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractButton

from kbuilder.ui import theme

_NAMES = {
    "new": "ph.plus",
    "open": "ph.folder-open",
    "save": "ph.floppy-disk",
    "undo": "ph.arrow-u-up-left",
    "redo": "ph.arrow-u-up-right",
    "train": "ph.play-fill",
    "pause": "ph.pause-fill",
    "step": "ph.skip-forward-fill",
    "stop": "ph.stop-fill",
    "continue": "ph.fast-forward-fill",
    "discard": "ph.trash",
    "delete": "ph.x",
    "add": "ph.plus",
    "lock": "ph.lock-simple-fill",
    "unlock": "ph.lock-simple-open",
    "export": "ph.export",
    "image": "ph.image",
    "table": "ph.table",
    "arrays": "ph.cube",
    "sample": "ph.package",
    "model": "ph.file-arrow-down",
    "cut": "ph.scissors",
    "copy": "ph.copy",
    "paste": "ph.clipboard-text",
    "duplicate": "ph.copy-simple",
    "find": "ph.magnifying-glass",
    "comment": "ph.note",
    "group": "ph.bounding-box",
    "arrange": "ph.tree-structure",
    "warning": "ph.warning",
    "up": "ph.caret-up",
    "down": "ph.caret-down",
    "select": "ph.selection-all",
}


def icon(name: str, role: str = "text") -> QIcon:
    """The icon for an action in the theme's colour of that role."""
    # Imported here: the icon fonts are loaded after the first picture of the window.
    import qtawesome

    colours = theme.current()
    drawn: QIcon = qtawesome.icon(
        _NAMES[name],
        color=getattr(colours, role).name(),
        color_disabled=colours.muted.name(),
    )
    return drawn


class _IconKeeper(QObject):
    """Paints a button's icon at first sight and when the theme changes; lives as long as the button.

    The icon fonts cost a quarter of a second, which the start does not spend on what is hidden.
    """

    def __init__(self, button: QAbstractButton, name: str) -> None:
        super().__init__(button)
        self._button = button
        self._name = name
        button.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Paint when the button is about to be seen for the first time."""
        if event.type() == QEvent.Type.Show:
            self._button.removeEventFilter(self)
            theme.notifier.changed.connect(self.paint)
            self.paint()
        return False

    @Slot()
    def paint(self) -> None:
        self._button.setIcon(icon(self._name))


def give_icon(button: QAbstractButton, name: str) -> None:
    """Put the icon on a button, and again whenever the theme changes."""
    _IconKeeper(button, name)
