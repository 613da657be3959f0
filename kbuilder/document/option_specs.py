"""Kinds, limits and help of the options, in the same terms as the catalogue's parameters."""

from __future__ import annotations

from kbuilder.document.catalogue import ParamSpec
from kbuilder.document.options import DataOptions
from kbuilder.document.values import KerasObject

OPTIMIZER = ParamSpec(
    name="optimizer",
    kinds=("object",),
    of="optimizers",
    required=True,
    default={"class_name": "Adam", "params": {}},
    help="How the weights follow the gradients.",
)
OUTPUT_PARAMS = (
    ParamSpec(
        name="loss",
        kinds=("object",),
        of="losses",
        optional=True,
        help="What training makes small. Without a loss the output is predicted but not trained.",
    ),
    ParamSpec(
        name="loss_weight",
        kinds=("float",),
        default=1.0,
        minimum=0.0,
        help="How much this loss counts in the sum over all outputs.",
    ),
)
METRIC = ParamSpec(
    name="metric",
    kinds=("object",),
    of="metrics",
    required=True,
    help="What is measured beside the loss, without steering the training.",
)
COMPILE_PARAMS = (
    ParamSpec(
        name="dtype_policy",
        kinds=("choice",),
        default="float32",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
        help="Number format of all layers that do not choose their own. The mixed ones compute in 16 "
        "bits and keep weights in 32: faster on GPUs with tensor cores, seldom on a CPU.",
    ),
    ParamSpec(
        name="jit_compile",
        kinds=("choice",),
        default="auto",
        choices=("auto", "always", "never"),
        help="Whether XLA compiles the training steps: a slower start, and often faster steps on a GPU.",
    ),
    ParamSpec(
        name="steps_per_execution",
        kinds=("int",),
        default=0,
        minimum=0,
        help="Training steps between two looks at Pause and Stop; 0 finds the best number by itself.",
    ),
)
FIT_PARAMS = (
    ParamSpec(
        name="epochs",
        kinds=("int",),
        default=10,
        minimum=1,
        help="How many times training goes through all samples.",
    ),
    ParamSpec(
        name="batch_size",
        kinds=("int",),
        default=32,
        minimum=1,
        help="How many samples make one step of the optimizer.",
    ),
    ParamSpec(
        name="initial_epoch",
        kinds=("int",),
        default=0,
        minimum=0,
        help="The number of the first epoch. Epochs counts those before it as done.",
    ),
    ParamSpec(
        name="validation_split",
        kinds=("float",),
        default=0.2,
        minimum=0.0,
        maximum=0.95,
        help="Fraction of the samples, the last ones, that is kept out of training to judge it.",
    ),
    ParamSpec(
        name="validation_data",
        kinds=("value",),
        default=DataOptions(),
        help="Data of its own to judge the training by, instead of a split.",
    ),
    ParamSpec(
        name="shuffle",
        kinds=("bool", "choice"),
        default=True,
        choices=("batch", "batch order"),
        help="Whether all training samples are mixed, only those within each batch, or the order of whole "
        "batches, as Keras 2 did under the name batch.",
    ),
    ParamSpec(
        name="class_weights",
        kinds=("value",),
        default={},
        help="How much the samples of each class count: balanced, so that all classes count the same, or "
        "by hand. Several outputs may have them.",
    ),
    ParamSpec(
        name="sample_weights",
        kinds=("value",),
        default={},
        help="The field of the data that says how much each sample, or each time step, counts.",
    ),
    ParamSpec(
        name="steps_per_epoch",
        kinds=("int",),
        default=0,
        minimum=0,
        help="Batches of an epoch; 0 takes all. The next epoch goes on where this one stopped, and begins "
        "again when the data is at its end.",
    ),
    ParamSpec(
        name="validation_steps",
        kinds=("int",),
        default=0,
        minimum=0,
        advanced=True,
        help="Batches to validate with, the first ones; 0 takes all.",
    ),
    ParamSpec(
        name="validation_batch_size",
        kinds=("int",),
        default=0,
        minimum=0,
        advanced=True,
        help="Samples of a batch in validation; 0 takes as many as in training.",
    ),
    ParamSpec(
        name="validation_freq",
        kinds=("int",),
        default=1,
        minimum=1,
        advanced=True,
        help="Validate after each so manieth epoch.",
    ),
    ParamSpec(
        name="weighting",
        kinds=("choice",),
        default="keras 3",
        choices=("keras 3", "keras 2"),
        advanced=True,
        help="What weights of 0 mean: Keras 3 divides the loss by all samples, Keras 2 by those whose "
        "weight is not 0.",
    ),
    ParamSpec(
        name="seed",
        kinds=("int",),
        default=0,
        minimum=0,
        maximum=2**31 - 1,
        help="Fixes the first weights, the order of samples and dropout, so a run can be repeated.",
    ),
    ParamSpec(
        name="begin_with",
        kinds=("choice",),
        default="fresh",
        choices=("fresh", "in use"),
        help="Fresh weights, or those in use: of the opened model or of the run before. Layers that "
        "have changed keep the part that fits.",
    ),
    ParamSpec(
        name="deterministic",
        kinds=("bool",),
        default=False,
        advanced=True,
        help="Each operation repeats its result bit for bit, where TensorFlow can, at some cost.",
    ),
    ParamSpec(
        name="keep_every",
        kinds=("int",),
        default=0,
        minimum=0,
        advanced=True,
        help="Keep a checkpoint of each so manieth epoch; 0 keeps the newest and the best.",
    ),
    ParamSpec(
        name="monitor_every",
        kinds=("int",),
        default=1,
        minimum=0,
        advanced=True,
        help="Look into the layers after each so manieth epoch; 0 never does.",
    ),
    ParamSpec(
        name="verbose",
        kinds=("int",),
        default=1,
        minimum=0,
        maximum=2,
        advanced=True,
        help="What a terminal shows: 0 nothing, 1 a bar, 2 a line for each epoch.",
    ),
    ParamSpec(
        name="augmentation",
        kinds=("value",),
        default={},
        help="Layers that the training batches of an input pass through, and nothing else does.",
    ),
    ParamSpec(
        name="callbacks",
        kinds=("value",),
        default=(),
        help="What Keras does beside the training, such as stopping early.",
    ),
)
CALLBACK = ParamSpec(
    name="callback",
    kinds=("object",),
    of="callbacks",
    required=True,
    help="What is done beside the training.",
)
AUGMENTATION = ParamSpec(
    name="augmentation",
    kinds=("object",),
    of="layers",
    required=True,
    help="A layer that changes training batches at random.",
)
AUGMENTING_FAMILY = "Image augmentation"
"""The family of the layers that are offered for augmentation."""
NEEDS_LABELS = frozenset({"CutMix", "MixUp"})
"""Layers of that family that mix the targets as well, so that they cannot stand before an input."""
BEYOND_A_PROJECT = frozenset(
    {
        "BackupAndRestore",  # every run keeps checkpoints that it goes on from
        "History",  # every run has one
        "LambdaCallback",  # its functions are Python; own code has classes instead
        "LearningRateScheduler",  # likewise; schedules are chosen with the optimizer
        "OrbaxCheckpoint",  # needs another package
        "ProgbarLogger",  # ``verbose``
        "RemoteMonitor",  # sends the figures to any address
    }
)
"""Callbacks of Keras that are not offered."""

_METRICS_BY_LOSS = {
    "SparseCategoricalCrossentropy": "SparseCategoricalAccuracy",
    "CategoricalCrossentropy": "CategoricalAccuracy",
    "CategoricalFocalCrossentropy": "CategoricalAccuracy",
    "BinaryCrossentropy": "BinaryAccuracy",
    "BinaryFocalCrossentropy": "BinaryAccuracy",
    "MeanSquaredError": "MeanAbsoluteError",
}


def usual_metric(loss: KerasObject | None) -> KerasObject:
    """The metric that most people watch beside this loss."""
    name = _METRICS_BY_LOSS.get(loss.class_name if loss else "", "MeanSquaredError")
    return KerasObject(class_name=name)
