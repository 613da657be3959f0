"""All commands of the window in one searched list: Ctrl+K, some letters, Enter."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

_WIDTH, _HEIGHT = 460, 380
_TOP = 90
_PASSED_ON = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_ACTION_ROLE = Qt.ItemDataRole.UserRole


class CommandPalette(QFrame):
    """A card over the window; it hides after a choice, on Esc, and when the focus goes elsewhere."""

    def __init__(self, actions: Mapping[str, QAction], window: QWidget) -> None:
        super().__init__(window)
        self._actions = actions
        self._window = window
        self._before: QWidget | None = None
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("All commands"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Type a command…"))
        self.search.setAccessibleName(self.tr("Command to find"))
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.itemClicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        self.hide()

    def open(self) -> None:
        """Show what can be done now."""
        self._before = self._window.focusWidget()
        self.resize(min(_WIDTH, self._window.width()), min(_HEIGHT, self._window.height()))
        self.move((self._window.width() - self.width()) // 2, _TOP)
        self.search.clear()
        self._filter("")
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Let the arrow keys move the choice while the search field keeps the focus."""
        if watched is self.search and event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif watched is self.search and event.type() == QEvent.Type.KeyPress:
            return isinstance(event, QKeyEvent) and self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        if event.key() in _PASSED_ON:
            self.list.keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentItem())
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            return False
        return True

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        self.list.clear()
        for action in self._actions.values():
            name = action.text().replace("&&", "\0").replace("&", "").replace("\0", "&")
            if action.isEnabled() and all(word in name.lower() for word in words):
                keys = action.shortcut().toString()
                item = QListWidgetItem(action.icon(), f"{name}    {keys}" if keys else name)
                item.setData(_ACTION_ROLE, action)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._leave()
            item.data(_ACTION_ROLE).trigger()

    def _leave(self) -> None:
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
