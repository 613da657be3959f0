"""The course of a training as the doctor reads it, and the remedies that several findings share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kbuilder.document.fixes import AddCallback, Fix, InsertBefore, SetOptimizer
from kbuilder.document.graph import Node
from kbuilder.document.options import OutputOptions
from kbuilder.document.project import Project
from kbuilder.link.run_events import Monitored

Logs = Mapping[str, float]


@dataclass(frozen=True)
class Course:
    """A training so far: ``history`` has the logs of each epoch, ``looks`` what was monitored.

    ``losses`` are those of the batches in order, ``rate`` the learning rate of the last step, None
    if unknown. ``doubled`` counts validation rows that are also trained with, of ``validated``.
    """

    project: Project
    history: Sequence[Logs]
    looks: Sequence[Monitored] = ()
    losses: Any = field(default_factory=lambda: np.zeros(0, np.float32))
    steps_per_epoch: int = 1
    rate: float | None = None
    doubled: int = 0
    validated: int = 0
    _known: dict[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def series(self, name: str) -> np.ndarray:
        """Values of a log by epoch; empty where an epoch lacks it or one is not finite."""
        if name not in self._known:
            values = [logs.get(name, np.nan) for logs in self.history]
            found = np.array(values, np.float64)
            self._known[name] = found if np.isfinite(found).all() else np.zeros(0)
        return self._known[name]

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return len(self.history)

    def name(self, node: str) -> str:
        """A node's name as the user knows it."""
        found = self.project.graph.by_id.get(node)
        return found.name if found else node

    def outputs(self) -> list[tuple[Node, OutputOptions, str]]:
        """Each judged output with its options and the name of its loss in the logs."""
        compiled = self.project.compile.outputs
        nodes = [node for node in self.project.graph.outputs if node.id in compiled]
        judged = [node for node in nodes if compiled[node.id].loss is not None]
        single = len(self.project.graph.outputs) == 1
        return [
            (node, compiled[node.id], "loss" if single else f"{node.name}_loss") for node in judged
        ]

    def scores(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Series of accuracies, of validation with ``prefix="val_"``."""
        names = self.history[-1] if self.history else ()
        wanted = [
            name for name in names if "accuracy" in name and name.startswith("val_") == bool(prefix)
        ]
        return {name: found for name in wanted if len(found := self.series(name))}


def slower(course: Course, factor: float) -> tuple[Fix, ...]:
    """Set another learning rate: the one in use times ``factor``."""
    chosen = course.project.compile.optimizer.params.get("learning_rate")
    rate = course.rate or (chosen if isinstance(chosen, float) else None)
    if rate is None:
        return ()
    text = f"{rate * factor:.2g}"
    step = SetOptimizer(values={"learning_rate": float(text)})
    return (Fix(text=f"Set the learning rate to {text}", steps=(step,)),)


def clipped(course: Course) -> tuple[Fix, ...]:
    """Clip the gradients, where that is not done yet."""
    params = course.project.compile.optimizer.params
    if any(params.get(name) for name in ("clipnorm", "clipvalue", "global_clipnorm")):
        return ()
    step = SetOptimizer(values={"global_clipnorm": 1.0})
    return (Fix(text="Clip gradients to a norm of 1", steps=(step,)),)


def called(course: Course, class_name: str, text: str, **params: Any) -> tuple[Fix, ...]:
    """Add a callback, where there is none of its class."""
    if any(each.class_name == class_name for each in course.project.fit.callbacks):
        return ()
    return (Fix(text=text, steps=(AddCallback(class_name=class_name, params=params),)),)


def dropped(course: Course) -> tuple[Fix, ...]:
    """Insert Dropout in front of the first output, where there is none."""
    graph = course.project.graph
    for node in graph.outputs:
        sources = [graph.by_id[edge.source] for edge in graph.incoming[node.id]]
        if len(sources) == 1 and sources[0].class_name != "Dropout":
            step = InsertBefore(node=node.id, class_name="Dropout", params={"rate": 0.3})
            return (Fix(text=f"Insert Dropout before {node.name}", steps=(step,)),)
    return ()
