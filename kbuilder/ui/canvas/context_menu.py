"""The menu of a right click, or of the Menu key, made from the table of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu

from kbuilder.document.comment_edits import COLOURS
from kbuilder.ui.canvas.command import ARRANGE, CONTEXT, QT_TRANSLATE_NOOP, Kind
from kbuilder.ui.canvas.commands import (
    COMMANDS,
    refresh_commands,
)
from kbuilder.ui.canvas.comment_item import comment_colour
from kbuilder.ui.canvas.hover import EDGE_REACH_PX
from kbuilder.ui.canvas.selecting import boxes, count_selected, shown

if TYPE_CHECKING:
    from kbuilder.ui.canvas.view import CanvasView

_COLOUR_TEXTS = (
    QT_TRANSLATE_NOOP("Actions", "Plain"),
    QT_TRANSLATE_NOOP("Actions", "Blue"),
    QT_TRANSLATE_NOOP("Actions", "Green"),
    QT_TRANSLATE_NOOP("Actions", "Amber"),
    QT_TRANSLATE_NOOP("Actions", "Red"),
    QT_TRANSLATE_NOOP("Actions", "Violet"),
)


class ContextMenus:
    """Finds out what a menu is for, and opens it."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view

    def open(self, event: QContextMenuEvent) -> None:
        """The menu of what was clicked on; by key, of what is selected."""
        view = self._view
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            kind, at = self._select_at(view.mapToScene(event.pos())), event.pos()
        else:
            kind, at = self._selected()
        menu = self._menu(kind)
        menu.popup(view.viewport().mapToGlobal(at))

    def _menu(self, kind: Kind) -> QMenu:
        view, scene = self._view, self._view.canvas
        refresh_commands(view.commands, count_selected(scene))
        menu = QMenu(view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        last = ""
        for command in COMMANDS:
            if kind in command.on:
                if last and (command.separator or command.menu != last):
                    menu.addSeparator()
                menu.addAction(view.commands[command.id])
                last = command.menu
        if kind == "node":
            self._add_aligning(menu)
        elif kind == "comment":
            self._add_colours(menu, scene.selected_comments()[0])
        return menu

    def _add_aligning(self, menu: QMenu) -> None:
        """Lining up stands in a menu of its own, and only when there is enough to line up."""
        commands = [each for each in COMMANDS if each.menu == ARRANGE and not each.on]
        actions = [self._view.commands[command.id] for command in commands]
        if any(action.isEnabled() for action in actions):
            menu.addMenu(_translated("Align")).addActions(actions)

    def _add_colours(self, menu: QMenu, comment: str) -> None:
        colours = menu.addMenu(_translated("Colour"))
        for name, text in zip(COLOURS, _COLOUR_TEXTS, strict=True):
            action = colours.addAction(_swatch(name), _translated(text))
            action.setObjectName(f"colour_{name}")
            action.triggered.connect(
                lambda _=False, name=name: self._view.commenting.set_colour(comment, name)
            )

    def _select_at(self, place: QPointF) -> Kind:
        """Select what is under a point, unless it is selected already; answers what it is."""
        scene = self._view.canvas
        box = scene.node_at(place) or scene.frame_at(place)
        if box:
            if box not in boxes(scene):
                scene.select([box])
            return "node"
        edge = scene.edge_at(place, EDGE_REACH_PX * scene.pixel)
        if edge is not None:
            if edge not in scene.selected_edges():
                scene.select((), [edge])
            return "wire"
        comment = scene.comment_at(place)
        if comment:
            if comment not in scene.selected_comments():
                scene.select((), comments=[comment])
            return "comment"
        return "canvas"

    def _selected(self) -> tuple[Kind, QPoint]:
        """What is selected, and where it is in the view."""
        view, scene = self._view, self._view.canvas
        for box in shown(scene, scene.selected_ids())[:1]:
            return "node", view.mapFromScene(scene.content_rect([box]).center())
        for key in scene.selected_edges()[:1]:
            return "wire", view.mapFromScene((scene.edges[key].start + scene.edges[key].end) / 2)
        for comment in scene.selected_comments()[:1]:
            return "comment", view.mapFromScene(scene.comments[comment].pos())
        return "canvas", view.viewport().rect().center()


def _translated(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text)


def _swatch(name: str) -> QIcon:
    picture = QPixmap(24, 24)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(comment_colour(name))
    painter.drawRoundedRect(3, 3, 18, 18, 4, 4)
    painter.end()
    return QIcon(picture)
