"""What the user chose around the graph: compile, fit and data options. Keras's own words and meanings."""

from __future__ import annotations

from kbuilder.document.values import KerasObject, Value


class OutputOptions(Value, frozen=True, kw_only=True):
    """How one output of the model is judged. Without a loss the output is predicted but not trained."""

    loss: KerasObject | None = None
    loss_weight: float = 1.0
    metrics: tuple[KerasObject, ...] = ()
    weighted_metrics: tuple[KerasObject, ...] = ()


class CompileOptions(Value, frozen=True, kw_only=True):
    """Arguments of ``Model.compile``; ``outputs`` goes by the id of the output node.

    ``jit_compile`` is ``"auto"``, ``"always"`` or ``"never"``: whether XLA compiles the steps.
    ``steps_per_execution`` is how many steps run before the window is heard again; 0 finds the best
    number. ``dtype_policy`` is the name of a ``keras.DTypePolicy`` for all layers that do not choose
    their own.
    """

    optimizer: KerasObject = KerasObject(class_name="Adam")
    outputs: dict[str, OutputOptions] = {}
    jit_compile: str = "auto"
    steps_per_execution: int = 0
    dtype_policy: str = "float32"


class DataOptions(Value, frozen=True, kw_only=True):
    """Where samples come from and which field feeds which node.

    ``kind`` is ``""`` (nothing chosen), ``"sample"`` (bundled, ``path`` is its name), ``"arrays"``
    (``.npz``, or ``.npy`` with a second file in ``targets_path``), ``"table"`` (``.csv``), ``"images"`` (a
    folder with a subfolder for each class) or ``"generator"`` (``path`` names a function or class of the
    own code that makes batches). Other paths are relative to the project file or absolute. ``inputs``
    and ``targets`` give, for the id of an input or output node, the names of the fields (array names,
    table columns) that are stacked for it; a node that is missing there takes the field the reader
    proposes. ``image_size`` is (height, width) in pixels.
    """

    kind: str = ""
    path: str = ""
    targets_path: str = ""
    inputs: dict[str, tuple[str, ...]] = {}
    targets: dict[str, tuple[str, ...]] = {}
    image_size: tuple[int, int] = (64, 64)
    image_channels: int = 3


ClassWeights = str | dict[int, float]
"""``"balanced"``, or a weight for each class number."""


class FitOptions(Value, frozen=True, kw_only=True):
    """Arguments of ``Model.fit``, and how a run is made to be repeated and watched.

    ``shuffle`` is True (all, in one order by the seed), False, ``"batch"`` (samples within each batch,
    as Keras 3 does under that name) or ``"batch order"`` (the order of whole batches, as Keras 2 did).
    0 means: all steps of an epoch (``steps_per_epoch``, ``validation_steps``), the training's batch
    size (``validation_batch_size``). ``validation_data`` with a kind takes the place of
    ``validation_split``; what it does not map comes from the fields of the same name.

    ``class_weights`` goes by the id of the output node: ``"balanced"``, or a weight for each class
    number; a class that is missing has 1. ``sample_weights`` names, by the id of the output node, the
    field of the data that weighs its samples, or their time steps. ``weighting`` tells what weights of
    0 mean: ``"keras 3"`` divides by all samples, ``"keras 2"`` by those whose weight is not 0.

    ``augmentation`` goes by the id of the input node: layers that its training batches pass through.
    ``callbacks`` are Keras's. ``verbose`` is what a terminal shows: 0 nothing, 1 a bar, 2 a line for
    each epoch. ``seed`` fixes weights, data order and dropout of a run; ``deterministic`` makes each
    operation repeat its result bit for bit, where TensorFlow can, at some cost. ``begin_with`` is
    ``"fresh"`` weights, or those ``"in use"``: of the model that was opened or of the run before, where
    they still fit. ``keep_every`` keeps a checkpoint of each so manieth epoch; 0 keeps the newest and
    the best. ``monitor_every`` looks into the layers after each so manieth epoch; 0 never does.
    """

    epochs: int = 10
    batch_size: int = 32
    initial_epoch: int = 0
    steps_per_epoch: int = 0
    shuffle: bool | str = True
    validation_split: float = 0.2
    validation_data: DataOptions = DataOptions()
    validation_steps: int = 0
    validation_batch_size: int = 0
    validation_freq: int = 1
    class_weights: dict[str, ClassWeights] = {}
    sample_weights: dict[str, str] = {}
    weighting: str = "keras 3"
    augmentation: dict[str, tuple[KerasObject, ...]] = {}
    callbacks: tuple[KerasObject, ...] = ()
    verbose: int = 1
    seed: int = 0
    deterministic: bool = False
    begin_with: str = "fresh"
    keep_every: int = 0
    monitor_every: int = 1
