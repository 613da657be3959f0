"""What training takes of the machine: processors, memory, graphics cards and where the time goes."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import psutil

from kbuilder.link.run_events import GpuUse, MachineMeasured

EVERY_S = 1.0
"""Seconds between two measures."""


class Machine:
    """Measures this process and the graphics cards. ``clock`` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._process = psutil.Process()
        self._processors = psutil.cpu_count() or 1
        self._total = int(psutil.virtual_memory().total)
        self._process.cpu_percent(None)
        self._gpus = Gpus()
        self._at = clock()
        self._samples = 0
        self._data = self._compute = 0.0

    def measure(
        self, request: int, step: int, samples: int, data_seconds: float, compute_seconds: float
    ) -> MachineMeasured | None:
        """What was taken since the measure before; None where that is less than a second ago.

        ``samples`` and both times are sums since the training began. Never raises.
        """
        now = self._clock()
        passed = now - self._at
        if passed < EVERY_S:
            return None
        done, data = samples - self._samples, data_seconds - self._data
        compute = compute_seconds - self._compute
        self._at, self._samples = now, samples
        self._data, self._compute = data_seconds, compute_seconds
        cpu, memory = self._of_process()
        return MachineMeasured(
            request=request,
            step=step,
            cpu=cpu,
            memory_bytes=memory,
            memory_total_bytes=self._total,
            samples_per_second=max(done, 0) / passed,
            data_seconds=max(data, 0.0),
            compute_seconds=max(compute, 0.0),
            gpus=self._gpus.measure(),
        )

    def _of_process(self) -> tuple[float, int]:
        try:
            share = self._process.cpu_percent(None) / 100 / self._processors
            return min(max(share, 0.0), 1.0), int(self._process.memory_info().rss)
        except (psutil.Error, OSError):
            return 0.0, 0


class Gpus:
    """NVIDIA's graphics cards as their driver tells of them; none without a driver.

    ``library`` is a module such as ``pynvml``; by default that one, if it is installed.
    """

    def __init__(self, library: Any = None) -> None:
        self._handles: list[tuple[str, Any]] = []
        try:
            used = self._library = library or importlib.import_module("pynvml")
            used.nvmlInit()
            for number in range(used.nvmlDeviceGetCount()):
                handle = used.nvmlDeviceGetHandleByIndex(number)
                self._handles.append((_text(used.nvmlDeviceGetName(handle)), handle))
        except Exception:  # noqa: BLE001 - a broken driver may fail in any way
            self._handles = []

    def measure(self) -> tuple[GpuUse, ...]:
        """How the cards are used now. A card that fails once is asked no more."""
        found = []
        for name, handle in list(self._handles):
            try:
                memory = self._library.nvmlDeviceGetMemoryInfo(handle)
                busy = self._library.nvmlDeviceGetUtilizationRates(handle).gpu / 100
            except Exception:  # noqa: BLE001
                self._handles.remove((name, handle))
                continue
            found.append(
                GpuUse(
                    name=name,
                    busy=float(busy),
                    memory_bytes=int(memory.used),
                    memory_total_bytes=int(memory.total),
                )
            )
        return tuple(found)


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
