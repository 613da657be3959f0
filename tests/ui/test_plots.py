from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from kbuilder.link.run_events import Monitored, Noted
from kbuilder.ui import theme
from kbuilder.ui.live_run import MOST_KEPT, LiveRun
from kbuilder.ui.plots.batch_curve import BatchCurve
from kbuilder.ui.plots.curves import CurvePlot
from kbuilder.ui.plots.levels import Growing, Levels
from kbuilder.ui.plots.mosaic import ActivationView, as_maps, mosaic
from kbuilder.ui.plots.smoothing import Smoothed
from tests.ui.fake_engine import STEPS, epoch, points, started


def run_of(losses: list[float], **changes: int) -> LiveRun:
    run = LiveRun(started(1, **changes))
    run.add_points(points(1, 0, 0, losses))
    return run


# --- the numbers of a run ---------------------------------------------------------------------


def test_a_series_grows_and_keeps_its_values() -> None:
    series = Growing()
    expected = np.arange(5000, dtype=np.float32)
    for part in np.array_split(expected, 13):
        series.extend(part)
    assert series.length == 5000
    np.testing.assert_array_equal(series.values, expected)


def test_progress_counts_from_the_first_epoch_of_this_run() -> None:
    run = LiveRun(started(1, epochs=4, first_epoch=2))
    assert run.fraction == 0
    run.add_points(points(1, 2, 2 * STEPS, [1.0] * STEPS))
    assert run.fraction == 0.5
    assert (run.epoch, run.step) == (2, 3 * STEPS)
    run.add_points(points(1, 3, 3 * STEPS, [1.0] * STEPS))
    assert run.fraction == 1


def test_time_left_by_fraction_and_then_by_epochs() -> None:
    run = LiveRun(started(1, epochs=4))
    assert run.seconds_left(5.0) is None
    run.add_points(points(1, 0, 0, [1.0] * STEPS))
    assert run.seconds_left(5.0) == pytest.approx(15.0)
    run.add_epoch(epoch(1, 0, seconds=2.0, loss=1.0))
    assert run.seconds_left(5.0) == pytest.approx(6.0)
    run.add_points(points(1, 1, STEPS, [1.0] * (STEPS // 2)))
    assert run.seconds_left(6.0) == pytest.approx(5.0)


def test_time_left_goes_by_the_last_five_epochs() -> None:
    run = LiveRun(started(1, epochs=10))
    for number, seconds in enumerate([100.0, 1.0, 1.0, 1.0, 1.0, 1.0]):
        run.add_points(points(1, number, number * STEPS, [1.0] * STEPS))
        run.add_epoch(epoch(1, number, seconds=seconds, loss=1.0))
    assert run.seconds_left(105.0) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("name", "best"),
    [("val_loss", (1, 0.5)), ("mean_squared_error", (0, 0.1)), ("accuracy", (1, 0.9))],
)
def test_the_best_epoch_is_low_for_losses_and_high_for_scores(
    name: str, best: tuple[int, float]
) -> None:
    run = LiveRun(started(1))
    run.add_epoch(epoch(1, 0, val_loss=0.7, mean_squared_error=0.1, accuracy=0.8))
    run.add_epoch(epoch(1, 1, val_loss=0.5, mean_squared_error=0.2, accuracy=0.9))
    run.add_epoch(epoch(1, 2, val_loss=0.6, mean_squared_error=0.3, accuracy=0.85))
    assert run.best(name) == best
    assert run.best("nothing") is None


def test_metrics_are_the_training_names_with_loss_first() -> None:
    run = LiveRun(started(1))
    run.add_epoch(epoch(1, 0, accuracy=1.0, loss=1.0, val_loss=1.0, val_accuracy=1.0))
    assert run.metrics == ("loss", "accuracy")


def test_days_of_looks_and_events_do_not_pile_up() -> None:
    run = LiveRun(started(1))
    for step in range(3 * MOST_KEPT):
        look = Monitored(request=1, epoch=step, step=step, layers={})
        run.add_monitored(look)
        run.add_noted(Noted(request=1, epoch=step, step=step, kind="best", text="best"))
    steps = [look.step for look in run.looks]
    assert len(steps) <= MOST_KEPT
    assert (steps[0], steps[-1]) == (0, 3 * MOST_KEPT - 1)
    assert steps == sorted(steps)
    assert steps[-500:] == list(range(3 * MOST_KEPT - 500, 3 * MOST_KEPT))
    assert len(run.notes) == MOST_KEPT


# --- curves -----------------------------------------------------------------------------------


def test_short_curves_are_drawn_point_by_point(dressed: QApplication) -> None:
    curve = BatchCurve()
    curve.take(np.array([3, 2, 1], np.float32), 2, 2)
    curve.show_range(2, 4, 500, log_x=False, log_y=False)
    at, shown = curve.getData()
    assert at.tolist() == [2.5, 3.0, 3.5]
    assert shown.tolist() == [3, 2, 1]
    assert curve.extent == (2.5, 3.5)
    assert [curve.value_at(place) for place in (2.4, 3.0, 4.5)] == [3, 2, None]


@pytest.mark.parametrize("count", [3001, 10_000, 123_457])
@pytest.mark.parametrize("place", [0, 0.37, 0.999999])
def test_levels_keep_the_extremes_near_their_place(count: int, place: float) -> None:
    values = np.zeros(count, np.float32)
    at_spike = min(int(place * count), count - 1)
    values[at_spike] = 50
    values[count - 1 - at_spike] = -7
    levels = Levels()
    for end in (count // 3, count // 2, count):
        levels.sync(values[:end])
    at, shown = levels.between(0, count, 600)
    assert len(at) == len(shown) <= 2 * 600 + 2
    assert len(at) >= 600 / 2
    assert (shown.max(), shown.min()) == (50, -7)
    assert abs(at[shown.argmax()] - at_spike) <= 4 * count / 600
    assert (np.diff(at) >= 0).all()


@pytest.mark.parametrize(("first", "last"), [(0, 40), (990, 5000), (17, 9_000), (9_990, 20_000)])
def test_any_stretch_is_drawn_with_its_own_extremes(first: int, last: int) -> None:
    values = np.random.default_rng(1).normal(size=10_000).astype(np.float32)
    levels = Levels()
    levels.sync(values)
    at, shown = levels.between(first, last, 300)
    wanted = values[first:last]
    assert (shown.min(), shown.max()) <= (wanted.min() + 1e-6, values.max())
    assert shown.max() >= wanted[64:].max(initial=-9)
    assert at[0] <= first + 64
    assert at[-1] >= min(last, 10_000) - 64
    levels.sync(values[:5])
    assert len(levels) == 5


def test_smoothing_is_the_moving_average_of_the_text_book() -> None:
    values = np.random.default_rng(2).normal(size=1000).astype(np.float32)
    smoothed = Smoothed(0.9)
    for end in (1, 70, 64 * 5, 1000):
        found = smoothed.sync(values[:end])
    average, expected = float(values[0]), []
    for value in values:
        average = 0.9 * average + 0.1 * float(value)
        expected.append(average)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isfinite(smoothed.sync(np.append(values, np.float32("nan")))).all()
    assert len(smoothed.sync(values[:3])) == 3


def test_a_curve_shows_batches_epochs_and_validation(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    run = run_of([4.0, 3.0, 2.0])
    run.add_epoch(epoch(1, 0, loss=3.0, val_loss=2.5))
    plot.show_run(run)
    assert plot._batches.getData()[1].tolist() == [4, 3, 2]
    assert [axis.tolist() for axis in plot._epochs.getData()] == [[1], [3]]
    assert plot._validation.getData()[1].tolist() == [2.5]
    assert plot._legend.accessibleName() == "training 3.0000, validation 2.5000"
    plot.clear()
    assert plot._legend.accessibleName() == ""
    assert plot._batches.getData()[0] is None or not len(plot._batches.getData()[0])


def test_the_view_holds_all_values_and_whole_epochs(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    run = run_of([4.0] * (STEPS + 1))
    plot.show_run(run)
    assert plot._box.viewRange()[0] == [0, 2]
    run.add_points(points(1, 1, STEPS + 1, [9.0]))
    plot.show_run(run)
    low, high = plot._box.viewRange()[1]
    assert low < 4
    assert high > 9


def test_a_zoomed_view_stays_until_the_whole_is_wanted(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    run = run_of([4.0, 1.0])
    plot.show_run(run)
    plot.resize(400, 300)
    plot.show()
    middle = plot._plot.viewport().rect().center()
    assert not plot._whole.isVisible()
    wheel(plot._plot.viewport(), middle, 120)
    held = plot._box.viewRange()
    assert held[1][1] < 4
    run.add_points(points(1, 0, 2, [8.0]))
    plot.show_run(run)
    assert plot._box.viewRange() == held
    qtbot.mouseClick(plot._whole, Qt.MouseButton.LeftButton)
    assert plot._box.viewRange()[1][1] > 8
    assert not plot._whole.isVisible()


def wheel(target: QWidget, at: QPoint, delta: int) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(target.mapToGlobal(at)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


def test_the_log_switch_takes_logarithms(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    plot.show_run(run_of([100.0, 0.0, 1.0]))
    plot._log.click()
    low, high = plot._box.viewRange()[1]
    assert -0.5 < low <= 0
    assert 2 <= high < 2.5
    plot._log.click()
    assert plot._box.viewRange()[1][1] > 100


class PaintCount(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_news_are_painted_once_and_nothing_new_not_at_all(
    qtbot: QtBot, dressed: QApplication
) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    plot.resize(500, 400)
    plot.show()
    run = run_of([1.0, 2.0])
    plot.show_run(run)
    qtbot.wait(50)
    paints = PaintCount()
    plot._plot.viewport().installEventFilter(paints)
    run.add_points(points(1, 0, 2, [0.5, 0.2, 0.1]))
    plot.show_run(run)
    for _ in range(10):
        dressed.processEvents()
    assert paints.count == 1
    plot.show_run(run)
    for _ in range(10):
        dressed.processEvents()
    assert paints.count == 1


def test_curves_follow_the_theme(qtbot: QtBot, dressed: QApplication) -> None:
    plot = CurvePlot("loss")
    qtbot.addWidget(plot)
    axis = plot._plot.getPlotItem().getAxis("left")
    assert axis.textPen().color() == theme.DARK.muted
    theme.apply_theme(dressed, "light")
    try:
        assert axis.textPen().color() == theme.LIGHT.muted
    finally:
        theme.apply_theme(dressed, "dark")


# --- outputs of layers ------------------------------------------------------------------------


def test_channels_become_maps() -> None:
    output = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    maps = as_maps(output)
    assert maps.shape == (4, 2, 3)
    np.testing.assert_array_equal(maps[1], output[:, :, 1])
    assert as_maps(output[..., 0]).shape == (1, 2, 3)
    assert as_maps(np.zeros((2, 3, 4, 5), np.float32)).shape == (20, 2, 3)


@pytest.mark.parametrize("shape", [(1, 2, 2), (5, 4, 6), (7, 9, 1), (64, 3, 3)])
def test_the_mosaic_places_each_map_once_with_gaps_between(shape: tuple[int, int, int]) -> None:
    count, height, width = shape
    maps = np.stack([np.full((height, width), n + 1, np.float32) for n in range(count)])
    maps[:, 0, 0] += 0.5  # the upper left corner of each
    whole = mosaic(maps)
    corners = []
    for number in range(count):
        (rows, columns) = np.nonzero(whole == number + 1.5)
        assert len(rows) == 1
        top, left = int(rows[0]), int(columns[0])
        np.testing.assert_array_equal(whole[top : top + height, left : left + width], maps[number])
        corners.append((top, left))
    assert corners == sorted(corners), "in reading order"
    assert np.isfinite(whole).sum() == maps.size


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((10,), "10 values"),
        ((), "1 values"),
        ((4, 6), "heat map 4 × 6"),
        ((8, 8, 3), "3 channels of 8 × 8"),
    ],
)
def test_outputs_of_every_rank_are_drawn(
    qtbot: QtBot, dressed: QApplication, shape: tuple[int, ...], words: str
) -> None:
    view = ActivationView()
    qtbot.addWidget(view)
    output = np.random.default_rng(0).normal(size=shape).astype("float32")
    assert view.show_output(output) == words
    shows_picture = view._image.image is not None
    assert shows_picture == (len(shape) > 1)
    assert len(view._bars.opts["x"]) == (0 if shows_picture else max(output.size, 1))
    view.clear()
    assert view._image.image is None
    assert len(view._bars.opts["x"]) == 0


def test_a_constant_or_broken_output_does_not_trouble_the_view(
    qtbot: QtBot, dressed: QApplication
) -> None:
    view = ActivationView()
    qtbot.addWidget(view)
    view.show()
    for output in (np.zeros((4, 4, 2)), np.full((4, 4), np.nan), np.full((4, 4), 3.0)):
        view.show_output(output.astype("float32"))
        view.grab()
    low, high = view._image.getLevels()
    assert low == 3
    assert high > low
    assert view._plot.getPlotItem().getViewBox().mapSceneToView(QPointF(0, 0)) is not None
