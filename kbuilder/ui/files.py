"""File commands of the window: new, open, save, export, with their dialogs."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.fragment import place
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import ENDING, load, save
from kbuilder.document.templates import load_templates
from kbuilder.link.events import Exported, ModelOpened, WeightsLoaded
from kbuilder.link.requests import MakeApplication
from kbuilder.resources import resource
from kbuilder.ui import dialogs
from kbuilder.ui.training import Training
from kbuilder.ui.weights_loading import WeightsLoading

MODEL_ENDINGS = (".keras", ".hdf5", ".h5", ".json")
RECENT_KEY = "recent"
MOST_RECENT = 8


class Files(QObject):
    """Opens and saves for a window.

    Signals:
        told: a sentence for the user about something that went well.
        opened: another project is in the window.
        source_chosen: the user picked a data source; carries ``DataOptions``.
    """

    told = Signal(str)
    opened = Signal()
    source_chosen = Signal(object)

    def __init__(
        self, document: Document, training: Training, settings: QSettings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._document = document
        self._training = training
        self._settings = settings
        self._window = window
        self._opening = ""
        self._kept_data: DataOptions | None = None
        self._weights = WeightsLoading(training, window)
        training.done.connect(self._take)

    # --- projects -------------------------------------------------------------------------------

    def new(self) -> None:
        """Start from an empty graph."""
        if self.may_leave():
            self._show(Project(), None)

    def open(self) -> None:
        """Ask for a project or a model and open it."""
        patterns = " ".join(f"*{ending}" for ending in (ENDING, *MODEL_ENDINGS))
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Open a project or a model"),
            self.folder(),
            self.tr("Projects and models ({0})").format(patterns),
        )
        if path:
            self.open_path(Path(path))

    def open_path(self, path: Path) -> None:
        """Open a project or model file; what is open is kept if that fails."""
        if not self.may_leave():
            return
        if path.suffix.lower() in MODEL_ENDINGS:
            self.told.emit(self.tr("Reading {0}…").format(path.name))
            self._opening, self._kept_data = path.stem, None
            self._training.loading.open_model(path)
            return
        try:
            project = load(path)
        except KBuilderError as error:
            dialogs.show_error(self._window, self.tr("This file was not opened"), str(error))
            return
        self._remember(path)
        self._show(project, path)

    def open_sample(self, name: str) -> None:
        """Open a bundled project as a new one, so that the bundled file is never written."""
        if self.may_leave():
            self._show(load(resource("samples", name + ENDING)), None, name)

    @Slot(str)
    def open_template(self, name: str) -> None:
        """Open a new project with the layers of a bundled template, called like it."""
        if self.may_leave():
            template = next(each for each in load_templates() if each.name == name)
            self._show(place(Project(), template.fragment()).project, None, template.title)

    @Slot()
    def choose_base(self) -> None:
        """Ask for a pretrained network and open it as a new project, with the data in use."""
        from kbuilder.ui.base_dialog import BaseDialog

        if self.may_leave():
            dialog = BaseDialog(self._window)
            dialog.chosen.connect(self.open_base)
            dialog.open()

    @Slot(object)
    def open_base(self, request: MakeApplication) -> None:
        """Open a pretrained network as a new project, with the data in use."""
        self.told.emit(self.tr("Making {0}…").format(request.name))
        self._opening = request.name
        data = self._document.project.data
        self._kept_data = replace(data, inputs={}, targets={})
        self._training.loading.make_application(request)

    def save(self) -> bool:
        """Save where the project lies; ask if it lies nowhere yet. False: it was not saved."""
        if self._document.path is None:
            return self.save_as()
        return self._save_to(self._document.path)

    def save_as(self) -> bool:
        """Ask where to save."""
        stem = self._document.name or "model"
        name = str(self._document.path or Path(self.folder()) / f"{stem}{ENDING}")
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Save the project"),
            name,
            self.tr("kbuilder projects (*{0})").format(ENDING),
        )
        if not chosen:
            return False
        path = Path(chosen)
        return self._save_to(path if path.suffix == ENDING else path.with_name(path.name + ENDING))

    def may_leave(self) -> bool:
        """Whether the open project may be left: saved, or the user says so."""
        if not self._document.modified:
            return True
        answer = dialogs.ask_save(self._window)
        if answer == QMessageBox.StandardButton.Save:
            return self.save()
        return answer == QMessageBox.StandardButton.Discard

    def recent(self) -> list[Path]:
        """Projects opened or saved lately that are still there, newest first."""
        stored = self._settings.value(RECENT_KEY, [])
        names = map(str, stored if isinstance(stored, list) else [stored] if stored else [])
        return [Path(name) for name in names if Path(name).is_file()]

    # --- models and weights ---------------------------------------------------------------------

    def export_model(self) -> None:
        """Ask for a name and write the model."""
        self._export(
            self.tr("Export the model"),
            "model.hdf5",
            self.tr("Keras models (*.hdf5 *.h5 *.keras)"),
            weights_only=False,
        )

    def export_weights(self) -> None:
        """Ask for a name and write the weights alone."""
        self._export(
            self.tr("Export the weights"),
            "model.weights.h5",
            self.tr("Keras weights (*.weights.h5 *.h5 *.hdf5)"),
            weights_only=True,
        )

    def load_weights(self, *, ask: bool = False) -> None:
        """Ask for a file of weights and put them into the model; with ``ask`` layer by layer."""
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Load weights"),
            self.folder(),
            self.tr("Keras weights and models (*.h5 *.hdf5 *.keras)"),
        )
        if path:
            self._weights.begin(Path(path), ask=ask)

    def _export(self, title: str, name: str, kinds: str, *, weights_only: bool) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, title, str(Path(self.folder()) / name), kinds
        )
        if chosen:
            self.told.emit(self.tr("Writing {0}…").format(Path(chosen).name))
            self._training.export(Path(chosen), weights_only=weights_only)

    @Slot(object)
    def _take(self, event: Exported | ModelOpened | WeightsLoaded) -> None:
        if isinstance(event, ModelOpened):
            self._show(replace(event.project, **self._take_data()), None, self._opening)
            text = (
                self.tr("The model is open; its weights are on the way.")
                if event.run
                else self.tr("The model is open, without weights.")
            )
            self.told.emit(" ".join((text, *event.notes)))
        elif isinstance(event, Exported):
            name = Path(event.path).name
            text = self.tr("{0} is written.").format(name)
            if event.difference is not None:
                told = self.tr("Loaded by {0} in a clean process; largest difference: {1}.")
                text += " " + told.format(event.verified_by, f"{event.difference:.1e}")
            self.told.emit(text)
        elif event.run == self._training.run:
            self.told.emit(" ".join((self.tr("The weights are there."), *event.notes)))
        else:
            self._training.forget(event.run)
            self.told.emit(
                self.tr("Weights for {0} layers loaded; {1} layers left as they were.").format(
                    len(event.loaded), len(event.left)
                )
            )

    def _take_data(self) -> dict[str, DataOptions]:
        """The data that go on with a base, once."""
        kept, self._kept_data = self._kept_data, None
        return {"data": kept} if kept is not None else {}

    # --- data -----------------------------------------------------------------------------------

    @Slot(str)
    def choose_source(self, kind: str) -> None:
        """Ask for a data file or folder of that kind."""
        path = self._ask_source(kind)
        if not path:
            return
        data = replace(DataOptions(), kind=kind, path=path)
        if kind == "arrays" and path.endswith(".npy"):
            targets, _ = QFileDialog.getOpenFileName(
                self._window,
                self.tr("Choose the targets for these inputs"),
                str(Path(path).parent),
                self.tr("NumPy arrays (*.npy)"),
            )
            data = replace(data, targets_path=targets)
        self.source_chosen.emit(data)

    def _ask_source(self, kind: str) -> str:
        if kind == "images":
            return QFileDialog.getExistingDirectory(
                self._window, self.tr("Choose a folder with a subfolder for each class")
            )
        kinds = {
            "arrays": self.tr("NumPy arrays (*.npz *.npy)"),
            "table": self.tr("Tables (*.csv)"),
        }
        path, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Choose the data"), self.folder(), kinds[kind]
        )
        return path

    # --- within ---------------------------------------------------------------------------------

    def _show(self, project: Project, path: Path | None, name: str = "", run: str = "") -> None:
        self._document.open(project, path, name)
        self._training.forget(run or self._newest_run(path))
        self.opened.emit()

    def _newest_run(self, path: Path | None) -> str:
        folder = path.with_suffix(".runs") if path else None
        if folder is None or not folder.is_dir():
            return ""
        kept = sorted(run for run in folder.iterdir() if (run / "checkpoint.npz").is_file())
        return str(kept[-1]) if kept else ""

    def _save_to(self, path: Path) -> bool:
        try:
            save(self._document.project, path)
            self._document.mark_saved(path)
            self._training.adopt_runs()
        except (KBuilderError, OSError) as error:
            dialogs.show_error(self._window, self.tr("The project was not saved"), str(error))
            return False
        self._remember(path)
        self.told.emit(self.tr("Saved {0}.").format(path.name))
        return True

    def _remember(self, path: Path) -> None:
        names = [str(path.absolute()), *(str(known) for known in self.recent())]
        self._settings.setValue(RECENT_KEY, list(dict.fromkeys(names))[:MOST_RECENT])

    def folder(self) -> str:
        """Where to begin looking: beside the project, else at home."""
        path = self._document.path
        return str(path.parent if path else Path.home())
