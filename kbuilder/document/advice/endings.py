"""One output of the model with its loss, its last activation and what its targets are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kbuilder.document.advice.evidence import Evidence
from kbuilder.document.facts import FieldFacts, Shape
from kbuilder.document.fixes import Fix, SetLoss, SetMetrics, SetParams, Step
from kbuilder.document.problems import Problem, Severity
from kbuilder.document.tracing import width_param
from kbuilder.document.values import KerasObject

SPARSE = {"SparseCategoricalCrossentropy"}
VECTOR = {"CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"}
BINARY = {"BinaryCrossentropy", "BinaryFocalCrossentropy"}
QUANTITY = {
    *("MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh", "Poisson"),
    *("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError"),
}
OTHER_SHAPE = {"CTC", "CategoricalGeneralizedCrossEntropy"}
"""Losses whose targets have a shape of their own."""


@dataclass(frozen=True)
class Target:
    """What the data holds for an output. ``shape`` is without the sample dimension."""

    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    named: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_number(self) -> bool:
        """Whether there is one value for each sample."""
        return self.shape in ((), (1,))

    @property
    def has_fractions(self) -> bool:
        """Whether some value certainly is no whole number."""
        limits = (self.minimum, self.maximum)
        return any(value is not None and value != int(value) for value in limits)


def target_of(fields: Sequence[FieldFacts]) -> Target | None:
    """The target that is stacked of these fields; None where that is not known."""
    if len(fields) == 1:
        field = fields[0]
        classes = field.classes if field.shape in ((), (1,)) else ()
        named = bool(classes) and field.dtype == "text"
        return Target(field.shape, classes, named, field.minimum, field.maximum)
    if not fields or any(len(field.shape) > 1 for field in fields):
        return None
    lows = [field.minimum for field in fields if field.minimum is not None]
    highs = [field.maximum for field in fields if field.maximum is not None]
    return Target(
        (sum(field.shape[0] if field.shape else 1 for field in fields),),
        minimum=min(lows, default=None),
        maximum=max(highs, default=None),
    )


@dataclass(frozen=True)
class Ending:
    """An output whose shape is known and that has a loss."""

    evidence: Evidence
    node: str
    loss: KerasObject
    metrics: tuple[KerasObject, ...]
    shape: Shape
    activation: str
    activated: str
    sized: str
    target: Target | None

    @property
    def name(self) -> str:
        """The name of the output."""
        return self.evidence.name(self.node)

    @property
    def width(self) -> int | None:
        """The last dimension of the output."""
        return self.shape[-1] if len(self.shape) > 1 else None

    @property
    def judges_classes(self) -> bool:
        """Whether the loss compares scores of classes that exclude each other."""
        return self.loss.class_name in SPARSE | VECTOR

    @property
    def takes_logits(self) -> bool | None:
        """What from_logits is, None for a loss without it."""
        spec = self.evidence.catalogue.find("losses", self.loss.class_name)
        if spec is None or spec.param("from_logits") is None:
            return None
        return bool(self.loss.params.get("from_logits", False))

    def problem(
        self,
        kind: str,
        text: str,
        fixes: Sequence[Fix | None],
        *,
        severity: Severity = "warning",
        node: str = "",
        parameter: str = "loss",
    ) -> Problem:
        """A problem of the output, or of ``node``, with the first three fixes that are there."""
        return Problem(
            severity=severity,
            kind=kind,
            node=node or self.node,
            parameter=parameter,
            text=text,
            fixes=tuple(fix for fix in fixes if fix is not None)[:3],
        )

    def loss_steps(self, class_name: str, **params: Any) -> tuple[Step, ...]:
        """Another loss, and metrics that go with it in the place of those that do not."""
        spec = self.evidence.catalogue.find("losses", class_name)
        kept = {
            name: value
            for name, value in self.loss.params.items()
            if spec and spec.param(name) and name not in ("name", "from_logits")
        }
        if spec and spec.param("from_logits") and self.takes_logits:
            kept["from_logits"] = True
        params = {name: value for name, value in {**kept, **params}.items() if value is not False}
        steps: list[Step] = [SetLoss(node=self.node, class_name=class_name, params=params)]
        fitting = fitting_metrics(class_name, self.metrics)
        if fitting != self.metrics:
            steps.append(metrics_step(self.node, fitting))
        return tuple(steps)

    def loss_fix(self, class_name: str, **params: Any) -> Fix:
        """A button for another loss."""
        return Fix(text=f"Use {class_name}", steps=self.loss_steps(class_name, **params))

    def width_steps(self, width: int) -> tuple[Step, ...]:
        """Another number of units in the layer that decides the width; nothing if none does."""
        if not self.sized:
            return ()
        name = width_param(self.evidence.graph.by_id[self.sized])
        return (SetParams(node=self.sized, values={name: width}),)

    def width_fix(self, width: int, *more: Step) -> Fix | None:
        """A button for another number of units."""
        steps = self.width_steps(width)
        if not steps:
            return None
        name = width_param(self.evidence.graph.by_id[self.sized])
        where = "" if self.sized == self.node else f" of {self.evidence.name(self.sized)}"
        return Fix(text=f"Set {name}{where} to {width}", steps=(*steps, *more))


_ACCURACIES = ("SparseCategoricalAccuracy", "CategoricalAccuracy", "BinaryAccuracy", "Accuracy")


def _twins(loss: str) -> dict[str, str]:
    """Metrics that judge other targets than a loss, and what is meant with it."""
    if loss in SPARSE:
        accuracy, before, after = "SparseCategoricalAccuracy", "", "Sparse"
    elif loss in VECTOR:
        accuracy, before, after = "CategoricalAccuracy", "Sparse", ""
    elif loss in BINARY:
        return dict.fromkeys(_ACCURACIES, "BinaryAccuracy")
    elif loss in QUANTITY:
        return dict.fromkeys(_ACCURACIES, "MeanAbsoluteError")
    else:
        return {}
    return {
        **dict.fromkeys(_ACCURACIES, accuracy),
        f"{before}CategoricalCrossentropy": f"{after}CategoricalCrossentropy",
        f"{before}TopKCategoricalAccuracy": f"{after}TopKCategoricalAccuracy",
    }


def fitting_metrics(loss: str, metrics: tuple[KerasObject, ...]) -> tuple[KerasObject, ...]:
    """The metrics with those that judge other targets than a loss replaced by their counterparts."""
    twins = _twins(loss)
    found: list[KerasObject] = []
    for metric in metrics:
        name = twins.get(metric.class_name, metric.class_name)
        if name == metric.class_name:
            found.append(metric)
        elif all(other.class_name != name for other in (*found, *metrics)):
            found.append(KerasObject(class_name=name))
    return tuple(found)


def metrics_step(node: str, metrics: tuple[KerasObject, ...]) -> SetMetrics:
    """The step that gives an output these metrics."""
    return SetMetrics(
        node=node, metrics=tuple((metric.class_name, metric.params) for metric in metrics)
    )


def endings(evidence: Evidence) -> Iterator[Ending]:
    """The outputs that have a loss and a known shape."""
    for node in evidence.graph.outputs:
        options = evidence.project.compile.outputs.get(node.id)
        shape = evidence.shape(node.id)
        if options is None or options.loss is None or not shape:
            continue
        activation, activated = evidence.last_activation(node.id)
        yield Ending(
            evidence=evidence,
            node=node.id,
            loss=options.loss,
            metrics=options.metrics,
            shape=shape,
            activation=activation,
            activated=activated,
            sized=evidence.wiring.width_source(node.id),
            target=target_of(evidence.fields.get(node.id, ())),
        )
