"""What TensorFlow can train on, and what is in the way of more."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import psutil
import tensorflow as tf

from kbuilder.link.run_events import Device

CPUS = "KBUILDER_CPUS"
"""Environment variable: into how many devices the processor is split, to try out several devices."""

TENSOR_CORES = (7, 0)
"""Compute capability from which on float16 is faster than float32."""
BRAIN_FLOATS = (8, 0)
"""The same for bfloat16, which needs no scaling of the loss."""
OLDEST = (6, 0)
"""Oldest compute capability that TensorFlow 2.21 is built for."""

_MAKERS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_DRIVER = Path("/proc/driver/nvidia/version")
_CARDS = Path("/sys/class/drm")


def prepare_devices() -> None:
    """Take a GPU's memory as needed, not all at once. Must come before TensorFlow's first operation."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
    count = os.environ.get(CPUS, "")
    if count.isdecimal() and int(count) > 1:
        parts = [tf.config.LogicalDeviceConfiguration()] * int(count)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)


def devices() -> tuple[Device, ...]:
    """GPUs first, as they would be chosen, then the processor."""
    gpus = [_gpu(number, gpu) for number, gpu in enumerate(tf.config.list_physical_devices("GPU"))]
    memory, cores = psutil.virtual_memory().total, psutil.cpu_count() or 1
    name = _processor_name()
    cpus = [
        Device(name=f"CPU:{number}", label=f"{name}, {cores} cores", memory_bytes=memory)
        for number in range(len(tf.config.list_logical_devices("CPU")))
    ]
    return (*gpus, *cpus)


def findings() -> tuple[str, ...]:
    """One sentence for each thing that is in the way of a GPU; none if one is found."""
    if tf.config.list_physical_devices("GPU"):
        return ()
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = []
    if hidden is not None and hidden.strip() in ("", "-1"):
        found.append(
            f"The environment variable CUDA_VISIBLE_DEVICES is “{hidden}”, which hides all GPUs. "
            "Start kbuilder without it."
        )
    makers = _makers()
    if "NVIDIA" in makers and not _DRIVER.exists():
        found.append(
            "There is an NVIDIA card, but its driver is not loaded. Install NVIDIA's driver (on Debian and "
            "Ubuntu the package nvidia-driver) and restart the machine."
        )
    if not tf.test.is_built_with_cuda():
        found.append(
            "This TensorFlow is built for the processor only. Install the package tensorflow."
        )
    elif _DRIVER.exists():
        found.append(
            "There is an NVIDIA driver, but TensorFlow does not find the CUDA libraries or cannot use the "
            "card. Run “.venv/bin/pip install tensorflow[and-cuda]” and start kbuilder again; a card needs "
            f"compute capability {OLDEST[0]}.{OLDEST[1]} or newer."
        )
    if not makers or makers == {"Intel"}:
        found.append(
            "No NVIDIA card was found in this machine. TensorFlow trains on NVIDIA cards only."
        )
    elif "AMD" in makers and "NVIDIA" not in makers:
        found.append(
            "There is an AMD card; TensorFlow from PyPI trains on NVIDIA cards only. AMD offers a build of "
            "its own, tensorflow-rocm, which kbuilder was not tried with."
        )
    return tuple(found)


def device_name() -> str:
    """The device that trains when none is chosen."""
    first = devices()[0]
    return first.label if first.name.startswith("GPU") else "CPU"


def _gpu(number: int, gpu: Any) -> Device:
    details = tf.config.experimental.get_device_details(gpu)
    capability = tuple(details.get("compute_capability") or (0, 0))
    mixed = ""
    if capability >= TENSOR_CORES:
        mixed = "mixed_bfloat16" if capability >= BRAIN_FLOATS else "mixed_float16"
    return Device(
        name=f"GPU:{number}",
        label=str(details.get("device_name", gpu.name)),
        memory_bytes=_gpu_memory(number),
        mixed=mixed,
    )


def _gpu_memory(number: int) -> int:
    """All memory of a GPU; 0 where the driver does not tell."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(number)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    except pynvml.NVMLError:
        return 0


def _makers() -> set[str]:
    """Who made the graphics cards of this machine, as far as Linux tells."""
    found = set()
    for vendor in _CARDS.glob("card*/device/vendor"):
        try:
            found.add(_MAKERS.get(vendor.read_text().strip(), "another maker"))
        except OSError:
            continue
    return found


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
