"""What the curves of loss and metrics tell: over-fitting, a plateau, a wrong learning rate, a wrong loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from kbuilder.document.fixes import Fix, SetFit, SetParams
from kbuilder.document.problems import Problem
from kbuilder.engine.symptoms.course import Course, called, clipped, dropped, slower

GOOD_SCORE = 0.95
"""From this accuracy on, a loss that stands still is no illness."""


def overfitting(course: Course) -> Iterator[Problem]:
    """The validation loss has turned upwards while the training loss goes on falling."""
    train, validation = course.series("loss"), course.series("val_loss")
    if len(train) < 5 or len(validation) != len(train):
        return
    best = int(np.argmin(validation))
    now = float(np.median(validation[-3:]))
    turned = len(train) - 1 - best >= 3 and now > 1.2 * validation[best] and now > 0.02 * train[0]
    if not turned or train[-1] > 0.9 * train[best]:
        return
    stopping = called(
        course,
        "EarlyStopping",
        "Stop early and keep the best weights",
        monitor="val_loss",
        patience=5,
        restore_best_weights=True,
    )
    yield Problem(
        severity="warning",
        kind="over-fitting",
        text=f"Over-fitting since epoch {best + 1}: the validation loss rose from "
        f"{validation[best]:.4g} to {now:.4g} while the training loss fell from {train[best]:.4g} "
        f"to {train[-1]:.4g}. The network learns its samples by heart. Stop early, drop units while "
        "training, or bring more data.",
        fixes=(*stopping, *dropped(course)),
    )


def plateau(course: Course) -> Iterator[Problem]:
    """The training loss stands still well above what would be good."""
    train = course.series("loss")
    if len(train) < 10 or train[-1] < 0.1 * train[0]:
        return
    before, lately = float(train[:-5].min()), float(train[-5:].min())
    good = any(found[-1] >= GOOD_SCORE for found in course.scores().values())
    if good or lately < 0.99 * before or _stands_at_chance(course):
        return
    yield Problem(
        severity="info",
        kind="plateau",
        text=f"The training loss stands still: {before:.4g} at best by epoch {len(train) - 5}, "
        f"{lately:.4g} in the five epochs since. Lower the learning rate on a plateau, or give the "
        "network more units.",
        fixes=(
            *called(
                course,
                "ReduceLROnPlateau",
                "Lower the rate on a plateau",
                monitor="loss",
                factor=0.5,
                patience=3,
            ),
            *_wider(course),
        ),
    )


def rate_high(course: Course) -> Iterator[Problem]:
    """The training loss grows or swings."""
    train = course.series("loss")
    evidence = _grows(course, train) or _swings(train)
    if evidence:
        yield Problem(
            severity="warning",
            kind="rate-high",
            text=f"The learning rate{_of(course)} is most likely too high: {evidence}. Lower it, or "
            "clip the gradients.",
            fixes=(*slower(course, 0.1), *clipped(course)),
        )


def rate_low(course: Course) -> Iterator[Problem]:
    """The loss falls evenly and hardly at all."""
    train = course.series("loss")
    if len(train) < 6 or train[-1] < 0.7 * train[0]:
        return
    steps = -np.diff(train[-5:])
    even = steps.min() > 0 and steps.min() > 0.5 * steps.max()
    share = float(steps.sum() / abs(train[-5]))
    if even and 1e-6 < share < 0.05:
        yield Problem(
            severity="info",
            kind="rate-low",
            text=f"The learning rate{_of(course)} is most likely too low: the loss falls evenly, but "
            f"only by {share:.2%} in the last four epochs, to {train[-1]:.4g}. Raise it.",
            fixes=slower(course, 10),
        )


def guessing(course: Course) -> Iterator[Problem]:
    """The loss stays where guessing all classes alike would put it."""
    for node, _, count, values in _at_chance(course):
        yield Problem(
            severity="warning",
            kind="guessing",
            node=node,
            text=f"The loss of “{course.name(node)}” stays at {values[-1]:.4g}, which is ln {count}: "
            f"no better than guessing among {count} classes. Look whether the targets belong to their "
            "samples, scale the inputs, and try another learning rate.",
            fixes=slower(course, 0.1),
        )


def negative(course: Course) -> Iterator[Problem]:
    """A cross-entropy below zero."""
    for node, options, name in course.outputs():
        values = course.series(name)
        judged = options.loss.class_name if options.loss else ""
        if "Crossentropy" in judged and len(values) and values[-1] < -1e-6:
            yield Problem(
                severity="error",
                kind="loss-negative",
                node=node.id,
                parameter="loss",
                text=f"The loss of “{node.name}” is {values[-1]:.4g}, and {judged} cannot be below 0 "
                "for targets from 0 to 1. Choose a loss for quantities, or scale the targets.",
            )


def too_good(course: Course) -> Iterator[Problem]:
    """Validation that is better than can be believed."""
    if course.doubled >= 10 and course.doubled >= 0.05 * course.validated:
        yield Problem(
            severity="warning",
            kind="leakage",
            text=f"{course.doubled:,} of {course.validated:,} validation samples are also trained "
            "with, value for value. The validation says less than it seems: remove the doubles from "
            "the data.",
        )
    for name, values in course.scores("val_").items():
        if values[0] >= 0.999 and len(values) >= 2 and values[-1] >= 0.999:
            yield Problem(
                severity="info",
                kind="leakage",
                text=f"{name} was {values[0]:.4g} after the first epoch, which is suspiciously good. "
                "Look whether an input holds the answer, or whether validation samples are also "
                "trained with.",
            )
            return
    train, validation = course.series("loss"), course.series("val_loss")
    if len(validation) < 8 or _drops(course):
        return
    ratio = validation[-4:] / np.maximum(train[-4:], 1e-12)
    if (ratio < 0.5).all() and train[-1] > 0.01 * train[0]:
        yield Problem(
            severity="info",
            kind="leakage",
            text=f"The validation loss, {validation[-1]:.4g}, has been below half of the training "
            f"loss, {train[-1]:.4g}, for four epochs. The validation samples are easier than the "
            "others, or doubles of them: shuffle the data before it is split.",
            fixes=(Fix(text="Shuffle in each epoch", steps=(SetFit(values={"shuffle": True}),)),)
            if not course.project.fit.shuffle
            else (),
        )


def _grows(course: Course, train: np.ndarray) -> str:
    if len(train) >= 2 and train[-1] > 1.5 * train.min() and train[-1] > 1.2 * train[0]:
        best = int(train.argmin())
        return (
            f"the training loss grew from {train[best]:.4g} in epoch {best + 1} to {train[-1]:.4g}"
        )
    losses = np.asarray(course.losses)
    few = max(5, min(len(losses) // 20, 200))
    if len(losses) >= 40:
        first, last = float(np.median(losses[:few])), float(np.median(losses[-few:]))
        if last > 2 * first > 0:
            return f"the batches' loss grew from {first:.4g} to {last:.4g}"
    return ""


def _swings(train: np.ndarray) -> str:
    if len(train) < 6:
        return ""
    lately = train[-6:]
    rises = int((np.diff(lately) > 0.05 * lately[:-1]).sum())
    high = float(lately.mean()) > 0.3 * train[0]
    if rises >= 2 and high and lately.max() > 1.3 * lately.min():
        return (
            f"the training loss swings between {lately.min():.4g} and {lately.max():.4g} in the last "
            "six epochs"
        )
    return ""


def _at_chance(course: Course) -> Iterator[tuple[str, str, int, np.ndarray]]:
    counts = {
        node: len(found.classes)
        for look in course.looks[-1:]
        for node, found in look.confusion.items()
    }
    for node, options, name in course.outputs():
        values, count = course.series(name), counts.get(node.id, 0)
        judged = options.loss.class_name if options.loss else ""
        if "Crossentropy" not in judged or count < 2 or len(values) < 4:
            continue
        if (np.abs(values[-4:] / math.log(count) - 1) < 0.02).all():
            yield node.id, name, count, values


def _stands_at_chance(course: Course) -> bool:
    return next(_at_chance(course), None) is not None


def _wider(course: Course) -> tuple[Fix, ...]:
    graph = course.project.graph
    outputs = {node.id for node in graph.outputs}
    for node in graph.order:
        units = node.params.get("units")
        if node.id not in outputs and isinstance(units, int) and not node.shares:
            step = SetParams(node=node.id, values={"units": 2 * units})
            return (Fix(text=f"Give {node.name} {2 * units} units", steps=(step,)),)
    return ()


def _drops(course: Course) -> bool:
    random = any(
        "Dropout" in node.class_name or "Noise" in node.class_name or "Random" in node.class_name
        for node in course.project.graph.nodes
    )
    return random or bool(course.project.fit.augmentation)


def _of(course: Course) -> str:
    return f" of {course.rate:.3g}" if course.rate else ""
