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

    def drag(self, start: list[int], end: list[int], steps: int = 8, key: str = "") -> None:
        """Press, move and let go, with a key held from before the press if there is one."""
        self.do("mousemove", *start)
        if key:
            self.do("keydown", key)
        self.do("mousedown", 1)
        for step in range(1, steps + 1):
            place = [a + (b - a) * step // steps for a, b in zip(start, end, strict=True)]
            self.do("mousemove", *place)
        self.do("mousemove", *end)
        self.do("mouseup", 1)
        if key:
            self.do("keyup", key)

    def click(self, at: list[int], key: str = "") -> None:
        self.do("mousemove", *at)
        if key:
            self.do("keydown", key)
        self.do("click", 1)
        if key:
            self.do("keyup", key)


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


def test_a_block_is_dragged_from_its_tab_into_a_wire(desk: Desk) -> None:
    before = desk.report()
    desk.click(before["blocks_tab"])
    desk.wait(lambda: desk.report()["tab"] == 1)
    [source, target] = before["wires"][0]
    ends = zip(before["boxes"][source], before["boxes"][target], strict=True)
    middle = [sum(pair) // 2 for pair in ends]
    desk.drag(desk.report()["pieces"]["Residual block"], middle)
    desk.wait(lambda: "residual_block" in desk.report()["frames"])
    after = desk.report()
    assert [source, target] not in after["wires"]
    assert after["undo"] == "Insert residual_block"
    entered = [b for a, b in after["wires"] if a == source]
    assert entered
    assert {after["homes"][name] for name in entered} == {"residual_block"}
    desk.do("key", "ctrl+z")
    desk.wait(lambda: desk.report()["layers"] == before["layers"])


def test_alt_drag_copies_and_keys_make_fold_and_open_a_block(desk: Desk) -> None:
    before = desk.report()
    name = before["wires"][1][0]
    x, y = before["boxes"][name]
    desk.drag([x, y], [x + 230, y + 40], key="alt")
    desk.wait(lambda: len(desk.report()["layers"]) == len(before["layers"]) + 1)
    assert desk.report()["undo"] == f"Duplicate {name}"
    first, second = before["wires"][0]
    desk.click(before["boxes"][first])
    desk.click(before["boxes"][second], key="shift")
    desk.wait(lambda: desk.report()["selected"] == sorted([first, second]))
    desk.do("key", "ctrl+g")
    desk.wait(lambda: "block" in desk.report()["frames"])
    desk.do("key", "b")
    desk.wait(lambda: "block" in desk.report()["boxes"])
    assert first not in desk.report()["boxes"]
    desk.do("key", "b")
    desk.wait(lambda: "block" in desk.report()["frames"])
    for _ in range(4):
        desk.do("key", "ctrl+z")
    desk.wait(lambda: desk.report()["boxes"] == before["boxes"])


def test_a_layer_is_dragged_out_of_its_block_with_control_only(desk: Desk) -> None:
    first, second = desk.report()["wires"][0]
    desk.click(desk.report()["boxes"][first])
    desk.click(desk.report()["boxes"][second], key="shift")
    desk.do("key", "ctrl+g")
    desk.wait(lambda: "block" in desk.report()["frames"])
    at = desk.report()["boxes"][second]
    left = [desk.report()["frames"]["block"][0][0] - 90, at[1]]
    desk.do("key", "Escape")
    desk.drag(at, left)
    desk.wait(lambda: desk.report()["undo"] == f"Move {second}")
    assert desk.report()["homes"][second] == "block"
    desk.do("key", "ctrl+z")
    desk.wait(lambda: desk.report()["boxes"][second] == at)
    desk.do("key", "Escape")
    desk.drag(at, left, key="ctrl")
    desk.wait(lambda: desk.report()["homes"][second] == "")
    assert desk.report()["homes"][first] == "block"
    assert desk.report()["undo"] == f"Move {second} out of its block"
