"""How a training is reached: by its engine, or through the run folder if another window started it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.link import mailbox
from kbuilder.link.events import Failed
from kbuilder.link.messages import Control
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.run_follower import RunFollower


class Reach(QObject):
    """Sends controls where they are heard.

    Signals:
        received: an ``Event`` of a training that is followed; ``Failed`` when its process is gone.
        failed: a control could not be sent; carries ``Failed``.
    """

    received = Signal(object)
    failed = Signal(object)

    def __init__(self, engine: EngineThread, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._follower: RunFollower | None = None

    def follow(self, run: Path) -> None:
        """Hear and steer the training in this run folder from now on."""
        self._follower = RunFollower(run, self)
        self._follower.received.connect(self.received)
        self._follower.cut_off.connect(self._mourn)
        self._follower.start()

    def follow_no_longer(self) -> None:
        """The training has ended, or goes on alone."""
        if self._follower is not None:
            self._follower.stop()
            self._follower.deleteLater()
            self._follower = None

    def send(self, control: Control) -> None:
        """Steer the training."""
        if self._follower is None:
            self._engine.send(control)
            return
        try:
            mailbox.post(self._follower.folder, control)
        except OSError as error:
            text = self.tr("The training cannot be reached: {0}").format(error)
            self.failed.emit(Failed(request=0, text=text))

    @Slot()
    def _mourn(self) -> None:
        text = self.tr(
            "The training was cut off: its process is gone. Train on goes on from its last checkpoint."
        )
        self.received.emit(Failed(request=0, text=text))
