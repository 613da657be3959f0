"""More for hands on the canvas than clicks: other buttons, held keys, menus, two fingers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from tests.ui.canvas_bench import Bench

ALT = Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
RIGHT = Qt.MouseButton.RightButton


def stroke(
    bench: Bench,
    points: Sequence[QPoint],
    keys: Qt.KeyboardModifier = NONE,
    button: Qt.MouseButton = LEFT,
) -> None:
    """Press at the first point, go through the others with the button and keys held, let go."""
    held(bench, points, keys, button)
    viewport = bench.view.viewport()
    QTest.mouseRelease(viewport, button, keys, points[-1])


def held(
    bench: Bench,
    points: Sequence[QPoint],
    keys: Qt.KeyboardModifier = NONE,
    button: Qt.MouseButton = LEFT,
) -> None:
    """The same without letting go."""
    viewport = bench.view.viewport()
    QTest.mousePress(viewport, button, keys, points[0])
    for point in points[1:]:
        place = QPointF(point)
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            place,
            viewport.mapToGlobal(place),
            Qt.MouseButton.NoButton,
            button,
            keys,
        )
        QApplication.sendEvent(viewport, event)


def double_click(bench: Bench, at: QPoint) -> None:
    """Two clicks at one place, as a hand does them."""
    bench.click(at)
    QTest.mouseDClick(bench.view.viewport(), LEFT, NONE, at)


def menu_at(bench: Bench, at: QPoint | None) -> QMenu:
    """The context menu of a place, or without one that of the Menu key."""
    viewport = bench.view.viewport()
    reason = QContextMenuEvent.Reason.Mouse if at else QContextMenuEvent.Reason.Keyboard
    place = at or QPoint()
    event = QContextMenuEvent(reason, place, viewport.mapToGlobal(place))
    QApplication.sendEvent(viewport, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu: QMenu, name: str) -> None:
    """Click on the entry with that object name, in the menu or one inside it."""
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu) and any(each.objectName() == name for each in inner.actions()):
            menu.setActiveAction(action)
            choose(inner, name)
            break
        if action.objectName() == name:
            QTest.mouseClick(menu, LEFT, NONE, menu.actionGeometry(action).center())
            break
    else:
        raise AssertionError(f"no {name} in the menu")
    menu.close()


def pinch(bench: Bench, value: float, at: QPointF) -> None:
    """Two fingers on a touchpad."""
    viewport = bench.view.viewport()
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        at,
        at,
        viewport.mapToGlobal(at),
        value,
        QPointF(),
    )
    QApplication.sendEvent(viewport, event)


def glide(bench: Bench, pixels: QPoint, phase: Qt.ScrollPhase) -> None:
    """A touchpad's scrolling."""
    at = QPointF(300, 300)
    viewport = bench.view.viewport()
    event = QWheelEvent(
        at,
        viewport.mapToGlobal(at),
        pixels,
        pixels * 2,
        Qt.MouseButton.NoButton,
        NONE,
        phase,
        False,
    )
    QApplication.sendEvent(viewport, event)
