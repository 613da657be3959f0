"""File, Export: which format, what it cannot hold of this project, where to, and how it was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import KBuilderError
from kbuilder.document.exportable import blockers
from kbuilder.document.facts import NodeFacts
from kbuilder.document.formats import FORMATS, chosen_format
from kbuilder.document.project import Project
from kbuilder.document.script.place import DataPlace, data_place
from kbuilder.document.script.whole import script
from kbuilder.document.summary import as_markdown, as_text
from kbuilder.link.events import Exported, Failed
from kbuilder.link.steered import steered_in
from kbuilder.link.values import DataPreview
from kbuilder.ui import dialogs
from kbuilder.ui.canvas.drawing import draw
from kbuilder.ui.format_list import FormatList
from kbuilder.ui.text import label
from kbuilder.ui.training import Training

WITHOUT_WEIGHTS = ("json", "python", "text", "markdown")
_TREE_WIDTH = 260
_SIZE = (860, 560)

Facts = Mapping[str, NodeFacts]


class ExportDialog(QDialog):
    """Writes what is open in any format and stays to tell the result.

    Signals:
        written: a file is complete; carries ``Exported``.
    """

    written = Signal(object)

    def __init__(
        self,
        project: Project,
        catalogue: Catalogue,
        facts: Facts,
        preview: DataPreview | None,
        training: Training,
        suggested: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._catalogue = catalogue
        self._facts = facts
        self._data = preview
        self._training = training
        self._suggested = suggested
        self._written = Path()
        self.setObjectName(dialogs.EXPORT)
        self.request = 0
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Export"))
        self.resize(*_SIZE)
        self._make_parts()
        self._lay_out()
        self._connect()
        self.choose("hdf5")

    # --- what can be asked of it ----------------------------------------------------------------

    def choose(self, format_id: str) -> None:
        """Show a format, and a name for it beside the one that was suggested."""
        self.formats.choose(format_id)

    @property
    def request(self) -> int:
        """The request that is under way, 0 when there is none."""
        return int(self.property("request"))

    @request.setter
    def request(self, number: int) -> None:
        self.setProperty("request", number)

    # --- parts ----------------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.formats = FormatList()
        self._title = label(role="title")
        self._holds = label(role="muted")
        self._source = label(role="muted")
        self.faults = label(role="error")
        self.faults.setAccessibleName(self.tr("What this format cannot hold"))
        self.hints = label(role="muted")
        self.hints.setAccessibleName(self.tr("What to know of this format"))
        self.path = QLineEdit()
        self.path.setAccessibleName(self.tr("File"))
        self.browse = QPushButton(self.tr("Browse…"))
        self._replaces = label(role="muted")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.outcome = label(role="strong")
        self.outcome.setAccessibleName(self.tr("Result"))
        self.details = label(role="muted")
        self.preview = QPlainTextEdit()
        self.preview.setReadOnly(True)
        self.preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.preview.setProperty("role", "mono")
        self.preview.setAccessibleName(self.tr("What will be written"))
        for each in (
            *(self._holds, self._source, self.faults, self.hints, self.outcome, self.details),
        ):
            each.setWordWrap(True)
            each.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.show_folder = QPushButton(self.tr("Show in folder"))
        self.copy_path = QPushButton(self.tr("Copy path"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.export = self.buttons.addButton(
            self.tr("Export"), QDialogButtonBox.ButtonRole.ActionRole
        )
        self.export.setProperty("role", "primary")
        self.export.setDefault(True)
        self._show_after(done=False, busy=False)

    def _lay_out(self) -> None:
        file = QHBoxLayout()
        file.addWidget(self.path, 1)
        file.addWidget(self.browse)
        after = QHBoxLayout()
        after.addWidget(self.show_folder)
        after.addWidget(self.copy_path)
        after.addStretch(1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(16, 4, 4, 4)
        column.setSpacing(8)
        for part in (self._title, self._holds, self._source):
            column.addWidget(part)
        column.addSpacing(4)
        column.addLayout(file)
        below = (self._replaces, self.faults, self.hints, self.busy, self.outcome, self.details)
        for widget in below:
            column.addWidget(widget)
        column.addLayout(after)
        column.addSpacing(4)
        column.addWidget(self.preview, 1)
        column.addStretch(0)
        split = QSplitter()
        split.addWidget(self.formats)
        split.addWidget(side)
        split.setSizes([_TREE_WIDTH, _SIZE[0] - _TREE_WIDTH])
        split.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setSpacing(12)
        whole.addWidget(split, 1)
        whole.addWidget(self.buttons)

    def _connect(self) -> None:
        self.formats.chosen.connect(self._show_format)
        self.path.textChanged.connect(self._show_fitness)
        self.browse.clicked.connect(self._ask_path)
        self.export.clicked.connect(self._start)
        self.show_folder.clicked.connect(self._open_folder)
        self.copy_path.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(str(self._written))
        )
        self.buttons.rejected.connect(self.reject)
        QShortcut(QKeySequence("Ctrl+Return"), self, self.export.click)
        self._training.done.connect(self._take)
        self._training.failed.connect(self._take_failure)

    # --- what is shown --------------------------------------------------------------------------

    @Slot()
    def _show_format(self) -> None:
        wanted = self.formats.wanted
        endings = ", ".join(end or self.tr("a folder") for end in wanted.endings)
        self._title.setText(wanted.title)
        self._holds.setText(f"{wanted.holds[:1].upper()}{wanted.holds[1:]}. ({endings})")
        run = Path(self._training.run).name
        if wanted.drawn or wanted.id in WITHOUT_WEIGHTS:
            source = []
        elif run:
            source = [self.tr("The weights are those of the run {0}.").format(run)]
        else:
            source = [self.tr("Not trained yet: the weights are fresh ones.")]
        self._show_text(self._source, source)
        stem = Path(self.path.text()).name if self.path.text() else self._suggested.name
        for end in sorted((e for f in FORMATS for e in f.endings if e), key=len, reverse=True):
            stem = stem.removesuffix(end)
        folder = Path(self.path.text()).parent if self.path.text() else self._suggested.parent
        self.path.setText(str(folder / f"{stem}{wanted.endings[0]}"))
        self._show_after(done=False, busy=False)
        self._show_fitness()
        self._show_preview()

    @Slot()
    def _show_fitness(self) -> None:
        """What stands in the way of this format and this name, before anything is done."""
        found = blockers(self._project, self._catalogue, self.formats.wanted)
        fault = self._name_fault()
        errors = [each.text for each in found if each.severity == "error"]
        self._show_text(self.faults, [f"✕  {text}" for text in (fault, *errors) if text])
        hints = [each.text for each in found if each.severity != "error"]
        self._show_text(self.hints, [f"ⓘ  {text}" for text in hints])
        path = Path(self.path.text())
        replaces = self.tr("It will replace what has this name.")
        self._show_text(self._replaces, [replaces] if not fault and path.exists() else [])
        self.export.setEnabled(not fault and not errors and not self.request)

    @staticmethod
    def _show_text(where: QLabel, lines: Sequence[str]) -> None:
        where.setText("\n".join(lines))
        where.setVisible(bool(lines))

    def _name_fault(self) -> str:
        path = Path(self.path.text())
        if not self.path.text().strip() or not path.parent.is_dir():
            return self.tr("There is no such folder. Choose another one.")
        try:
            chosen_format(path, self.formats.wanted.id)
        except KBuilderError as error:
            return str(error)
        return ""

    def _show_preview(self) -> None:
        """The text that will be written, where it is text."""
        text = self._text_of(self.formats.wanted.id) if not self.faults.text() else ""
        self.preview.setPlainText(text)
        self.preview.setVisible(bool(text))

    def _text_of(self, format_id: str) -> str:
        name = Path(self.path.text()).name.partition(".")[0]
        try:
            if format_id == "python":
                steered = steered_in(self._training.run)
                return script(self._place(), self._catalogue, name, steered)
        except KBuilderError as error:
            return str(error)
        words = {"text": as_text, "markdown": as_markdown}.get(format_id)
        return words(self._project, self._facts, name) if words else ""

    def _place(self) -> DataPlace:
        data, base = self._data, self._training.base
        if data is None:
            return DataPlace(project=self._project)
        return data_place(self._project, base, data.fields, data.inputs, data.targets)

    def _show_after(self, *, done: bool, busy: bool) -> None:
        """``done``: a file is there. ``busy``: it is being written and tried."""
        self.busy.setVisible(busy)
        self.outcome.setVisible(done or busy)
        self.details.setVisible(done)
        for button in (self.show_folder, self.copy_path):
            button.setVisible(done)
        for part in (self.formats, self.path, self.browse):
            part.setEnabled(not busy)
        close = self.buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setText(self.tr("Cancel") if busy else self.tr("Close"))

    # --- doing it -------------------------------------------------------------------------------

    @Slot()
    def _ask_path(self) -> None:
        wanted = self.formats.wanted
        kinds = " ".join(f"*{end}" for end in wanted.endings if end)
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export to"),
            self.path.text(),
            f"{wanted.title} ({kinds})",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if chosen:
            self.path.setText(chosen)

    @Slot()
    def _start(self) -> None:
        if not self.export.isEnabled():
            return
        path, wanted = Path(self.path.text()).absolute(), self.formats.wanted
        if wanted.drawn:
            self._draw(path)
            return
        self.request = self._training.export(path, weights_only=False, format_id=wanted.id)
        self.outcome.setText(
            self.tr("Writing {0} and trying it in a process of its own…").format(path.name)
        )
        self._show_after(done=False, busy=True)
        self.export.setEnabled(False)

    def _draw(self, path: Path) -> None:
        try:
            draw(self._project, self._catalogue, self._facts, path)
        except KBuilderError as error:
            self._show_failure(str(error))
            return
        self._show_result(Exported(request=0, path=str(path)))

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, Exported) and event.request == self.request:
            self._show_result(event)

    @Slot(object)
    def _take_failure(self, event: Failed) -> None:
        if self.request and event.request in (self.request, 0):
            self._show_failure(event.text)

    def _show_result(self, event: Exported) -> None:
        self.request = 0
        self._written = Path(event.path)
        self.outcome.setText(self.tr("✓  {0} is written.").format(self._written.name))
        told = []
        if event.verified_by and event.difference is not None:
            text = self.tr(
                "Loaded by {0} in a clean process; largest difference of what it computes: {1}."
            )
            told.append(text.format(event.verified_by, f"{event.difference:.1e}"))
        elif event.verified_by:
            told.append(self.tr("Loaded by {0} in a clean process.").format(event.verified_by))
        self._show_after(done=True, busy=False)
        self._show_text(self.details, [*told, *event.notes])
        self._show_fitness()
        self.show_folder.setFocus()
        self.written.emit(event)

    def _show_failure(self, text: str) -> None:
        self.request = 0
        self.outcome.setText(f"✕  {text}")
        self._show_after(done=False, busy=False)
        self.outcome.setVisible(True)
        self._show_fitness()

    @Slot()
    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.parent)))

    def reject(self) -> None:
        """Close; what is being written is given up first."""
        if self.request:
            self.request = 0
            self._training.give_up_export()
            self._show_failure(self.tr("Stopped. Nothing was written."))
            return
        super().reject()
