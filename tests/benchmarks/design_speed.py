"""How fast drawing is: shapes after an edit, layout, opening, and frames with a thousand layers.

    python -m tests.benchmarks.design_speed [--only edit|cold|layout|open|canvas|memory]

Every part runs in a fresh process, the window offscreen at 1600x900 with its real engine. Targets are for
two cores; the load of the machine is printed beside them. ``open`` writes model files of 600 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

Result = dict[str, list[float]]
BIG = ("NASNetLarge", "EfficientNetB7")


def main() -> int:
    """Print the table; 1 if a target is missed."""
    parts = {
        "edit": _edit,
        "cold": _cold,
        "layout": _layout,
        "open": _open,
        "canvas": _canvas,
        "memory": _memory,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=parts)
    only = parser.parse_args().only
    begun = time.monotonic()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        # Settings of the user, such as the size of the window, stay out of it.
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = folder
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        if only in (None, "layout", "canvas", "memory"):
            _role("graphs", folder)
        for name, part in parts.items():
            if only in (None, name):
                missed += part(folder)
    _say("load of the machine", f"{os.getloadavg()[0]:.1f}", f"{os.cpu_count()} cores", "")
    sys.stdout.write(f"{time.monotonic() - begun:.0f} s in all\n")
    return int(missed > 0)


def _edit(folder: str) -> int:
    """A parameter of a layer in the middle of 500, until the new shapes are painted."""
    times = sorted(1000 * one for one in _role("edit", folder)["edit"])
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    spread = f"{len(times)} edits, worst {times[-1]:.0f} ms"
    missed = _judge("edit to painted shapes, median", middle, 30, "ms", spread)
    return missed + _judge("edit to painted shapes, 99 of 100", late, 80, "ms", "")


def _cold(folder: str) -> int:
    found = _role("cold", folder)
    keras = f"Keras builds it in {found['keras'][0]:.2f} s"
    return _judge("ResNet50 inferred, cold", found["ours"][0], 0.5, "s", keras)


def _layout(folder: str) -> int:
    found = _role("layout", folder)
    missed = _judge("ResNet50 laid out", _best(found["ResNet50"]), 0.3, "s", "177 layers")
    return missed + _judge(
        "NASNetLarge laid out", _best(found["NASNetLarge"]), 3, "s", "1,041 layers"
    )


def _open(folder: str) -> int:
    missed = 0
    for name in BIG:
        _role("models", folder, name)
        for ending in ("json", "h5", "keras"):
            found = _role("open", folder, f"{name}.{ending}")
            steps = ", ".join(
                f"{key} {one[0]:.2f}" for key, one in found.items() if key != "painted"
            )
            missed += _judge(f"{name}.{ending} painted", found["painted"][0], 1.5, "s", steps)
        for ending in ("json", "h5", "keras"):
            Path(folder, f"{name}.{ending}").unlink()
    return missed


def _canvas(folder: str) -> int:
    missed = 0
    for name, times in _role("canvas", folder).items():
        frames = sorted(1000 * one for one in times)
        spread = f"median {frames[len(frames) // 2]:.1f} ms, worst {frames[-1]:.1f} ms"
        late = frames[len(frames) * 95 // 100]
        missed += _judge(f"{name}, 95 of 100 frames", late, 16, "ms", spread)
    return missed


def _memory(folder: str) -> int:
    full, empty = (_role("memory", folder, kind)["rss"][0] for kind in ("full", "empty"))
    spread = f"{empty:.0f} MiB empty"
    return _judge("1,041 layers on the canvas", full - empty, 60, "MiB", spread)


def _best(times: list[float]) -> float:
    return min(times)


def _judge(what: str, value: float, target: float, unit: str, spread: str) -> int:
    _say(what, f"{value:.2f} {unit}", f"<= {target} {unit}", spread)
    return int(value > target)


def _say(what: str, value: str, target: str, spread: str) -> None:
    sys.stdout.write(f"{what:<46}{value:<14}{target:<14}{spread}\n")
    sys.stdout.flush()


def _role(role: str, folder: str, *rest: str) -> Result:
    """Play one part in a fresh process, as ``design_speed_roles`` tells."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.design_speed_roles", role, folder, *rest],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: Result = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    sys.exit(main())
