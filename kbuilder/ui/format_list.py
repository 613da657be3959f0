"""The formats that there are, in their groups; one is chosen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from kbuilder.document.formats import BY_ID, FORMATS, Format

_ID_ROLE = Qt.ItemDataRole.UserRole
_HEAD, _ROW = QSize(0, 28), QSize(0, 25)


class FormatList(QListWidget):
    """Arrow keys go from one format to the next and pass over the titles of the groups.

    Signals:
        chosen: another format is marked.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Formats"))
        self._items: dict[str, QListWidgetItem] = {}
        self._fill()
        self.currentItemChanged.connect(lambda _: self.chosen.emit())

    @property
    def wanted(self) -> Format:
        """The format that is marked."""
        item = self.currentItem()
        return BY_ID[str(item.data(_ID_ROLE))] if item is not None else FORMATS[0]

    def choose(self, format_id: str) -> None:
        """Mark a format."""
        self.setCurrentItem(self._items[format_id])

    def _fill(self) -> None:
        titles = {
            "keras": self.tr("Keras"),
            "runtime": self.tr("Other runtimes"),
            "code": self.tr("Code"),
            "picture": self.tr("Pictures and text"),
        }
        small = QFont(self.font())
        small.setPointSizeF(0.85 * small.pointSizeF())
        small.setBold(True)
        for group, title in titles.items():
            head = QListWidgetItem(title, self)
            head.setFlags(Qt.ItemFlag.NoItemFlags)  # the keys pass over it
            head.setFont(small)
            head.setSizeHint(_HEAD)
            head.setTextAlignment(Qt.AlignmentFlag.AlignBottom)
            for each in FORMATS:
                if each.group == group:
                    item = self._items[each.id] = QListWidgetItem(each.title, self)
                    item.setData(_ID_ROLE, each.id)
                    item.setSizeHint(_ROW)
