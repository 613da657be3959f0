"""The bar above the workspaces: file buttons, the five tabs, the device, and the primary buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from kbuilder.ui.text import label, tooltip
from kbuilder.ui.training_state import State

FILE_BUTTONS = ("new", "open", "save", "undo", "redo")
WORDLESS = ("undo", "redo", "queue_run")
RUN_BUTTONS = ("train_on", "train", "queue_run", "pause", "continue", "step", "stop", "discard")
SHOWN = {
    State.IDLE: ("train_on", "train"),
    State.LOADING: ("train_on", "train", "discard"),
    State.STARTING: ("queue_run", "stop", "discard"),
    State.RUNNING: ("queue_run", "pause", "step", "stop", "discard"),
    State.PAUSED: ("queue_run", "continue", "step", "stop", "discard"),
    State.STOPPING: ("stop", "discard"),
}


class TopBar(QWidget):
    """``workspace_chosen`` carries the number of the tab, from 0."""

    workspace_chosen = Signal(int)
    device_clicked = Signal()

    def __init__(
        self, actions: dict[str, QAction], workspaces: list[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self._run_buttons: dict[str, QPushButton] = {}
        self._device = QToolButton()
        self._device.setProperty("role", "pill")
        self._device.setText("…")
        self._device.clicked.connect(self.device_clicked.emit)
        row = QGridLayout(self)
        row.setContentsMargins(8, 4, 12, 6)
        row.addWidget(self._make_file_buttons(), 0, 0, Qt.AlignmentFlag.AlignLeft)
        row.addWidget(self._make_tabs(workspaces), 0, 1, Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self._make_run_buttons(), 0, 2, Qt.AlignmentFlag.AlignRight)
        row.setColumnStretch(0, 1)
        row.setColumnStretch(2, 1)

    def show_workspace(self, number: int) -> None:
        """Mark the tab."""
        self._tabs.button(number).setChecked(True)

    def show_device(self, text: str, why: str) -> None:
        """Name the device that trains; ``why`` explains a missing GPU."""
        self._device.setText("●  " + text)
        self._device.setToolTip(tooltip(why))
        self._device.setAccessibleName(text)

    def show_state(self, state: State, *, trained: bool) -> None:
        """Show the buttons that fit the state of the training."""
        shown = {n: n in SHOWN[state] and (n != "train_on" or trained) for n in self._run_buttons}
        # Those that go, go first: Qt makes the window wider for all that are shown at any moment.
        for name in sorted(shown, key=lambda name: shown[name]):
            self._run_buttons[name].setVisible(shown[name])

    def sync_buttons(self) -> None:
        """Take text, icon and enabled from the actions again."""
        for name, button in self._run_buttons.items():
            action = self._actions[name]
            button.setEnabled(action.isEnabled())
            button.setIcon(action.icon())
            button.setText("" if name in WORDLESS else action.text())
            button.setAccessibleName(action.text())
            button.setToolTip(tooltip(f"{action.toolTip()} ({action.shortcut().toString()})"))

    def _make_file_buttons(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for name in FILE_BUTTONS:
            button = QToolButton()
            button.setDefaultAction(self._actions[name])
            style = (
                Qt.ToolButtonStyle.ToolButtonIconOnly
                if name in WORDLESS
                else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            )
            button.setToolButtonStyle(style)
            row.addWidget(button)
        return box

    def _make_tabs(self, workspaces: list[str]) -> QWidget:
        box = QWidget()
        box.setProperty("role", "tabs")
        box.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(box)
        row.setContentsMargins(2, 1, 2, 1)
        row.setSpacing(0)
        self._tabs = QButtonGroup(self)
        for number, name in enumerate(workspaces):
            tab = QToolButton()
            tab.setText(name)
            tab.setCheckable(True)
            tab.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            tab.setToolTip(f"Ctrl+{number + 1}")
            self._tabs.addButton(tab, number)
            row.addWidget(tab)
        self._tabs.idClicked.connect(self.workspace_chosen.emit)
        return box

    def _make_run_buttons(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._device)
        roles = {"train": "primary", "continue": "primary", "discard": "danger"}
        for name in RUN_BUTTONS:
            button = QPushButton()
            button.setProperty("role", roles.get(name, ""))
            button.clicked.connect(self._actions[name].trigger)
            button.setObjectName(f"button_{name}")
            self._run_buttons[name] = button
            row.addWidget(button)
        return box


class StatusLine(QWidget):
    """The line at the bottom: saved or not, size of the model, data, versions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: dict[str, QLabel] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(12)
        for name in ("saved", "layers", "weights"):
            row.addWidget(self._label(name))
        # A long hint is cut rather than let widen the window; the tool tip has all of it.
        row.addWidget(self._label("hint"), 1)
        self._labels["hint"].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for name in ("data", "versions"):
            row.addWidget(self._label(name))

    def show_text(self, name: str, text: str) -> None:
        """Put a text into one of the places."""
        self._labels[name].setText(text)
        self._labels[name].setToolTip(tooltip(text))

    def _label(self, name: str) -> QLabel:
        self._labels[name] = label(role="muted")
        return self._labels[name]
