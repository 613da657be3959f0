"""The whole main job without hands: train the open project, write the model, take a picture."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.link.events import Exported, Failed
from kbuilder.ui.main_window import MainWindow

MODEL, HISTORY, PICTURE = "model.hdf5", "history.csv", "window.png"


class Demo(QObject):
    """Drives a window as a user would. ``ended`` carries an error text, empty when all went well."""

    told = Signal(str)
    ended = Signal(str)

    def __init__(self, window: MainWindow, out: Path) -> None:
        super().__init__(window)
        self._window = window
        self._out = out
        self._started = False
        window.workbench.preview_changed.connect(self._start)
        window.workbench.facts_changed.connect(self._start)
        window.training.ended.connect(self._export)
        window.training.done.connect(self._finish)
        window.training.failed.connect(self._fail)

    @Slot()
    def _start(self) -> None:
        ready = self._window.workbench.preview is not None and self._window.workbench.facts
        if ready and not self._started:
            self._started = True
            self.told.emit(
                self.tr("Training {0} epochs…").format(self._window.document.project.fit.epochs)
            )
            self._window.train()

    @Slot()
    def _export(self) -> None:
        run = Path(self._window.training.run)
        shutil.copyfile(run / HISTORY, self._out / HISTORY)
        live = self._window.training.live
        if live is not None:
            logs = "  ".join(f"{name} {logged[-1][1]:.4f}" for name, logged in live.epochs.items())
            self.told.emit(logs)
        self._window.training.export(self._out / MODEL, weights_only=False)

    @Slot(object)
    def _finish(self, event: object) -> None:
        if isinstance(event, Exported):
            self._window.grab().save(str(self._out / PICTURE))
            if event.difference is not None:
                self.told.emit(
                    self.tr("{0}: loaded by plain Keras, outputs differ by {1}").format(
                        MODEL, f"{event.difference:.1e}"
                    )
                )
            self.ended.emit("")

    @Slot(object)
    def _fail(self, event: Failed) -> None:
        self.ended.emit(event.text)
