"""Requests to the engine (imperatives) and events from it (past tense).

Every request carries a number chosen by the asker and ends in exactly one of ``Finished``, ``Failed``
or ``Stopped`` with that number; its results come before the end. Controls steer the request that is
running and have no end of their own. ``base`` is the folder that relative data paths start from.
"""

from __future__ import annotations

import msgspec

from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Graph
from kbuilder.document.options import DataOptions
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject, Params
from kbuilder.link.values import Array, DataPreview


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The base of all that travels; the class name is the tag on the wire."""


# --- requests -----------------------------------------------------------------------------------


class Infer(Message, frozen=True, kw_only=True):
    """Tell shapes, weights and problems of every node, allocating no weights. Answer: ``Inferred``.

    ``code`` is the project's own Python code, for nodes of its classes; ``dtype_policy`` that of the
    compile options.
    """

    request: int
    graph: Graph
    code: str = ""
    dtype_policy: str = "float32"


class Arrange(Message, frozen=True, kw_only=True):
    """Work out places for the nodes in ``only``, or for all when it is empty. Answer: ``Arranged``.

    Nodes that are not asked for keep their places, and the others go where they fit best around them.
    """

    request: int
    graph: Graph
    only: tuple[str, ...] = ()


class Preview(Message, frozen=True, kw_only=True):
    """Read the data source and say what it holds. Answer: ``Previewed``."""

    request: int
    graph: Graph
    data: DataOptions
    base: str = ""


class CheckCode(Message, frozen=True, kw_only=True):
    """Run the own code, if this user has approved it, and say what is wrong. Answer: ``CodeChecked``."""

    request: int
    code: str


class ComputeSchedule(Message, frozen=True, kw_only=True):
    """The learning rate at ``points`` steps, evenly from 0 to ``last``. Answer: ``ScheduleComputed``."""

    request: int
    optimizer: KerasObject
    code: str = ""
    last: int
    points: int = 200


class Adapt(Message, frozen=True, kw_only=True):
    """Let preprocessing layers learn from the data what they need. Answer: ``Adapted``.

    Each is adapted to what reaches it: the data go through the layers in front of it first.
    """

    request: int
    project: Project
    nodes: tuple[str, ...]
    base: str = ""


class MatchWeights(Message, frozen=True, kw_only=True):
    """Say which layers of a file of weights go with which layers of the project. Answer: ``WeightsMatched``.

    ``by`` is ``"name"``, ``"order"`` or ``"auto"``: by name where names and shapes agree, else by order.
    """

    request: int
    project: Project
    path: str
    by: str = "auto"


class CompareWeights(Message, frozen=True, kw_only=True):
    """Say how each node would start with the weights of the run folder ``run``. Answer: ``WeightsKept``."""

    request: int
    graph: Graph
    run: str
    code: str = ""


class MakeApplication(Message, frozen=True, kw_only=True):
    """One of ``keras.applications`` as a project. Answers: as for ``OpenModel``.

    ``weights`` is ``""`` for fresh ones, ``"imagenet"`` for those from the internet, or a file's path.
    ``shape`` is that of one picture, without the batch; empty for the network's own. ``classes`` counts
    only with ``include_top`` and without ``"imagenet"``. With ``preprocess``, layers in front do what the
    network's ``preprocess_input`` does to pictures from 0 to 255. With ``block``, all layers lie in one
    folded block.
    """

    request: int
    name: str
    run: str
    weights: str = ""
    include_top: bool = True
    shape: tuple[int, ...] = ()
    pooling: str = ""
    classes: int = 1000
    preprocess: bool = True
    block: bool = False


class Train(Message, frozen=True, kw_only=True):
    """Build, compile and fit. With ``resume``, go on from the state in that run folder.

    ``run`` is the folder to make for this run. With ``weights``, begin with the weights of that run
    folder where they still fit; ``WeightsKept`` says where. Answers: ``TrainingStarted``, then
    ``PointsLogged``, ``EpochEnded`` and, for the watched node, ``ActivationsComputed``.
    """

    request: int
    project: Project
    run: str
    base: str = ""
    resume: str = ""
    weights: str = ""


class ComputeActivations(Message, frozen=True, kw_only=True):
    """Outputs of ``node`` for the samples with these row numbers. Answer: ``ActivationsComputed``.

    Uses the weights of the run in ``run``, or freshly initialised ones (by the seed) if it is empty.
    """

    request: int
    project: Project
    node: str
    samples: tuple[int, ...]
    base: str = ""
    run: str = ""


class Export(Message, frozen=True, kw_only=True):
    """Write the model of a run (or, with no run, freshly initialised) to ``path``.

    ``format`` is the id of one of ``kbuilder.document.formats``; empty: the ending says which.
    Answer: ``Exported``.
    """

    request: int
    project: Project
    path: str
    base: str = ""
    run: str = ""
    format: str = ""
    weights_only: bool = False


class OpenModel(Message, frozen=True, kw_only=True):
    """Read a ``.hdf5``, ``.h5``, ``.keras`` or Keras ``.json`` file as a project.

    Answers: ``ModelOpened`` as soon as the network can be shown; then, when the file has weights, they
    are kept as the run ``run``, ``Progressed`` tells how far that is, and ``WeightsLoaded`` comes when
    the run is there. ``Stop`` between the two leaves no run.
    """

    request: int
    path: str
    run: str


class LoadWeights(Message, frozen=True, kw_only=True):
    """Put the weights of a file into the project's model and keep the state as the run ``run``.

    ``mapping`` gives, for the name of a layer of the project, that of one in the file; a layer that is
    missing there keeps fresh weights. Empty: matched as ``MatchWeights`` does by ``"auto"``.
    Answer: ``WeightsLoaded``.
    """

    request: int
    project: Project
    path: str
    run: str
    mapping: dict[str, str] = {}


class Quit(Message, frozen=True, kw_only=True):
    """End the engine process after the running request."""

    request: int


# --- controls -----------------------------------------------------------------------------------


class Pause(Message, frozen=True, kw_only=True):
    """Hold the running training between two steps. Answer: ``Paused``."""


class Continue(Message, frozen=True, kw_only=True):
    """Go on after a pause. Answer: ``Continued``."""


class Stop(Message, frozen=True, kw_only=True):
    """End the running request between two steps; ``keep`` its state or discard it."""

    keep: bool = True


class Watch(Message, frozen=True, kw_only=True):
    """Send the outputs of ``node`` for these samples at once and after each epoch; empty: no more."""

    node: str
    samples: tuple[int, ...] = ()


# --- events -------------------------------------------------------------------------------------


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
    """The first step is about to run. Epochs count from 0 and end before ``epochs``."""

    request: int
    run: str
    first_epoch: int
    epochs: int
    steps_per_epoch: int
    batch_size: int
    samples: int


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
    """Logs of one epoch as ``History`` holds them, ``val_`` names included."""

    request: int
    epoch: int
    logs: dict[str, float]
    seconds: float


class Paused(Message, frozen=True, kw_only=True):
    """Training is held between two steps."""

    request: int


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


Request = (
    Infer
    | Arrange
    | Preview
    | CheckCode
    | ComputeSchedule
    | Adapt
    | Train
    | ComputeActivations
    | Export
    | OpenModel
    | MakeApplication
    | MatchWeights
    | CompareWeights
    | LoadWeights
    | Quit
)
Control = Pause | Continue | Stop | Watch
Event = (
    Ready
    | Inferred
    | Arranged
    | Previewed
    | Progressed
    | TrainingStarted
    | PointsLogged
    | EpochEnded
    | Paused
    | Continued
    | FrozenChecked
    | CodeChecked
    | ScheduleComputed
    | Adapted
    | WeightsMatched
    | WeightsKept
    | ActivationsComputed
    | Exported
    | ModelOpened
    | WeightsLoaded
    | Finished
    | Stopped
    | Failed
)
