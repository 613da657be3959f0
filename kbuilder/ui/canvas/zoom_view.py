"""A view that zooms, scrolls and fits, with dot grid, breadcrumb and minimap; it edits nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QNativeGestureEvent,
    QPainter,
    QPixmapCache,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsView, QWidget

from kbuilder.ui import theme
from kbuilder.ui.canvas.grid import DotGrid
from kbuilder.ui.canvas.overlays import Breadcrumb, Overlays
from kbuilder.ui.canvas.overview import Minimap
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.canvas.selecting import shown

_LEAST_ZOOM, _MOST_ZOOM = 0.05, 2.5
_WHEEL_FACTOR = 1.0015
_FIT_MARGIN = 60.0
_READABLE_ZOOM = 0.75
_NODE_PICTURES_KB = 65536
REST_MS = 120
"""So long after the last step of zooming everything is painted finely again."""


class ZoomView(QGraphicsView):
    """Shows a ``CanvasScene`` at any zoom."""

    zoomed = Signal(float)
    """Screen pixels for a scene unit; 1.0 is 100 %."""

    def __init__(self, scene: CanvasScene, parent: QWidget | None = None) -> None:
        super().__init__(scene, parent)
        self.canvas = scene
        self._start_when_shown = True
        self._root = ""
        self._seen: dict[str, tuple[float, QPointF]] = {}
        self._grid = DotGrid()
        self.minimap = Minimap(scene.shapes, scene.canvas_style, self)
        self.minimap.moved.connect(self.centerOn)
        self.breadcrumb = Breadcrumb(self)
        self.breadcrumb.chosen.connect(scene.enter)
        self.overlays = Overlays(self, self.breadcrumb, self.minimap)
        self._set_up_view()
        scene.shapes_changed.connect(self._graph_changed)
        scene.replaced.connect(self._show_other_project)
        scene.root_changed.connect(self._show_root)
        theme.notifier.changed.connect(self._restyle)
        self._graph_changed()

    def _set_up_view(self) -> None:
        QPixmapCache.setCacheLimit(max(QPixmapCache.cacheLimit(), _NODE_PICTURES_KB))
        self.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self.setOptimizationFlags(
            QGraphicsView.OptimizationFlag.DontSavePainterState
            | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing
        )
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._paint_finely)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)

    @property
    def zoom(self) -> float:
        """Screen pixels for a scene unit."""
        return self.transform().m11()

    def set_zoom(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zoom so that the viewport point ``anchor`` (the middle by default) stays where it is."""
        zoom = min(max(zoom, _LEAST_ZOOM), _MOST_ZOOM)
        point = anchor if anchor is not None else QPointF(self.viewport().rect().center())
        before = self.mapToScene(point.toPoint())
        self._paint_roughly()
        self.canvas.set_zoom(zoom)
        self.setTransform(self.transform().fromScale(zoom, zoom))
        moved = self.mapFromScene(before) - point.toPoint()
        self.scroll_by(QPointF(-moved))
        self._tell_part()
        self.zoomed.emit(zoom)

    def _paint_roughly(self) -> None:
        """While one zooms every node is painted anew in each picture: leave out what only pleases."""
        self.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._rest.start()

    def _paint_finely(self) -> None:
        self._rest.stop()
        self.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for item in self.items(self.viewport().rect()):
            item.update()  # nodes keep a picture of themselves

    def zoom_in(self) -> None:
        """One step nearer."""
        self.set_zoom(self.zoom * 1.2)

    def zoom_out(self) -> None:
        """One step farther."""
        self.set_zoom(self.zoom / 1.2)

    def fit(self) -> None:
        """Show the selected boxes, or the whole graph, at 100 % at most."""
        chosen = shown(self.canvas, self.canvas.selected_ids())
        self._frame(self.canvas.content_rect(chosen), 0.0)

    def fit_all(self) -> None:
        """Show the whole graph, at 100 % at most."""
        self._frame(self.canvas.content_rect(), 0.0)

    def show_start(self) -> None:
        """Show the graph from its top, as much of it as can be read."""
        self._start_when_shown = not self.isVisible()
        self._frame(self.canvas.content_rect(), _READABLE_ZOOM)

    def _frame(self, rect: QRectF, least_zoom: float) -> None:
        if rect.isEmpty():
            self.set_zoom(1.0)
            self.centerOn(QPointF())
            self._paint_finely()
            return
        rect = rect.adjusted(-_FIT_MARGIN, -_FIT_MARGIN, _FIT_MARGIN, _FIT_MARGIN)
        size = self.viewport().size()
        whole = min(size.width() / rect.width(), size.height() / rect.height(), 1.0)
        self.set_zoom(max(whole, least_zoom))
        seen = min(rect.height(), size.height() / self.zoom)
        self.centerOn(QPointF(rect.center().x(), rect.top() + seen / 2))
        self._tell_part()
        self._paint_finely()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl zoom at the cursor, with Shift scroll sideways.

        A touchpad tells pixels and is followed to the pixel, while the fingers are on it.
        """
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            factor = _WHEEL_FACTOR ** event.angleDelta().y()
            self.set_zoom(self.zoom * factor, event.position())
            event.accept()
        elif _tells_pixels(event):
            if event.phase() != Qt.ScrollPhase.ScrollMomentum:
                self.scroll_by(QPointF(event.pixelDelta()))
            event.accept()
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom at the cursor with two fingers on a touchpad."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.set_zoom(self.zoom * (1.0 + event.value()), event.position())
            return True
        return super().viewportEvent(event)

    def scroll_by(self, pixels: QPointF) -> None:
        """Move what is shown by so many screen pixels."""
        for bar, distance in (
            (self.horizontalScrollBar(), pixels.x()),
            (self.verticalScrollBar(), pixels.y()),
        ):
            bar.setValue(bar.value() - round(distance))

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Paint the dot grid, and far out the whole graph as blocks."""
        painter.fillRect(rect, self.canvas.canvas_style.canvas_brush)
        self._grid.paint(painter, self, self.canvas.canvas_style)
        if self.canvas.in_overview:
            self.canvas.paint_overview(painter)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit what was opened while there was no size to fit it to."""
        super().showEvent(event)
        if self._start_when_shown:
            self.show_start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the overlays in their corners."""
        super().resizeEvent(event)
        self.overlays.place()
        self._tell_part()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll, and tell the minimap."""
        super().scrollContentsBy(dx, dy)
        self._tell_part()

    def _tell_part(self) -> None:
        self.minimap.set_visible_part(self.mapToScene(self.viewport().rect()).boundingRect())

    def _graph_changed(self) -> None:
        self.minimap.redraw()
        self.overlays.show_invitation(not self.canvas.nodes)

    def _show_root(self) -> None:
        """Show the way to the block that was entered and all that is in it, or where one was before."""
        graph = self.canvas.graph
        self._seen[self._root] = (self.zoom, self.mapToScene(self.viewport().rect().center()))
        self._root = self.canvas.root
        around = list(graph.ancestors(self.canvas.root))
        self.breadcrumb.set_path(
            [(each, graph.group_by_id[each].name) for each in reversed(around)]
        )
        if self._root in self._seen:
            zoom, middle = self._seen[self._root]
            self.set_zoom(zoom)
            self.centerOn(middle)
        else:
            self.show_start()

    def _show_other_project(self) -> None:
        self._seen, self._root = {}, self.canvas.root
        self.show_start()

    def _restyle(self) -> None:
        self.minimap.set_style(self.canvas.canvas_style)
        self.viewport().update()


def _tells_pixels(event: QWheelEvent) -> bool:
    """Whether the wheel is a touchpad; on X11 its pixels are of no use."""
    return not event.pixelDelta().isNull() and QGuiApplication.platformName() != "xcb"
