"""The commands for blocks and shared layers."""

from __future__ import annotations

from kbuilder.ui.canvas.command import MODEL, QT_TRANSLATE_NOOP, Command, Selected, has_nodes


def _has_blocks(selected: Selected) -> bool:
    return selected.blocks > 0


def _has_to_do_with_blocks(selected: Selected) -> bool:
    return selected.blocks > 0 or selected.inside > 0


def _inside_blocks(selected: Selected) -> bool:
    return selected.inside > 0


def _has_sharing(selected: Selected) -> bool:
    return selected.sharing > 0


def _one_layer(selected: Selected) -> bool:
    return selected.nodes == 1 and not selected.blocks


BLOCK_COMMANDS = (
    Command(
        "group",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Make a block"),
        lambda view: view.grouping.group(),
        "Ctrl+G",
        "group",
        has_nodes,
        separator=True,
        on=("node",),
        anywhere=True,
    ),
    Command(
        "ungroup",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Dissolve the block"),
        lambda view: view.grouping.ungroup(),
        "Ctrl+Shift+G",
        enabled=_has_to_do_with_blocks,
        on=("node",),
        anywhere=True,
    ),
    Command(
        "take_out",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Take out of the block"),
        lambda view: view.grouping.take_out(),
        "Ctrl+Alt+G",
        enabled=_inside_blocks,
        on=("node",),
    ),
    Command(
        "fold",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Fold or open the block"),
        lambda view: view.grouping.fold(),
        "B",
        enabled=_has_to_do_with_blocks,
        on=("node",),
    ),
    Command(
        "enter_block",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Enter the block"),
        lambda view: view.grouping.enter(),
        "Ctrl+Down",
        enabled=_has_blocks,
        on=("node",),
    ),
    Command(
        "leave_block",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Leave the block"),
        lambda view: view.grouping.leave(),
        "Ctrl+Up",
        on=("canvas",),
    ),
    Command(
        "share",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Use the layer once more"),
        lambda view: view.grouping.share(),
        "Ctrl+Shift+D",
        enabled=_one_layer,
        separator=True,
        on=("node",),
    ),
    Command(
        "unshare",
        MODEL,
        QT_TRANSLATE_NOOP("Actions", "Give it weights of its own"),
        lambda view: view.grouping.unshare(),
        enabled=_has_sharing,
        on=("node",),
    ),
)
