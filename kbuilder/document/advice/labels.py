"""The loss and the shape of an output against the labels in the data."""

from __future__ import annotations

from collections.abc import Iterator

from kbuilder.document.advice.endings import (
    BINARY,
    OTHER_SHAPE,
    QUANTITY,
    SPARSE,
    VECTOR,
    Ending,
    Target,
)
from kbuilder.document.advice.evidence import can_change_activation, set_activation
from kbuilder.document.fixes import AddAfter, Fix, InsertBefore, SetParams, Step
from kbuilder.document.problems import Problem, Severity
from kbuilder.document.structure.parameters import shown
from kbuilder.document.tracing import count, known_size, width_param, words


def label_problems(ending: Ending) -> Iterator[Problem]:
    """Everything in which one output and its labels do not go together."""
    places = _places(ending)
    if places is not None:
        yield places
        return
    target = ending.target
    if target is None or ending.loss.class_name in OTHER_SHAPE:
        return
    for rule in (_fractions, _other_coding, _names, _units, _shape):
        found = rule(ending, target)
        if found is not None:
            yield found
            return


def _places(ending: Ending) -> Problem | None:
    """Scores for each place or step of a sample where the labels are one for each sample."""
    rank = len(ending.shape)
    graph = ending.evidence.graph
    dense = bool(ending.sized) and graph.by_id[ending.sized].class_name == "Dense"
    if ending.target is None:
        if not ending.judges_classes or rank < 4 or not dense:
            return None
        severity: Severity = "warning"
    else:
        per_sample = ending.target.is_number or (
            len(ending.target.shape) == 1 and ending.target.shape[0] == ending.width
        )
        if rank < 3 or not per_sample or ending.loss.class_name in OTHER_SHAPE:
            return None
        severity = "error"
    sequence = _recurrent_above(ending) if rank == 3 else ""
    what = "time step" if sequence else "place"
    text = (
        f"“{ending.name}” gives {words(ending.shape)}, scores for every {what}, but there is one label for "
        "each sample. "
    )
    if not sequence:
        return ending.problem(
            "classifier-not-flat",
            text + "Flatten or pool in front of the last layer.",
            _flattening(ending, dense=dense),
            severity=severity,
        )
    name = ending.evidence.name(sequence)
    values = ending.evidence.wiring.recurrent_values(sequence, return_sequences=False)
    off = Fix(
        text=f"Turn off return_sequences in {name}",
        steps=(SetParams(node=sequence, values=values),),
    )
    return ending.problem(
        "sequences-left",
        text + f"Turn off return_sequences in “{name}”, or pool over the steps.",
        [off, *_flattening(ending, dense=dense)],
        severity=severity,
    )


def _recurrent_above(ending: Ending) -> str:
    """The recurrent layer that gives the steps which an output still has; empty if it is none."""
    wiring = ending.evidence.wiring
    node = ending.sized or ending.node
    if not wiring.is_recurrent(node):
        node = wiring.origin(wiring.source(node))
    return node if node and wiring.is_recurrent(node) else ""


def _flattening(ending: Ending, *, dense: bool) -> list[Fix | None]:
    rank = len(ending.shape)
    if rank > 5:
        return []
    pooling = f"GlobalAveragePooling{rank - 2}D"
    if not dense:
        steps: tuple[Step, ...] = (AddAfter(node=ending.node, class_name=pooling),)
        return [Fix(text=f"Add {pooling}", steps=steps)]
    source = ending.evidence.wiring.source(ending.sized)
    fixes: list[Fix | None] = []
    if known_size(ending.evidence.shape(source) or (None, None)) is not None:
        flat = InsertBefore(node=ending.sized, class_name="Flatten")
        fixes.append(Fix(text="Insert Flatten", steps=(flat,)))
    pool = InsertBefore(node=ending.sized, class_name=pooling)
    return [*fixes, Fix(text=f"Insert {pooling}", steps=(pool,))]


def _fractions(ending: Ending, target: Target) -> Problem | None:
    if ending.loss.class_name not in SPARSE or not target.has_fractions or not target.is_number:
        return None
    return ending.problem(
        "labels-fractions",
        f"{ending.loss.class_name} needs whole numbers as classes, but the targets of “{ending.name}” are "
        f"quantities from {target.minimum:g} to {target.maximum:g}. Choose a loss such as "
        "MeanSquaredError.",
        [_as_quantity(ending)],
        severity="error",
    )


def _as_quantity(ending: Ending) -> Fix | None:
    """One linear unit under a loss for quantities."""
    if ending.width != 1 and not ending.sized:
        return None
    steps = [*ending.loss_steps("MeanSquaredError"), *ending.width_steps(1)]
    if ending.activation != "linear" and can_change_activation(ending.evidence, ending.activated):
        steps.append(set_activation(ending.evidence, ending.activated, "linear"))
    return Fix(text="Predict one quantity with MeanSquaredError", steps=tuple(steps))


def _other_coding(ending: Ending, target: Target) -> Problem | None:
    """Class numbers where vectors are taken, and the other way round."""
    width = ending.width or 0
    if ending.loss.class_name in VECTOR and target.is_number and width > 1:
        return ending.problem(
            "labels-class-numbers",
            f"{ending.loss.class_name} compares vectors, but the labels of “{ending.name}” are class "
            "numbers. Use SparseCategoricalCrossentropy.",
            [ending.loss_fix("SparseCategoricalCrossentropy")],
            severity="error",
        )
    if ending.loss.class_name in SPARSE and len(ending.shape) == 2 and len(target.shape) == 1:
        if target.is_number:
            return None
        return ending.problem(
            "labels-vectors",
            f"{ending.loss.class_name} takes one class number for each sample, but the labels of "
            f"“{ending.name}” are vectors of {target.shape[0]} values. Use CategoricalCrossentropy.",
            [
                Fix(
                    text="Use CategoricalCrossentropy",
                    steps=(
                        *ending.loss_steps("CategoricalCrossentropy"),
                        *(ending.width_steps(target.shape[0]) if width != target.shape[0] else ()),
                    ),
                )
            ],
            severity="error",
        )
    return None


def _names(ending: Ending, target: Target) -> Problem | None:
    classes = len(target.classes)
    if ending.loss.class_name not in QUANTITY or not target.named or classes < 2:
        return None
    return ending.problem(
        "labels-classes",
        f"{ending.loss.class_name} takes the labels of “{ending.name}” as quantities, but they are "
        f"{classes} class names such as “{target.classes[0]}”. Predict a probability for each class.",
        [_as_classes(ending, classes)],
    )


def _as_classes(ending: Ending, classes: int) -> Fix | None:
    """A softmax over all classes under a loss for class numbers."""
    if not ending.sized or not can_change_activation(ending.evidence, ending.activated):
        return None
    steps = (
        *ending.loss_steps("SparseCategoricalCrossentropy", from_logits=False),
        *ending.width_steps(classes),
        set_activation(ending.evidence, ending.activated, "softmax"),
    )
    return Fix(text=f"Predict {classes} classes with softmax", steps=steps)


def _units(ending: Ending, target: Target) -> Problem | None:
    classes, width = len(target.classes), ending.width
    if classes < 2 or width is None or len(ending.shape) != 2:
        return None
    node, parameter = _place_of_units(ending)
    if ending.loss.class_name in BINARY and width == 1 and classes > 2:
        return ending.problem(
            "units-classes",
            f"“{ending.name}” tells two classes apart, but the data has {classes}. Use a softmax with one "
            "unit for each class.",
            [_as_classes(ending, classes)],
            node=node,
            parameter=parameter,
        )
    if ending.loss.class_name not in SPARSE or width in (classes, 1):
        return None
    few = width < classes
    return ending.problem(
        "units-classes",
        f"“{ending.name}” has {count(width, 'unit')}, but the data has {classes} classes. "
        + ("Give it one for each." if few else "The others are never right; give it one for each."),
        [ending.width_fix(classes)],
        severity="error" if few else "warning",
        node=node,
        parameter=parameter,
    )


def _place_of_units(ending: Ending) -> tuple[str, str]:
    """The node and parameter that set the number of units, as far as they are known."""
    if not ending.sized:
        return ending.node, ""
    return ending.sized, width_param(ending.evidence.graph.by_id[ending.sized])


def _shape(ending: Ending, target: Target) -> Problem | None:
    if ending.loss.class_name in SPARSE:
        return None
    given, found = ending.shape[1:], target.shape
    if _fits(given, found) or (given == (1,) and found == ()):
        return None
    width = found[0] if found else 1
    fix = ending.width_fix(width) if len(found) < 2 and len(given) == 1 else None
    return ending.problem(
        "target-shape",
        f"{ending.loss.class_name} compares value with value, but “{ending.name}” gives "
        f"{shown(list(given))} for each sample and its target has {shown(list(found))}. Change the last "
        "layer, or choose another target under Data.",
        [fix],
        severity="error",
    )


def _fits(given: tuple[int | None, ...], found: tuple[int, ...]) -> bool:
    return len(given) == len(found) and all(
        size is None or size == other for size, other in zip(given, found, strict=True)
    )
