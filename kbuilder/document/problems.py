"""A user's mistake as a value, never an exception."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from kbuilder.document.fixes import Fix

Severity = Literal["error", "warning", "info"]

KINDS = {
    # structure: found by document/rules.py without Keras
    "empty": "the graph has no node",
    "no-input": "the model has no Input",
    "no-output": "the model has no output",
    "circle": "wires lead back to where they came from",
    "unreachable": "layers that no Input leads to",
    "unused-input": "an Input that leads to no output",
    "dead-end": "an output without a loss beside one that has a loss",
    "no-loss": "no output has a loss",
    "name-taken": "two nodes have one name",
    "name-invalid": "a name that Keras cannot take",
    "unknown-class": "a layer class that this Keras does not have",
    "parameter-missing": "a required parameter without a value",
    "parameter-unknown": "a parameter that the class does not have",
    "parameter-value": "a value that does not fit its parameter",
    "size": "a size of zero or less",
    "not-adapted": "a layer that has to learn from data before training and has not",
    "expression": "a text that is no expression over tensors",
    "expression-unread": "an expression from a Lambda of a file that nobody has checked",
    "input-open": "an input port without a wire",
    "wires-doubled": "several wires at a port that takes one",
    "port-extra": "a wire to a port that the layer does not have",
    "merge-too-few": "a merging layer with fewer than two inputs",
    # what Keras refuses or trips over later: explained by engine/diagnosis
    "rank": "an input with too few or too many dimensions",
    "sequences-missing": "a recurrent layer that gives its last step where all steps are needed",
    "merge-shapes": "inputs of a merging layer that do not fit each other",
    "concat-shapes": "inputs of Concatenate that differ beside its axis",
    "dot-axes": "Dot over axes of different length",
    "attention-shapes": "query, value and key that do not fit each other",
    "attention-heads": "query heads that the key and value heads do not divide",
    "window-too-large": "a kernel or pool that is larger than its input",
    "crop-too-large": "cropping that leaves nothing",
    "strides-dilation": "strides together with dilation",
    "groups": "groups that do not divide the channels or filters",
    "reshape-size": "a target shape with another number of values",
    "permute-dims": "dims that are not an order of the input's dimensions",
    "axis": "an axis that the input does not have",
    "open-batch": "a stateful layer without a fixed size of the batch",
    "open-dimension": "an open dimension where a fixed size is needed",
    "text-numbers": "text into a layer that computes with numbers",
    "numbers-text": "numbers into a layer that reads text",
    "nested-name": "a block built as a model with a name that is taken or that Keras does not take",
    "nested-circle": "a block built as a model that its own output comes back into",
    "no-samples": "one value for the whole batch where each sample needs one",
    "output-missing": "a wire from an output that the layer does not have",
    "wrapper-layer": "a wrapper around a layer it cannot wrap",
    "shared-shape": "a shared layer used on another shape than the one it was made for",
    "keras": "anything else that Keras refuses, in its words",
    # own code: read by document/own_code.py, run by engine/own_code.py
    "own-code": "own code that is not Python, or fails when it is run",
    "own-code-name": "a class of the own code that Keras has under the same name",
    "own-code-held": "a class of own code that this user has not approved on this machine",
    # what only shows when the data is read to train: found by engine/matching.py
    "no-field": "an input or output that no field of the data is for",
    "split-empty": "a split that leaves no samples for one part",
    "fit-value": "an option of fit outside of its limits",
    "memory": "a batch that does not fit into the free memory",
    "not-finite": "a step of training whose loss or gradients are NaN or infinite",
    "class-weights": "weights of classes that the targets do not have, or that are no weights",
    "sample-weights": "weights of samples of another shape, or that are no weights",
    "augmentation": "a layer that cannot change the batches of an input at random",
    # a sweep: found by document/sweep_rules.py
    "sweep-option": "nothing to vary, or an option that the project does not have",
    "sweep-range": "an option of a sweep with nothing to try, or with values that do not fit",
    "sweep-goal": "a method, direction, objective or number of trials that means nothing",
    # advice: legal, but most likely not meant; found by document/advice
    "classifier-not-flat": "class scores for every place instead of one set per sample",
    "sequences-left": "class scores for every time step instead of one set per sample",
    "softmax-one-unit": "softmax over a single value, which is always 1",
    "sigmoid-sparse": "independent probabilities under a loss that takes one class per sample",
    "logits-missing": "a loss that expects probabilities gets other values",
    "logits-doubled": "a loss that expects logits gets probabilities",
    "softmax-binary": "BinaryCrossentropy over classes that exclude each other",
    "labels-class-numbers": "class numbers under a loss that takes vectors",
    "labels-vectors": "vectors under a loss that takes class numbers",
    "labels-fractions": "numbers with fractions under a loss that takes class numbers",
    "labels-classes": "class names or numbers under a loss for quantities",
    "units-classes": "another number of units than classes in the data",
    "target-shape": "an output of another shape than its target",
    "regression-softmax": "a quantity predicted by probabilities",
    "output-range": "targets outside of what the last activation can give",
    "metric-targets": "a metric that takes another kind of targets",
    "input-data": "an Input of another shape than its data",
    "vocabulary": "numbers in the data that an Embedding has no row for",
    "embedding-floats": "numbers with fractions into an Embedding",
    "merge-dtypes": "inputs of different dtypes joined",
    "all-frozen": "every layer with weights is frozen",
    "norm-learning": "statistics that move between frozen layers",
    "norm-frozen": "frozen statistics behind layers that learn",
    "weights-memory": "a layer whose weights are a large part of the memory",
    "activations-memory": "activations of a batch that do not fit into the memory",
    "dropout-all": "dropout of everything",
    "softmax-twice": "softmax of softmax",
    "training-fixed": "a layer that does not follow the model in training",
    "mask-lost": "a recurrent layer that the mask of padded steps does not reach",
    "linear-pair": "two linear layers in a row, which are as good as one",
    # what a training suffers from: found by engine/training_doctor.py
    "over-fitting": "a validation loss that rises while the training loss falls",
    "plateau": "a training loss that stands still",
    "rate-high": "a learning rate that is most likely too high",
    "rate-low": "a learning rate that is most likely too low",
    "guessing": "a loss as if all classes were guessed alike",
    "loss-negative": "a cross-entropy below zero",
    "leakage": "a validation that is better than can be believed",
    "one-class": "an output that takes everything for one class",
    "gradients-exploding": "gradients that grow beyond measure",
    "gradients-vanishing": "gradients that do not reach the first layers",
    "units-dead": "units that are never active",
    "nothing-learns": "a training in which no weight moves",
    "loss-spikes": "batches whose loss shoots up",
    # what a file format cannot hold: found by document/exportable.py
    "format": "what a format to export to cannot hold, or leaves out",
}
"""Every kind of problem in one line; the key is ``Problem.kind``."""

_RANK = {"error": 0, "warning": 1, "info": 2}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong, where, and how to mend it.

    ``kind`` is one of ``KINDS``. ``node`` is the id of a node or empty for the whole project;
    ``parameter`` the name of the parameter, if one is to blame; ``line`` a line of the own code, from 1.
    ``text`` says what was expected, what was found and what to do; ``fixes`` do it, the best first.
    """

    severity: Severity
    text: str
    kind: str = ""
    node: str = ""
    parameter: str = ""
    line: int = 0
    fixes: tuple[Fix, ...] = ()


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors, then warnings, then hints, each in the order given."""
    return tuple(sorted(problems, key=lambda problem: _RANK[problem.severity]))


def joined(*parts: Iterable[Problem]) -> tuple[Problem, ...]:
    """All problems, worst first; a later part says nothing of what an earlier one has explained.

    An error that is no matter of name or loss explains its node; any problem its parameter.
    """
    told: set[tuple[str, str]] = set()
    broken: set[str] = set()
    kept: list[Problem] = []
    for part in parts:
        new = [
            problem
            for problem in part
            if not problem.node
            or (problem.node not in broken and (problem.node, problem.parameter) not in told)
        ]
        kept += new
        told |= {(problem.node, problem.parameter) for problem in new if problem.parameter}
        broken |= {
            problem.node
            for problem in new
            if problem.severity == "error" and problem.parameter not in ("name", "loss")
        }
    return worst_first(kept)
