"""The real program on a real display, with a mouse that moves: Qt's own drag loop runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

WAIT_S = 15
SETTLE_S = 0.8
STEP_S = 0.08
"""Faster mice than this lose events in Qt's drag loop on X11."""


class Desk:
    """A display with the program on it."""

    def __init__(self, display: str, out: Path) -> None:
        self.out = out
        self._environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        script = Path(__file__).with_name("watched_window.py")
        self.program = subprocess.Popen(
            [sys.executable, str(script), str(out)],
            env={**self._environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.out.read_text("utf-8"))
        return report

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert self.program.poll() is None, "the program has ended"
            assert time.monotonic() < end, f"not seen in {WAIT_S} s"
            time.sleep(STEP_S)

    def do(self, *words: str | int) -> None:
        """One command of xdotool, in the pace of a hand."""
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self._environment, check=True, timeout=WAIT_S)
        time.sleep(STEP_S)

    def drag(self, start: list[int], end: list[int], steps: int = 8) -> None:
        self.do("mousemove", *start)
        self.do("mousedown", 1)
        for step in range(1, steps + 1):
            place = [a + (b - a) * step // steps for a, b in zip(start, end, strict=True)]
            self.do("mousemove", *place)
        self.do("mousemove", *end)
        self.do("mouseup", 1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        display = f":{answer.readline().strip()}"
    made = Desk(display, tmp_path / "report.json")
    try:
        made.wait(made.out.exists)
        time.sleep(SETTLE_S)
        yield made
    finally:
        for process in (made.program, server):
            process.terminate()
            process.wait(WAIT_S)


def test_a_layer_is_dragged_from_the_palette_and_taken_back(desk: Desk) -> None:
    before = desk.report()
    desk.drag(before["row"], before["canvas"])
    desk.wait(lambda: desk.report()["layers"] != before["layers"])
    added = Counter(desk.report()["layers"]) - Counter(before["layers"])
    assert added == {"Dense": 1}
    assert "Dense" in desk.report()["undo"] or "dense" in desk.report()["undo"]
    desk.do("key", "ctrl+z")
    desk.wait(lambda: desk.report()["layers"] == before["layers"])


def test_a_drag_that_ends_outside_the_canvas_adds_nothing(desk: Desk) -> None:
    before = desk.report()
    desk.drag(before["row"], before["search"])
    time.sleep(SETTLE_S)
    assert desk.report() == before
    desk.drag(before["row"], before["canvas"])
    desk.wait(lambda: desk.report()["layers"] != before["layers"])
