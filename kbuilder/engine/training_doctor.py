"""What a training suffers from, with the evidence and remedies for the next run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from kbuilder.document.problems import Problem, worst_first
from kbuilder.document.project import Project
from kbuilder.engine.symptoms import classes, curves, layers
from kbuilder.engine.symptoms.course import Course, Logs, clipped, slower
from kbuilder.link.run_events import Monitored

_RULES: tuple[Callable[[Course], Iterable[Problem]], ...] = (
    curves.rate_high,
    layers.still,
    layers.exploding,
    curves.overfitting,
    curves.guessing,
    curves.negative,
    classes.wrong_loss,
    classes.one_class,
    curves.too_good,
    layers.vanishing,
    layers.dead_units,
    curves.rate_low,
    curves.plateau,
)
_SILENCED = {
    "nothing-learns": ("rate-low", "plateau", "guessing", "gradients-vanishing", "one-class"),
    "rate-high": ("plateau", "guessing", "gradients-exploding", "loss-spikes", "one-class"),
    "guessing": ("rate-low", "one-class"),
    "loss-negative": ("plateau", "rate-low"),
}
"""What a finding explains, so that the other need not be told beside it."""


def diagnose(
    project: Project,
    history: Sequence[Logs],
    monitored: Sequence[Monitored],
    *,
    losses: Any = (),
    steps_per_epoch: int = 1,
    rate: float | None = None,
    spikes: Sequence[int] = (),
    doubled: int = 0,
    validated: int = 0,
) -> tuple[Problem, ...]:
    """What is to be seen after these epochs, worst first; nothing for a healthy training.

    ``history`` has the logs of each epoch, ``losses`` those of the batches, ``spikes`` the steps at
    which ``Spikes`` found any. ``rate`` is the learning rate of the last step. ``doubled`` of the
    ``validated`` validation samples are also trained with.
    """
    course = Course(
        project,
        history,
        monitored,
        np.asarray(losses, np.float32),
        steps_per_epoch,
        rate,
        doubled,
        validated,
    )
    found = list(chain.from_iterable(rule(course) for rule in _RULES))
    found += _spiking(course, spikes)
    silenced = {kind for problem in found for kind in _SILENCED.get(problem.kind, ())}
    return worst_first(problem for problem in found if problem.kind not in silenced)


def _spiking(course: Course, spikes: Sequence[int]) -> list[Problem]:
    if not spikes:
        return []
    last = spikes[-1]
    times = "once" if len(spikes) == 1 else f"{len(spikes)} times"
    text = (
        f"The batches' loss shot up {times}, last at step {last % course.steps_per_epoch + 1} of epoch "
        f"{last // course.steps_per_epoch + 1}. Look at the samples of that batch; clip the gradients "
        "or lower the learning rate if it comes again."
    )
    fixes = (*clipped(course), *slower(course, 0.3))
    return [Problem(severity="info", kind="loss-spikes", text=text, fixes=fixes)]
