"""What can train, what is in the way of a GPU, and the choice of devices."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from kbuilder.link.run_events import Device, DevicesFound
from kbuilder.ui.text import label

WIDTH = 520


class DevicesDialog(QDialog):
    """Lists all devices; none ticked means the first GPU, or the processor.

    Signals:
        chosen: the names of the devices to train on.
        policy_wanted: a dtype policy that is worth while on a GPU.
    """

    chosen = Signal(object)
    policy_wanted = Signal(str)

    def __init__(
        self,
        found: DevicesFound,
        chosen: tuple[str, ...],
        policy: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Devices"))
        self.setMinimumWidth(WIDTH)
        self._boxes: dict[str, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(label(self.tr("TRAIN ON"), "heading"))
        for device in found.devices:
            column.addWidget(self._box(device, device.name in chosen))
        hint = self.tr(
            "Without a choice the first GPU trains, or the processor if there is none. With several, each "
            "has a copy of the model and gets an equal part of every batch; layers are not watched then."
        )
        self._say(column, hint, "muted")
        column.addWidget(label(self.tr("WHY NOT A GPU") if found.findings else "", "heading"))
        for text in found.findings:
            self._say(column, text)
        self._offer_policy(column, found, policy)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _box(self, device: Device, ticked: bool) -> QCheckBox:
        memory = f" · {device.memory_bytes / 2**30:.0f} GiB" if device.memory_bytes else ""
        box = QCheckBox(f"{device.name}   {device.label}{memory}")
        box.setChecked(ticked)
        self._boxes[device.name] = box
        return box

    def _say(self, column: QVBoxLayout, text: str, role: str = "") -> None:
        said = label(text, role)
        said.setWordWrap(True)
        column.addWidget(said)

    def _offer_policy(self, column: QVBoxLayout, found: DevicesFound, policy: str) -> None:
        """Mixed precision where it helps and is not in use."""
        worth = next((device.mixed for device in found.devices if device.mixed), "")
        if not worth or policy != "float32":
            return
        self._say(column, self.tr("This GPU computes faster in 16 bits, with weights kept in 32."))
        button = QPushButton(self.tr("Use {0}").format(worth))
        button.clicked.connect(lambda: self.policy_wanted.emit(worth))
        button.clicked.connect(lambda: button.setEnabled(False))
        column.addWidget(button)

    @Slot()
    def _accept(self) -> None:
        self.chosen.emit(tuple(name for name, box in self._boxes.items() if box.isChecked()))
        self.accept()
