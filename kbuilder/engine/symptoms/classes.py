"""What the chosen classes tell: one class for everything, and losses that do not fit the outputs."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.fixes import Fix, SetFit, SetLoss
from kbuilder.document.graph import Node
from kbuilder.document.problems import Problem
from kbuilder.engine.arrays import to_numpy
from kbuilder.engine.symptoms.course import Course


def one_class(course: Course) -> Iterator[Problem]:
    """Nearly all samples are taken for one class, although there are others."""
    if len(course.looks) < 3 or course.epochs < 3:
        return
    for node, found in course.looks[-1].confusion.items():
        counts = to_numpy(found.counts)
        total = int(counts.sum())
        if total < 20:
            continue
        taken, truth = counts.sum(0), counts.sum(1)
        most = int(taken.argmax())
        others = total - int(truth[most])
        if taken[most] < 0.98 * total or others < max(0.05 * total, 3):
            continue
        weights = course.project.fit.class_weights
        step = SetFit(values={"class_weights": {**weights, node: "balanced"}})
        yield Problem(
            severity="warning",
            kind="one-class",
            node=node,
            text=f"“{course.name(node)}” takes {taken[most] / total:.0%} of the probe samples for class "
            f"“{found.classes[most]}”, and only {truth[most] / total:.0%} are of it. The other classes "
            "are not learned. Weigh the classes by how rare they are, or look at the learning rate.",
            fixes=() if node in weights else (Fix(text="Balance the classes", steps=(step,)),),
        )


def wrong_loss(course: Course) -> Iterator[Problem]:
    """A loss that reads the outputs as something else than what they are, with what came of it."""
    if not course.epochs:
        return
    for node, options, name in course.outputs():
        loss = options.loss
        values = course.series(name)
        if loss is None or not len(values):
            continue
        activation, logits = _activation(node), bool(loss.params.get("from_logits"))
        so_far = f"After {course.epochs} epochs the loss is {values[-1]:.4g}."
        if activation == "softmax" and loss.class_name == "BinaryCrossentropy":
            kind, wanted, params = "softmax-binary", "CategoricalCrossentropy", {}
            text = "judges each class alone, and softmax makes them exclude each other"
        elif "Crossentropy" not in loss.class_name:
            continue
        elif activation in ("softmax", "sigmoid") and logits:
            kind, wanted, params = "logits-doubled", loss.class_name, {"from_logits": False}
            text = f"is told to expect logits, and gets the probabilities of {activation}"
        elif activation in ("linear", "relu") and not logits:
            kind, wanted, params = "logits-missing", loss.class_name, {"from_logits": True}
            text = "expects probabilities, and gets values of any size"
        else:
            continue
        step = SetLoss(node=node.id, class_name=wanted, params={**_kept(loss.params), **params})
        told = f"Set from_logits to {params['from_logits']}" if params else f"Use {wanted}"
        yield Problem(
            severity="warning",
            kind=kind,
            node=node.id,
            parameter="loss",
            text=f"The loss {loss.class_name} of “{node.name}” {text}. {so_far} Choose the loss anew.",
            fixes=(Fix(text=told, steps=(step,)),),
        )


def _activation(node: Node) -> str:
    if node.class_name in ("Softmax", "ReLU"):
        return node.class_name.lower()
    if node.class_name not in ("Dense", "Activation", "EinsumDense", "Conv1D", "Conv2D", "Conv3D"):
        return ""
    found = node.params.get("activation", "linear")
    return found if isinstance(found, str) else "linear" if found is None else ""


def _kept(params: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in params.items() if name != "from_logits"}
