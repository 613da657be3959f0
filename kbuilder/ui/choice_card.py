"""A small card with a search over a list: type some letters, take one with Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from kbuilder.ui.text import label

_SIZE = QSize(300, 320)


class Choice(NamedTuple):
    """One thing to choose: what stands for it, its text, and a picture if it has one."""

    key: object
    text: str
    icon: QIcon = QIcon()


_KEY_ROLE = Qt.ItemDataRole.UserRole
_PASSED_ON = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_CONFIRMING = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ChoiceCard(QFrame):
    """Hides by itself after a choice, on Esc, and when the focus goes elsewhere."""

    chosen = Signal(object)
    """The key of the choice."""

    def __init__(self, parent: QWidget, size: QSize = _SIZE) -> None:
        super().__init__(parent)
        self._owner = parent
        self._size = size
        self.hide()
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._back: QWidget | None = None
        self._choices: Sequence[Choice] = ()
        self._title = label(role="strong")
        self.search = QLineEdit()
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        for part in (self._title, self.search, self.list):
            column.addWidget(part)

    def ask(self, title: str, choices: Sequence[Choice]) -> None:
        """Offer choices; ``chosen`` tells which was taken."""
        self._back = self._owner.focusWidget()
        self._choices = choices
        self._title.setText(title)
        self.setAccessibleName(title)
        self.search.setAccessibleName(title)
        self.search.clear()
        self._filter("")
        area = self._owner.rect()
        self.resize(self._size.boundedTo(area.size()))
        self.move(area.center() - self.rect().center())
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Let the arrow keys move the choice while the search field keeps the focus."""
        if watched is self.search and event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif watched is self.search and isinstance(event, QKeyEvent):
            return event.type() == QEvent.Type.KeyPress and self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        if event.key() in _PASSED_ON:
            self.list.keyPressEvent(event)
        elif event.key() in _CONFIRMING:
            item = self.list.currentItem()
            if item is not None:
                self._choose(item)
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            return False
        return True

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        self.list.clear()
        for choice in self._choices:
            if all(word in choice.text.lower() for word in words):
                item = QListWidgetItem(choice.icon, choice.text)
                item.setData(_KEY_ROLE, choice.key)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _choose(self, item: QListWidgetItem) -> None:
        key = item.data(_KEY_ROLE)
        self._leave()
        self.chosen.emit(key)

    def _leave(self) -> None:
        if self._back is not None:
            self._back.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
