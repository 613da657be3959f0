"""Data that own code makes: an iterator of batches, or a ``keras.utils.PyDataset``.

The project names a function or class of its own code. It is called without arguments for each turn
through the data, so that every epoch begins with the first batch; it gives batches
``(x, y)`` or ``(x, y, weights)`` as ``Model.fit`` takes them: arrays, lists, or dictionaries by name.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from typing import Any

import keras
import numpy as np

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.data_arrays import cell
from kbuilder.engine.data_source import Field, Source
from kbuilder.engine.own_code import own_module

GENERATOR = "generator"
"""The kind of such data."""
WEIGHT = "weight"
"""The field of the weights, where a batch has only one array of them."""
HEAD_BATCHES, HEAD_SAMPLES = 8, 256
COUNT_SECONDS = 20.0
AHEAD = 4
IDLE_SECONDS = 30.0
"""How long the thread waits for somebody to want a batch; then it ends, and begins again when needed."""
KEPT = 16
"""Batches that are kept, since a graph may ask for a few of them in another order, or twice."""

Fields = dict[str, np.ndarray]


class Generated:
    """The batches of a function or class of own code, as fields by name.

    Raises:
        KBuilderError: the code has nothing of that name, or it gives no batches.
        BuildError: this user has not approved the code, or it fails.
    """

    def __init__(self, code: str, name: str) -> None:
        self.name = name
        self._make = getattr(own_module(code, name), name, None)
        if not callable(self._make):
            raise KBuilderError(
                f"The own code has no function or class “{name}” that makes batches. Write one under "
                "Design, tab CODE, or choose other data."
            )
        made = self._make()
        self._dataset = made if isinstance(made, keras.utils.PyDataset) else None
        self.length: int | None = len(made) if hasattr(made, "__len__") else None

    def turn(self, order: np.ndarray | None = None) -> Iterator[Fields]:
        """All batches from the first on; ``order`` is that of the batches of a ``PyDataset``."""
        if self._dataset is None:
            assert self._make is not None
            return (fields_of(each, self.name) for each in self._make())
        return self._indexed(self._dataset, order)

    def head(self) -> Fields:
        """The first samples, at most 256 and of at most eight batches."""
        batches = list(islice(self.turn(), HEAD_BATCHES))
        if not batches:
            raise KBuilderError(f"“{self.name}” gives no batches; at least one is expected.")
        return {
            name: np.concatenate([each[name] for each in batches])[:HEAD_SAMPLES]
            for name in batches[0]
        }

    def counted(self) -> int:
        """How many batches there are, by its length or by going through them once.

        Raises:
            KBuilderError: it does not come to an end within 20 seconds.
        """
        if self.length is None:
            until, number = time.monotonic() + COUNT_SECONDS, 0
            for _ in self.turn():
                number += 1
                if time.monotonic() > until:
                    raise KBuilderError(
                        f"“{self.name}” has given {number} batches in {COUNT_SECONDS:g} seconds and is "
                        "not at its end. Set steps_per_epoch to the batches of an epoch."
                    )
            self.length = number
        return self.length

    def _indexed(self, dataset: Any, order: np.ndarray | None) -> Iterator[Fields]:
        dataset.on_epoch_begin()
        numbers = range(len(dataset)) if order is None else order.tolist()
        for number in numbers:
            yield fields_of(dataset[number], self.name)
        dataset.on_epoch_end()


def open_generator(code: str, name: str) -> Source:
    """The first samples as a source, for previews, for choosing fields and for looking into layers."""
    return source_of(name, Generated(code, name).head())


def source_of(name: str, fields: Mapping[str, np.ndarray]) -> Source:
    """Arrays as a source."""
    return Source(name, tuple(_field(each, values) for each, values in fields.items()))


def fields_of(batch: Any, name: str) -> Fields:
    """The arrays of a batch by name: ``x``, ``y`` and ``weight``, numbered or named where several.

    Raises:
        KBuilderError: it is no batch, or its arrays have different lengths.
    """
    if not isinstance(batch, tuple | list) or not 2 <= len(batch) <= 3:
        raise KBuilderError(
            f"“{name}” gives {type(batch).__name__} where a batch (x, y) or (x, y, weights) is expected."
        )
    found: Fields = {}
    for part, values in zip(("x", "y", WEIGHT), batch, strict=False):
        if isinstance(values, Mapping):
            named = {key if part != WEIGHT else f"{WEIGHT} {key}": v for key, v in values.items()}
        elif isinstance(values, tuple | list):
            named = {f"{part}_{number + 1}": each for number, each in enumerate(values)}
        else:
            named = {} if values is None else {part: values}
        for key, each in named.items():
            found[key if key not in found else f"{part} {key}"] = np.asarray(each)
    if len({len(values) for values in found.values()}) != 1:
        shapes = ", ".join(f"{key} {values.shape}" for key, values in found.items())
        raise KBuilderError(f"“{name}” gives a batch of arrays of different lengths: {shapes}.")
    return found


class Feed:
    """Batches by their position, fetched ahead in a thread.

    ``turn`` gives the batches of a turn by its number; one turn follows the other. Going back begins
    again and passes over what was asked for before, so a batch only depends on its position.
    """

    def __init__(self, turn: Callable[[int], Iterator[Fields]], length: int | None) -> None:
        self._turn = turn
        self._length = length
        self._kept: dict[int, Fields] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._queue: queue.Queue[Fields | Exception] = queue.Queue(AHEAD)
        self._thread: threading.Thread | None = None

    def get(self, position: int) -> Fields:
        """The batch at a position, from 0; raises what the own code raises."""
        with self._lock:
            if position in self._kept:
                return self._kept[position]
            if self._thread is None or position < self._next:
                self._begin(position)
            while self._next <= position:
                item = self._taken()
                if isinstance(item, Exception):
                    self._thread = None
                    raise item
                self._kept[self._next] = item
                self._next += 1
                self._kept.pop(self._next - 1 - KEPT, None)
            return self._kept[position]

    def close(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _taken(self) -> Fields | Exception:
        """The next batch, by a new thread if nobody asked the old one for so long that it ended."""
        while True:
            alive = self._thread is not None and self._thread.is_alive()
            try:
                return self._queue.get(timeout=0.2 if alive else 0.0)
            except queue.Empty:
                if not alive:
                    self._begin(self._next)

    def _begin(self, position: int) -> None:
        self._stopped.set()
        self._stopped, self._queue = threading.Event(), queue.Queue(AHEAD)
        self._kept.clear()
        turn, passed = divmod(position, self._length) if self._length else (0, position)
        self._next = position
        self._thread = threading.Thread(
            target=self._run, args=(turn, passed, self._stopped, self._queue), daemon=True
        )
        self._thread.start()

    def _run(self, first: int, passed: int, stopped: threading.Event, ahead: Any) -> None:
        try:
            for number in count(first):
                given = 0
                for batch in self._turn(number):
                    given += 1
                    if passed:
                        passed -= 1
                    elif not _put(ahead, batch, stopped):
                        return
                if not given:
                    raise KBuilderError("A turn through the data gave no batches.")
        except Exception as error:  # noqa: BLE001 - whatever own code raises is told to the loop
            _put(ahead, error, stopped)


def _put(ahead: Any, item: object, stopped: threading.Event) -> bool:
    """Wait for room; False when nobody wants more."""
    until = time.monotonic() + IDLE_SECONDS
    while not stopped.is_set():
        try:
            ahead.put(item, timeout=0.2)
        except queue.Full:
            if time.monotonic() > until:
                return False
            continue
        return True
    return False


def _field(name: str, values: np.ndarray) -> Field:
    def cells(count: int) -> tuple[str, ...]:
        return tuple(cell(value) for value in values[:count])

    return Field(name, len(values), values.shape[1:], values.dtype.name, lambda: values, cells)
