"""A few steps before a training, to tell what it would take."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.fit_data import FitData, fit_data
from kbuilder.engine.live import LiveModels
from kbuilder.engine.matching import check_fit
from kbuilder.engine.replicas import device_scope, strategy_for
from kbuilder.engine.sizes import batch_bytes, heaviest, largest_batch, refuse_batch
from kbuilder.engine.steps import evaluation_steps, train_steps
from kbuilder.link.events import Progressed
from kbuilder.link.messages import Event
from kbuilder.link.requests import DryRun
from kbuilder.link.run_events import DryRunDone

LONGEST_S = 8.0
"""No larger batch is tried when the trials before it took this long."""
SHARE_OF_FREE = 0.5
"""A batch is only tried if it is expected to take less than this part of the free memory."""
MOST_TRIALS = 4
STEPS = 3

Row = tuple[int, int, float]


def dry_run(
    request: DryRun,
    live: LiveModels,
    catalogue: Catalogue,
    send: Callable[[Event], None],
    check: Callable[[], object],
) -> DryRunDone:
    """Train a few steps at growing batch sizes. ``check`` is called between them and may raise.

    Raises:
        KBuilderError: the project cannot be trained.
    """
    live.drop()
    project = request.project
    check_fit(project.fit, catalogue)
    with device_scope(request.devices[:1], strategy_for(request.devices[:1])):
        built = live.build(project)
        compile_model(built, project, catalogue)
        dataset = live.load(project.data, project, request.base)
        fed = fit_data(built, project, dataset, catalogue, request.base)
        facts = live.facts(project)
        refuse_batch(project.graph, facts, fed.train.batch_size, fed.train.samples)
        rows: list[Row] = []
        free, begun = _free(), time.monotonic()
        size = min(fed.train.batch_size, fed.train.samples)
        while True:
            check()
            send(Progressed(request=request.request, text=f"Trying batches of {size}"))
            rows.append(_tried(built, fed.train.with_batch_size(size), size))
            size = min(2 * size, fed.train.samples)
            told_enough = len(rows) == MOST_TRIALS or rows[-1][0] == size
            too_long = time.monotonic() - begun > LONGEST_S
            if told_enough or too_long or size * batch_bytes(facts) > SHARE_OF_FREE * free:
                break
        return _answer(request, fed, facts, rows, free, _validation_seconds(built, fed))


def _tried(built: BuiltModel, batches: Batches, size: int) -> Row:
    """Batch size, peak memory in bytes, and seconds of one step after the first."""
    steps = train_steps(built.model, batches)
    order = batches.order(0)
    steps(order, 0, 1)
    _forget_peak()
    begun = time.perf_counter()
    count = min(STEPS, batches.steps)
    steps(order, 0, count)
    return size, _peak(), (time.perf_counter() - begun) / count


def _validation_seconds(built: BuiltModel, fed: FitData) -> float:
    if fed.validation is None:
        return 0.0
    steps, order = evaluation_steps(built.model, fed.validation), fed.validation.order(0)
    steps(order, 0, 1)
    begun = time.perf_counter()
    steps(order, 0, 1)
    return (time.perf_counter() - begun) * fed.validation.steps


def _answer(
    request: DryRun,
    fed: FitData,
    facts: Mapping[str, NodeFacts],
    rows: list[Row],
    free: int,
    validation_seconds: float,
) -> DryRunDone:
    size, peak, step_seconds = rows[0]
    grown = (rows[-1][1] - peak) / max(rows[-1][0] - size, 1)
    # Allocators keep what they have had, so small growth says nothing: shapes tell the least.
    per_sample = max(grown, batch_bytes(facts), 1)
    room = free - size * per_sample
    return DryRunDone(
        request=request.request,
        batch_size=size,
        peak_bytes=peak,
        free_bytes=free,
        epoch_seconds=step_seconds * fed.train.steps + validation_seconds,
        largest_batch=largest_batch(
            max(room, 0) + size * per_sample, per_sample, fed.train.samples
        ),
        heaviest=heaviest(facts),
        rows=tuple(rows),
    )


def _gpu() -> str:
    return "GPU:0" if tf.config.list_physical_devices("GPU") else ""


def _free() -> int:
    """Free memory of the device that trains, in bytes."""
    if _gpu():
        import pynvml

        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    return int(psutil.virtual_memory().available)


def _forget_peak() -> None:
    if _gpu():
        tf.config.experimental.reset_memory_stats(_gpu())
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Peak memory since it was forgotten: of the GPU, or resident memory of this process."""
    if _gpu():
        return int(tf.config.experimental.get_memory_info(_gpu())["peak"])
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)
