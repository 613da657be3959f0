"""Outputs of a layer as pictures: feature maps as one mosaic, vectors as bars, matrices as a heat map."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.ui import theme

MOST_MAPS = 256
GAP = 1

Floats = NDArray[np.float32]


class ActivationView(QWidget):
    """Shows the output of a layer for one sample, whatever its rank."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Output of the layer"))
        self._plot = pg.PlotWidget(background=None)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setColorMap(pg.colormap.get("viridis"))
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.8)
        self._plot.addItem(self._image)
        self._plot.addItem(self._bars)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self.paint_theme()
        theme.notifier.changed.connect(self.paint_theme)

    def show_output(self, output: Floats) -> str:
        """Draw the output (without batch dimension) of one sample; says how it is drawn."""
        if output.ndim <= 1:
            self._show_bars(output.reshape(-1))
            return self.tr("{0} values").format(output.size)
        maps = as_maps(output)
        if len(maps) == 1:
            self._show_picture(maps[0])
            return self.tr("heat map {0} × {1}").format(*maps[0].shape)
        self._show_picture(mosaic(maps[:MOST_MAPS]))
        return self.tr("{0} channels of {1} × {2}").format(len(maps), *maps[0].shape)

    def clear(self) -> None:
        """Show nothing."""
        self._image.clear()
        self._bars.setOpts(x=[], height=[])

    @Slot()
    def paint_theme(self) -> None:
        """Draw with the colours of the theme in use."""
        colours = theme.current()
        self._bars.setOpts(brush=colours.accent, pen=colours.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.border))
            axis.setTextPen(pg.mkPen(colours.muted))

    def _show_bars(self, values: Floats) -> None:
        self._image.clear()
        self._bars.setOpts(x=np.arange(len(values)), height=values, width=0.8)
        self._frame(axes=True)

    def _show_picture(self, picture: Floats) -> None:
        self._bars.setOpts(x=[], height=[])
        low, high = _range(picture)
        self._image.setImage(picture, levels=(low, high))
        self._frame(axes=False)

    def _frame(self, *, axes: bool) -> None:
        item = self._plot.getPlotItem()
        for side in ("left", "bottom"):
            item.showAxis(side, axes)
        box = item.getViewBox()
        box.setAspectLocked(not axes)
        box.invertY(not axes)
        box.autoRange(padding=0.02)


def as_maps(output: Floats) -> Floats:
    """The output as pictures (count, height, width): channels last; higher ranks are unrolled."""
    if output.ndim == 2:
        return output[np.newaxis]
    flat = output.reshape(*output.shape[:2], -1)
    return np.moveaxis(flat, -1, 0)


def mosaic(maps: Floats) -> Floats:
    """One picture (height, width) of many (count, height, width), with gaps of NaN."""
    count, height, width = maps.shape
    columns = math.ceil(math.sqrt(count * height / width))
    rows = math.ceil(count / columns)
    whole = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), np.nan, "float32")
    for number, one in enumerate(maps):
        row, column = divmod(number, columns)
        top, left = row * (height + GAP), column * (width + GAP)
        whole[top : top + height, left : left + width] = one
    return whole


def _range(picture: Floats) -> tuple[float, float]:
    finite = picture[np.isfinite(picture)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low, low + 1.0)
