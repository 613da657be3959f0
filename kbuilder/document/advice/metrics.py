"""Metrics against the targets they are to judge."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.endings import (
    BINARY,
    QUANTITY,
    SPARSE,
    VECTOR,
    Ending,
    fitting_metrics,
    metrics_step,
)
from kbuilder.document.fixes import Fix
from kbuilder.document.problems import Problem

_TARGETS = (
    (SPARSE, "class numbers"),
    (VECTOR, "vectors"),
    (BINARY, "yes or no"),
    (QUANTITY, "quantities"),
)


def metric_problems(ending: Ending) -> Iterator[Problem]:
    """Metrics that take another kind of targets than the loss of the same output."""
    fitting = fitting_metrics(ending.loss.class_name, ending.metrics)
    if fitting == ending.metrics:
        return
    if ending.loss.class_name in QUANTITY and (ending.target is None or ending.target.classes):
        return  # a quantity that is counted as a class now and then, as in ordinal targets
    wrong = next(metric for metric in ending.metrics if metric not in fitting)
    better = fitting_metrics(ending.loss.class_name, (wrong,))[0].class_name
    targets = next(words for losses, words in _TARGETS if ending.loss.class_name in losses)
    yield ending.problem(
        "metric-targets",
        f"{wrong.class_name} of “{ending.name}” does not fit its targets: {ending.loss.class_name} takes "
        f"{targets}. Use {better}.",
        [Fix(text=f"Use {better}", steps=(metrics_step(ending.node, fitting),))],
        severity="error"
        if ending.loss.class_name in SPARSE and _refused(wrong.class_name)
        else "warning",
        parameter="metrics",
    )


def _refused(metric: str) -> bool:
    """Whether the engine refuses the metric for class numbers rather than computing nonsense."""
    return "Categorical" in metric
