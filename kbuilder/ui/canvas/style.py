"""Sizes of the canvas, and its pens, brushes and fonts, made once per theme.

Making a pen or a font costs more than painting with it, so paint code takes everything from here.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QPainterPath,
    QPainterPathStroker,
    QPen,
)
from PySide6.QtWidgets import QApplication

from kbuilder.document.places import NODE_HEIGHT, NODE_WIDTH
from kbuilder.ui.theme import Theme

RADIUS = 5.0
BAR_WIDTH = 5.0
PADDING = 14.0
GRID = 24.0
PORT_RADIUS = 3.0
REACH_PX = 12.0
"""How far from a port, in screen pixels, the mouse still takes it."""
ROW_PITCH = 98.0
"""From the top of a node to the top of the next below it."""
COLUMN_PITCH = 214.0

FULL_DETAIL = 0.6
OVERVIEW_DETAIL = 0.35
"""Below this zoom nodes are colour blocks without text."""

NODE_RECT = QRectF(0.0, 0.0, NODE_WIDTH, NODE_HEIGHT)
NODE_BOUNDS = NODE_RECT.adjusted(-10.0, -10.0, 12.0, 10.0)
BADGE_RECT = QRectF(NODE_WIDTH - 10.0, -8.0, 17.0, 17.0)


def _rounded(rect: QRectF, radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    return path


def _bar() -> QPainterPath:
    strip = QPainterPath()
    strip.addRect(QRectF(0.0, 0.0, BAR_WIDTH, NODE_HEIGHT))
    return _rounded(NODE_RECT, RADIUS).intersected(strip)


def _stack() -> QPainterPath:
    """Two more cards that show below a box."""
    path = _rounded(NODE_RECT.translated(7.0, 7.0), RADIUS)
    return path.united(_rounded(NODE_RECT.translated(3.5, 3.5), RADIUS))


def _lock() -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(QRectF(0.0, 4.5, 9.0, 6.5), 1.2, 1.2)
    shackle = QPainterPath()
    shackle.moveTo(2.0, 4.5)
    shackle.lineTo(2.0, 3.0)
    shackle.arcTo(QRectF(2.0, 0.5, 5.0, 5.0), 180.0, -180.0)
    shackle.lineTo(7.0, 4.5)
    return path.united(_outline(shackle))


def _outline(path: QPainterPath) -> QPainterPath:
    stroker = QPainterPathStroker()
    stroker.setWidth(1.3)
    return stroker.createStroke(path)


NODE_PATH = _rounded(NODE_RECT, RADIUS)
SHADOW_PATH = _rounded(NODE_RECT.adjusted(-0.5, 1.0, 0.5, 2.0), RADIUS)
GLOW_PATH = _rounded(NODE_RECT.adjusted(-4.0, -4.0, 4.0, 4.0), RADIUS + 4.0)
STACK_PATH = _stack()
BAR_PATH = _bar()
LOCK_PATH = _lock()


def _font(size: int, *, bold: bool = False) -> QFont:
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def _faded(colour: QColor, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded


def _pen(colour: QColor, width: float = 1.0) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)


def _cosmetic(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    return pen


class CanvasStyle:
    """Pens, brushes and fonts of the canvas in one theme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._families: dict[str, QBrush] = {}
        self._set_fonts()
        self._set_nodes(theme)
        self._set_wires(theme)
        self._set_overview(theme)

    def family_brush(self, family: str) -> QBrush:
        """The brush of a palette family."""
        brush = self._families.get(family)
        if brush is None:
            brush = self._families[family] = QBrush(self._theme.family(family))
        return brush

    def _set_fonts(self) -> None:
        self.name_font = _font(13, bold=True)
        self.title_font = _font(21, bold=True)
        self.class_font = _font(11)
        self.detail_font = _font(12)
        self.pill_font = _font(11)
        self.badge_font = _font(11, bold=True)
        self.name_metrics = QFontMetricsF(self.name_font)
        self.title_metrics = QFontMetricsF(self.title_font)
        self.class_metrics = QFontMetricsF(self.class_font)
        self.detail_metrics = QFontMetricsF(self.detail_font)
        self.pill_metrics = QFontMetricsF(self.pill_font)

    def _set_nodes(self, theme: Theme) -> None:
        self.canvas_brush = QBrush(theme.window)
        self.grid_colour = theme.grid
        self.node_brush = QBrush(theme.panel)
        self.frozen_brush = QBrush(_faded(theme.muted, 38), Qt.BrushStyle.BDiagPattern)
        self.shadow_brush = None if theme.dark else QBrush(QColor(0, 0, 0, 34))
        self.glow_brush = QBrush(_faded(theme.accent, 64))
        self.node_pen = _pen(theme.border)
        self.hover_pen = _pen(theme.muted)
        self.selected_pen = _pen(theme.accent, 2.0)
        self.error_pen = _pen(theme.error, 2.0)
        self.warning_pen = _pen(theme.warning, 1.5)
        self.text_pen = _pen(theme.text)
        self.muted_pen = _pen(theme.muted)
        self.muted_brush = QBrush(theme.muted)
        self.error_brush = QBrush(theme.error)
        self.warning_brush = QBrush(theme.warning)
        self.badge_pen = _pen(QColor("#ffffff"))
        self.dark_badge_pen = _pen(QColor("#241a00"))

    def _set_wires(self, theme: Theme) -> None:
        self.wire_pen = _pen(theme.wire, 1.6)
        self.wire_hover_pen = _pen(theme.text, 2.0)
        self.wire_accent_pen = _pen(theme.accent, 2.4)
        self.wire_selected_pen = _pen(theme.accent, 3.4)
        self.preview_pen = _pen(theme.accent, 2.0)
        self.preview_pen.setDashPattern([4.0, 3.0])
        self.mask_pen = QPen(theme.accent, 1.6, Qt.PenStyle.CustomDashLine)
        self.mask_pen.setDashPattern([0.1, 2.6])
        self.mask_pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self.share_pen = QPen(theme.muted, 1.4, Qt.PenStyle.DotLine)
        self.refused_pen = _pen(theme.error, 2.0)
        self.refused_pen.setDashPattern([4.0, 3.0])
        self.pill_brush = QBrush(theme.raised)
        self.pill_pen = _pen(theme.border)
        self.port_pen = _pen(theme.wire, 1.2)
        self.port_brush = QBrush(theme.panel)
        self.port_hover_brush = QBrush(theme.accent)
        self.marquee_pen = _cosmetic(theme.accent, 1.0)
        self.marquee_brush = QBrush(_faded(theme.accent, 36))

    def _set_overview(self, theme: Theme) -> None:
        self.overview_pen = _cosmetic(_faded(theme.wire, 160), 1.0)
        self.overview_selected_pen = _cosmetic(theme.text, 2.5)
        self.overview_error_pen = _cosmetic(theme.error, 2.5)
        self.card_pen = _pen(theme.border)
        self.card_brush = QBrush(_faded(theme.panel, 235))
        self.frame_pen = _cosmetic(theme.accent, 1.0)
