"""Events of a training beside its numbers: what happened, how it fares, what a step or a trial gave."""

from __future__ import annotations

from typing import Any

import msgspec

from kbuilder.document.problems import Problem
from kbuilder.link.message import Message
from kbuilder.link.values import Array


class Noted(Message, frozen=True, kw_only=True):
    """Something happened to a run at this place of its curves.

    ``kind`` is ``"resumed"``, ``"steered"``, ``"paused"``, ``"best"``, ``"checkpoint"`` (one that is kept),
    ``"saved"`` (the newest checkpoint, safe on the disk), ``"callback"`` or ``"not finite"``.
    ``values`` are what a script needs to do the same: for ``"steered"`` the fields of ``Steer`` that
    changed; for ``"best"`` and ``"checkpoint"`` the ``file``; for ``"best"`` also ``name`` and ``value``.
    """

    request: int
    epoch: int
    step: int
    kind: str
    text: str
    values: dict[str, Any] = {}


class LayerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one layer fares: L2 norms over all its weights that learn, and units that are never active.

    ``gradient`` is that of the loss of the probe samples. ``update`` is the norm of what has changed
    since the look before, None at the first. ``dead`` is the share, from 0 to 1, of the layer's units
    that gave exactly 0 for every probe sample, None where a unit may well be 0.
    """

    weight: float
    gradient: float | None = None
    update: float | None = None
    dead: float | None = None


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often each class (row) was taken for each class (column), in whole numbers.

    ``samples`` are row numbers in the data of some that were taken for another class, ``cells`` the
    (row, column) of each of them.
    """

    counts: Array
    classes: tuple[str, ...]
    samples: tuple[int, ...] = ()
    cells: tuple[tuple[int, int], ...] = ()


class Monitored(Message, frozen=True, kw_only=True):
    """A look into the layers at the end of an epoch, on at most 256 samples, validation ones if any.

    ``layers`` goes by node id, ``confusion`` by the id of an output with classes. ``seconds`` is what
    the look took.
    """

    request: int
    epoch: int
    step: int
    layers: dict[str, LayerHealth]
    confusion: dict[str, Confusion] = {}
    seconds: float = 0.0


class GpuUse(msgspec.Struct, frozen=True, kw_only=True):
    """Use of one GPU: its share from 0 to 1, and bytes."""

    name: str
    busy: float
    memory_bytes: int
    memory_total_bytes: int


class MachineMeasured(Message, frozen=True, kw_only=True):
    """What training took of the machine since the measure before, about once a second.

    ``cpu`` is the share of all processors from 0 to 1 that the engine used, ``memory_bytes`` its
    resident memory. ``data_seconds`` and ``compute_seconds`` split the time of the steps; what is cut
    out of arrays in memory inside the graph counts as compute.
    """

    request: int
    step: int
    cpu: float
    memory_bytes: int
    memory_total_bytes: int
    samples_per_second: float
    data_seconds: float = 0.0
    compute_seconds: float = 0.0
    gpus: tuple[GpuUse, ...] = ()


class Diagnosed(Message, frozen=True, kw_only=True):
    """What the training doctor finds after this epoch; replaces what it found before.

    Each problem carries its evidence in its text, and remedies as fixes for the next run.
    """

    request: int
    epoch: int
    problems: tuple[Problem, ...]


class Stepped(Message, frozen=True, kw_only=True):
    """One batch was run by ``Step``: what came of it.

    ``gradients`` are the L2 norms by node id. ``samples`` are the row numbers in the data, ``inputs``,
    ``outputs`` and ``truth`` the values of the first of them by node id, samples first.
    """

    request: int
    epoch: int
    step: int
    loss: float
    gradients: dict[str, float]
    samples: tuple[int, ...]
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    truth: dict[str, Array]


class DryRunDone(Message, frozen=True, kw_only=True):
    """What a training would need. ``rows`` are (batch size, peak bytes, seconds of one step).

    ``largest_batch`` is the largest one that fits into ``free_bytes``; it is a power of two or the
    number of samples. ``heaviest`` is the node whose outputs take most memory.
    """

    request: int
    batch_size: int
    peak_bytes: int
    free_bytes: int
    epoch_seconds: float
    largest_batch: int
    heaviest: str
    rows: tuple[tuple[int, int, float], ...] = ()


class TrialStarted(Message, frozen=True, kw_only=True):
    """A trial of a sweep begins as the run ``run``, with these values by the names of the options."""

    request: int
    number: int
    run: str
    values: dict[str, Any]


class TrialEnded(Message, frozen=True, kw_only=True):
    """A trial is over: ``state`` is ``"complete"``, ``"pruned"`` or ``"failed"``."""

    request: int
    number: int
    state: str
    objective: float | None = None
    text: str = ""


class Predicted(Message, frozen=True, kw_only=True):
    """The predictions are complete on disk; ``outputs`` are their shapes by output node."""

    request: int
    path: str
    samples: int
    outputs: dict[str, tuple[int, ...]]


class Evaluated(Message, frozen=True, kw_only=True):
    """Losses and metrics over all samples, by the names that the history has."""

    request: int
    samples: int
    logs: dict[str, float]


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Something to train on. ``name`` is TensorFlow's, such as ``GPU:0``; ``memory_bytes`` 0 if unknown."""

    name: str
    label: str
    memory_bytes: int = 0
    mixed: str = ""
    """The mixed precision policy that is worth while on it; empty for none."""


class DevicesFound(Message, frozen=True, kw_only=True):
    """All devices that TensorFlow sees, and one sentence for each thing that is in the way of a GPU."""

    request: int
    devices: tuple[Device, ...]
    findings: tuple[str, ...] = ()
