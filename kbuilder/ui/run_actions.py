"""What can be done with a run: go on, branch, delete into the trash, export its numbers."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFile, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from kbuilder.document.atomic import write_bytes
from kbuilder.document.cells import csv_text
from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.link.run_facts import RunFacts, read_history
from kbuilder.link.run_lock import is_held
from kbuilder.ui import dialogs
from kbuilder.ui.training import Training

MOST_EPOCHS = 1_000_000


class RunActions(QObject):
    """Does it for the window ``over`` which its questions appear.

    Signals:
        told: a sentence for the status line.
        done: the folder of runs is another one now.
    """

    told = Signal(str)
    done = Signal()

    def __init__(self, document: Document, training: Training, over: QWidget) -> None:
        super().__init__(over)
        self._document = document
        self._training = training
        self._over = over

    def ask_epochs(self, run: RunFacts) -> None:
        """Ask for how many epochs more, and go on."""
        dialog = QInputDialog(self._over)
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setIntRange(1, MOST_EPOCHS)
        dialog.setIntValue(max(run.wanted, 1))
        dialog.setWindowTitle(self.tr("Go on"))
        dialog.setLabelText(self.tr("Epochs to add to the {0} that are done:").format(run.epochs))
        dialog.intValueSelected.connect(lambda epochs: self.extend(run, epochs))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def extend(self, run: RunFacts, epochs: int) -> None:
        """Train a run for so many epochs more, with the project it was trained with."""
        self._open_project(run)
        self._training.extend(run.folder, epochs)

    def branch(self, run: RunFacts, checkpoint: str) -> None:
        """Open the project as it was trained, with the weights of one of its checkpoints in use."""
        self._open_project(run)
        self._training.branch(run.folder, checkpoint)
        text = self.tr(
            "The project is as {0} was trained, with the weights of {1}; undo takes it back."
        )
        self.told.emit(text.format(run.name, checkpoint))

    def _open_project(self, run: RunFacts) -> None:
        self._document.apply(
            self.tr("Branch from {0}").format(run.name), lambda project: run.project
        )

    def ask_delete(self, runs: list[RunFacts]) -> None:
        """Ask, then move the folders into the trash; one that is being trained is refused."""
        held = [run.name for run in runs if is_held(Path(run.folder))]
        if held:
            text = self.tr("{0} is being trained. Stop it first.").format(", ".join(held))
            dialogs.show_error(self._over, self.tr("Not deleted"), text)
            return
        names = ", ".join(run.name for run in runs[:5]) + (" …" if len(runs) > 5 else "")
        title = self.tr("Delete the run?") if len(runs) == 1 else self.tr("Delete the runs?")
        text = self.tr(
            "{0}\nWeights, curves and notes go to the trash, where you can get them back."
        )
        dialogs.ask_first(
            self._over, title, text.format(names), self.tr("Delete"), lambda: self.delete(runs)
        )

    def delete(self, runs: list[RunFacts]) -> None:
        """Move the folders of these runs into the trash of the desktop."""
        places = []
        for run in runs:
            if is_held(Path(run.folder)):
                continue
            folder = QFile(run.folder)
            if not folder.moveToTrash():
                text = self.tr("“{0}” could not be moved to the trash. It is still there.")
                dialogs.show_error(self._over, self.tr("Not deleted"), text.format(run.folder))
                break
            places.append(folder.fileName())
            if run.folder in (self._training.run, str(Path(self._training.run).parent)):
                self._training.forget()
        if places:
            text = self.tr("{0} in the trash now; get it back from {1}")
            self.told.emit(text.format(len(places), Path(places[-1]).parent))
        self.done.emit()

    def export_table(self, text: str) -> None:
        """Ask for a name and write the table."""
        self._write(self.tr("Export the table of runs"), "runs.csv", text)

    def export_history(self, run: RunFacts) -> None:
        """Ask for a name and write the epochs of one run."""
        history = read_history(Path(run.folder))
        epochs = sorted({at for points in history.values() for at, _ in points})
        values = {name: dict(points) for name, points in history.items()}
        rows = [[at, *(values[name].get(at) for name in history)] for at in epochs]
        text = csv_text(["epoch", *history], rows)
        self._write(self.tr("Export the epochs of {0}").format(run.name), "history.csv", text)

    def _write(self, title: str, name: str, text: str) -> None:
        beside = self._training.base or str(Path.home())
        chosen, _ = QFileDialog.getSaveFileName(
            self._over, title, str(Path(beside) / name), self.tr("Tables (*.csv)")
        )
        if not chosen:
            return
        try:
            write_bytes(Path(chosen), text.encode())
        except KBuilderError as error:
            dialogs.show_error(self._over, self.tr("Not exported"), str(error))
            return
        self.told.emit(self.tr("{0} is written.").format(Path(chosen).name))
