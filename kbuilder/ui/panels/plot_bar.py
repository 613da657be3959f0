"""The strip above the curves: how all of them are looked at, and which are shown."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from kbuilder.ui.plots.plot_view import PlotView
from kbuilder.ui.text import label

SMOOTHEST = 0.99


class PlotBar(QWidget):
    """Smoothing, axes, ranges and the choice of plots.

    Signals:
        view_changed: carries the new ``PlotView``.
        shown: id of a plot, and whether it is to be shown.
    """

    view_changed = Signal(object)
    shown = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 100)
        self.smooth.setFixedWidth(90)
        self.smooth.setAccessibleName(self.tr("Smoothing of the batches' curve"))
        self.smooth.valueChanged.connect(self._tell)
        self._weight = label(role="muted")
        self._weight.setMinimumWidth(30)
        self.log_y = self._switch(self.tr("log y"), self.tr("Logarithmic values"))
        self.log_x = self._switch(self.tr("log x"), self.tr("Logarithmic epochs"))
        self.clip = self._switch(
            self.tr("clip"), self.tr("Leave the 2 % most extreme values out of sight")
        )
        self.lock = self._switch(self.tr("lock"), self.tr("Keep the ranges while curves grow"))
        self.recent = QComboBox()
        self.recent.setAccessibleName(self.tr("Epochs that are shown"))
        for count, text in (
            (0, self.tr("all epochs")),
            (100, self.tr("last 100")),
            (20, self.tr("last 20")),
            (5, self.tr("last 5")),
            (1, self.tr("last epoch")),
        ):
            self.recent.addItem(text, count)
        self.recent.currentIndexChanged.connect(self._tell)
        self.plots = QToolButton()
        self.plots.setText(self.tr("Plots ▾"))
        self.plots.setProperty("role", "menu")
        self.plots.setToolTip(self.tr("Which plots are shown"))
        self.plots.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self.plots.setMenu(self._menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(6)
        row.addWidget(label(self.tr("Smooth"), "muted"))
        row.addWidget(self.smooth)
        row.addWidget(self._weight)
        for switch in (self.log_y, self.log_x, self.clip, self.lock):
            row.addWidget(switch)
        row.addWidget(self.recent)
        row.addStretch(1)
        row.addWidget(self.plots)
        self._tell()

    @property
    def view(self) -> PlotView:
        """What is chosen."""
        return PlotView(
            smooth=min(self.smooth.value() / 100, SMOOTHEST),
            log_x=self.log_x.isChecked(),
            log_y=self.log_y.isChecked(),
            clip=self.clip.isChecked(),
            recent=int(self.recent.currentData()),
            locked=self.lock.isChecked(),
        )

    def offer(self, plots: Iterable[tuple[str, str, bool]]) -> None:
        """Offer these plots: id, title, and whether it is shown."""
        self._menu.clear()
        for key, title, shown in plots:
            action = self._menu.addAction(title.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(shown)
            action.toggled.connect(partial(self.shown.emit, key))

    def _switch(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCheckable(True)
        button.toggled.connect(self._tell)
        return button

    @Slot()
    def _tell(self, *_: object) -> None:
        if hasattr(self, "plots"):
            self._weight.setText(f"{self.view.smooth:.2f}")
            self.view_changed.emit(self.view)
