"""Which devices train: shown in the top bar, chosen in a dialog."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from kbuilder.document import edits
from kbuilder.document.document import Document
from kbuilder.link.requests import FindDevices
from kbuilder.link.run_events import DevicesFound
from kbuilder.ui.devices_dialog import DevicesDialog
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.training import Training


class Devices(QObject):
    """Answers a click on the device of the top bar.

    Signals:
        shown: the text of the device in use, and why it is no GPU.
    """

    shown = Signal(str, str)

    def __init__(
        self, document: Document, training: Training, engine: EngineThread, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._document = document
        self._training = training
        self._engine = engine
        self._default = ("", "")
        training.done.connect(self._take)

    def use_default(self, device: str, why_not_gpu: str) -> None:
        """The device that trains when none is chosen."""
        self._default = (device, why_not_gpu)
        self._show()

    @Slot()
    def ask(self) -> None:
        """Ask what there is to train on; while a training is on, its end is waited for."""
        self._engine.send(FindDevices(request=self._engine.next_request()))

    def _show(self) -> None:
        chosen = " + ".join(self._training.devices)
        self.shown.emit(*((chosen, "") if chosen else self._default))

    @Slot(object)
    def _take(self, event: object) -> None:
        if not isinstance(event, DevicesFound):
            return
        policy = self._document.project.compile.dtype_policy
        dialog = DevicesDialog(event, self._training.devices, policy, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._use)
        dialog.policy_wanted.connect(self._use_policy)
        dialog.open()

    @Slot(object)
    def _use(self, names: tuple[str, ...]) -> None:
        self._training.devices = names
        self._show()

    @Slot(str)
    def _use_policy(self, policy: str) -> None:
        self._document.apply(
            self.tr("Use {0}").format(policy),
            lambda project: edits.set_compile(project, dtype_policy=policy),
        )
