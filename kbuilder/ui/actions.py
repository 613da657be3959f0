"""Every command of the window in one table. Menus, toolbar and shortcuts come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from kbuilder.ui.canvas.command import (
    ARRANGE,
    CONTEXT,
    EDIT,
    MODEL,
    QT_TRANSLATE_NOOP,
    VIEW,
    Command,
)
from kbuilder.ui.canvas.commands import COMMANDS, refresh_commands
from kbuilder.ui.canvas.selecting import count_selected
from kbuilder.ui.exporting import offer_export
from kbuilder.ui.icons import icon
from kbuilder.ui.training_state import State

if TYPE_CHECKING:
    from kbuilder.ui.main_window import MainWindow


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One command: where it stands, what it is called, what it does and when it can be done."""

    id: str
    menu: str
    text: str
    run: Callable[[MainWindow], object]
    shortcut: str = ""
    icon: str = ""
    enabled: Callable[[MainWindow], bool] | None = None
    separator: bool = False


def _idle(window: MainWindow) -> bool:
    return window.training.state is State.IDLE


def _faulty(window: MainWindow) -> bool:
    return bool(window.workbench.problems)


FILE = QT_TRANSLATE_NOOP("Actions", "&File")
TRAIN = QT_TRANSLATE_NOOP("Actions", "&Train")
HELP = QT_TRANSLATE_NOOP("Actions", "&Help")

_FIRST = (
    ActionRow(
        "new",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "New"),
        lambda window: window.files.new(),
        "Ctrl+N",
        "new",
        _idle,
    ),
    ActionRow(
        "open",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Open…"),
        lambda window: window.files.open(),
        "Ctrl+O",
        "open",
        _idle,
    ),
    ActionRow(
        "open_base",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "New from a pretrained network…"),
        lambda window: window.files.choose_base(),
        "Ctrl+Shift+N",
        enabled=_idle,
    ),
    ActionRow(
        "save",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Save"),
        lambda window: window.files.save(),
        "Ctrl+S",
        "save",
    ),
    ActionRow(
        "save_as",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Save as…"),
        lambda window: window.files.save_as(),
        "Ctrl+Shift+S",
    ),
    ActionRow(
        "export",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Export…"),
        offer_export,
        "Ctrl+Shift+E",
        "export",
        _idle,
        separator=True,
    ),
    ActionRow(
        "export_model",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Export model…"),
        lambda window: window.files.export_model(),
        "Ctrl+E",
        enabled=_idle,
    ),
    ActionRow(
        "export_weights",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Export weights…"),
        lambda window: window.files.export_weights(),
        enabled=_idle,
    ),
    ActionRow(
        "load_weights",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Load weights…"),
        lambda window: window.files.load_weights(),
        enabled=_idle,
    ),
    ActionRow(
        "load_weights_by_layer",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Load weights by layer…"),
        lambda window: window.files.load_weights(ask=True),
        enabled=_idle,
    ),
    ActionRow(
        "quit",
        FILE,
        QT_TRANSLATE_NOOP("Actions", "Quit"),
        lambda window: window.close(),
        "Ctrl+Q",
        separator=True,
    ),
    ActionRow(
        "undo",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Undo"),
        lambda window: window.document.undo(),
        "Ctrl+Z",
        "undo",
        lambda window: bool(window.document.undo_text),
    ),
    ActionRow(
        "redo",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Redo"),
        lambda window: window.document.redo(),
        "Ctrl+Shift+Z",
        "redo",
        lambda window: bool(window.document.redo_text),
    ),
)

_LAST = (
    ActionRow(
        "next_problem",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Next problem"),
        lambda window: window.show_problem(1),
        "F8",
        "warning",
        _faulty,
        separator=True,
    ),
    ActionRow(
        "previous_problem",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Previous problem"),
        lambda window: window.show_problem(-1),
        "Shift+F8",
        enabled=_faulty,
    ),
    *(
        ActionRow(
            f"show_{name}",
            VIEW,
            text,
            lambda window, number=number: window.show_workspace(number),  # type: ignore[misc]
            f"Ctrl+{number + 1}",
            separator=number == 0,
        )
        for number, (name, text) in enumerate(
            (
                ("data", QT_TRANSLATE_NOOP("Actions", "Data")),
                ("design", QT_TRANSLATE_NOOP("Actions", "Design")),
                ("train", QT_TRANSLATE_NOOP("Actions", "Train")),
                ("inspect", QT_TRANSLATE_NOOP("Actions", "Inspect")),
                ("runs", QT_TRANSLATE_NOOP("Actions", "Runs")),
            )
        )
    ),
    ActionRow(
        "theme",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Dark or light"),
        lambda window: window.switch_theme(),
        "Ctrl+Shift+T",
        separator=True,
    ),
    ActionRow(
        "train",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Train"),
        lambda window: window.train(),
        "Ctrl+R",
        "train",
        lambda window: _idle(window) and not window.blocking_problem(),
    ),
    ActionRow(
        "train_on",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Train on"),
        lambda window: window.train(resume=True),
        "Ctrl+Shift+R",
        "continue",
        lambda window: (
            _idle(window) and bool(window.training.run) and not window.blocking_problem()
        ),
    ),
    ActionRow(
        "queue_run",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Queue"),
        lambda window: window.queue.add(),
        "Ctrl+Shift+Return",
        "add",
        lambda window: window.training.active and not window.blocking_problem(),
    ),
    ActionRow(
        "pause",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Pause"),
        lambda window: window.training.pause(),
        "Ctrl+P",
        "pause",
        lambda window: window.training.state is State.RUNNING,
    ),
    ActionRow(
        "continue",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Continue"),
        lambda window: window.training.go_on(),
        "Ctrl+Shift+P",
        "train",
        lambda window: window.training.state is State.PAUSED,
    ),
    ActionRow(
        "step",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Step"),
        lambda window: window.step("batch"),
        "F10",
        "step",
        lambda window: window.training.trains or window.may_train(),
    ),
    ActionRow(
        "step_epoch",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Step an epoch"),
        lambda window: window.step("epoch"),
        "Shift+F10",
        enabled=lambda window: window.training.state is State.PAUSED,
    ),
    ActionRow(
        "stop",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Stop && keep"),
        lambda window: window.training.stop(keep=True),
        "Ctrl+.",
        "stop",
        lambda window: window.training.active,
    ),
    ActionRow(
        "discard",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Discard"),
        lambda window: window.training.stop(keep=False),
        enabled=lambda window: window.training.active,
    ),
    ActionRow(
        "dry_run",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Dry run"),
        lambda window: window.dry_runs.ask(),
        "F7",
        enabled=lambda window: window.may_train(),
    ),
    ActionRow(
        "devices",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Devices…"),
        lambda window: window.devices.ask(),
    ),
    ActionRow(
        "fine_tuning",
        TRAIN,
        QT_TRANSLATE_NOOP("Actions", "Fine-tuning, step by step"),
        lambda window: window.show_tuning(),
        separator=True,
    ),
    ActionRow(
        "own_code",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Own code"),
        lambda window: window.show_code(),
        "Ctrl+Shift+C",
    ),
    ActionRow(
        "all_commands",
        HELP,
        QT_TRANSLATE_NOOP("Actions", "All commands…"),
        lambda window: window.command_palette.open(),
        "Ctrl+K",
        "find",
    ),
    ActionRow(
        "about",
        HELP,
        QT_TRANSLATE_NOOP("Actions", "About kbuilder"),
        lambda window: window.about(),
    ),
)


ROWS: tuple[ActionRow | Command, ...] = (*_FIRST, *COMMANDS, *_LAST)
"""All that there is to do, in the order of the menus; the commands of the canvas are the view's."""

MENUS = (FILE, EDIT, VIEW, MODEL, ARRANGE, TRAIN, HELP)


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """The actions of a window by id, connected; those of the canvas are the view's own."""
    actions = {}
    for row in (*_FIRST, *_LAST):
        action = QAction(QCoreApplication.translate(CONTEXT, row.text), window)
        action.setObjectName(row.id)
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
        action.triggered.connect(lambda _=False, row=row: row.run(window))
        actions[row.id] = action
    return actions | window.view.commands


def fill_menus(bar: QMenuBar, actions: dict[str, QAction]) -> dict[str, QMenu]:
    """One menu for each name in the tables, in the tables' order."""
    menus: dict[str, QMenu] = {}
    for name in MENUS:
        menus[name] = bar.addMenu(QCoreApplication.translate(CONTEXT, name))
    for row in ROWS:
        if row.separator and not menus[row.menu].isEmpty():
            menus[row.menu].addSeparator()
        menus[row.menu].addAction(actions[row.id])
    return menus


def refresh(window: MainWindow, actions: dict[str, QAction]) -> None:
    """Enable what can be done now, and say what undo and redo would do."""
    for row in (*_FIRST, *_LAST):
        if row.enabled is not None:
            actions[row.id].setEnabled(row.enabled(window))
    refresh_commands(actions, count_selected(window.scene))
    for name, text in (("undo", window.document.undo_text), ("redo", window.document.redo_text)):
        verb = QCoreApplication.translate(CONTEXT, next(r.text for r in _FIRST if r.id == name))
        actions[name].setText(f"{verb} {text}".replace("&", "&&").strip())


def paint_icons(actions: dict[str, QAction]) -> None:
    """Give the actions their icons in the theme's colours."""
    for row in ROWS:
        if row.icon:
            actions[row.id].setIcon(icon(row.icon, "on_accent" if row.id == "train" else "text"))
