"""Scrolling by itself while something is dragged near the border of the view."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QRect, QTimer

_BORDER_PX = 24.0
_MOST_PX = 14.0
_INTERVAL_MS = 16


class EdgeScroll(QObject):
    """Calls ``scroll`` with screen pixels, again and again, while the mouse stays near a border."""

    def __init__(self, scroll: Callable[[QPointF], None], parent: QObject) -> None:
        super().__init__(parent)
        self._scroll = scroll
        self._step = QPointF()
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._go)

    def follow(self, mouse: QPointF, area: QRect) -> None:
        """The mouse is there, with something in hand; ``area`` is what can be seen."""
        self._step = QPointF(
            _speed(mouse.x() - area.left(), area.right() - mouse.x()),
            _speed(mouse.y() - area.top(), area.bottom() - mouse.y()),
        )
        if self._step.isNull():
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Nothing is in hand any more."""
        self._timer.stop()

    def _go(self) -> None:
        self._scroll(self._step)


def _speed(before: float, behind: float) -> float:
    """Pixels for a step from the distances to both borders; faster the nearer, or beyond."""
    if before < _BORDER_PX:
        return min((_BORDER_PX - before) / 2, _MOST_PX)
    if behind < _BORDER_PX:
        return -min((_BORDER_PX - behind) / 2, _MOST_PX)
    return 0.0
