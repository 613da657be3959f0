"""How smoothly a plot of a million points pans and zooms, beside plain pyqtgraph.

    python -m tests.benchmarks.curve_speed [--points 1000000] [--frames 60]

Four curves of a million points each in an 800 x 500 plot, offscreen: the time from a new range to the
painted picture, for panning (a tenth of the curve in view) and zooming (from all to a thousandth), with
our levels, with pyqtgraph's own peak downsampling, and with neither. Also how long it takes to take in
all points, and one more batch of points when there are a million already.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
import pyqtgraph as pg
from PySide6.QtWidgets import QApplication

from kbuilder.ui import theme
from kbuilder.ui.plots.batch_curve import BatchCurve
from kbuilder.ui.plots.card import pen

CURVES = 4
STEPS = 100
FRAME_TARGET_MS = 1000 / 60

Plot = tuple[pg.PlotWidget, Callable[[float, float], None]]


def ours(series: list[np.ndarray]) -> Plot:
    """A plot with our levels."""
    plot = _plot()
    curves = []
    for number, values in enumerate(series):
        curve = BatchCurve()
        curve.setPen(pen(theme.current().series(number), 1))
        curve.take(values, 0, STEPS)
        plot.addItem(curve, ignoreBounds=True)
        curves.append(curve)

    def show(left: float, right: float) -> None:
        plot.setRange(xRange=(left, right), yRange=(-5, 5), padding=0)
        for curve in curves:
            curve.show_range(left, right, 800, log_x=False, log_y=False)

    return plot, show


def plain(series: list[np.ndarray], *, sampled: bool) -> Plot:
    """pyqtgraph alone, with its downsampling and clipping to the view or with neither."""
    plot = _plot()
    at = np.arange(1, len(series[0]) + 1) / STEPS
    for number, values in enumerate(series):
        curve = plot.plot(at, values, pen=pen(theme.current().series(number), 1))
        if sampled:
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)

    def show(left: float, right: float) -> None:
        plot.setRange(xRange=(left, right), yRange=(-5, 5), padding=0)

    return plot, show


def _plot() -> pg.PlotWidget:
    plot = pg.PlotWidget()
    plot.resize(800, 500)
    plot.getPlotItem().getViewBox().disableAutoRange()
    plot.show()
    return plot


def frames(made: Plot, ranges: list[tuple[float, float]]) -> list[float]:
    """Milliseconds of each frame."""
    plot, show = made
    times = []
    for left, right in ranges:
        begun = time.perf_counter()
        show(left, right)
        plot.grab()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def main() -> int:
    """Print the table; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    application = QApplication.instance() or QApplication(sys.argv)
    rng = np.random.default_rng(0)
    series = [
        (rng.normal(size=options.points) + number / 2).astype(np.float32)
        for number in range(CURVES)
    ]
    whole = options.points / STEPS
    count = options.frames
    motions = {
        "pan": [
            (part * 0.9 * whole, (part * 0.9 + 0.1) * whole) for part in np.linspace(0, 1, count)
        ],
        "zoom": [(0.0, whole * 10.0**power) for power in np.linspace(0, -3, count)],
    }
    before = psutil.Process().memory_info().rss
    begun = time.perf_counter()
    made = {"levels": ours(series)}
    taken = time.perf_counter() - begun
    memory = (psutil.Process().memory_info().rss - before) / 2**20
    made["pyqtgraph, downsampled"] = plain(series, sampled=True)
    made["pyqtgraph, plain"] = plain(series, sampled=False)
    good = True
    _say(f"{CURVES} curves of {options.points:,} points; milliseconds of a frame")
    _say(f"{'':26}{'pan p50':>9}{'p99':>8}{'ratio':>8}{'zoom p50':>10}{'p99':>8}{'ratio':>8}")
    base: dict[str, float] = {}
    for name, plot in made.items():
        cells = ""
        for motion, ranges in motions.items():
            fewer = ranges if name == "levels" else ranges[:: max(count // 10, 1)]
            times = frames(plot, fewer)
            middle = statistics.median(times)
            base.setdefault(motion, middle)
            worst = float(np.percentile(times, 99))
            width = 9 if motion == "pan" else 10
            cells += f"{middle:{width}.1f}{worst:8.1f}{middle / base[motion]:8.1f}"
            if name == "levels":
                good &= middle <= FRAME_TARGET_MS
        _say(f"{name:26}{cells}")
    _say(f"taken in: {taken:.2f} s, {memory:.0f} MiB more")
    curve = BatchCurve()
    curve.take(series[0][:-100], 0, STEPS)
    begun = time.perf_counter()
    curve.take(series[0], 0, STEPS)
    _say(f"100 points more behind a million: {(time.perf_counter() - begun) * 1e6:.0f} µs")
    application.processEvents()
    return int(not good)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
