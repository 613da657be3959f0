"""The project's own code: an editor, what it defines, whether it may run, and worked examples."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from kbuilder.document import approvals, edits
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.changes import Changes
from kbuilder.document.errors import SaveError
from kbuilder.resources import resource
from kbuilder.ui.code.editor import CodeEditor
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench

TYPING_MS = 700
"""How long after the last key the text is taken over."""


class CodePanel(QWidget):
    """Own layers, losses and metrics in Python.

    What a user types here may run: it is approved as it is typed. Text that came with a project may not,
    until the user presses Trust.

    Signals:
        told: a sentence why something could not be done.
    """

    told = Signal(str)

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._workbench = workbench
        self.setProperty("role", "side-bottom")
        self.editor = CodeEditor(catalogue)
        self.editor.setPlaceholderText(
            self.tr(
                "Own layers, losses and metrics in Python. Begin with an example, or write\n"
                "class MyLayer(keras.layers.Layer): …\ndef my_loss(y_true, y_pred): …"
            )
        )
        self.state = label(role="muted")
        self.trust = QPushButton(self.tr("Trust this code"))
        self.trust.setProperty("role", "primary")
        self.trust.setToolTip(
            self.tr(
                "Let this very text run on this machine. Read it first: it can do what you can do."
            )
        )
        self.trust.clicked.connect(self._approve)
        self.examples = QToolButton()
        self.examples.setText(self.tr("Insert example"))
        self.examples.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.examples.setMenu(self._example_menu())
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self.take_over)
        self.editor.textChanged.connect(self._wait)
        self.editor.left.connect(self.take_over)
        self._lay_out()
        bridge.changed.connect(self._follow)
        workbench.code_changed.connect(self._show_state)
        self._show_text()
        self._show_state()

    @Slot()
    def take_over(self) -> None:
        """Make what stands in the editor the project's code, and approve it if what was there was."""
        self._typing.stop()
        before, code = self._document.project.custom_code, self.editor.toPlainText()
        if code == before:
            return
        if approvals.is_approved(before):
            self._remember(code)
        self._document.apply(
            self.tr("Edit own code"), lambda project: edits.set_code(project, code), "own code"
        )

    @Slot(int)
    def show_line(self, line: int) -> None:
        """Bring a line into view."""
        self.editor.go_to(line)
        self.editor.setFocus()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(8)
        row.addWidget(self.state, 1)
        row.addWidget(self.trust)
        row.addWidget(self.examples)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.editor, 1)

    def _example_menu(self) -> QMenu:
        menu = QMenu(self)
        for path in sorted(resource("examples").glob("*.py")):
            title = (
                ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem
            ).splitlines()
            menu.addAction(title[0].rstrip("."), partial(self.insert, path))
        return menu

    def insert(self, path: Path) -> None:
        """Put an example below what is there, as one step of the editor's undo."""
        code = path.read_text("utf-8")
        cursor = self.editor.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        gap = "\n\n" if self.editor.toPlainText().strip() else ""
        cursor.insertText(gap + code)
        self.editor.setTextCursor(cursor)
        self.take_over()

    @Slot()
    def _wait(self) -> None:
        self._typing.start()

    @Slot()
    def _approve(self) -> None:
        self.take_over()
        self._remember(self._document.project.custom_code)
        self._workbench.check_code()

    def _remember(self, code: str) -> None:
        try:
            approvals.approve(code)
        except SaveError as error:
            self.told.emit(str(error))

    @Slot(object)
    def _follow(self, changes: Changes) -> None:
        if changes.code or changes.replaced:
            self._show_text()

    def _show_text(self) -> None:
        code = self._document.project.custom_code
        if code != self.editor.toPlainText():
            self.editor.replace_text(code)
            self._typing.stop()

    @Slot()
    def _show_state(self) -> None:
        held = not self._workbench.code_approved
        problems = self._workbench.code_problems
        self.trust.setVisible(held)
        self.editor.show_faults({each.line: each.text for each in problems if each.line})
        errors = [each for each in problems if each.severity == "error" and each.line]
        names = ", ".join(dict.fromkeys(spec.class_name for spec in self._catalogue.own))
        if errors:
            text = errors[0].text
        elif held:
            text = self.tr(
                "Held back: this code came with the project. Read it before you trust it."
            )
        elif names:
            text = self.tr("Ready to use: {0}").format(names)
        else:
            text = ""
        self.state.setText(text)
        self.state.setToolTip(text)
