"""Every command of the canvas in one table: shortcuts, menus and context menus come from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence

from kbuilder.ui.canvas.block_commands import BLOCK_COMMANDS
from kbuilder.ui.canvas.command import (
    ARRANGE,
    CONTEXT,
    EDIT,
    MODEL,
    QT_TRANSLATE_NOOP,
    VIEW,
    Command,
    Selected,
    has_anything,
    has_nodes,
    has_things,
    has_three_nodes,
    has_two_nodes,
)

if TYPE_CHECKING:
    from kbuilder.ui.canvas.view import CanvasView

_ALIGN = (
    ("left", QT_TRANSLATE_NOOP("Actions", "Align left edges")),
    ("centre", QT_TRANSLATE_NOOP("Actions", "Align centres")),
    ("right", QT_TRANSLATE_NOOP("Actions", "Align right edges")),
    ("top", QT_TRANSLATE_NOOP("Actions", "Align top edges")),
    ("middle", QT_TRANSLATE_NOOP("Actions", "Align middles")),
    ("bottom", QT_TRANSLATE_NOOP("Actions", "Align bottom edges")),
)

COMMANDS = (
    Command(
        "cut",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Cut"),
        lambda view: view.clipboard.cut(),
        "Ctrl+X",
        "cut",
        has_things,
        separator=True,
        on=("node", "comment"),
    ),
    Command(
        "copy",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Copy"),
        lambda view: view.clipboard.copy(),
        "Ctrl+C",
        "copy",
        has_things,
        on=("node", "comment"),
    ),
    Command(
        "paste",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Paste"),
        lambda view: view.clipboard.paste(view.mouse_place()),
        "Ctrl+V",
        "paste",
        on=("node", "canvas"),
    ),
    Command(
        "duplicate",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Duplicate"),
        lambda view: view.clipboard.duplicate(),
        "Ctrl+D",
        "duplicate",
        has_things,
        on=("node", "comment"),
    ),
    Command(
        "delete",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Delete"),
        lambda view: view.delete_selection(),
        "Del",
        "discard",
        has_anything,
        on=("node", "wire", "comment"),
        also=("Backspace",),
    ),
    Command(
        "delete_gap",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Delete and leave a gap"),
        lambda view: view.delete_selection(heal=False),
        "Ctrl+Del",
        "",
        has_nodes,
        on=("node",),
        also=("Ctrl+Backspace",),
    ),
    Command(
        "select_all",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Select all"),
        lambda view: view.selecting.all(),
        "Ctrl+A",
        separator=True,
        on=("canvas",),
    ),
    Command(
        "select_inverse",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Invert the selection"),
        lambda view: view.selecting.inverse(),
        "Ctrl+I",
    ),
    Command(
        "select_upstream",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Select all that leads here"),
        lambda view: view.selecting.upstream(),
        "Ctrl+Shift+Up",
        enabled=has_nodes,
        on=("node",),
    ),
    Command(
        "select_downstream",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Select all that follows"),
        lambda view: view.selecting.downstream(),
        "Ctrl+Shift+Down",
        enabled=has_nodes,
        on=("node",),
    ),
    Command(
        "select_connected",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Select all that is connected"),
        lambda view: view.selecting.connected(),
        "Ctrl+Shift+L",
        enabled=has_nodes,
        on=("node",),
    ),
    Command(
        "find",
        EDIT,
        QT_TRANSLATE_NOOP("Actions", "Find layers…"),
        lambda view: view.find_bar.open(),
        "Ctrl+F",
        "find",
        separator=True,
        anywhere=True,
        on=("canvas",),
    ),
    Command(
        "freeze",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Freeze or unfreeze"),
        lambda view: view.freezing.toggle(view.canvas.selected_ids()),
        "H",
        "lock",
        has_nodes,
        on=("node",),
    ),
    Command(
        "freeze_up_to",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Freeze all up to here"),
        lambda view: view.freezing.up_to_selection(),
        "Shift+H",
        enabled=has_nodes,
        on=("node",),
    ),
    Command(
        "freeze_by",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Freeze by number or name…"),
        lambda view: view.freezing.ask(),
        "Ctrl+H",
        on=("canvas",),
    ),
    Command(
        "freeze_brush",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Freeze brush"),
        lambda view: view.freezing.toggle_brush(),
        "P",
        on=("canvas",),
    ),
    Command(
        "insert_layer",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Insert a layer…"),
        lambda view: view.open_quick_insert(),
        "Tab",
        "add",
        on=("node", "wire", "canvas"),
    ),
    Command(
        "toggle_output",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Make it an output, or no longer"),
        lambda view: view.editing.toggle_output(view.canvas.selected_ids()),
        "O",
        enabled=lambda selected: selected.nodes == 1 and not selected.blocks,
        on=("node",),
    ),
    *BLOCK_COMMANDS,
    Command(
        "add_comment",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Add a comment"),
        lambda view: view.add_comment(),
        "C",
        "comment",
        on=("canvas",),
    ),
    Command(
        "edit_comment",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Edit the comment"),
        lambda view: view.edit_comment(),
        enabled=lambda selected: selected.comments == 1,
        on=("comment",),
    ),
    Command(
        "arrange",
        ARRANGE,
        QT_TRANSLATE_NOOP("Actions", "Arrange automatically"),
        lambda view: view.ask_to_arrange(),
        "Ctrl+L",
        "arrange",
        anywhere=True,
        on=("node", "canvas"),
    ),
    *(
        Command(
            f"align_{side}",
            ARRANGE,
            text,
            lambda view, side=side: view.moving.align(side),  # type: ignore[misc]
            enabled=has_two_nodes,
            separator=side in ("left", "top"),
        )
        for side, text in _ALIGN
    ),
    Command(
        "distribute_across",
        ARRANGE,
        QT_TRANSLATE_NOOP("Actions", "Distribute horizontally"),
        lambda view: view.moving.distribute(vertically=False),
        enabled=has_three_nodes,
        separator=True,
    ),
    Command(
        "distribute_down",
        ARRANGE,
        QT_TRANSLATE_NOOP("Actions", "Distribute vertically"),
        lambda view: view.moving.distribute(vertically=True),
        enabled=has_three_nodes,
    ),
    Command(
        "fit_view",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Show the selection, or all"),
        lambda view: view.fit(),
        "F",
        on=("node", "canvas"),
    ),
    Command(
        "fit_all",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Show the whole graph"),
        lambda view: view.fit_all(),
        "Shift+F",
    ),
    Command(
        "zoom_in",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Zoom in"),
        lambda view: view.zoom_in(),
        "Ctrl++",
        anywhere=True,
        also=("Ctrl+=",),
    ),
    Command(
        "zoom_out",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Zoom out"),
        lambda view: view.zoom_out(),
        "Ctrl+-",
        anywhere=True,
    ),
    Command(
        "zoom_full",
        VIEW,
        QT_TRANSLATE_NOOP("Actions", "Zoom to 100 %"),
        lambda view: view.set_zoom(1.0),
        "Ctrl+0",
        anywhere=True,
    ),
)


def make_commands(view: CanvasView) -> dict[str, QAction]:
    """The commands as actions of the view, by id; their shortcuts work from now on."""
    actions = {}
    for command in COMMANDS:
        action = QAction(QCoreApplication.translate(CONTEXT, command.text), view)
        action.setObjectName(command.id)
        action.setShortcuts(
            [QKeySequence(keys) for keys in (command.shortcut, *command.also) if keys]
        )
        if not command.anywhere:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _=False, command=command: command.run(view))
        actions[command.id] = action
    view.addActions(list(actions.values()))
    return actions


def refresh_commands(actions: dict[str, QAction], selected: Selected) -> None:
    """Enable what can be done with that selection."""
    for command in COMMANDS:
        if command.enabled is not None:
            actions[command.id].setEnabled(command.enabled(selected))
