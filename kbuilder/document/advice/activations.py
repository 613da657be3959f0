"""The last activation against the loss and the targets."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.endings import BINARY, QUANTITY, SPARSE, Ending
from kbuilder.document.advice.evidence import activation_fix
from kbuilder.document.fixes import Fix, Step
from kbuilder.document.problems import Problem

PROBABILITIES = {"softmax", "sigmoid", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, None), "softplus": (0.0, None)}


def activation_problems(ending: Ending) -> Iterator[Problem]:
    """Everything that does not go together at the end of one output."""
    if ending.activation == "softmax" and ending.width == 1:
        yield _softmax_of_one(ending)
        return
    if ending.activation == "sigmoid" and ending.loss.class_name in SPARSE:
        yield _sigmoid_for_classes(ending)
        return
    if ending.activation == "softmax" and ending.loss.class_name in BINARY:
        yield _softmax_for_yes_or_no(ending)
        return
    if ending.takes_logits is False and ending.activation not in PROBABILITIES | {""}:
        yield _logits_missing(ending)
    if ending.takes_logits and ending.activation in PROBABILITIES:
        yield _logits_doubled(ending)
    if ending.loss.class_name in QUANTITY and ending.target and not ending.target.classes:
        yield from _out_of_range(ending)


def _softmax_of_one(ending: Ending) -> Problem:
    classes = len(ending.target.classes) if ending.target else 0
    judged = ending.loss.class_name in BINARY | QUANTITY
    loss: tuple[Step, ...] = () if judged else ending.loss_steps("BinaryCrossentropy")
    sigmoid = activation_fix(ending.evidence, ending.activated, "sigmoid", *loss)
    fixes: list[Fix | None] = [sigmoid]
    if classes > 1 and ending.judges_classes:
        fixes.insert(0 if classes > 2 else 1, ending.width_fix(classes))
    return ending.problem(
        "softmax-one-unit",
        f"“{ending.name}” has softmax over a single value, which is always 1, so it predicts nothing. "
        "Use sigmoid, or one unit for each class.",
        fixes,
        node=ending.activated,
        parameter="activation",
    )


def _sigmoid_for_classes(ending: Ending) -> Problem:
    softmax = activation_fix(ending.evidence, ending.activated, "softmax")
    binary = ending.loss_fix("BinaryCrossentropy")
    return ending.problem(
        "sigmoid-sparse",
        f"{ending.loss.class_name} expects probabilities of classes that exclude each other, but "
        f"“{ending.name}” ends in sigmoid, which gives independent ones. "
        + ("Use BinaryCrossentropy." if ending.width == 1 else "Use softmax."),
        [binary] if ending.width == 1 else [softmax, binary],
        node=ending.activated,
        parameter="activation",
    )


def _softmax_for_yes_or_no(ending: Ending) -> Problem:
    sparse = ending.loss_fix("SparseCategoricalCrossentropy")
    vector = ending.loss_fix("CategoricalCrossentropy")
    losses = [sparse, vector]
    if ending.target is not None:
        losses = [sparse if ending.target.is_number else vector]
    return ending.problem(
        "softmax-binary",
        f"{ending.loss.class_name} judges each value as a yes or no of its own, but “{ending.name}” ends in "
        "softmax over classes that exclude each other. Use a categorical loss, or sigmoid.",
        [*losses, activation_fix(ending.evidence, ending.activated, "sigmoid")],
        severity="error" if ending.target and ending.target.is_number else "warning",
    )


def _logits_missing(ending: Ending) -> Problem:
    proper = "sigmoid" if ending.loss.class_name in BINARY or ending.width == 1 else "softmax"
    more: tuple[Step, ...] = ()
    if proper == "sigmoid" and ending.loss.class_name in SPARSE:
        more = ending.loss_steps("BinaryCrossentropy")
    logits = Fix(
        text="Set from_logits to True",
        steps=ending.loss_steps(ending.loss.class_name, from_logits=True),
    )
    usable = ending.activation == "linear" and not more
    activation = activation_fix(ending.evidence, ending.activated, proper, *more)
    return ending.problem(
        "logits-missing",
        f"{ending.loss.class_name} expects probabilities (from_logits is off), but “{ending.name}” ends in "
        f"{ending.activation}. "
        + ("Set from_logits, or end in " if usable else "End in ")
        + f"{proper}.",
        [activation, logits if usable else None],
    )


def _logits_doubled(ending: Ending) -> Problem:
    off = Fix(
        text="Set from_logits to False",
        steps=ending.loss_steps(ending.loss.class_name, from_logits=False),
    )
    return ending.problem(
        "logits-doubled",
        f"{ending.loss.class_name} with from_logits expects raw scores and turns them into probabilities, "
        f"but “{ending.name}” already ends in {ending.activation}. Do it once.",
        [off, activation_fix(ending.evidence, ending.activated, "linear")],
    )


def _out_of_range(ending: Ending) -> Iterator[Problem]:
    target = ending.target
    if target is None or target.minimum is None or target.maximum is None:
        return
    linear = activation_fix(ending.evidence, ending.activated, "linear")
    low, high = RANGES.get(ending.activation, (None, None))
    spread = f"{target.minimum:g} to {target.maximum:g}"
    if ending.activation == "softmax" and (target.minimum < 0 or target.maximum > 1):
        yield ending.problem(
            "regression-softmax",
            f"“{ending.name}” ends in softmax, which gives probabilities that sum to 1, but its targets are "
            f"quantities from {spread}. Use no activation.",
            [linear],
            node=ending.activated,
            parameter="activation",
        )
    elif (low is not None and target.minimum < low) or (high is not None and target.maximum > high):
        reach = f"from {low:g} to {high:g}" if high is not None else f"from {low:g} up"
        yield ending.problem(
            "output-range",
            f"“{ending.name}” ends in {ending.activation}, which gives values {reach}, but its targets go "
            f"from {spread}. Use no activation, or scale the targets.",
            [linear],
            node=ending.activated,
            parameter="activation",
        )
