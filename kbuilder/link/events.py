"""Events from the engine, in the past tense: results of a request and how it ended."""

from __future__ import annotations

import msgspec

from kbuilder.document.facts import NodeFacts
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import Params
from kbuilder.link.message import Message
from kbuilder.link.values import Array, DataPreview


class Ready(Message, frozen=True, kw_only=True):
    """The engine has loaded TensorFlow. ``why_not_gpu`` is empty when a GPU will train.

    ``memory_bytes`` is what the machine has in all, used or not.
    """

    keras_version: str
    tensorflow_version: str
    device: str
    why_not_gpu: str = ""
    memory_bytes: int = 0


class Inferred(Message, frozen=True, kw_only=True):
    """Facts and problems, by node id. A node whose inputs are unknown has no facts."""

    request: int
    nodes: dict[str, NodeFacts]
    problems: tuple[Problem, ...] = ()


class Arranged(Message, frozen=True, kw_only=True):
    """New places by node id: the top left corner in scene units. Nodes that stay are left out."""

    request: int
    places: dict[str, tuple[float, float]]


class Previewed(Message, frozen=True, kw_only=True):
    """What the data source holds."""

    request: int
    preview: DataPreview


class Progressed(Message, frozen=True, kw_only=True):
    """What a long request is doing; ``fraction`` from 0 to 1, or None when it cannot be told."""

    request: int
    text: str
    fraction: float | None = None


class TrainingStarted(Message, frozen=True, kw_only=True):
    """The first step is about to run. Epochs count from 0 and end before ``epochs``.

    A training that goes on from another run tells the points and epochs of that one first; they begin
    at the epoch ``curve_from``.
    """

    request: int
    run: str
    first_epoch: int
    epochs: int
    steps_per_epoch: int
    batch_size: int
    samples: int
    curve_from: int = 0


class PointsLogged(Message, frozen=True, kw_only=True):
    """Values of consecutive training steps, counted from 0 over all epochs.

    Short epochs share a message: ``epoch`` is that of its last step. It comes before their
    ``EpochEnded``.

    ``series`` holds float32 arrays of equal length: ``loss`` is each batch's own loss, every other
    name the running mean of that metric in its epoch, as Keras logs it.
    """

    request: int
    epoch: int
    first_step: int
    series: dict[str, Array]


class EpochEnded(Message, frozen=True, kw_only=True):
    """Logs of one epoch as ``History`` holds them, ``val_`` names included.

    ``step`` counts the steps so far over all epochs. ``learning_rate`` is that of the last step.
    ``validation_seconds`` are part of ``seconds``.
    """

    request: int
    epoch: int
    logs: dict[str, float]
    seconds: float
    step: int = 0
    learning_rate: float | None = None
    validation_seconds: float = 0.0


class Paused(Message, frozen=True, kw_only=True):
    """Training is held between two steps; ``reason`` says why if nobody asked for it."""

    request: int
    reason: str = ""


class Continued(Message, frozen=True, kw_only=True):
    """Training goes on."""

    request: int


class FrozenChecked(Message, frozen=True, kw_only=True):
    """For each frozen node: SHA-256 of its weights before and after training.

    ``moved`` gives for each node that was free to learn how far its weights went: the norm of the
    change divided by the norm before.
    """

    request: int
    before: dict[str, str]
    after: dict[str, str]
    moved: dict[str, float] = {}


class CodeChecked(Message, frozen=True, kw_only=True):
    """What is wrong with the own code; ``approved`` is False if it was not run for want of approval."""

    request: int
    approved: bool
    problems: tuple[Problem, ...] = ()


class ScheduleComputed(Message, frozen=True, kw_only=True):
    """Learning rates, float32, at evenly spaced steps."""

    request: int
    rates: Array


class Adapted(Message, frozen=True, kw_only=True):
    """Parameters that hold what each layer learned, by node id: to be set like any other parameter."""

    request: int
    params: dict[str, Params]


class LayerMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A layer with weights in the project, the layer of the file it would take them from, and why not.

    Shapes are those of the weights in order. ``source`` is empty where nothing fits.
    """

    layer: str
    shapes: tuple[tuple[int, ...], ...]
    source: str = ""
    fits: bool = False


class WeightsMatched(Message, frozen=True, kw_only=True):
    """A proposal for loading weights, and all layers with weights that the file has, with their shapes."""

    request: int
    matches: tuple[LayerMatch, ...]
    sources: dict[str, tuple[tuple[int, ...], ...]]


class WeightsKept(Message, frozen=True, kw_only=True):
    """How each node with weights starts: ``"kept"``, ``"sliced"`` (the part that fits) or ``"new"``."""

    request: int
    layers: dict[str, str]


class ActivationsComputed(Message, frozen=True, kw_only=True):
    """Outputs of a node, float32, first dimension the samples; ``epoch`` is None outside training.

    ``outputs`` are the model's predictions for the same samples, by output node; ``truth`` their
    targets where the data has them; ``inputs`` what the input nodes were fed.
    """

    request: int
    node: str
    samples: tuple[int, ...]
    activations: Array
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    truth: dict[str, Array]
    epoch: int | None = None


class Exported(Message, frozen=True, kw_only=True):
    """The file is complete on disk and was tried.

    ``difference`` is the largest difference of the outputs after ``verified_by`` (a program with its
    version, such as "keras 3.15.1") loaded the file in a clean process; None where nothing can be
    compared, such as a picture. ``notes`` tell what the file cannot hold.
    """

    request: int
    path: str
    difference: float | None = None
    verified_by: str = ""
    notes: tuple[str, ...] = ()


class ModelOpened(Message, frozen=True, kw_only=True):
    """A model file as a project; ``notes`` say what could not be taken over.

    ``run`` is the folder that will hold its weights when ``WeightsLoaded`` has come; empty when the
    file has none.
    """

    request: int
    project: Project
    run: str = ""
    notes: tuple[str, ...] = ()


class WeightsLoaded(Message, frozen=True, kw_only=True):
    """Names of the layers that got weights from the file, and of those that did not.

    ``notes`` say what else of its state could not be taken over.
    """

    request: int
    run: str
    loaded: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Finished(Message, frozen=True, kw_only=True):
    """The request was done."""

    request: int


class Stopped(Message, frozen=True, kw_only=True):
    """The request was ended by ``Stop``; ``kept`` tells whether its state lies in the run folder."""

    request: int
    kept: bool


class Failed(Message, frozen=True, kw_only=True):
    """The request could not be done. ``problems`` name nodes and parameters where they are known.

    ``refused`` means that a file was not what it should be; ``details`` is a traceback for reports.
    """

    request: int
    text: str
    problems: tuple[Problem, ...] = ()
    refused: bool = False
    details: str = ""
