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


class FitOptions(Value, frozen=True, kw_only=True):
    """Arguments of ``Model.fit``.

    ``seed`` fixes weights, data order and dropout of a run. ``begin_with`` is ``"fresh"`` weights, or
    those ``"in use"``: of the model that was opened or of the run before, where they still fit.
    """

    epochs: int = 10
    batch_size: int = 32
    validation_split: float = 0.2
    shuffle: bool = True
    seed: int = 0
    begin_with: str = "fresh"


class DataOptions(Value, frozen=True, kw_only=True):
    """Where samples come from and which field feeds which node.

    ``kind`` is ``""`` (nothing chosen), ``"sample"`` (bundled, ``path`` is its name), ``"arrays"``
    (``.npz``, or ``.npy`` with a second file in ``targets_path``), ``"table"`` (``.csv``) or
    ``"images"`` (a folder with a subfolder for each class). ``path`` is relative to the project file
    or absolute. ``inputs`` and ``targets`` give, for the id of an input or output node, the names of
    the fields (array names, table columns) that are stacked for it; a node that is missing there takes
    the field the reader proposes. ``image_size`` is (height, width) in pixels.
    """

    kind: str = ""
    path: str = ""
    targets_path: str = ""
    inputs: dict[str, tuple[str, ...]] = {}
    targets: dict[str, tuple[str, ...]] = {}
    image_size: tuple[int, int] = (64, 64)
    image_channels: int = 3
