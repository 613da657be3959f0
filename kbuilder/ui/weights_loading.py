"""Loading weights from a file: at once where every layer finds its own, else by a table to mend."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from kbuilder.link.events import WeightsMatched
from kbuilder.ui.training import Training
from kbuilder.ui.weights_dialog import WeightsDialog


class WeightsLoading(QObject):
    """Asks the engine for a proposal, and the user where it does not do."""

    def __init__(self, training: Training, window: QWidget) -> None:
        super().__init__(window)
        self._training = training
        self._window = window
        self._path = Path()
        self._always_ask = False
        self.dialog: WeightsDialog | None = None
        training.loading.matched.connect(self._take)

    def begin(self, path: Path, *, ask: bool) -> None:
        """Load the weights of a file; with ``ask`` the table is shown in any case."""
        if self.dialog is not None:
            self.dialog.reject()
        self._path, self._always_ask = path, ask
        self._training.loading.match_weights(path)

    @Slot(object)
    def _take(self, event: WeightsMatched) -> None:
        if self.dialog is None and not self._always_ask and all(m.fits for m in event.matches):
            self._training.loading.load_weights(self._path, {})
            return
        if self.dialog is None:
            self._open()
        if self.dialog is not None:
            self.dialog.show_matches(event)

    def _open(self) -> None:
        self.dialog = WeightsDialog(self._path.name, self._window)
        self.dialog.way_chosen.connect(self._match_again)
        self.dialog.chosen.connect(self._load)
        self.dialog.finished.connect(self._forget)
        self.dialog.open()

    @Slot(str)
    def _match_again(self, by: str) -> None:
        self._training.loading.match_weights(self._path, by)

    @Slot(object)
    def _load(self, mapping: dict[str, str]) -> None:
        self._training.loading.load_weights(self._path, mapping)

    @Slot()
    def _forget(self) -> None:
        self.dialog = None
