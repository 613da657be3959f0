"""An engine without a process: it keeps what it is sent, and says what a test lets it say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QSettings, Signal

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.facts import FieldFacts, NodeFacts, TensorFacts
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, DataOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.link.events import EpochEnded, Finished, PointsLogged, TrainingStarted
from kbuilder.link.values import Array, DataPreview
from kbuilder.ui.main_window import MainWindow

STEPS = 10


class FakeEngine(QObject):
    """What the window knows of ``EngineThread``."""

    received = Signal(object)
    died = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self.started = self.closed = self.left = False
        self._last_request = 0

    def next_request(self) -> int:
        self._last_request += 1
        return self._last_request

    def send(self, message: object) -> None:
        self.sent.append(message)

    def warm_up(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True

    def let_go(self) -> None:
        self.left = True

    def say(self, event: object) -> None:
        self.received.emit(event)

    def last(self, kind: type) -> Any:
        """The latest message of that kind."""
        return next(message for message in reversed(self.sent) if isinstance(message, kind))

    def count(self, kind: type) -> int:
        return sum(isinstance(message, kind) for message in self.sent)


def array(values: object, dtype: str = "float32") -> Array:
    made = np.asarray(values, dtype)
    return Array(dtype, made.shape, made.tobytes())


def started(request: int, *, epochs: int = 4, first_epoch: int = 0) -> TrainingStarted:
    return TrainingStarted(
        request=request,
        run="",
        first_epoch=first_epoch,
        epochs=epochs,
        steps_per_epoch=STEPS,
        batch_size=8,
        samples=80,
    )


def points(
    request: int, epoch: int, first_step: int, losses: list[float], name: str = "loss"
) -> PointsLogged:
    return PointsLogged(
        request=request, epoch=epoch, first_step=first_step, series={name: array(losses)}
    )


def epoch(request: int, number: int, seconds: float = 2.0, **logs: float) -> EpochEnded:
    return EpochEnded(request=request, epoch=number, logs=logs, seconds=seconds)


def project() -> Project:
    """Input -> hidden -> last, with data and a loss, so that it can be trained."""
    graph = Graph(
        nodes=(
            Node(id="in", class_name="Input", name="image", params={"shape": [8]}),
            Node(id="mid", class_name="Dense", name="hidden", params={"units": 4}, y=120),
            Node(id="out", class_name="Dense", name="last", params={"units": 2}, y=240),
        ),
        edges=(Edge(source="in", target="mid"), Edge(source="mid", target="out")),
    )
    loss = KerasObject(class_name="SparseCategoricalCrossentropy")
    return Project(
        graph=graph,
        compile=CompileOptions(outputs={"out": OutputOptions(loss=loss)}),
        data=DataOptions(kind="sample", path="digits"),
    )


def facts() -> dict[str, NodeFacts]:
    def tensor(size: int) -> tuple[TensorFacts, ...]:
        return (TensorFacts((None, size), "float32"),)

    return {
        "in": NodeFacts(outputs=tensor(8)),
        "mid": NodeFacts(inputs=tensor(8), outputs=tensor(4), trainable_params=36),
        "out": NodeFacts(inputs=tensor(4), outputs=tensor(2), trainable_params=10),
    }


def preview() -> DataPreview:
    return DataPreview(
        samples=1797,
        fields=(
            FieldFacts(name="image", dtype="uint8", shape=(8, 8), minimum=0, maximum=16),
            FieldFacts(
                name="label", dtype="int64", shape=(), classes=("cat", "dog"), counts=(1000, 797)
            ),
        ),
        inputs={"in": ("image",)},
        targets={"out": ("label",)},
        pictures=array(np.arange(3 * 64).reshape(3, 8, 8, 1), "uint8"),
        picture_labels=("cat", "dog", "cat"),
        warnings=("The classes are uneven.",),
    )


def window_of(catalogue: Catalogue, folder: Path, opened: Project | None = None) -> MainWindow:
    """The whole window on two fake engines, which it holds as ``_engines``."""
    document = Document()
    document.open(opened or project(), None)
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    engines: Any = (FakeEngine(), FakeEngine())
    return MainWindow(document, catalogue, engines, settings, folder / "runs")


def leave(window: MainWindow) -> None:
    """Nothing is left to be asked about when the window closes: no training, no changes."""
    if window.training.active:
        window._engines[1].received.emit(Finished(request=window.training._request))
    window.document.open(Project(), None)
