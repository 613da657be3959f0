"""What the looks into the layers tell: gradients that explode or vanish, dead units, nothing that learns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from kbuilder.document.fixes import Fix, Freeze, SetParams
from kbuilder.document.problems import Problem
from kbuilder.engine.symptoms.course import Course, clipped, slower
from kbuilder.link.run_events import LayerHealth, Monitored

SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
DEAD = 0.4
"""From this share of dead units on they are told."""
MOST_NAMED = 4


def exploding(course: Course) -> Iterator[Problem]:
    """Gradients many times those of the looks before, or larger than the weights themselves."""
    if not course.looks:
        return
    now = course.looks[-1]
    size = _whole(now)
    usual = sorted(_whole(look) for look in course.looks[:-1])
    middle = usual[len(usual) // 2] if usual else 0.0
    sudden = len(usual) >= 3 and size > 100 * middle > 0 and size > 10
    huge = not math.isfinite(size) or size > 1e4
    if not (sudden or huge):
        return
    names = _largest(course, now.layers)
    before = f", {size / middle:,.0f} times the usual {middle:.3g}" if sudden else ""
    yield Problem(
        severity="warning",
        kind="gradients-exploding",
        node=names[0][0],
        text=f"The gradients explode: their norm is {size:.3g} at epoch {now.epoch + 1}{before}. "
        f"Largest in {_listed(course, names)}. Clip them, or lower the learning rate.",
        fixes=(*clipped(course), *slower(course, 0.1)),
    )


def vanishing(course: Course) -> Iterator[Problem]:
    """Gradients that reach the layers near the inputs as next to nothing, look after look."""
    if len(course.looks) < 2:
        return
    starved = set.intersection(*(_starved(course, look) for look in course.looks[-2:]))
    if not starved:
        return
    order = [node.id for node in course.project.graph.order if node.id in starved]
    layers = course.looks[-1].layers
    names = [(node, layers[node].gradient or 0.0) for node in order]
    graph = course.project.graph
    curved = [
        node.id
        for node in graph.nodes
        if node.params.get("activation") in SATURATING and node not in graph.outputs
    ]
    steps = tuple(SetParams(node=node, values={"activation": "relu"}) for node in curved)
    yield Problem(
        severity="warning",
        kind="gradients-vanishing",
        node=order[0],
        text=f"The gradients vanish on their way to the inputs: {_listed(course, names)}, against "
        f"{_whole(course.looks[-1]):.3g} over all layers. These layers hardly learn. Use relu, "
        "normalize between the layers, or add shortcuts around them.",
        fixes=(Fix(text="Use relu instead", steps=steps),) if steps else (),
    )


def dead_units(course: Course) -> Iterator[Problem]:
    """Units that gave 0 for every probe sample in two looks."""
    if len(course.looks) < 2:
        return
    before, now = (look.layers for look in course.looks[-2:])
    for node, health in now.items():
        earlier = before[node].dead if node in before else None
        if health.dead is None or earlier is None or min(health.dead, earlier) < DEAD:
            continue
        found = course.project.graph.by_id.get(node)
        fixes: tuple[Fix, ...] = ()
        if found is not None and found.params.get("activation") in ("relu", "relu6"):
            step = SetParams(node=node, values={"activation": "leaky_relu"})
            fixes = (Fix(text=f"Use leaky_relu in {found.name}", steps=(step,)),)
        yield Problem(
            severity="warning",
            kind="units-dead",
            node=node,
            text=f"{health.dead:.0%} of “{course.name(node)}” is dead: these units give 0 for every "
            "probe sample and learn nothing any more. Lower the learning rate, or use an activation "
            "that lets a little through.",
            fixes=(*fixes, *slower(course, 0.3)),
        )


def still(course: Course) -> Iterator[Problem]:
    """No layer learns, or none has moved although there are gradients."""
    if not course.looks:
        return
    layers = course.looks[-1].layers
    weighted = {node: health for node, health in layers.items() if health.weight > 0}
    if weighted and all(health.gradient is None for health in weighted.values()):
        nodes = course.project.graph.nodes
        frozen = tuple(node.id for node in nodes if node.id in weighted and not node.trainable)
        yield Problem(
            severity="error",
            kind="nothing-learns",
            text="Nothing learns: no layer with weights has a gradient. All of them are frozen, or "
            "nothing leads from them to a loss.",
            fixes=(Fix(text="Let all layers learn", steps=(Freeze(nodes=frozen, frozen=False),)),)
            if frozen
            else (),
        )
        return
    moves = [health.update for health in weighted.values() if health.update is not None]
    if moves and max(moves) == 0 and _whole(course.looks[-1]) > 0:
        epoch = course.looks[-2].epoch + 1 if len(course.looks) > 1 else 1
        yield Problem(
            severity="error",
            kind="nothing-learns",
            text=f"Nothing learns: no weight has moved since epoch {epoch}, although the norm of the "
            f"gradients is {_whole(course.looks[-1]):.3g}. The learning rate is 0, or so small that it "
            "is rounded away.",
        )


def _whole(look: Monitored) -> float:
    """The norm over all layers."""
    return math.sqrt(sum((health.gradient or 0.0) ** 2 for health in look.layers.values()))


def _starved(course: Course, look: Monitored) -> set[str]:
    """Layers whose gradient is a hundred-thousandth of the largest, relative to their weights."""
    slopes = {
        node: health.gradient / max(health.weight, 1e-6)
        for node, health in look.layers.items()
        if health.gradient is not None and node in course.project.graph.by_id
    }
    largest = max(slopes.values(), default=0.0)
    if len(slopes) < 3 or largest < 1e-5:
        return set()
    dead = {node for node, health in look.layers.items() if (health.dead or 0.0) >= DEAD}
    return {node for node, slope in slopes.items() if slope < 1e-5 * largest} - dead


def _largest(course: Course, layers: Mapping[str, LayerHealth]) -> list[tuple[str, float]]:
    found = [(node, health.gradient or 0.0) for node, health in layers.items()]
    return [(node, size) for node, size in sorted(found, key=lambda each: -each[1])][:2]


def _listed(course: Course, names: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"“{course.name(node)}” {size:.3g}" for node, size in names[:MOST_NAMED])
