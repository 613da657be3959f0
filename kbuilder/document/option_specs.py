"""Kinds, limits and help of the options, in the same terms as the catalogue's parameters."""

from __future__ import annotations

from kbuilder.document.catalogue import ParamSpec
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
        name="validation_split",
        kinds=("float",),
        default=0.2,
        minimum=0.0,
        maximum=0.95,
        help="Fraction of the samples, the last ones, that is kept out of training to judge it.",
    ),
    ParamSpec(
        name="shuffle",
        kinds=("bool",),
        default=True,
        help="Whether the training samples come in another order in each epoch.",
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
)

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
