"""The two sides of the window benchmark's training, each in a process of its own.

    python -m tests.benchmarks.window_speed_roles alone|watched FOLDER SECONDS

``alone`` writes data and project into the folder and trains without a window; ``watched`` trains the
same project from the window, with the Train workspace shown. Both print one JSON object.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kbuilder.document.project_file import load, save

WARM_UP_S = 2.0
PROJECT = "bench.kbuilder"


def alone(folder: Path, seconds: float) -> dict[str, float]:
    """Steps a second of the engine without a window."""
    import numpy as np
    from msgspec.structs import replace

    from kbuilder.document.options import DataOptions
    from kbuilder.engine.session import Session
    from kbuilder.link.events import Failed, PointsLogged, TrainingStarted
    from kbuilder.link.requests import Stop, Train
    from tests.benchmarks.train_speed import MLP, project_of

    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 20_000)
    x = rng.normal(size=(20_000, 100)).astype("float32") + y[:, None] / 10
    np.savez(folder / "data.npz", x=x, y=y)
    data = DataOptions(kind="arrays", path=str(folder / "data.npz"))
    project = replace(project_of(MLP, 1_000_000), data=data)
    save(project, folder / PROJECT)
    marks: list[tuple[float, int]] = []

    def take(event: object) -> None:
        if isinstance(event, TrainingStarted):
            threading.Timer(
                WARM_UP_S + seconds + 1, session.controls.put, [Stop(keep=False)]
            ).start()
        elif isinstance(event, PointsLogged):
            marks.append((time.monotonic(), event.first_step))
        elif isinstance(event, Failed):
            raise AssertionError(event.text)

    session = Session(take)
    session.handle(Train(request=1, project=project, run=str(folder / "alone")))
    begun = marks[0][0] + WARM_UP_S
    kept = [mark for mark in marks if begun <= mark[0] <= begun + seconds]
    (first, low), (last, high) = kept[0], kept[-1]
    return {"steps_per_s": (high - low) / (last - first)}


def watched(folder: Path, seconds: float) -> dict[str, float]:
    """Gaps of a 16 ms timer, pictures of a plot a second, and steps a second, with the window."""
    from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer

    from kbuilder import app
    from kbuilder.document.document import Document
    from kbuilder.ui.main_window import TRAIN
    from kbuilder.ui.training import State

    class PaintCount(QObject):
        count = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            self.count += event.type() == QEvent.Type.Paint
            return False

    def until(condition: object) -> None:
        end = time.monotonic() + 60
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < end, "the window did not get there in a minute"
            application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def let_pass(duration: float) -> None:
        loop = QEventLoop()  # ending the application's own loop would close the window
        QTimer.singleShot(round(duration * 1000), loop.quit)
        loop.exec()

    application = app.make_application()
    window = app.make_window(Document(load(folder / PROJECT)))
    window.training.failed.connect(lambda event: sys.exit(event.text))
    ready: list[object] = []
    window.training.ready.connect(ready.append)
    window.resize(1280, 800)
    window.show()
    window.show_workspace(TRAIN)
    until(lambda: ready and window.actions_by_id["train"].isEnabled())
    window.actions_by_id["train"].trigger()
    until(lambda: window.training.state is State.RUNNING and window.training.live.step)
    let_pass(WARM_UP_S)
    paints = PaintCount()
    plot = next(iter(window.page(TRAIN)._plots.values()))
    plot._plot.viewport().installEventFilter(paints)
    ticks: list[float] = []
    busy: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.timeout.connect(lambda: busy.append(time.thread_time()))
    live = window.training.live
    step, begun = live.step, time.perf_counter()
    timer.start(16)
    let_pass(seconds)
    spent, steps = time.perf_counter() - begun, live.step - step
    timer.stop()
    gaps = sorted(1000 * (b - a) for a, b in itertools.pairwise(ticks))
    window.training.stop(keep=False)
    until(lambda: window.training.state is State.IDLE)
    window.close()
    return {
        "median_ms": gaps[len(gaps) // 2],
        "p99_ms": gaps[len(gaps) * 99 // 100],
        "worst_ms": gaps[-1],
        # Processor time of the window's thread: what a gap would be on a machine with room for it.
        "own_worst_ms": max(1000 * (b - a) for a, b in itertools.pairwise(busy)),
        "plot_hz": paints.count / spent,
        "steps_per_s": steps / spent,
        "epochs": float(live.epoch),
    }


if __name__ == "__main__":
    role = {"alone": alone, "watched": watched}[sys.argv[1]]
    sys.stdout.write(json.dumps(role(Path(sys.argv[2]), float(sys.argv[3]))) + "\n")
