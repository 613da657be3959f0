"""Requests to the engine, in the imperative, and controls that steer the one that is running.

Every request carries a number chosen by the asker and ends in exactly one of ``Finished``, ``Failed``
or ``Stopped`` with that number; its results come before the end. Controls have no end of their own.
``base`` is the folder that relative data paths start from.
"""

from __future__ import annotations

from kbuilder.document.graph import Graph
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.link.message import Message


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
    """Read the data source and say what it holds. Answer: ``Previewed``.

    Fields in ``weights`` weigh samples, and are proposed for no input or output.
    """

    request: int
    graph: Graph
    data: DataOptions
    base: str = ""
    weights: tuple[str, ...] = ()


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
    ``PointsLogged``, ``EpochEnded``, ``Noted``, ``Monitored``, ``MachineMeasured``, ``Diagnosed`` and,
    for the watched node, ``ActivationsComputed``. All of them are also kept in the run's record.

    ``checkpoint`` is the name of one in the folder ``resume``; empty for the newest that is whole.
    ``extend`` is how many epochs to go on for beyond those that are done; 0 takes ``fit.epochs``.
    With ``held``, training is paused before its first step. ``devices`` are names as
    ``DevicesFound`` tells them; none for the first GPU or the CPU, several for one replica on each.
    """

    request: int
    project: Project
    run: str
    base: str = ""
    resume: str = ""
    checkpoint: str = ""
    extend: int = 0
    weights: str = ""
    held: bool = False
    devices: tuple[str, ...] = ()


class DryRun(Message, frozen=True, kw_only=True):
    """Do a few steps at growing batch sizes, keeping nothing. Answer: ``DryRunDone``."""

    request: int
    project: Project
    base: str = ""
    devices: tuple[str, ...] = ()


class Sweep(Message, frozen=True, kw_only=True):
    """Train the project again and again with other options, each trial as a run of its own in ``folder``.

    Trials that ``folder`` holds already count, so a sweep that was stopped goes on. Answers:
    ``TrialStarted``, the events of each training, ``TrialEnded``.
    """

    request: int
    project: Project
    folder: str
    base: str = ""
    devices: tuple[str, ...] = ()


class Predict(Message, frozen=True, kw_only=True):
    """Write what the model of the run folder ``run`` predicts for ``data``. Answer: ``Predicted``.

    ``project`` is that of the run. ``path`` ends in ``.csv`` or ``.npz``. Inputs take the fields that fed
    them in training where ``data`` names none. ``checkpoint`` is the name of one in the run; empty for
    the newest.
    """

    request: int
    project: Project
    run: str
    data: DataOptions
    path: str
    base: str = ""
    checkpoint: str = ""


class Evaluate(Message, frozen=True, kw_only=True):
    """Compute losses and metrics of a run on other data, as ``Predict`` finds it. Answer: ``Evaluated``."""

    request: int
    project: Project
    run: str
    data: DataOptions
    base: str = ""
    checkpoint: str = ""


class FindDevices(Message, frozen=True, kw_only=True):
    """Say what TensorFlow can train on, and why not on more. Answer: ``DevicesFound``."""

    request: int


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


# --- controls ------------------------------------------------------------------------------------


class Pause(Message, frozen=True, kw_only=True):
    """Hold the running training between two steps. Answer: ``Paused``."""


class Continue(Message, frozen=True, kw_only=True):
    """Go on after a pause. Answer: ``Continued``."""


class Stop(Message, frozen=True, kw_only=True):
    """End the running request between two steps; ``keep`` its state or discard it."""

    keep: bool = True


class Step(Message, frozen=True, kw_only=True):
    """From a pause, run one ``unit``, ``"batch"`` or ``"epoch"``, and pause again.

    Answers: ``Stepped`` for a batch, then ``Paused``.
    """

    unit: str = "batch"


class Break(Message, frozen=True, kw_only=True):
    """Pause by itself when a batch has a larger loss or a larger global norm of its gradients.

    None: never for that reason. It replaces what was set before.
    """

    loss_above: float | None = None
    gradient_above: float | None = None


class Steer(Message, frozen=True, kw_only=True):
    """Change a running training between two steps. What is None stays. Answer: ``Noted``.

    ``epochs`` is the epoch to end before; a new ``batch_size`` counts from the next epoch on.
    ``frozen`` holds, by node id, whether its layer is frozen. ``augment`` turns the augmentation on
    or off.
    """

    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    frozen: dict[str, bool] = {}
    augment: bool | None = None


class Watch(Message, frozen=True, kw_only=True):
    """Send the outputs of ``node`` for these samples at once and after each epoch; empty: no more."""

    node: str
    samples: tuple[int, ...] = ()
