"""One node on the canvas: box, family bar, texts, lock, badge, ports."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QStaticText
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from kbuilder.document.catalogue import ClassSpec
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Node
from kbuilder.document.places import NODE_WIDTH
from kbuilder.ui.canvas.labels import summary
from kbuilder.ui.canvas.ports import PortPlaces
from kbuilder.ui.canvas.style import (
    BADGE_RECT,
    BAR_PATH,
    BAR_WIDTH,
    FULL_DETAIL,
    GLOW_PATH,
    LOCK_PATH,
    NODE_BOUNDS,
    NODE_PATH,
    NODE_RECT,
    PADDING,
    PORT_RADIUS,
    SHADOW_PATH,
    STACK_PATH,
    CanvasStyle,
)
from kbuilder.ui.text import count_text

_NAME_Y, _DETAIL_Y = 8.0, 29.0
_RIGHT = NODE_WIDTH - 10.0
_GAP = 6.0
_LOCK_ROOM = 15.0
_LEAST_CLASS = 32.0
_ASIDE_RADIUS = 2.6
_FROZEN_OPACITY = 0.62
_GHOST_OPACITY = 0.4
_BAR_RECT = QRectF(0.0, 0.0, BAR_WIDTH, NODE_RECT.height())


class NodeLook(NamedTuple):
    """What the scene knows of a node beyond its value."""

    spec: ClassSpec | None
    facts: NodeFacts | None
    inputs: int
    output: str
    """The word for "is an output of the model", or empty."""
    errors: int
    warnings: int
    shared: str = ""
    """Whose layer the node uses once more, in words; empty for a layer of its own."""
    lent: str = ""
    """The word for "other nodes share this one's layer", or empty."""
    training: str = ""
    """That the layer does not follow the model in training, in words; empty when it does."""
    block: str = ""
    """What a collapsed block holds, in words; empty for a node."""
    ghost: bool = False
    """Shown only because it is wired to the block that is entered."""


class NodeItem(QGraphicsItem):
    """Paints one node or collapsed block; holds no truth and is where the scene puts it."""

    def __init__(self, node: Node, look: NodeLook, ports: PortPlaces, style: CanvasStyle) -> None:
        super().__init__()
        self.setZValue(2.0)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.node = node
        self.look = look
        self.ports = ports
        self._style = style
        self._selected = False
        self._hovered = False
        self._port: QPointF | None = None
        self._prepared = False
        self.setOpacity(_GHOST_OPACITY if look.ghost else 1.0)

    @property
    def family(self) -> str:
        """The palette family of the node's class, empty when unknown."""
        return self.look.spec.family if self.look.spec else ""

    def set_style(self, style: CanvasStyle) -> None:
        """Paint with other colours and fonts from now on."""
        self._style = style
        self._prepared = False
        self.update()

    def update_look(self, node: Node, look: NodeLook, ports: PortPlaces) -> None:
        """Show another value of the same node, where it is: the scene moves it."""
        self.node, self.look, self.ports = node, look, ports
        self.setOpacity(_GHOST_OPACITY if look.ghost else 1.0)
        self._prepared = False
        self.update()

    def set_selected(self, selected: bool) -> None:
        """Show the node as selected or not."""
        if selected != self._selected:
            self._selected = selected
            self.setZValue(3.0 if selected else 2.0)
            self.update()

    def set_hovered(self, hovered: bool, port: QPointF | None = None) -> None:
        """Show that the mouse is over the node, and over which of its ports."""
        if (hovered, port) != (self._hovered, self._port):
            self._hovered, self._port = hovered, port
            self.update()

    def boundingRect(self) -> QRectF:
        """The box with room for glow, badge and ports."""
        return NODE_BOUNDS

    def shape(self) -> QPainterPath:
        """The box alone."""
        return NODE_PATH

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the box, and when near enough its details."""
        if not self._prepared:
            self._prepare()
        if option.levelOfDetailFromTransform(painter.worldTransform()) < FULL_DETAIL:
            self._paint_small_box(painter)
            self._paint_title(painter)
        else:
            self._paint_box(painter)
            self._paint_texts(painter)
            self._paint_ports(painter)
        if self._badge is not None:
            self._paint_badge(painter)

    def _paint_box(self, painter: QPainter) -> None:
        style = self._style
        if self.look.block:
            painter.setPen(style.node_pen)
            painter.setBrush(style.node_brush)
            painter.drawPath(STACK_PATH)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._selected:
            painter.setBrush(style.glow_brush)
            painter.drawPath(GLOW_PATH)
        elif style.shadow_brush is not None:
            painter.setBrush(style.shadow_brush)
            painter.drawPath(SHADOW_PATH)
        painter.setBrush(style.node_brush)
        border = self._border()
        painter.setPen(border)
        painter.drawPath(NODE_PATH)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._frozen:
            painter.setBrush(style.frozen_brush)
            painter.drawPath(NODE_PATH)
            painter.setOpacity(_FROZEN_OPACITY)
        painter.setBrush(style.family_brush(self.family))
        painter.drawPath(BAR_PATH)
        if border is not style.node_pen:
            painter.setOpacity(1.0)
            painter.setPen(border)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(NODE_PATH)
            painter.setOpacity(_FROZEN_OPACITY if self._frozen else 1.0)

    def _paint_small_box(self, painter: QPainter) -> None:
        """The box without round corners: far out nobody sees them, and they cost most of the time."""
        style = self._style
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self.look.block:
            painter.setPen(style.node_pen)
            painter.setBrush(style.node_brush)
            painter.drawRect(NODE_RECT.translated(7.0, 7.0))
        painter.setPen(self._border())
        painter.setBrush(style.node_brush)
        painter.drawRect(NODE_RECT)
        if self._selected:
            painter.fillRect(NODE_RECT, style.glow_brush)
        if self._frozen:
            painter.fillRect(NODE_RECT, style.frozen_brush)
            painter.setOpacity(_FROZEN_OPACITY)
        painter.fillRect(_BAR_RECT, style.family_brush(self.family))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

    def _border(self) -> QPen:
        style = self._style
        if self.look.errors:
            return style.error_pen
        if self._selected:
            return style.selected_pen
        if self.look.warnings:
            return style.warning_pen
        return style.hover_pen if self._hovered else style.node_pen

    def _paint_title(self, painter: QPainter) -> None:
        painter.setPen(self._style.text_pen)
        painter.setFont(self._style.title_font)
        painter.drawStaticText(self._title_place, self._title)
        painter.setOpacity(1.0)

    def _paint_texts(self, painter: QPainter) -> None:
        style = self._style
        painter.setPen(style.text_pen)
        painter.setFont(style.name_font)
        painter.drawStaticText(self._name_place, self._name)
        painter.setPen(style.muted_pen)
        painter.setFont(style.class_font)
        painter.drawStaticText(self._class_place, self._class)
        painter.drawStaticText(self._count_place, self._count)
        painter.setPen(style.text_pen if self._told else style.muted_pen)
        painter.setFont(style.detail_font)
        painter.drawStaticText(self._detail_place, self._detail)
        if self._frozen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(style.muted_brush)
            painter.translate(self._lock_place)
            painter.drawPath(LOCK_PATH)
            painter.translate(-self._lock_place)
            painter.setOpacity(1.0)

    def _paint_ports(self, painter: QPainter) -> None:
        painter.setPen(self._style.port_pen)
        painter.setBrush(self._style.port_brush)
        for point in self.ports.points:
            painter.drawEllipse(point, PORT_RADIUS, PORT_RADIUS)
        for point in self.ports.aside:
            painter.drawEllipse(point, _ASIDE_RADIUS, _ASIDE_RADIUS)
        if self._port is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._style.port_hover_brush)
            painter.drawEllipse(self._port, PORT_RADIUS + 2.5, PORT_RADIUS + 2.5)

    def _paint_badge(self, painter: QPainter) -> None:
        style, errors = self._style, self.look.errors
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(style.error_brush if errors else style.warning_brush)
        painter.drawEllipse(BADGE_RECT)
        painter.setPen(style.badge_pen if errors else style.dark_badge_pen)
        painter.setFont(style.badge_font)
        painter.drawText(BADGE_RECT, Qt.AlignmentFlag.AlignCenter, self._badge or "")

    def _prepare(self) -> None:
        """Lay out the texts once, at first sight, so that painting only draws them."""
        self._prepared = True
        look, node = self.look, self.node
        self._frozen = not (node.trainable or look.shared)
        found = look.errors or look.warnings
        self._badge = str(min(found, 99)) if found else None
        classes = " · ".join(part for part in (node.class_name, look.output, look.lent) if part)
        detail = look.shared or look.block or summary(node, look.spec, look.inputs, look.facts)
        if look.training:
            detail = " · ".join(part for part in (look.training, detail) if part)
        self._told = bool(detail)
        self._prepare_title()
        self._prepare_first_line(classes if detail else "")
        self._prepare_second_line(detail or classes)

    def _prepare_title(self) -> None:
        metrics = self._style.title_metrics
        title = _elided(metrics, self.node.name, _RIGHT - PADDING)
        self._title = _static(title, self._style.title_font)
        self._title_place = QPointF(PADDING, (NODE_RECT.height() - metrics.height()) / 2)

    def _prepare_first_line(self, classes: str) -> None:
        style = self._style
        room = _RIGHT - PADDING - (_LOCK_ROOM if self._frozen else 0.0)
        name = _elided(style.name_metrics, self.node.name, room)
        name_width = style.name_metrics.horizontalAdvance(name)
        left = room - name_width - _GAP
        classes = _elided(style.class_metrics, classes, left) if left > _LEAST_CLASS else ""
        class_width = style.class_metrics.horizontalAdvance(classes)
        rise = style.name_metrics.ascent() - style.class_metrics.ascent()
        self._name = _static(name, style.name_font)
        self._class = _static(classes, style.class_font)
        self._name_place = QPointF(PADDING, _NAME_Y)
        self._lock_place = QPointF(PADDING + name_width + 6.0, _NAME_Y + 3.0)
        self._class_place = QPointF(_RIGHT - class_width, _NAME_Y + rise)

    def _prepare_second_line(self, detail: str) -> None:
        style, facts = self._style, self.look.facts
        weights = facts.trainable_params + facts.fixed_params if facts else 0
        count = count_text(weights) if weights else ""
        count_width = style.class_metrics.horizontalAdvance(count)
        detail = _elided(style.detail_metrics, detail, _RIGHT - PADDING - count_width - _GAP)
        rise = style.detail_metrics.ascent() - style.class_metrics.ascent()
        self._detail = _static(detail, style.detail_font)
        self._count = _static(count, style.class_font)
        self._detail_place = QPointF(PADDING, _DETAIL_Y)
        self._count_place = QPointF(_RIGHT - count_width, _DETAIL_Y + rise)


def _elided(metrics: QFontMetricsF, text: str, width: float) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


def _static(text: str, font: QFont) -> QStaticText:
    static = QStaticText(text)
    static.setTextFormat(Qt.TextFormat.PlainText)
    static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    static.prepare(font=font)
    return static
