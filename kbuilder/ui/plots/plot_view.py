"""How all curves of a workspace are looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlotView:
    """Shared by all curves.

    ``smooth`` is the weight of the average before, from 0 to below 1. ``recent`` is the number of last
    epochs that are shown, 0 for all. ``clip`` leaves the 2 % most extreme values out of sight;
    ``locked`` keeps the ranges as they are while curves grow.
    """

    smooth: float = 0.0
    log_x: bool = False
    log_y: bool = False
    clip: bool = False
    recent: int = 0
    locked: bool = False
